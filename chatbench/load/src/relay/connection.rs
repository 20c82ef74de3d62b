//! A socket of the null server.

use mio::net::TcpStream;
use std::io::{self, Read, Write};

/// Bytes that may wait for a client that does not read.
const PENDING_BYTES: usize = 1 << 20;

/// How far a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Its request is awaited.
    Http,
    /// Upgraded at the door of STOMP; CONNECT is awaited.
    Nameless,
    Relay(u32),
    Stomp(u32),
}

#[derive(Debug)]
pub(super) struct Connection {
    pub(super) stream: TcpStream,
    pub(super) stage: Stage,
    /// What has not arrived wholly.
    pub(super) partial: Vec<u8>,
    /// What the kernel has not taken yet.
    pending: Vec<u8>,
}

impl Connection {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self { stream, stage: Stage::Http, partial: Vec::new(), pending: Vec::new() }
    }

    pub(super) fn user(&self) -> Option<u32> {
        match self.stage {
            Stage::Relay(user) | Stage::Stomp(user) => Some(user),
            Stage::Http | Stage::Nameless => None,
        }
    }

    /// Reads into `buffer`; none when there is nothing now.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        loop {
            match self.stream.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => return other.map(Some),
            }
        }
    }

    /// Writes, or keeps what the kernel does not take.
    ///
    /// # Errors
    /// The socket is gone, or does not read.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if !self.pending.is_empty() {
            self.pending.extend_from_slice(bytes);
            return self.flush();
        }
        let written = self.put(bytes)?;
        self.pending.extend_from_slice(&bytes[written..]);
        Ok(())
    }

    /// Writes what waits.
    ///
    /// # Errors
    /// The socket is gone, or does not read.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        let mut pending = std::mem::take(&mut self.pending);
        let written = self.put(&pending)?;
        pending.drain(..written);
        self.pending = pending;
        if self.pending.is_empty() {
            self.pending = Vec::new();
        }
        if self.pending.len() > PENDING_BYTES {
            return Err(io::Error::other("does not read"));
        }
        Ok(())
    }

    fn put(&self, bytes: &[u8]) -> io::Result<usize> {
        let mut written = 0;
        while written < bytes.len() {
            match (&self.stream).write(&bytes[written..]) {
                Ok(more) => written += more,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(written)
    }
}
