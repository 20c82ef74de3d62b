//! One user's socket: a connect that does not wait, writes that never wait.

use crate::driver::Session;
use crate::tls::{self, Stage};
use crate::websocket::Inbox;
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use nix::sys::socket::{setsockopt, sockopt::IpBindAddressNoPort};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr};

/// Bytes that may wait for a server that does not read; more closes the socket.
const PENDING_BYTES: usize = 1 << 20;
/// Errors of the operating system that speak of this machine: no memory, no file (process, system), no address or
/// port, no buffer.
const LOCAL: [i32; 5] = [12, 23, 24, 99, 105];

/// How far a connection is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Step {
    /// Nobody wants it now.
    #[default]
    Away,
    /// Due, and in the queue or between two attempts.
    Waiting,
    /// Logging in, before there is a socket.
    LogIn,
    Connecting,
    /// The handshake of TLS.
    Securing,
    Upgrading,
    /// The protocol's own handshake.
    Opening,
    Ready,
    /// Given up.
    Lost,
}

impl Step {
    /// Whether it counts among those that are being made.
    pub(crate) fn is_making(self) -> bool {
        matches!(self, Self::LogIn | Self::Connecting | Self::Securing | Self::Upgrading | Self::Opening)
    }
}

/// A user's connection. There are 100,000 of them: an idle one owns no buffer.
#[derive(Default)]
pub(crate) struct Connection {
    stream: Option<TcpStream>,
    /// None where it is plain.
    tls: Option<Box<tls::Session>>,
    pub(crate) inbox: Inbox,
    /// What the kernel has not taken yet.
    pending: Vec<u8>,
    pub(crate) session: Session,
    pub(crate) step: Step,
    /// Attempts since it was last ready.
    pub(crate) attempts: u8,
    /// Has logged in: the token is his own.
    pub(crate) known: bool,
    /// Stops reading for a while.
    pub(crate) deaf: bool,
    /// What the user last said of his presence.
    pub(crate) absent: bool,
    /// Cut because the scenario wants it.
    pub(crate) cut: bool,
    /// Tells this connection's timers from those of an earlier one.
    pub(crate) generation: u32,
    /// When it was to begin, on the run clock.
    pub(crate) planned_us: u64,
}

/// Why a connection could not be made, or ended.
#[derive(Debug)]
pub(crate) struct Why {
    /// For a reason of this machine.
    pub(crate) local: bool,
    pub(crate) words: String,
}

impl From<io::Error> for Why {
    fn from(error: io::Error) -> Self {
        let local = error.raw_os_error().is_some_and(|code| LOCAL.contains(&code));
        Self { local, words: error.to_string() }
    }
}

impl From<String> for Why {
    fn from(words: String) -> Self {
        Self { local: false, words }
    }
}

impl From<rustls::Error> for Why {
    fn from(error: rustls::Error) -> Self {
        tls::words(&error).into()
    }
}

impl Connection {
    /// Begins to connect; readiness to write says that it did.
    pub(crate) fn connect(
        &mut self,
        to: SocketAddr,
        from: Option<IpAddr>,
        registry: &Registry,
        token: Token,
    ) -> io::Result<()> {
        let socket = socket(to, from)?;
        match socket.connect(&SockAddr::from(to)) {
            // EINPROGRESS
            Err(error) if error.raw_os_error() == Some(115) || error.kind() == io::ErrorKind::WouldBlock => {}
            other => other?,
        }
        let mut stream = TcpStream::from_std(socket.into());
        registry.register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
        self.stream = Some(stream);
        Ok(())
    }

    /// Whether the connect has ended well; false while it goes on.
    pub(crate) fn connected(&self) -> io::Result<bool> {
        let Some(stream) = &self.stream else {
            return Err(io::ErrorKind::NotConnected.into());
        };
        if let Some(error) = stream.take_error()? {
            return Err(error);
        }
        match stream.peer_addr() {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Reads what there is, as much as fits; none when there is nothing now.
    pub(crate) fn read(&mut self, into: &mut [u8]) -> io::Result<Option<usize>> {
        let Some(stream) = &mut self.stream else {
            return Ok(None);
        };
        loop {
            match stream.read(into) {
                Ok(bytes) => return Ok(Some(bytes)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Begins TLS on a connection that has come about.
    pub(crate) fn secure(&mut self, session: Box<tls::Session>) -> Result<(), Why> {
        self.tls = Some(session);
        self.open(&mut [], &mut Vec::new()).map(|_| ())
    }

    /// Whether what is read has to be opened.
    pub(crate) fn is_sealed(&self) -> bool {
        self.tls.is_some()
    }

    /// Takes what was read over TLS; what it says goes behind `opened`, also with an error.
    ///
    /// # Errors
    /// The socket is gone, or the server did something against TLS.
    pub(crate) fn open(&mut self, got: &mut [u8], opened: &mut Vec<u8>) -> Result<Stage, Why> {
        let Some(session) = &mut self.tls else {
            return Err(io::Error::from(io::ErrorKind::NotConnected).into());
        };
        let mut answer = Vec::new();
        let stage = session.take(got, opened, &mut answer);
        let put = self.put(&answer);
        let stage = stage?;
        put?;
        Ok(stage)
    }

    /// Writes at once, or keeps what the kernel does not take.
    ///
    /// # Errors
    /// The socket is gone, or the server has not read for too long.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), Why> {
        match &mut self.tls {
            Some(session) if !bytes.is_empty() => {
                let sealed = session.seal(bytes)?;
                self.put(&sealed)?;
            }
            _ => self.put(bytes)?,
        }
        Ok(())
    }

    /// Writes the last words, TLS's own behind those of the protocol.
    ///
    /// # Errors
    /// The socket is gone, or the server has not read for too long.
    pub(crate) fn finish(&mut self, bytes: &[u8]) -> Result<(), Why> {
        self.write(bytes)?;
        if let Some(session) = &mut self.tls {
            let words = session.close()?;
            self.put(&words)?;
        }
        Ok(())
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let written = if self.pending.is_empty() { self.offer(bytes)? } else { 0 };
        if written < bytes.len() {
            if self.pending.len() + bytes.len() - written > PENDING_BYTES {
                return Err(io::Error::other("the server has not read for too long"));
            }
            self.pending.extend_from_slice(&bytes[written..]);
        }
        Ok(())
    }

    /// The kernel takes bytes again.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        while !self.pending.is_empty() {
            let pending = std::mem::take(&mut self.pending);
            let written = self.offer(&pending)?;
            self.pending = pending;
            if written == 0 {
                return Ok(());
            }
            self.pending.drain(..written);
        }
        // An idle socket keeps nothing.
        self.pending = Vec::new();
        Ok(())
    }

    fn offer(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(stream) = &mut self.stream else {
            return Err(io::ErrorKind::NotConnected.into());
        };
        match stream.write(bytes) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
            other => other,
        }
    }

    /// Closes the socket and forgets what belonged to it.
    pub(crate) fn shut(&mut self) {
        self.stream = None;
        self.tls = None;
        self.inbox = Inbox::default();
        self.pending = Vec::new();
        self.session = Session::default();
        self.deaf = false;
        self.generation = self.generation.wrapping_add(1);
    }
}

/// A socket to connect with, bound to its local address but to no port: the kernel takes one when it connects, and may
/// take the same towards another target. Bound beforehand, a port would be gone for all targets, and an address at an
/// end after some 28,000 sockets.
fn socket(to: SocketAddr, from: Option<IpAddr>) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(to), Type::STREAM.nonblocking(), Some(Protocol::TCP))?;
    socket.set_tcp_nodelay(true)?;
    if let Some(from) = from {
        // A kernel that does not know it (before Linux 4.2) takes a port at once.
        let _fewer_ports_without = setsockopt(&socket, IpBindAddressNoPort, &true);
        socket.bind(&SockAddr::from(SocketAddr::new(from, 0)))?;
    }
    Ok(socket)
}

#[cfg(test)]
mod tests;
