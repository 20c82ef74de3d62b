//! One thread's loop.

use super::connection::{Connection, Stage};
use super::{NOTICE, frames, stomp};
use crate::driver::relay::GREETING;
use crate::websocket::TEXT;
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
pub(super) struct Pair {
    here: [Option<usize>; 2],
    /// Messages of the two.
    pub(super) sequence: u64,
}

pub(super) struct Thread {
    number: usize,
    poll: Poll,
    listeners: Vec<TcpListener>,
    /// A listener had more than could be taken.
    again: bool,
    moved: Receiver<Connection>,
    pub(super) connections: Slab<Connection>,
    pub(super) pairs: HashMap<u32, Pair>,
    buffer: Vec<u8>,
    /// What one read makes for the sender and for his peer.
    pub(super) own: Vec<u8>,
    pub(super) peer: Vec<u8>,
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
    pub(super) fn place(&mut self, key: usize, user: u32, desks: &[Desk]) {
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

    /// The connection of the other one of the pair.
    pub(super) fn other(&self, user: u32) -> Option<usize> {
        self.pairs.get(&(user / 2))?.here[(user & 1 ^ 1) as usize]
    }

    pub(super) fn write(&mut self, key: usize, bytes: &[u8]) {
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
