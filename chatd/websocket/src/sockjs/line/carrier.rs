//! The session's end of a line: a socket to it.

use super::{Line, Over};
use crate::socket::{Broken, Incoming};
use bytes::Bytes;
use schema::limits;
use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll};

/// The session's end of a line. Dropped, the line is over.
pub(crate) struct Carrier(Arc<Line>);

impl Carrier {
    pub(in crate::sockjs) fn new(line: Arc<Line>) -> Self {
        Self(line)
    }

    pub(crate) fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Incoming> {
        let mut state = self.0.state.lock();
        if let Some(payload) = state.pong.take() {
            return Poll::Ready(Incoming::Pong(payload));
        }
        if let Some(data) = state.inbound.pop_front() {
            state.inbound_bytes -= data.len();
            drop(state);
            self.0.room.notify_waiters();
            return Poll::Ready(Incoming::Data(data));
        }
        if state.over.is_some() {
            return Poll::Ready(Incoming::Gone);
        }
        state.inbound = VecDeque::new(); // an idle session keeps no room for a past burst
        state.remember_session(cx);
        Poll::Pending
    }

    pub(crate) fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        let mut state = self.0.state.lock();
        if state.over.is_some() {
            return Poll::Ready(Err(Broken));
        }
        if state.batch.bytes() < limits::SOCKJS_BUFFER_BYTES {
            return Poll::Ready(Ok(()));
        }
        state.remember_session(cx);
        Poll::Pending
    }

    pub(crate) fn write(&mut self, text: &str) -> Result<(), Broken> {
        let mut state = self.0.state.lock();
        if state.over.is_some() {
            return Err(Broken);
        }
        state.batch.push(text);
        state.wake_receiver();
        Ok(())
    }

    /// A poll that came after everything was taken answers at once. A streaming response may be as old as it
    /// likes: there only the next request counts.
    pub(crate) fn ping(&mut self, payload: Bytes) -> Result<(), Broken> {
        let mut state = self.0.state.lock();
        if !state.batch.is_empty() {
            state.ping = Some(payload);
        } else if state.proven && state.receiver.as_ref().is_some_and(|receiver| !receiver.streams) {
            state.pong = Some(payload);
            state.wake_session();
        } else {
            state.taken_ping = Some(payload);
            state.wake_receiver();
        }
        Ok(())
    }

    /// The last word. What was written before still goes out with the next response, and then this does.
    pub(crate) fn close(&mut self, code: u16, reason: &'static str) {
        self.0.state.lock().end(Over { code, reason });
        self.0.room.notify_waiters();
    }
}

impl Drop for Carrier {
    fn drop(&mut self) {
        self.0.end_empty(Over::FAILED);
        let mut state = self.0.state.lock();
        state.inbound = VecDeque::new();
        state.inbound_bytes = 0;
    }
}
