//! A man in the middle of chatbench and a real chatd. Towards the server everything passes as it is; from the
//! server each WebSocket message is looked at, and one that carries a chat message may meet a fault. The server so
//! believes that it kept its promise, and history holds it: what breaks is what the sockets see.
//!
//! Frames are cut by hand: what passes unharmed passes byte for byte, REST calls and handshakes too.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

/// WebSocket messages on their way to one socket.
const OUTBOX: usize = 65_536;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Fault {
    None,
    Drop,
    Duplicate,
    /// After the next one of the same conversation.
    Swap,
    /// One bit of the content.
    Flip,
    /// Given to somebody of another pair instead.
    Misdeliver,
    /// Late by this long, and so is what comes after it on the same socket.
    Delay(Duration),
    /// Nothing reaches anybody for this long.
    Stall(Duration),
}

/// With which of the chat messages, counted over all sockets from 0: number `at`, then every `every`-th.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hits {
    pub(crate) at: u64,
    pub(crate) every: u64,
}

impl Hits {
    /// Only this one.
    pub(crate) fn once(at: u64) -> Self {
        Self { at, every: u64::MAX }
    }

    fn hit(self, number: u64) -> bool {
        number.checked_sub(self.at).is_some_and(|past| past.is_multiple_of(self.every))
    }
}

/// A running proxy; it ends with the value.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    middle: Arc<Mutex<Middle>>,
    _runtime: Runtime,
}

impl Proxy {
    /// In front of the gateway `server`.
    pub(crate) fn start(server: SocketAddr, fault: Fault, hits: Hits) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let middle = Middle { fault, hits, seen: 0, planted: 0, stalled_until: None, sockets: Vec::new() };
        let middle = Arc::new(Mutex::new(middle));
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let state = middle.clone();
        runtime.spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass(client, server, state.clone()));
            }
        });
        Self { address, middle, _runtime: runtime }
    }

    /// How many faults were planted.
    pub(crate) fn planted(&self) -> u64 {
        self.middle.lock().unwrap().planted
    }

    /// How many chat messages the server has sent.
    pub(crate) fn seen(&self) -> u64 {
        self.middle.lock().unwrap().seen
    }
}

/// What all sockets share.
struct Middle {
    fault: Fault,
    hits: Hits,
    seen: u64,
    planted: u64,
    stalled_until: Option<Instant>,
    /// Who received something, with the way to his socket.
    sockets: Vec<(u32, mpsc::Sender<Late>)>,
}

/// When it is written, and what.
type Late = (Instant, Vec<u8>);

/// One connection, both ways, to its end.
async fn pass(client: TcpStream, server: SocketAddr, middle: Arc<Mutex<Middle>>) {
    let Ok(server) = TcpStream::connect(server).await else { return };
    let _unbuffered = (client.set_nodelay(true), server.set_nodelay(true));
    let ((mut from_client, mut to_client), (from_server, mut to_server)) =
        (client.into_split(), server.into_split());
    tokio::spawn(async move {
        let _either_is_gone = tokio::io::copy(&mut from_client, &mut to_server).await;
        let _gone_already = to_server.shutdown().await;
    });
    let _either_is_gone = answer(from_server, &mut to_client, middle).await;
}

/// The server's half: as it is, unless it is a WebSocket.
async fn answer(
    mut server: OwnedReadHalf,
    client: &mut OwnedWriteHalf,
    middle: Arc<Mutex<Middle>>,
) -> std::io::Result<()> {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        if server.read_buf(&mut bytes).await? == 0 {
            return client.write_all(&bytes).await;
        }
    };
    if !bytes.starts_with(b"HTTP/1.1 101") {
        client.write_all(&bytes).await?;
        tokio::io::copy(&mut server, client).await?;
        return client.shutdown().await;
    }
    client.write_all(&bytes[..head]).await?;
    let (outbox, inbox) = mpsc::channel(OUTBOX);
    let reader = tokio::spawn(look(server, bytes.split_off(head), outbox, middle.clone()));
    let written = deliver(inbox, client, &middle).await;
    reader.abort();
    written
}

/// Cuts what the server says into WebSocket frames, and lets each meet its fate.
async fn look(
    mut server: OwnedReadHalf,
    mut bytes: Vec<u8>,
    outbox: mpsc::Sender<Late>,
    middle: Arc<Mutex<Middle>>,
) {
    let mut held = None;
    loop {
        while let Some(length) = frame(&bytes) {
            let rest = bytes.split_off(length);
            let frame = std::mem::replace(&mut bytes, rest);
            let fates = middle.lock().unwrap().fate(frame, &outbox, &mut held);
            for fate in fates {
                if outbox.send(fate).await.is_err() {
                    return;
                }
            }
        }
        if !matches!(server.read_buf(&mut bytes).await, Ok(1..)) {
            return;
        }
    }
}

/// Writes in order, each not before its time, and nothing while all is stalled.
async fn deliver(
    mut inbox: mpsc::Receiver<Late>,
    client: &mut OwnedWriteHalf,
    middle: &Mutex<Middle>,
) -> std::io::Result<()> {
    while let Some((due, frame)) = inbox.recv().await {
        let stalled = middle.lock().unwrap().stalled_until;
        sleep_until(stalled.map_or(due, |until| until.max(due))).await;
        client.write_all(&frame).await?;
    }
    client.shutdown().await
}

impl Middle {
    /// What is written to this socket instead of a frame of the server; `held` is kept back for it.
    fn fate(
        &mut self,
        mut frame: Vec<u8>,
        own: &mpsc::Sender<Late>,
        held: &mut Option<Vec<u8>>,
    ) -> Vec<Late> {
        let now = Instant::now();
        let Some((content, sender)) = chat(&frame) else {
            return vec![(now, frame)];
        };
        let user = sender ^ 1;
        if !self.sockets.iter().any(|(known, _)| *known == user) {
            self.sockets.push((user, own.clone()));
        }
        let number = self.seen;
        self.seen += 1;
        if !self.hits.hit(number) {
            return std::iter::once(frame).chain(held.take()).map(|frame| (now, frame)).collect();
        }
        self.planted += 1;
        match self.fault {
            Fault::None => vec![(now, frame)],
            Fault::Drop => Vec::new(),
            Fault::Duplicate => vec![(now, frame.clone()), (now, frame)],
            Fault::Swap => {
                *held = Some(frame);
                Vec::new()
            }
            Fault::Flip => {
                frame[content + FILLER] ^= 1;
                vec![(now, frame)]
            }
            Fault::Misdeliver => {
                let other = self.sockets.iter().find(|(known, _)| known / 2 != user / 2);
                // Long before, somebody of another pair has received something.
                let (_, other) = other.unwrap();
                other.try_send((now, frame)).unwrap();
                Vec::new()
            }
            Fault::Delay(by) => vec![(now + by, frame)],
            Fault::Stall(by) => {
                self.stalled_until = Some(now + by);
                vec![(now, frame)]
            }
        }
    }
}

/// Where the filler of a content begins, which is lower-case letters: a flipped bit leaves it text.
const FILLER: usize = 44;

/// Bytes of the first frame, when it is all there. A server masks nothing.
fn frame(bytes: &[u8]) -> Option<usize> {
    let (head, length) = match *bytes.get(1)? {
        126 => (4, u16::from_be_bytes(bytes.get(2..4)?.try_into().unwrap()).into()),
        127 => (10, usize::try_from(u64::from_be_bytes(bytes.get(2..10)?.try_into().unwrap())).unwrap()),
        short => (2, usize::from(short)),
    };
    (bytes.len() >= head + length).then_some(head + length)
}

/// Where the content of a chat message begins, and the number of its sender.
fn chat(frame: &[u8]) -> Option<(usize, u32)> {
    let text = |window: &[u8]| window == b"\"cb1 ";
    let content =
        frame.windows(5).position(text).filter(|_| frame.windows(8).any(|w| w == b"MESSAGE\n"))? + 1;
    let sender = std::str::from_utf8(frame.get(content + 13..content + 21)?).ok()?;
    Some((content, u32::from_str_radix(sender, 16).ok()?))
}
