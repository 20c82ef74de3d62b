//! Two connections, each of whose bytes go out at the other. An idle one costs no buffer: what is read is written
//! from the thread's own, and only what the other end does not take at once is kept.

use crate::frames::Frames;
use schema::limits::TUNNEL_BYTES;
use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

thread_local! {
    static SCRATCH: RefCell<Vec<u8>> = RefCell::new(vec![0; TUNNEL_BYTES]);
}

/// A close frame with 1012, "service restart" (RFC 6455, 7.4): come back. Servers do not mask.
const RESTART: [u8; 4] = [0x88, 2, 0x03, 0xf4];

/// A client's connection and the one to its service.
pub(crate) struct Relay<C, S> {
    client: C,
    service: S,
    up: Way,
    down: Way,
}

/// One direction.
#[derive(Default)]
struct Way {
    /// What was read and is not written yet.
    rest: Vec<u8>,
    written: usize,
    unflushed: bool,
    /// Nothing more comes.
    ended: bool,
    /// And nothing more goes.
    done: bool,
    /// Where frames begin, when they are WebSocket's and somebody may have to put one in.
    frames: Option<Frames>,
    close: Close,
}

/// How far a close frame of the gateway's own is.
#[derive(Default, PartialEq, Eq)]
enum Close {
    #[default]
    No,
    /// It goes out between the next two frames.
    Wanted,
    /// It went; what comes behind it goes nowhere.
    Said,
}

impl<C, S> Relay<C, S>
where
    C: AsyncRead + AsyncWrite + Unpin,
    S: AsyncRead + AsyncWrite + Unpin,
{
    /// `websocket` tells whether the bytes are WebSocket frames.
    pub(crate) fn new(client: C, service: S, websocket: bool) -> Self {
        let down = Way { frames: websocket.then(Frames::default), ..Way::default() };
        Self { client, service, up: Way::default(), down }
    }

    /// Closes the client's WebSocket with 1012 as soon as no frame is cut by that. Its answer goes on to the
    /// service, which ends its side. Of other protocols nothing is known: they go on until they are cut.
    pub(crate) fn say_restart(&mut self) {
        if self.down.frames.is_some() && self.down.close == Close::No {
            self.down.close = Close::Wanted;
        }
    }

    /// Moves what there is to move. Ready when `both` directions have ended, or one has.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, both: bool) -> Poll<io::Result<()>> {
        let up = self.up.poll(cx, &mut self.client, &mut self.service)?;
        let down = self.down.poll(cx, &mut self.service, &mut self.client)?;
        let over = if both { up.is_ready() && down.is_ready() } else { up.is_ready() || down.is_ready() };
        if over { Poll::Ready(Ok(())) } else { Poll::Pending }
    }
}

impl Way {
    fn poll<R, W>(&mut self, cx: &mut Context<'_>, from: &mut R, to: &mut W) -> Poll<io::Result<()>>
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        if self.done {
            return Poll::Ready(Ok(()));
        }
        loop {
            if self.close == Close::Wanted && self.frames.as_ref().is_some_and(Frames::is_between) {
                self.rest.extend_from_slice(&RESTART);
                self.close = Close::Said;
            }
            ready!(self.write_rest(cx, to))?;
            if self.ended {
                ready!(Pin::new(&mut *to).poll_shutdown(cx))?;
                self.done = true;
                return Poll::Ready(Ok(()));
            }
            let read = SCRATCH.with_borrow_mut(|scratch| {
                let mut piece = ReadBuf::new(scratch);
                ready!(Pin::new(&mut *from).poll_read(cx, &mut piece))?;
                let piece = piece.filled();
                self.ended = piece.is_empty();
                Poll::Ready(self.take(cx, piece, to))
            });
            match read {
                Poll::Ready(result) => result?,
                Poll::Pending => {
                    if self.unflushed {
                        ready!(Pin::new(&mut *to).poll_flush(cx))?;
                        self.unflushed = false;
                    }
                    return Poll::Pending;
                }
            }
        }
    }

    /// Passes on what was just read, and keeps what of it does not go out at once.
    fn take<W: AsyncWrite + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        piece: &[u8],
        to: &mut W,
    ) -> io::Result<()> {
        let piece = match (&mut self.frames, &self.close) {
            (_, Close::Said) => return Ok(()),
            (Some(frames), Close::Wanted) => match frames.pass_to_end(piece) {
                Some(end) => &piece[..end],
                None => piece,
            },
            (Some(frames), Close::No) => {
                frames.pass(piece);
                piece
            }
            (None, _) => piece,
        };
        let mut written = 0;
        while written < piece.len() {
            match Pin::new(&mut *to).poll_write(cx, &piece[written..]) {
                Poll::Ready(Ok(0)) => return Err(io::ErrorKind::WriteZero.into()),
                Poll::Ready(Ok(n)) => written += n,
                Poll::Ready(Err(error)) => return Err(error),
                Poll::Pending => {
                    self.rest.extend_from_slice(&piece[written..]);
                    break;
                }
            }
            self.unflushed = true;
        }
        Ok(())
    }

    fn write_rest<W: AsyncWrite + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        to: &mut W,
    ) -> Poll<io::Result<()>> {
        while self.written < self.rest.len() {
            let n = ready!(Pin::new(&mut *to).poll_write(cx, &self.rest[self.written..]))?;
            if n == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.written += n;
            self.unflushed = true;
        }
        if self.written > 0 {
            (self.rest, self.written) = (Vec::new(), 0);
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex, split};

    /// A relay between two pipes of this size, and their far ends.
    fn tunnel(
        bytes: usize,
        websocket: bool,
    ) -> (Relay<DuplexStream, DuplexStream>, DuplexStream, DuplexStream) {
        let (client, near) = duplex(bytes);
        let (service, far) = duplex(bytes);
        (Relay::new(near, far, websocket), client, service)
    }

    #[tokio::test]
    async fn bytes_go_both_ways_at_once_through_narrow_pipes() {
        for pipe in [1, 7, 4096, 1 << 20] {
            let (mut relay, client, service) = tunnel(pipe, false);
            let amount = if pipe < 100 { 5_000 } else { 3 << 20 };
            let sent: Vec<u8> = (0..amount).map(|n| n as u8).collect();
            let exchange = async |end: DuplexStream| {
                let (mut read, mut write) = split(end);
                let mut got = Vec::new();
                let writing = async {
                    write.write_all(&sent).await.unwrap();
                    write.shutdown().await.unwrap();
                };
                let ((), read) = tokio::join!(writing, read.read_to_end(&mut got));
                read.unwrap();
                assert!(got == sent, "{} of {}", got.len(), sent.len());
            };
            let running = poll_fn(|cx| relay.poll(cx, true));
            let (ended, (), ()) = tokio::join!(running, exchange(client), exchange(service));
            ended.unwrap();
            assert!(relay.up.rest.capacity() == 0 && relay.down.rest.capacity() == 0, "nothing is kept");
        }
    }

    #[tokio::test]
    async fn one_end_that_goes_is_noticed() {
        let (mut relay, mut client, service) = tunnel(64, true);
        drop(service);
        poll_fn(|cx| relay.poll(cx, false)).await.unwrap();
        assert_eq!(client.read(&mut [0; 1]).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn a_restart_is_said_between_two_frames() {
        let (mut relay, mut client, mut service) = tunnel(1 << 16, true);
        let frame = [&[0x82, 126, 1, 44][..], &[7; 300]].concat();
        service.write_all(&frame[..100]).await.unwrap();
        let mut got = vec![0; 100];
        tokio::select! {
            _ = poll_fn(|cx| relay.poll(cx, true)) => unreachable!("both ends are there"),
            read = client.read_exact(&mut got) => { read.unwrap(); }
        }
        relay.say_restart();
        service.write_all(&frame[100..]).await.unwrap();
        // What the service says behind that goes nowhere; what the client says still goes up.
        service.write_all(&frame).await.unwrap();
        client.write_all(b"closing").await.unwrap();
        let mut up = vec![0; 7];
        let reading = async {
            service.read_exact(&mut up).await.unwrap();
            drop(service);
            let mut rest = Vec::new();
            client.read_to_end(&mut rest).await.unwrap();
            drop(client);
            rest
        };
        let (ended, rest) = tokio::join!(poll_fn(|cx| relay.poll(cx, true)), reading);
        ended.unwrap();
        assert_eq!(rest, [&frame[100..], &RESTART].concat());
        assert_eq!(up, b"closing");
    }
}
