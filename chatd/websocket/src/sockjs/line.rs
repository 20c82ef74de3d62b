//! One SockJS session over HTTP: its task at one end, requests at the other, and bounded room between.

mod carrier;
mod receiver;
#[cfg(test)]
mod tests;

pub(crate) use carrier::Carrier;
pub(super) use receiver::{Next, Receiver};

use crate::socket::Broken;
use bytes::Bytes;
use parking_lot::Mutex;
use schema::limits;
use schema::wire::sockjs::{self, Arrays, Batch};
use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Waker};
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
    /// What reads the arrays that the client posts, one after the other.
    arrays: Mutex<Arrays>,
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
        Arc::new(Self { state: Mutex::new(state), arrays: Mutex::default(), room: Notify::new() })
    }

    /// The messages of a body of at most so many bytes, joined to what came before.
    ///
    /// # Errors
    /// When it is no array of messages. Then it is as if nothing had come.
    pub(super) fn read(&self, body: &[u8], max: usize) -> Result<Bytes, sockjs::Error> {
        self.arrays.lock().decode(body, max).map(Bytes::from)
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
        Ok(Receiver::new(Arc::clone(self)))
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
