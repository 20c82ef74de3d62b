//! HTTP/1.1 and nothing else. The server beneath us would speak HTTP/2 to whoever begins with its preface, and
//! an idle HTTP/2 connection has no bound in time.

use axum_server::accept::Accept;
use futures_util::future::BoxFuture;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// How a connection of HTTP/2 begins (RFC 9113, 3.4), as far as no request of HTTP/1 does.
const PREFACE: &[u8] = b"PRI ";

/// Ends connections that begin as HTTP/2, above whatever encrypts them.
#[derive(Clone)]
pub(crate) struct Http1<A>(pub(crate) A);

impl<A, I, S> Accept<I, S> for Http1<A>
where
    A: Accept<I, S>,
    A::Future: Send + 'static,
{
    type Stream = Http1Stream<A::Stream>;
    type Service = A::Service;
    type Future = BoxFuture<'static, io::Result<(Self::Stream, Self::Service)>>;

    fn accept(&self, stream: I, service: S) -> Self::Future {
        let accepting = self.0.accept(stream, service);
        Box::pin(async move {
            let (stream, service) = accepting.await?;
            Ok((Http1Stream { stream, alike: Some(0) }, service))
        })
    }
}

/// A connection whose first bytes are looked at.
pub(crate) struct Http1Stream<S> {
    stream: S,
    /// Bytes so far that are those of the preface; `None` once one was not.
    alike: Option<usize>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Http1Stream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        for byte in &buf.filled()[before..] {
            let Some(alike) = self.alike else { break };
            self.alike = (PREFACE[alike] == *byte).then_some(alike + 1);
            if self.alike == Some(PREFACE.len()) {
                return Poll::Ready(Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "HTTP/2 is not spoken here",
                )));
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Http1Stream<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, parts)
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
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    async fn read(parts: &[&[u8]]) -> io::Result<Vec<u8>> {
        let (ours, mut theirs) = tokio::io::duplex(64);
        let mut stream = Http1Stream { stream: ours, alike: Some(0) };
        let mut got = Vec::new();
        for part in parts {
            theirs.write_all(part).await?;
            stream.read_buf(&mut got).await?;
        }
        Ok(got)
    }

    #[tokio::test]
    async fn only_the_preface_ends_a_connection_however_it_is_cut() {
        assert_eq!(read(&[b"PR", b"OPFIND / PRI "]).await.unwrap(), b"PROPFIND / PRI ");
        assert_eq!(read(&[b"GET / ", b"PRI * HTTP/2.0"]).await.unwrap(), b"GET / PRI * HTTP/2.0");
        assert!(read(&[b"PRI * HTTP/2.0\r\n"]).await.is_err());
        assert!(read(&[b"P", b"R", b"I", b" "]).await.is_err());
    }
}
