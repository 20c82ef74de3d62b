//! A connection to somebody unknown: short frames, and only up to a time.

use crate::control::{read_within, write};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// Longest frame of somebody who has proven nothing yet.
const FRAME_BYTES: usize = 256;

/// A connection up to a time, however the bytes dribble in.
pub(super) struct Timed<'a> {
    stream: &'a TcpStream,
    until: Instant,
}

impl<'a> Timed<'a> {
    pub(super) fn new(stream: &'a TcpStream, within: Duration) -> Self {
        Self { stream, until: Instant::now() + within }
    }

    pub(super) fn say(&mut self, value: &impl Serialize) -> io::Result<()> {
        // One frame, one packet.
        let mut frame = Vec::with_capacity(FRAME_BYTES);
        write(&mut frame, value)?;
        self.stream.set_write_timeout(Some(self.left()?))?;
        self.stream.write_all(&frame).map_err(late)
    }

    pub(super) fn hear<T: DeserializeOwned>(&mut self) -> io::Result<T> {
        let hung_up = || io::Error::new(io::ErrorKind::UnexpectedEof, "it hung up before it was known");
        read_within(self, FRAME_BYTES)?.ok_or_else(hung_up)
    }

    fn left(&self) -> io::Result<Duration> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(late(io::ErrorKind::WouldBlock.into())) } else { Ok(left) }
    }
}

impl Read for Timed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(Some(self.left()?))?;
        self.stream.read(buffer).map_err(late)
    }
}

/// Sockets call it blocking when their time is over.
fn late(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::WouldBlock => {
            io::Error::new(io::ErrorKind::TimedOut, "it said too little in the time for a greeting")
        }
        _ => error,
    }
}
