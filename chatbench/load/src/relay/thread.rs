//! One thread's loop.

use super::connection::{Connection, Stage};
use super::request::{Door, HEAD_BYTES, REFUSAL, Request};
use super::{NOTICE, frames, stomp};
use crate::driver::relay::GREETING;
use crate::websocket::{BINARY, CLOSE, PING, PONG, TEXT};
use mio::event::Event;
use mio::net::TcpListener;
use mio::{Events, Interest, Poll, Token, Waker};
use slab::Slab;
use std::collections::HashMap;
use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// Bytes that one read may take.
const READ_BYTES: usize = 64 << 10;
/// Events taken at once.
const EVENTS: usize = 1024;
/// Connections on their way from the thread that accepted them to that of their pair; who finds no room is closed.
const MOVING: usize = 65_536;
/// Tokens of connections begin behind the waker's and the listeners'.
const WAKER: Token = Token(0);
const LISTENERS: usize = 256;
const FIRST: usize = 1 + LISTENERS;

/// Where other threads put the connections that are this one's.
#[derive(Debug)]
pub(super) struct Desk {
    moving: SyncSender<Connection>,
    waker: Waker,
}

/// The two of a pair, as far as they are here.
#[derive(Debug, Default)]
struct Pair {
    here: [Option<usize>; 2],
    /// Messages of the two.
    sequence: u64,
}

pub(super) struct Thread {
    number: usize,
    poll: Poll,
    listeners: Vec<TcpListener>,
    /// A listener had more than could be taken.
    again: bool,
    moved: Receiver<Connection>,
    connections: Slab<Connection>,
    pairs: HashMap<u32, Pair>,
    buffer: Vec<u8>,
    /// What one read makes for the sender and for his peer.
    own: Vec<u8>,
    peer: Vec<u8>,
}

impl Thread {
    /// So many threads, and the desk of each.
    pub(super) fn all(threads: usize) -> io::Result<(Vec<Desk>, Vec<Thread>)> {
        let each = (0..threads).map(|number| {
            let poll = Poll::new()?;
            let (moving, moved) = sync_channel(MOVING);
            let desk = Desk { moving, waker: Waker::new(poll.registry(), WAKER)? };
            let thread = Thread {
                number,
                poll,
                listeners: Vec::new(),
                again: false,
                moved,
                connections: Slab::new(),
                pairs: HashMap::new(),
                buffer: vec![0; READ_BYTES],
                own: Vec::new(),
                peer: Vec::new(),
            };
            Ok((desk, thread))
        });
        Ok(each.collect::<io::Result<Vec<_>>>()?.into_iter().unzip())
    }

    pub(super) fn listen(&mut self, mut listener: TcpListener) -> io::Result<()> {
        if self.listeners.len() == LISTENERS {
            return Err(io::Error::other("the null server takes 256 listeners a thread"));
        }
        self.poll.registry().register(&mut listener, Token(1 + self.listeners.len()), Interest::READABLE)?;
        self.listeners.push(listener);
        Ok(())
    }

    /// Serves until it is to halt.
    pub(super) fn run(&mut self, desks: &[Desk], halt: &impl Fn() -> bool) -> io::Result<()> {
        let mut events = Events::with_capacity(EVENTS);
        while !halt() {
            match self.poll.poll(&mut events, Some(NOTICE)) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
            if self.again {
                (0..self.listeners.len()).for_each(|number| self.accept(number));
            }
            for event in &events {
                match event.token() {
                    WAKER => self.settle(),
                    Token(token @ 1..FIRST) => self.accept(token - 1),
                    Token(token) => self.serve(token - FIRST, event, desks),
                }
            }
        }
        Ok(())
    }

    /// Takes whoever waits; without a file for him he waits on.
    fn accept(&mut self, listener: usize) {
        loop {
            match self.listeners[listener].accept() {
                Ok((stream, _)) => {
                    let _slower_without = stream.set_nodelay(true);
                    self.register(Connection::new(stream));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return self.again = false,
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(_) => return self.again = true,
            }
        }
    }

    fn register(&mut self, mut connection: Connection) -> Option<usize> {
        let entry = self.connections.vacant_entry();
        let key = entry.key();
        let interest = Interest::READABLE | Interest::WRITABLE;
        self.poll.registry().register(&mut connection.stream, Token(FIRST + key), interest).ok()?;
        entry.insert(connection);
        Some(key)
    }

    /// Takes over the connections on the desk.
    fn settle(&mut self) {
        while let Ok(connection) = self.moved.try_recv() {
            if let Some(key) = self.register(connection) {
                self.enter(key);
            }
        }
    }

    /// A user is known and at home: he is told.
    fn enter(&mut self, key: usize) {
        let (stage, Some(user)) = (self.connections[key].stage, self.connections[key].user()) else { return };
        self.pairs.entry(user / 2).or_default().here[(user & 1) as usize] = Some(key);
        let mut hello = Vec::new();
        match stage {
            Stage::Relay(_) => frames::write(TEXT, GREETING, &mut hello),
            _ => stomp::connected(&mut hello),
        }
        self.write(key, &hello);
    }

    /// Brings a connection whose user is now known to the thread of his pair.
    fn place(&mut self, key: usize, user: u32, desks: &[Desk]) {
        let home = (user / 2) as usize % desks.len();
        if home == self.number {
            return self.enter(key);
        }
        let mut connection = self.connections.remove(key);
        let _gone_with_the_socket = self.poll.registry().deregister(&mut connection.stream);
        if desks[home].moving.try_send(connection).is_ok() {
            let _it_looks_now_and_then = desks[home].waker.wake();
        }
    }

    fn serve(&mut self, key: usize, event: &Event, desks: &[Desk]) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        if event.is_writable() && connection.flush().is_err() {
            return self.close(key);
        }
        if !event.is_readable() && !event.is_read_closed() {
            return;
        }
        let mut buffer = std::mem::take(&mut self.buffer);
        // A read that does not fill the buffer has taken all there was, but for the end.
        while let Some(connection) = self.connections.get_mut(key) {
            match connection.read(&mut buffer) {
                Ok(None) => break,
                Ok(Some(got @ 1..)) => {
                    if self.take(key, &mut buffer[..got], desks).is_err() {
                        self.close(key);
                        break;
                    }
                    if got < READ_BYTES && !event.is_read_closed() {
                        break;
                    }
                }
                Ok(Some(0)) | Err(_) => {
                    self.close(key);
                    break;
                }
            }
        }
        self.buffer = buffer;
    }

    /// Takes what was read of a connection.
    fn take(&mut self, key: usize, got: &mut [u8], desks: &[Desk]) -> Result<(), &'static str> {
        let mut partial = std::mem::take(&mut self.connections[key].partial);
        let bytes = if partial.is_empty() {
            got
        } else {
            partial.extend_from_slice(got);
            &mut partial[..]
        };
        match self.connections[key].stage {
            Stage::Http => self.upgrade(key, bytes, desks),
            Stage::Nameless | Stage::Relay(_) | Stage::Stomp(_) => self.messages(key, bytes, desks),
        }
    }

    fn upgrade(&mut self, key: usize, bytes: &[u8], desks: &[Desk]) -> Result<(), &'static str> {
        let Some(end) = memchr::memmem::find(bytes, b"\r\n\r\n") else {
            self.connections[key].partial = bytes.to_vec();
            return if bytes.len() > HEAD_BYTES { Err("a head too long") } else { Ok(()) };
        };
        // Nobody speaks before the answer, so nothing follows the head.
        let Some(request) = Request::read(&bytes[..end + 4]) else {
            self.write(key, REFUSAL);
            return Err("nothing here");
        };
        self.write(key, &request.answer());
        match (self.connections.get_mut(key), request.door) {
            (None, _) => {}
            (Some(connection), Door::Stomp) => connection.stage = Stage::Nameless,
            (Some(connection), Door::Relay(user)) => {
                connection.stage = Stage::Relay(user);
                self.place(key, user, desks);
            }
        }
        Ok(())
    }

    /// Takes the whole messages in `bytes` and keeps the rest.
    fn messages(&mut self, key: usize, bytes: &mut [u8], desks: &[Desk]) -> Result<(), &'static str> {
        let stage = self.connections[key].stage;
        let (mut used, mut known, mut result) = (0, None, Ok(()));
        while known.is_none() && result.is_ok() {
            match frames::read(&mut bytes[used..]) {
                Ok(None) => break,
                Err(what) => result = Err(what),
                Ok(Some(frame)) => {
                    let payload = &bytes[used + frame.payload.start..used + frame.payload.end];
                    used += frame.payload.end;
                    match self.message(stage, frame.opcode, payload) {
                        Ok(user) => known = user,
                        Err(what) => result = Err(what),
                    }
                }
            }
        }
        self.connections[key].partial = bytes[used..].to_vec();
        self.answer(key);
        if let Some(user) = known.filter(|_| self.connections.contains(key)) {
            self.connections[key].stage = Stage::Stomp(user);
            self.place(key, user, desks);
        }
        result
    }

    /// Takes one message; answers who it is when it says so. What is to be written goes to `own` and `peer`.
    fn message(&mut self, stage: Stage, opcode: u8, payload: &[u8]) -> Result<Option<u32>, &'static str> {
        match (opcode, stage) {
            (TEXT | BINARY, Stage::Relay(user)) => relay(user, payload, &mut self.peer),
            (TEXT | BINARY, Stage::Stomp(user)) => {
                let sequence = &mut self.pairs.entry(user / 2).or_default().sequence;
                stomp::take(user, payload, sequence, &mut self.own, &mut self.peer);
            }
            (TEXT | BINARY, _) => {
                if let Some(user) = stomp::identify(payload) {
                    return Ok(Some(user));
                }
                stomp::error("the token is not one of the null server's accounts", &mut self.own);
                return Err("a stranger");
            }
            (CLOSE, _) => {
                frames::write(CLOSE, payload, &mut self.own);
                return Err("good-bye");
            }
            (PING, _) => frames::write(PONG, payload, &mut self.own),
            _ => {}
        }
        Ok(None)
    }

    /// Writes what one read has made, to the peer first: that is what is measured.
    fn answer(&mut self, key: usize) {
        let (mut own, mut peer) = (std::mem::take(&mut self.own), std::mem::take(&mut self.peer));
        let other =
            self.connections[key].user().filter(|_| !peer.is_empty()).and_then(|user| self.other(user));
        if let Some(other) = other {
            self.write(other, &peer);
        }
        if !own.is_empty() && self.connections.contains(key) {
            self.write(key, &own);
        }
        own.clear();
        peer.clear();
        (self.own, self.peer) = (own, peer);
    }

    /// The connection of the other one of the pair.
    fn other(&self, user: u32) -> Option<usize> {
        self.pairs.get(&(user / 2))?.here[(user & 1 ^ 1) as usize]
    }

    fn write(&mut self, key: usize, bytes: &[u8]) {
        if self.connections[key].write(bytes).is_err() {
            self.close(key);
        }
    }

    fn close(&mut self, key: usize) {
        let Some(mut connection) = self.connections.try_remove(key) else { return };
        let _gone_with_the_socket = self.poll.registry().deregister(&mut connection.stream);
        if let Some(user) = connection.user()
            && let Some(pair) = self.pairs.get_mut(&(user / 2))
        {
            // He may have come again by another connection.
            let here = &mut pair.here[(user & 1) as usize];
            *here = here.filter(|one| *one != key);
        }
    }
}

/// Forwards a message to the peer, without the name of the recipient.
fn relay(user: u32, message: &[u8], peer: &mut Vec<u8>) {
    let Some((recipient, content)) = message.split_at_checked(8) else { return };
    let recipient = std::str::from_utf8(recipient).ok().and_then(|text| u32::from_str_radix(text, 16).ok());
    if recipient == Some(user ^ 1) {
        frames::write(TEXT, content, peer);
    }
}
