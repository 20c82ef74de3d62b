//! What a session reads from and writes to, whatever carries it.
//!
//! - plain: a WebSocket message is a piece of the STOMP stream, and each frame goes out as one message
//! - framed: the same inside SockJS frames, still over a WebSocket
//! - polled: SockJS over HTTP, by way of a line ([`crate::sockjs`]) that requests attach to
//!
//! Invariants: a socket takes a frame only after [`Socket::poll_ready`], and holds a bounded number of bytes:
//! what it does not take stays in the outbox. A pong means that what was written before its ping has arrived.

use crate::sockjs::Carrier;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket};
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use schema::limits;
use schema::wire::sockjs;
use std::task::{Context, Poll, ready};
use tokio_tungstenite::tungstenite;

/// The three ways to a client.
pub(crate) enum Socket {
    Plain(WebSocket),
    Framed(WebSocket, Reader),
    Polled(Carrier),
}

/// What reads the arrays of messages that come in SockJS frames.
pub(crate) struct Reader {
    arrays: sockjs::Arrays,
    /// Bytes that an array may have.
    max: usize,
}

impl Reader {
    fn read(&mut self, data: &[u8]) -> Incoming {
        match self.arrays.decode(data, self.max) {
            Ok(text) => Incoming::Data(text.into()),
            // SockJS takes an empty message for none.
            Err(sockjs::Error::Empty) => Incoming::Data(Bytes::new()),
            Err(sockjs::Error::TooLarge(_)) => Incoming::Broken(1009),
            Err(sockjs::Error::Broken) => Incoming::Broken(1007),
        }
    }
}

/// What came from the other side.
#[derive(Debug)]
pub(crate) enum Incoming {
    /// A piece of the STOMP stream; empty for a sign of life.
    Data(Bytes),
    Pong(Bytes),
    /// The client broke the protocol below STOMP; the close code says how.
    Broken(u16),
    /// The client closed, and waits for the answer.
    Bye,
    /// The connection is gone.
    Gone,
}

/// The socket can't be written any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Broken;

impl Socket {
    /// SockJS over this WebSocket; an array of messages may have so many bytes. Its first word is in the
    /// buffer already and leaves with the first flush: clients give a transport only a few round trips.
    pub(crate) fn framed(mut socket: WebSocket, array_bytes: usize) -> Self {
        // Should it fail, so will the first read.
        let _ = socket.start_send_unpin(Message::Text(sockjs::OPEN.into()));
        Socket::Framed(socket, Reader { arrays: sockjs::Arrays::default(), max: array_bytes })
    }

    /// What comes next from the client.
    pub(crate) fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Incoming> {
        let (socket, reader) = match self {
            Socket::Plain(socket) => (socket, None),
            Socket::Framed(socket, reader) => (socket, Some(reader)),
            Socket::Polled(carrier) => return carrier.poll_read(cx),
        };
        let data = match ready!(socket.poll_next_unpin(cx)) {
            Some(Ok(Message::Text(text))) => text.into(),
            Some(Ok(Message::Binary(bytes))) => bytes,
            Some(Ok(Message::Ping(_))) => return Poll::Ready(Incoming::Data(Bytes::new())),
            Some(Ok(Message::Pong(payload))) => return Poll::Ready(Incoming::Pong(payload)),
            Some(Ok(Message::Close(_))) => return Poll::Ready(Incoming::Bye),
            Some(Err(error)) => {
                return Poll::Ready(code_of(error).map_or(Incoming::Gone, Incoming::Broken));
            }
            None => return Poll::Ready(Incoming::Gone),
        };
        Poll::Ready(match reader {
            None => Incoming::Data(data),
            Some(reader) => reader.read(&data),
        })
    }

    /// Ready when it takes one more frame.
    pub(crate) fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        match self {
            Socket::Plain(socket) | Socket::Framed(socket, _) => {
                socket.poll_ready_unpin(cx).map_err(|_| Broken)
            }
            Socket::Polled(carrier) => carrier.poll_ready(cx),
        }
    }

    /// Takes one STOMP frame, or a heart-beat. Everything that is written here is UTF-8; were it not, it
    /// would be left out, not forged.
    pub(crate) fn write(&mut self, frame: Bytes) -> Result<(), Broken> {
        let Ok(text) = Utf8Bytes::try_from(frame) else { return Ok(()) };
        match self {
            Socket::Plain(socket) => socket.start_send_unpin(Message::Text(text)).map_err(|_| Broken),
            Socket::Framed(socket, _) => {
                let framed = Message::Text(sockjs::array(&text).into());
                socket.start_send_unpin(framed).map_err(|_| Broken)
            }
            Socket::Polled(carrier) => carrier.write(&text),
        }
    }

    /// Asks for a pong with this payload.
    pub(crate) fn ping(&mut self, payload: Bytes) -> Result<(), Broken> {
        match self {
            Socket::Plain(socket) | Socket::Framed(socket, _) => {
                socket.start_send_unpin(Message::Ping(payload)).map_err(|_| Broken)
            }
            Socket::Polled(carrier) => carrier.ping(payload),
        }
    }

    /// Ready when nothing waits in this process. A polled socket holds what it took for the next request.
    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        match self {
            Socket::Plain(socket) | Socket::Framed(socket, _) => {
                socket.poll_flush_unpin(cx).map_err(|_| Broken)
            }
            Socket::Polled(_) => Poll::Ready(Ok(())),
        }
    }

    /// Writes the answer to the client's close.
    pub(crate) async fn answer_close(&mut self) {
        if let Socket::Plain(socket) | Socket::Framed(socket, _) = self {
            let _ = tokio::time::timeout(limits::CLOSE_TIME, socket.next()).await;
        }
    }

    /// Says why, and hears the other side out.
    pub(crate) async fn close(&mut self, code: u16, reason: &'static str) -> Option<()> {
        let socket = match self {
            Socket::Plain(socket) => socket,
            Socket::Framed(socket, _) => {
                socket.send(Message::Text(sockjs::close(code, reason).into())).await.ok()?;
                socket
            }
            Socket::Polled(carrier) => {
                carrier.close(code, reason);
                return Some(());
            }
        };
        let frame = CloseFrame { code, reason: reason.into() };
        socket.send(Message::Close(Some(frame))).await.ok()?;
        // Without this, data that the client sent meanwhile would reset the connection.
        while let Some(Ok(_)) = socket.next().await {}
        Some(())
    }

    /// The client took too long to take what waited. Over HTTP it hears why with its next request.
    pub(crate) fn give_up(&mut self, code: u16, reason: &'static str) {
        if let Socket::Polled(carrier) = self {
            carrier.close(code, reason);
        }
    }
}

/// The close code for what the client did; none when the connection just went away.
fn code_of(error: axum::Error) -> Option<u16> {
    use tungstenite::Error::{Capacity, Protocol, Utf8};
    match error.into_inner().downcast_ref::<tungstenite::Error>() {
        Some(Capacity(_)) => Some(1009),
        Some(Utf8(_)) => Some(1007),
        Some(Protocol(tungstenite::error::ProtocolError::ResetWithoutClosingHandshake)) => None,
        Some(Protocol(_)) => Some(1002),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::Session;

    fn future<A, B, C, D, F>(_: impl Fn(A, B, C, D) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn an_idle_session_stays_small() {
        let (session, socket, task) = (size_of::<Session>(), size_of::<Socket>(), future(Session::run));
        assert!(
            socket <= size_of::<WebSocket>() + 16,
            "three ways cost the plain one next to nothing: {socket}"
        );
        assert!(session <= 1024, "{session}");
        assert!(task <= 768, "what is not in the box: {task}");
    }
}
