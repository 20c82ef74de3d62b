//! What happens to a connection before HTTP: it is counted, told when it speaks plain HTTP where TLS is spoken,
//! and given up when nobody reads what is written to it.

use crate::files::Room;
use crate::{Problem, metrics};
use axum_server::Handle;
use axum_server::accept::Accept;
use futures_util::future::BoxFuture;
use schema::Code;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;

/// The first byte of a TLS handshake (RFC 8446, 5.1).
const HANDSHAKE: u8 = 0x16;

/// Takes connections up to a bound.
#[derive(Clone)]
pub(crate) struct Doorstep {
    pub(crate) handle: Handle<SocketAddr>,
    pub(crate) connections: usize,
    pub(crate) stall_time: Duration,
    /// TLS is spoken here, and its first byte comes within this time.
    pub(crate) encrypted_within: Option<Duration>,
}

impl<S: Send + 'static> Accept<TcpStream, S> for Doorstep {
    type Stream = Stalling<TcpStream>;
    type Service = S;
    type Future = BoxFuture<'static, io::Result<(Self::Stream, S)>>;

    fn accept(&self, mut stream: TcpStream, service: S) -> Self::Future {
        // This very connection is counted already.
        let too_many = self.handle.connection_count() > self.connections;
        let (stall_time, encrypted_within) = (self.stall_time, self.encrypted_within);
        Box::pin(async move {
            let Some(room) = Room::take().filter(|_| !too_many) else {
                metrics::connection_refused();
                return Err(io::Error::new(io::ErrorKind::ConnectionRefused, "too many connections"));
            };
            stream.set_nodelay(true)?;
            if let Some(time) = encrypted_within {
                tokio::time::timeout(time, encrypted(&mut stream)).await??;
            }
            Ok((Stalling { stream, time: stall_time, stalled: None, _room: Some(room) }, service))
        })
    }
}

/// Looks at the first byte and answers who does not speak TLS.
async fn encrypted(stream: &mut TcpStream) -> io::Result<()> {
    let mut first = [0];
    if stream.peek(&mut first).await? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    if first == [HANDSHAKE] {
        return Ok(());
    }
    let problem = Problem::new(Code::Malformed, "this port speaks TLS: call it with https:// or wss://");
    let body = serde_json::to_string(&problem.body(&crate::TraceId::draw().0)).unwrap_or_default();
    let answer = format!(
        "HTTP/1.1 400 Bad Request\r\ncontent-type: application/problem+json\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n{body}",
        body.len()
    );
    // What was sent is read away, or closing would reset the connection over the answer.
    let _ = stream.try_read(&mut [0; 8192]);
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await?;
    Err(io::Error::new(io::ErrorKind::InvalidData, "plain HTTP on a port that speaks TLS"))
}

/// A connection on which a write that makes no progress for a time fails. It costs an idle one nothing: the
/// clock exists only while a write waits.
pub(crate) struct Stalling<S> {
    stream: S,
    time: Duration,
    stalled: Option<Pin<Box<Sleep>>>,
    /// Kept as long as the connection, whatever becomes of it.
    _room: Option<Room>,
}

impl<S> Stalling<S> {
    fn watch<T>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(tokio::time::sleep(self.time)));
        ready!(stalled.as_mut().poll(cx));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the other side does not read")))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Stalling<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Stalling<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.watch(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, parts);
        self.watch(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_write_that_nobody_reads_fails_and_one_that_is_read_stops_the_clock() {
        use tokio::io::AsyncReadExt;
        let (ours, mut theirs) = tokio::io::duplex(8);
        let mut stream =
            Stalling { stream: ours, time: Duration::from_secs(600), stalled: None, _room: None };
        let (written, read) =
            tokio::join!(stream.write_all(&[0; 40]), async { theirs.read_exact(&mut [0; 40]).await });
        written.unwrap();
        read.unwrap();
        assert!(stream.stalled.is_none(), "what was read does not count towards the next wait");
        stream.time = Duration::from_millis(20);
        let error = stream.write_all(&[0; 40]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
