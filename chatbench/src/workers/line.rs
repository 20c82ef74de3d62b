//! The connection to a worker: a thread that reads its words, a thread that writes orders.

use load::control::{self, Order, Word};
use schema::exit::{Exit, Failure};
use std::io::{BufReader, BufWriter, Read, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;
use tokio::sync::mpsc;

/// Orders that wait to be written: more than a run has.
const ORDERS: usize = 64;
/// Time for a connection to be made.
const CALL: Duration = Duration::from_secs(5);

/// What comes from a worker.
#[derive(Debug)]
pub(super) enum Heard {
    Word(Box<Word>),
    /// Nothing more, and why.
    End(String),
}

/// How a worker is told things; it hangs up when it is dropped.
#[derive(Debug)]
pub(super) struct Line(SyncSender<Order>);

impl Line {
    /// Connects to a worker that listens.
    pub(super) fn call(
        place: usize,
        address: &str,
        heard: mpsc::Sender<(usize, Heard)>,
    ) -> Result<Self, Failure> {
        let hint = "start `chatbench worker --listen ADDR` there";
        let failed = |error: std::io::Error| {
            Failure::new(Exit::Unreachable, format!("worker {address}: {error}"), hint)
        };
        let mut found = address.to_socket_addrs().map_err(failed)?;
        let found = found.next().ok_or_else(|| failed(std::io::ErrorKind::NotFound.into()))?;
        let stream = TcpStream::connect_timeout(&found, CALL).map_err(failed)?;
        stream.set_nodelay(true).map_err(failed)?;
        let (from, to) = (stream.try_clone().map_err(failed)?, stream.try_clone().map_err(failed)?);
        let hang_up = move || {
            let _gone_already = stream.shutdown(Shutdown::Both);
        };
        Self::new(place, from, to, heard, hang_up)
    }

    /// Over any two streams; `hang_up` is called when there is nothing more to say.
    pub(super) fn new(
        place: usize,
        from: impl Read + Send + 'static,
        to: impl Write + Send + 'static,
        heard: mpsc::Sender<(usize, Heard)>,
        hang_up: impl FnOnce() + Send + 'static,
    ) -> Result<Self, Failure> {
        let (orders, given) = sync_channel(ORDERS);
        thread(format!("hear-{place}"), move || hear(place, BufReader::new(from), &heard))?;
        thread(format!("tell-{place}"), move || {
            write(&given, BufWriter::new(to));
            hang_up();
        })?;
        Ok(Self(orders))
    }

    pub(super) fn tell(&self, order: Order) {
        let _gone = self.0.try_send(order);
    }
}

fn thread(name: String, work: impl FnOnce() + Send + 'static) -> Result<(), Failure> {
    let made = std::thread::Builder::new().name(name).spawn(work);
    made.map(drop).map_err(|error| {
        Failure::new(Exit::Failed, format!("thread: {error}"), "this machine allows no more threads")
    })
}

fn hear(place: usize, mut from: impl Read, heard: &mpsc::Sender<(usize, Heard)>) {
    loop {
        let (word, last) = match control::read::<Word>(&mut from) {
            Ok(Some(word)) => (Heard::Word(Box::new(word)), false),
            Ok(None) => (Heard::End("it hung up".into()), true),
            Err(error) => (Heard::End(error.to_string()), true),
        };
        if heard.blocking_send((place, word)).is_err() || last {
            return;
        }
    }
}

fn write(orders: &Receiver<Order>, mut to: impl Write) {
    while let Ok(order) = orders.recv() {
        // What it is that ended the worker is heard from it.
        if control::write(&mut to, &order).is_err() {
            return;
        }
    }
}
