//! One SockJS session over HTTP: its task at one end, requests at the other, and bounded room between.

use crate::socket::{Broken, Incoming};
use bytes::Bytes;
use parking_lot::Mutex;
use schema::limits;
use schema::wire::sockjs::{self, Batch};
use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Instant;
use tokio::sync::Notify;

/// Why a session is over, as `c[...]` says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Over {
    code: u16,
    reason: &'static str,
}

impl Over {
    const BUSY: Over = Over { code: 2010, reason: "Another connection still open" };
    const INTERRUPTED: Over = Over { code: 1002, reason: "Connection interrupted" };
    const DESERTED: Over = Over { code: 1002, reason: "No receive request in time" };
    /// The session's task ended without a word.
    const FAILED: Over = Over { code: 1011, reason: "The session failed, come back: nothing is lost" };

    pub(super) fn frame(self) -> String {
        sockjs::close(self.code, self.reason)
    }
}

/// What the two ends share.
pub(crate) struct Line {
    state: Mutex<State>,
    /// The session took something of what the client posted.
    room: Notify,
}

struct State {
    inbound: VecDeque<Bytes>,
    inbound_bytes: usize,
    /// Messages for the next response, or the one at hand.
    batch: Batch,
    opened: bool,
    /// A ping behind what is in `batch`.
    ping: Option<Bytes>,
    /// A ping behind what a response took. The next receive request answers it.
    taken_ping: Option<Bytes>,
    pong: Option<Bytes>,
    /// Nothing was taken since the last receive request came.
    proven: bool,
    /// The task of the session.
    session: Option<Waker>,
    receiver: Option<Attached>,
    /// Since when there is no receiver, or the session is over.
    since: Instant,
    over: Option<Over>,
}

/// The response that frames go out with now.
struct Attached {
    streams: bool,
    waker: Option<Waker>,
}

impl State {
    fn end(&mut self, over: Over) {
        if self.over.is_none() {
            self.over = Some(over);
            self.since = Instant::now();
        }
        self.wake_session();
        self.wake_receiver();
    }

    fn wake_session(&mut self) {
        if let Some(waker) = self.session.take() {
            waker.wake();
        }
    }

    fn wake_receiver(&mut self) {
        if let Some(waker) = self.receiver.as_mut().and_then(|receiver| receiver.waker.take()) {
            waker.wake();
        }
    }

    fn remember_session(&mut self, cx: &Context<'_>) {
        if !self.session.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            self.session = Some(cx.waker().clone());
        }
    }
}

impl Line {
    pub(super) fn new() -> Arc<Self> {
        let state = State {
            inbound: VecDeque::new(),
            inbound_bytes: 0,
            batch: Batch::default(),
            opened: false,
            ping: None,
            taken_ping: None,
            pong: None,
            proven: true,
            session: None,
            receiver: None,
            since: Instant::now(),
            over: None,
        };
        Arc::new(Self { state: Mutex::new(state), room: Notify::new() })
    }

    /// Puts what a client posted where the session reads it, as soon as there is room.
    ///
    /// # Errors
    /// [`Broken`] when the session is over.
    pub(super) async fn post(&self, data: Bytes) -> Result<(), Broken> {
        loop {
            let room = self.room.notified();
            tokio::pin!(room);
            // On the list before the look, so that no word is missed.
            room.as_mut().enable();
            {
                let mut state = self.state.lock();
                if state.over.is_some() {
                    return Err(Broken);
                }
                let bytes = state.inbound_bytes + data.len();
                if state.inbound.is_empty() || bytes <= limits::SOCKJS_INBOUND_BYTES {
                    state.inbound_bytes = bytes;
                    state.inbound.push_back(data);
                    state.wake_session();
                    return Ok(());
                }
            }
            room.await;
        }
    }

    /// A receive request comes: it proves that what the one before took has arrived.
    ///
    /// # Errors
    /// What to tell it instead: another one is here, or the session is over.
    pub(super) fn attach(self: &Arc<Self>, streams: bool) -> Result<Receiver, Over> {
        let mut state = self.state.lock();
        if state.receiver.is_some() {
            return Err(Over::BUSY);
        }
        if let Some(over) = state.over
            && state.batch.is_empty()
        {
            return Err(over);
        }
        state.receiver = Some(Attached { streams, waker: None });
        state.proven = true;
        if let Some(ping) = state.taken_ping.take() {
            state.pong = Some(ping);
            state.wake_session();
        }
        drop(state);
        Ok(Receiver { line: Arc::clone(self), finished: false })
    }

    /// Ends a session that has had no receive request for long. True when the line may be forgotten.
    pub(super) fn expire(&self, now: Instant) -> bool {
        let mut state = self.state.lock();
        let late = now.saturating_duration_since(state.since) > limits::SOCKJS_DISCONNECT_DELAY;
        if state.over.is_some() {
            // A receiver that is still here does not read its response; it must not keep the line.
            return late;
        }
        let deserted = late && state.receiver.is_none();
        if deserted {
            state.end(Over::DESERTED);
        }
        deserted
    }

    /// Ends a session that can't be carried any more.
    pub(super) fn interrupt(&self) {
        self.end_empty(Over::INTERRUPTED);
    }

    fn end_empty(&self, over: Over) {
        let mut state = self.state.lock();
        if state.over.is_none() {
            state.batch = Batch::default();
        }
        state.end(over);
        drop(state);
        self.room.notify_waiters();
    }
}

/// The session's end of a line. Dropped, the line is over.
pub(crate) struct Carrier(Arc<Line>);

impl Carrier {
    pub(super) fn new(line: Arc<Line>) -> Self {
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

/// A receive request's end of a line. Dropped before [`Receiver::finish`], the session is over: nobody
/// knows what of its response arrived.
pub(super) struct Receiver {
    line: Arc<Line>,
    finished: bool,
}

/// What a response goes on with.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    Frame(String),
    /// The frame after which nothing comes.
    Last(String),
}

impl Receiver {
    /// The next frame. Also says whether the session wants to know what has arrived.
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> (Poll<Next>, bool) {
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
    pub(super) fn finish(&mut self) {
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
