//! A receive request's end of a line.

use super::Line;
use schema::wire::sockjs;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

/// A receive request's end of a line. Dropped before [`Receiver::finish`], the session is over: nobody
/// knows what of its response arrived.
pub(in crate::sockjs) struct Receiver {
    line: Arc<Line>,
    finished: bool,
}

/// What a response goes on with.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::sockjs) enum Next {
    Frame(String),
    /// The frame after which nothing comes.
    Last(String),
}

impl Receiver {
    pub(super) fn new(line: Arc<Line>) -> Self {
        Self { line, finished: false }
    }

    /// The next frame. Also says whether the session wants to know what has arrived.
    pub(in crate::sockjs) fn poll_next(&mut self, cx: &mut Context<'_>) -> (Poll<Next>, bool) {
        let mut state = self.line.state.lock();
        let asked = state.taken_ping.is_some();
        if !std::mem::replace(&mut state.opened, true) {
            return (Poll::Ready(Next::Frame(sockjs::OPEN.to_owned())), asked);
        }
        if let Some(frame) = state.batch.take() {
            state.proven = false;
            if let Some(ping) = state.ping.take() {
                state.taken_ping = Some(ping);
            }
            state.wake_session();
            return (Poll::Ready(Next::Frame(frame)), asked);
        }
        if let Some(over) = state.over {
            return (Poll::Ready(Next::Last(over.frame())), asked);
        }
        if let Some(receiver) = &mut state.receiver {
            receiver.waker = Some(cx.waker().clone());
        }
        (Poll::Pending, asked)
    }

    /// The response ends in good order.
    pub(in crate::sockjs) fn finish(&mut self) {
        if !std::mem::replace(&mut self.finished, true) {
            let mut state = self.line.state.lock();
            state.receiver = None;
            if state.over.is_none() {
                state.since = Instant::now();
            }
        }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        if !self.finished {
            self.line.state.lock().receiver = None;
            self.line.interrupt();
        }
    }
}
