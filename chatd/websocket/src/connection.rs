//! The part of a session that others reach: its outbox, its subscriptions, and the order to close.
//!
//! One short lock, never held across an await. Whoever changes something wakes the session's task.

#[cfg(test)]
mod tests;

use crate::destination::Queue;
use crate::outbox::{Body, Full, Item, Outbox, Shared};
use bytes::Bytes;
use edge::Problem;
use parking_lot::{Mutex, MutexGuard};
use schema::api::StatusUpdate;
use schema::presence::Typing;
use schema::{Cursor, Position, SessionId, UserId, limits};
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::Waker;

/// Whose session it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) user: UserId,
    pub(crate) session: SessionId,
}

/// Why and how a socket is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Close {
    pub(crate) code: u16,
    pub(crate) reason: &'static str,
    /// Whether what waits is written first.
    pub(crate) flush: bool,
}

impl Close {
    pub(crate) const NORMAL: Close = Close { code: 1000, reason: "goodbye", flush: true };
    pub(crate) const PROTOCOL: Close = Close { code: 1002, reason: "protocol error", flush: true };
    pub(crate) const POLICY: Close = Close { code: 1008, reason: "not allowed", flush: true };
    pub(crate) const ENDED: Close = Close { code: 1008, reason: "session ended", flush: false };
    pub(crate) const RESTART: Close = Close { code: 1012, reason: "restarting, come back", flush: true };
    pub(crate) const SLOW: Close =
        Close { code: 1013, reason: "reads too slowly, come back: nothing is lost", flush: false };
    pub(crate) const SILENT: Close = Close { code: 1002, reason: "no sign of life", flush: false };
}

/// How a subscription gets what is new.
#[derive(Debug)]
pub(crate) enum Feed {
    /// The session pulls from the view; what comes meanwhile only says that there is more.
    Replaying { dirty: bool },
    /// Deliveries go straight to the outbox, but for those that the replay covered.
    Live { floor: Cursor },
}

/// A subscription as the fan-out sees it.
#[derive(Debug)]
pub(crate) struct Subscription {
    pub(crate) number: u32,
    pub(crate) queue: Queue,
    pub(crate) feed: Feed,
}

#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) outbox: Outbox,
    pub(crate) subscriptions: Vec<Subscription>,
    pub(crate) close: Option<Close>,
    /// The wheel came by.
    pub(crate) ticked: bool,
    pub(crate) waker: Option<Waker>,
    /// Marks on their way to the log, by peer: up to which sequence, and the device position with it.
    pub(crate) marks: HashMap<UserId, (u64, Option<u64>)>,
    /// A task is carrying the marks.
    pub(crate) marking: bool,
    /// What this session marked last, by peer: it needs no news of it.
    pub(crate) marked: HashMap<UserId, u64>,
    /// The link was broken: its live subscriptions pull what they missed.
    pub(crate) missed: bool,
    /// What this session sent and the fan-out did not pass yet: it gets no copy of it.
    pub(crate) own: VecDeque<(Position, String)>,
    /// Behind the last own message that the fan-out passed.
    pub(crate) passed: Cursor,
}

/// One socket.
pub(crate) struct Connection {
    pub(crate) id: u64,
    pub(crate) identity: OnceLock<Identity>,
    outbox_bytes: usize,
    /// Sends and marks whose outcome is not known yet.
    pub(crate) in_flight: AtomicUsize,
    state: Mutex<State>,
}

impl Connection {
    pub(crate) fn new(id: u64, outbox_bytes: usize) -> Self {
        Self {
            id,
            identity: OnceLock::new(),
            outbox_bytes,
            in_flight: AtomicUsize::new(0),
            state: Mutex::default(),
        }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// Bytes that may wait for the session.
    pub(crate) fn outbox_bytes(&self) -> usize {
        self.outbox_bytes
    }

    /// Orders the socket closed; the first order counts.
    pub(crate) fn close(&self, close: Close) {
        self.state.lock().end(close);
    }

    /// Lets the session look at its timers.
    pub(crate) fn tick(&self) {
        let mut state = self.state.lock();
        state.ticked = true;
        state.wake();
    }

    /// Puts a frame into the outbox.
    pub(crate) fn push(&self, frame: Bytes) {
        self.state.lock().push(Item::Frame(frame), self.outbox_bytes);
    }

    /// Answers a frame's `receipt`, if it asked for one.
    pub(crate) fn receipt(&self, receipt: Option<&str>) {
        if let Some(receipt) = receipt {
            self.state.lock().push(Item::Receipt(receipt.into()), self.outbox_bytes);
        }
    }

    /// A new message, once for each of the session's subscriptions to them.
    pub(crate) fn deliver(&self, position: Position, shared: &Arc<Shared>) {
        let mut state = self.state.lock();
        let state = &mut *state;
        for subscription in &mut state.subscriptions {
            match &mut subscription.feed {
                _ if subscription.queue != Queue::Messages => {}
                Feed::Replaying { dirty } => *dirty = true,
                Feed::Live { floor } if floor.covers(position) => {}
                Feed::Live { .. } => {
                    let body = Body::Message(Arc::clone(shared));
                    let item = Item::Message { subscription: subscription.number, body };
                    if state.close.is_none() && state.outbox.push(item, self.outbox_bytes) == Err(Full) {
                        return state.end(Close::SLOW);
                    }
                }
            }
        }
        state.wake();
    }

    /// A message of this very session came by: it has its receipt and needs no copy, now or later.
    pub(crate) fn passed(&self, position: Position) {
        let mut state = self.state.lock();
        if state.missed {
            return; // the pull begins behind what came by before the gap, or it would step over what is in it
        }
        state.passed.epoch = position.epoch;
        let at = position.partition as usize;
        if state.passed.next.len() <= at {
            state.passed.next.resize(at + 1, 0);
        }
        state.passed.advance(position);
        while state.own.front().is_some_and(|(own, _)| state.passed.covers(*own)) {
            state.own.pop_front();
        }
    }

    /// Deliveries were lost: what is live pulls from its cursor again, and what is pulling looks once more.
    pub(crate) fn missed(&self) {
        let mut state = self.state.lock();
        let mut any = false;
        for subscription in state.subscriptions.iter_mut().filter(|one| one.queue == Queue::Messages) {
            match &mut subscription.feed {
                Feed::Replaying { dirty } => *dirty = true,
                live @ Feed::Live { .. } => {
                    *live = Feed::Replaying { dirty: true };
                    any = true;
                }
            }
        }
        if any {
            state.missed = true;
            state.wake();
        }
    }

    /// Switches a subscription to live at the cursor of its replay, unless something came since the last
    /// look: then there is more to pull. One that is gone needs no more either.
    pub(crate) fn go_live(&self, number: u32, cursor: &Cursor) -> bool {
        let mut state = self.state.lock();
        let Some(one) = state.subscriptions.iter_mut().find(|one| one.number == number) else { return true };
        if let Feed::Replaying { dirty } = &mut one.feed
            && std::mem::take(dirty)
        {
            return false;
        }
        one.feed = Feed::Live { floor: cursor.clone() };
        true
    }

    /// News of a message's status.
    pub(crate) fn status(&self, update: &Arc<StatusUpdate>) {
        self.state.lock().publish(Queue::MessageStatus, &Body::Status(Arc::clone(update)), self.outbox_bytes);
    }

    /// A mark of this very person: for the other devices, not for the one that made it.
    pub(crate) fn own_mark(&self, peer: UserId, update: &Arc<StatusUpdate>) {
        let mut state = self.state.lock();
        if state.marked.get(&peer).is_none_or(|up_to| *up_to < update.up_to) {
            state.publish(Queue::MessageStatus, &Body::Status(Arc::clone(update)), self.outbox_bytes);
        }
    }

    /// Somebody is typing to this person, or ceased to. Answers for how many subscriptions it was left out.
    pub(crate) fn typing(&self, typing: &Arc<Typing>) -> u64 {
        let mut state = self.state.lock();
        let State { outbox, subscriptions, close, .. } = &mut *state;
        let listening = subscriptions.iter().filter(|one| one.queue == Queue::Typing && close.is_none());
        let mut shed = 0;
        for subscription in listening {
            let body = Body::Typing(Arc::clone(typing));
            let item = Item::Message { subscription: subscription.number, body };
            if outbox.push_soft(item, self.outbox_bytes) == Err(Full) {
                shed += 1;
            }
        }
        state.wake();
        shed
    }

    /// Tells of a SEND that failed: on the error queue, or, if nobody listens there, as ERROR and close.
    pub(crate) fn refuse(&self, problem: &Problem, receipt: Option<&str>) {
        let trace = edge::TraceId::draw();
        let mut body = problem.body(&trace.0);
        tracing::debug!(
            trace_id = trace.0,
            code = problem.code().as_str(),
            cause = problem.cause(),
            "SEND failed"
        );
        body.receipt = receipt.map(str::to_owned);
        let mut state = self.state.lock();
        if state.subscriptions.iter().any(|subscription| subscription.queue == Queue::Errors) {
            return state.publish(Queue::Errors, &Body::Problem(Arc::new(body)), self.outbox_bytes);
        }
        let message = format!("{}: {}", problem.code().as_str(), problem.detail());
        let json = serde_json::to_vec(&body).unwrap_or_default();
        state.push(Item::Frame(crate::frames::problem(&message, receipt, &json)), self.outbox_bytes);
        state.end(Close::POLICY);
    }

    /// The outcome of a send: news of it and the receipt, together and in the order of outcomes.
    pub(crate) fn sent(&self, position: Position, update: StatusUpdate, receipt: Option<&str>) {
        let mut state = self.state.lock();
        if let Some(client_message_id) = update.client_message_id.clone()
            && !state.passed.covers(position)
        {
            if state.own.len() >= limits::SENDS_UNPASSED {
                state.own.pop_front(); // at worst it gets a copy after a broken link
            }
            state.own.push_back((position, client_message_id));
        }
        state.publish(Queue::MessageStatus, &Body::Status(Arc::new(update)), self.outbox_bytes);
        if let Some(receipt) = receipt {
            state.push(Item::Receipt(receipt.into()), self.outbox_bytes);
        }
    }

    /// One outcome less to wait for.
    pub(crate) fn settled(&self) {
        self.in_flight.fetch_sub(1, Ordering::AcqRel);
        self.state.lock().wake();
    }

    pub(crate) fn waiting(&self) -> usize {
        self.in_flight.load(Ordering::Acquire)
    }
}

impl State {
    pub(crate) fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    fn end(&mut self, close: Close) {
        if self.close.is_none() {
            self.close = Some(close);
            if !close.flush {
                self.outbox.clear();
            }
        }
        self.wake();
    }

    fn push(&mut self, item: Item, bound: usize) {
        if self.close.is_some() {
            return;
        }
        if self.outbox.push(item, bound) == Err(Full) {
            self.end(Close::SLOW);
        }
        self.wake();
    }

    fn publish(&mut self, queue: Queue, body: &Body, bound: usize) {
        for at in 0..self.subscriptions.len() {
            if self.subscriptions[at].queue == queue {
                let subscription = self.subscriptions[at].number;
                self.push(Item::Message { subscription, body: body.clone() }, bound);
            }
        }
    }

    /// Remembers a mark of this session, so that it is not told of it.
    pub(crate) fn remember_mark(&mut self, peer: UserId, up_to: u64) {
        if self.marked.len() >= limits::MARKED_CONVERSATIONS {
            self.marked.clear(); // at worst the session hears of marks of its own
        }
        let marked = self.marked.entry(peer).or_default();
        *marked = up_to.max(*marked);
    }
}
