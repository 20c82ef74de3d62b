//! One user's socket: the upgrade, reads through the thread's buffer, writes that never wait.

use super::wire::{self, Inbox};
use crate::payload::mix;
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::task::ready;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio_tungstenite::client_async_with_config;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

/// Bytes that may wait for a server that does not read; more closes the socket.
const PENDING_BYTES: usize = 1 << 20;

/// The half that is read, with what has not arrived wholly.
pub(super) struct Reader {
    half: OwnedReadHalf,
    inbox: Inbox,
}

/// The half that is written.
pub(super) struct Socket {
    half: OwnedWriteHalf,
    /// What the kernel has not taken yet.
    pending: RefCell<Vec<u8>>,
    mask: Cell<u64>,
    closed: Cell<bool>,
}

/// Connects and upgrades. Nothing of the STOMP session is said yet.
pub(super) async fn open(target: SocketAddr, authority: &str, seed: u64) -> io::Result<(Reader, Rc<Socket>)> {
    let stream = TcpStream::connect(target).await?;
    stream.set_nodelay(true)?;
    let mut config = WebSocketConfig::default();
    config.read_buffer_size = schema::limits::SOCKET_BUFFER_BYTES;
    config.write_buffer_size = schema::limits::SOCKET_BUFFER_BYTES;
    let url = format!("ws://{authority}/ws/websocket");
    let upgraded = client_async_with_config(url, stream, Some(config)).await;
    let (websocket, _response) = upgraded.map_err(|error| io::Error::other(format!("upgrade: {error}")))?;
    // The server speaks only after CONNECT, so that nothing is left in the codec that ends here.
    let (read, write) = websocket.into_inner().into_split();
    let socket = Socket {
        half: write,
        pending: RefCell::default(),
        mask: Cell::new(mix(seed | 1)),
        closed: Cell::new(false),
    };
    Ok((Reader { half: read, inbox: Inbox::default() }, Rc::new(socket)))
}

impl Reader {
    /// Waits for bytes, reads them into the thread's buffer and gives each whole message; false at the end.
    pub(super) async fn read(
        &mut self,
        buffer: &RefCell<Vec<u8>>,
        mut take: impl FnMut(u8, &[u8]),
    ) -> io::Result<bool> {
        poll_fn(|context| {
            let mut shared = buffer.borrow_mut();
            let mut space = ReadBuf::new(&mut shared);
            ready!(Pin::new(&mut self.half).poll_read(context, &mut space))?;
            let got = space.filled();
            if got.is_empty() {
                return Ok(false).into();
            }
            self.inbox.feed(got, &mut take).map_err(io::Error::other)?;
            Ok(true).into()
        })
        .await
    }
}

impl Socket {
    /// Writes a message at once, or keeps what the kernel does not take; false when the socket is gone.
    pub(super) fn write(self: &Rc<Self>, opcode: u8, payload: &[u8], scratch: &mut Vec<u8>) -> bool {
        if self.closed.get() {
            return false;
        }
        self.mask.set(self.mask.get().wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
        let mask = ((self.mask.get() >> 32) as u32).to_ne_bytes();
        scratch.clear();
        wire::write(opcode, payload, mask, scratch);
        let mut pending = self.pending.borrow_mut();
        if !pending.is_empty() {
            pending.extend_from_slice(scratch);
            if pending.len() > PENDING_BYTES {
                self.close();
            }
            return !self.closed.get();
        }
        match self.half.try_write(scratch) {
            Ok(written) if written == scratch.len() => true,
            Ok(written) => self.keep(&mut pending, &scratch[written..]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.keep(&mut pending, scratch),
            Err(_) => {
                self.close();
                false
            }
        }
    }

    pub(super) fn close(&self) {
        self.closed.set(true);
    }

    pub(super) fn is_open(&self) -> bool {
        !self.closed.get()
    }

    fn keep(self: &Rc<Self>, pending: &mut Vec<u8>, rest: &[u8]) -> bool {
        pending.extend_from_slice(rest);
        tokio::task::spawn_local(self.clone().flush());
        true
    }

    async fn flush(self: Rc<Self>) {
        loop {
            if self.half.writable().await.is_err() {
                return self.close();
            }
            let mut pending = self.pending.borrow_mut();
            match self.half.try_write(&pending) {
                Ok(written) => drop(pending.drain(..written)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return self.close(),
            }
            if pending.is_empty() {
                *pending = Vec::new();
                return;
            }
        }
    }
}
