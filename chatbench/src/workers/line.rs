//! The connection to a worker: a thread that reads its words, a thread that writes orders.

use load::control::greeting::{Secret, Unwelcome};
use load::control::{self, Order, Word, greeting};
use schema::exit::{Exit, Failure};
use std::io::{BufReader, BufWriter, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};

/// Orders that wait to be written: more than a run has.
const ORDERS: usize = 64;
/// Time for a connection to be made, whatever addresses a name has, and again for the worker to know who calls: it may wait
/// for a coordinator that is leaving.
const CALL: Duration = Duration::from_secs(5);
/// An attempt without any time is refused by the standard library.
const LEAST: Duration = Duration::from_millis(1);

/// What comes from a worker.
#[derive(Debug)]
pub(super) enum Heard {
    Word(Box<Word>),
    /// Nothing more, and why.
    End(String),
}

/// Where a worker listens.
#[derive(Clone, Debug)]
pub(crate) struct Address {
    /// As it was named.
    pub(super) name: String,
    /// What that is: one or more, to be tried in turn.
    pub(super) found: Vec<SocketAddr>,
}

impl Address {
    /// Each address may take its share of the time that is left, so that one that says nothing keeps none from being tried.
    fn connect(&self) -> std::io::Result<TcpStream> {
        let until = Instant::now() + CALL;
        let mut last = std::io::ErrorKind::NotFound.into();
        for (n, address) in self.found.iter().enumerate() {
            let more = u32::try_from(self.found.len() - n).unwrap_or(u32::MAX);
            let share = until.saturating_duration_since(Instant::now()) / more;
            match TcpStream::connect_timeout(address, share.max(LEAST)) {
                Ok(stream) => return Ok(stream),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Connects, and proves to each other who is there; blocks.
    fn call(&self, secret: Option<&Secret>) -> Result<TcpStream, Failure> {
        let stream = self.connect().map_err(|error| self.unreachable(&error))?;
        greeting::call(&stream, secret, CALL).map_err(|why| unwelcome(&self.name, &why))?;
        Ok(stream)
    }

    fn unreachable(&self, error: &std::io::Error) -> Failure {
        let hint = "start `chatbench worker --listen ADDR` there";
        Failure::new(Exit::Unreachable, format!("worker {}: {error}", self.name), hint)
    }
}

/// Why a worker that was reached can't be had.
fn unwelcome(name: &str, why: &Unwelcome) -> Failure {
    let (exit, hint) = match why {
        Unwelcome::Lost(error) if error.kind() == std::io::ErrorKind::TimedOut => (
            Exit::Unreachable,
            "is that the port of `chatbench worker --listen`, of this same version, or is it overrun by strangers?",
        ),
        Unwelcome::Lost(_) => {
            (Exit::Unreachable, "is that the port of `chatbench worker --listen`, of this same version?")
        }
        Unwelcome::Busy(_) => (Exit::Unreachable, "wait for the end of that run, or name other workers"),
        Unwelcome::Version(_) => (Exit::Failed, "use the same chatbench on all machines"),
        Unwelcome::Asked | Unwelcome::Unproven | Unwelcome::Wrong => {
            (Exit::Refused, "give the same --secret FILE to the worker and to this command")
        }
    };
    Failure::new(exit, format!("worker {name}: {why}"), hint)
}

/// How a worker is told things; it hangs up when it is dropped.
#[derive(Debug)]
pub(super) struct Line(SyncSender<Order>);

impl Line {
    /// Connects to a worker that listens, and proves to each other who is there. Whoever does not wait for it any more leaves
    /// a thread to its time limits.
    pub(super) async fn call(
        place: usize,
        address: &Address,
        secret: Option<&Secret>,
        heard: mpsc::Sender<(usize, Heard)>,
    ) -> Result<Self, Failure> {
        let (told, called) = oneshot::channel();
        let (there, secret) = (address.clone(), secret.cloned());
        thread(format!("call-{place}"), move || {
            let _nobody_waits = told.send(there.call(secret.as_ref()));
        })?;
        let gone = |_| Err(address.unreachable(&std::io::ErrorKind::BrokenPipe.into()));
        let stream = called.await.unwrap_or_else(gone)?;
        let unreachable = |error: std::io::Error| address.unreachable(&error);
        let (from, to) = (stream.try_clone().map_err(unreachable)?, stream.try_clone().map_err(unreachable)?);
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
