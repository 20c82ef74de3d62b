//! Bodies on their way through: nothing is kept of them but the piece that is just being passed on.

use crate::affinity::Using;
use crate::node::Work;
use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, Incoming, SizeHint};
use parking_lot::Mutex;
use std::error::Error;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Instant, Sleep};

/// A request's body, lent to whoever sends it. A try that never came so far as to read of it leaves it whole
/// for the next.
#[derive(Clone)]
pub(crate) struct Lent(Arc<Mutex<Owned>>);

struct Owned {
    body: Body,
    left: usize,
    touched: bool,
    fault: Option<Fault>,
}

/// Why a request's body ended early. It is the caller's doing.
#[derive(Debug)]
pub(crate) enum Fault {
    TooLarge,
    Broken(axum::Error),
}

impl Lent {
    /// At most so many bytes are passed on.
    pub(crate) fn new(body: Body, bytes: usize) -> Self {
        Self(Arc::new(Mutex::new(Owned { body, left: bytes, touched: false, fault: None })))
    }

    pub(crate) fn empty() -> Self {
        Self::new(Body::empty(), 0)
    }

    /// Whether nothing of it was read, so that it can be sent anew.
    pub(crate) fn is_whole(&self) -> bool {
        !self.0.lock().touched
    }

    /// Why it ended early, if it did.
    pub(crate) fn fault(&self) -> Option<Fault> {
        self.0.lock().fault.take()
    }
}

impl HttpBody for Lent {
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let mut owned = self.0.lock();
        owned.touched = true;
        loop {
            let data = match ready!(Pin::new(&mut owned.body).poll_frame(cx)) {
                None => return Poll::Ready(None),
                // Trailers could smuggle in what the head may not say.
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => data,
                    Err(_) => continue,
                },
                Some(Err(error)) => {
                    owned.fault = Some(Fault::Broken(error));
                    return Poll::Ready(Some(Err("the caller's body broke off".into())));
                }
            };
            let Some(left) = owned.left.checked_sub(data.len()) else {
                owned.fault = Some(Fault::TooLarge);
                return Poll::Ready(Some(Err("the caller's body is too large".into())));
            };
            owned.left = left;
            return Poll::Ready(Some(Ok(Frame::data(data))));
        }
    }

    fn is_end_stream(&self) -> bool {
        self.0.lock().body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.lock().body.size_hint()
    }
}

/// The body of an answer. It breaks off when nothing comes for a while.
pub(crate) struct Answer {
    body: Incoming,
    time: Duration,
    /// Exists once something had to be waited for.
    stalled: Option<Pin<Box<Sleep>>>,
    waiting: bool,
    /// What is held until the answer has ended.
    _held: Held,
}

/// What lives as long as an answer: the count of its node's work and, for SockJS, its session's way.
pub(crate) type Held = (Work, Option<Using>);

impl Answer {
    pub(crate) fn new(body: Incoming, time: Duration, held: Held) -> Self {
        Self { body, time, stalled: None, waiting: false, _held: held }
    }

    fn poll_stalled(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let time = self.time;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(tokio::time::sleep(time)));
        if !self.waiting {
            stalled.as_mut().reset(Instant::now() + time);
            self.waiting = true;
        }
        stalled.as_mut().poll(cx)
    }
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        loop {
            match Pin::new(&mut self.body).poll_frame(cx) {
                Poll::Ready(frame) => {
                    self.waiting = false;
                    match frame {
                        Some(Ok(frame)) if frame.is_trailers() => {}
                        other => return Poll::Ready(other.map(|frame| frame.map_err(Into::into))),
                    }
                }
                Poll::Pending => {
                    ready!(self.poll_stalled(cx));
                    return Poll::Ready(Some(Err(io::Error::from(io::ErrorKind::TimedOut).into())));
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
