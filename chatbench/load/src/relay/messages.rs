//! What comes of the bytes that were read: an upgrade, a name, messages to the peer.

use super::connection::Stage;
use super::request::{Door, HEAD_BYTES, REFUSAL, Request};
use super::thread::{Desk, Thread};
use super::{frames, stomp};
use crate::websocket::{BINARY, CLOSE, PING, PONG, TEXT};

impl Thread {
    /// Takes what was read of a connection.
    pub(super) fn take(&mut self, key: usize, got: &mut [u8], desks: &[Desk]) -> Result<(), &'static str> {
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
}

/// Forwards a message to the peer, without the name of the recipient.
fn relay(user: u32, message: &[u8], peer: &mut Vec<u8>) {
    let Some((recipient, content)) = message.split_at_checked(8) else { return };
    let recipient = std::str::from_utf8(recipient).ok().and_then(|text| u32::from_str_radix(text, 16).ok());
    if recipient == Some(user ^ 1) {
        frames::write(TEXT, content, peer);
    }
}
