//! Between a session and its socket: what is written next, and what happens.

use crate::connection::Identity;
use crate::destination::{AckMode, Queue};
use crate::frames;
use crate::outbox::{Body, Item, Shared};
use crate::session::Session;
use crate::socket::{Broken, Incoming};
use crate::watermark::Written;
use bytes::Bytes;
use schema::{Cursor, MessageStatus, limits};
use std::task::{Context, Poll};

/// What a session waits for.
pub(crate) enum Event {
    /// Something came from the client, or nothing will any more.
    Came(Incoming),
    /// Something other than the socket wants attention.
    Work,
}

/// What is written next.
enum Outgoing {
    /// Whole: some clients look no further than one message.
    Frame(Bytes),
    Ping(Bytes),
}

impl Session {
    /// Writes what can be written, then says what happened first.
    pub(crate) fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Event> {
        let blocked = match self.poll_write(cx) {
            Ok(blocked) => blocked,
            Err(Broken) => return Poll::Ready(Event::Came(Incoming::Gone)),
        };
        {
            let mut state = self.connection.state();
            if state.close.is_some() || state.ticked {
                return Poll::Ready(Event::Work);
            }
            if !state.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
                state.waker = Some(cx.waker().clone());
            }
            if !blocked && !state.outbox.is_empty() {
                return Poll::Ready(Event::Work); // came in between; the next round writes it
            }
            // Everything before the gap is written; what is in flight is waited for once.
            if state.missed && state.outbox.is_empty() && !self.barrier {
                return Poll::Ready(Event::Work);
            }
        }
        let settled = (self.barrier || self.leaving.is_some()) && self.connection.waiting() == 0;
        if settled {
            return Poll::Ready(Event::Work);
        }
        // Reading first: a long replay must not keep sends, pongs and a close waiting.
        let next = if self.may_read() { self.socket.poll_read(cx) } else { Poll::Pending };
        match next {
            Poll::Ready(incoming) => Poll::Ready(Event::Came(incoming)),
            Poll::Pending if !blocked && self.wants_page() => Poll::Ready(Event::Work),
            Poll::Pending => Poll::Pending,
        }
    }

    /// Ready when everything that waits is written and flushed.
    pub(crate) fn poll_drained(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        match self.poll_write(cx) {
            Ok(false) => Poll::Ready(Ok(())),
            Ok(true) => Poll::Pending,
            Err(broken) => Poll::Ready(Err(broken)),
        }
    }

    /// Ready when every send has its outcome. Writes meanwhile.
    pub(crate) fn poll_outcomes(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.connection.state().waker = Some(cx.waker().clone());
        if self.poll_write(cx).is_err() || self.connection.waiting() == 0 {
            return Poll::Ready(());
        }
        Poll::Pending
    }

    /// Fills the socket until it takes no more (true) or everything is written and flushed (false).
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Result<bool, Broken> {
        loop {
            match self.socket.poll_ready(cx) {
                Poll::Ready(ready) => ready?,
                Poll::Pending => return Ok(self.blocked()),
            }
            self.times.unblocked();
            match self.next_outgoing() {
                Some(Outgoing::Frame(frame)) => self.socket.write(frame)?,
                Some(Outgoing::Ping(payload)) => self.socket.ping(payload)?,
                None => break,
            }
            self.unflushed = true;
        }
        if self.unflushed {
            match self.socket.poll_flush(cx) {
                Poll::Ready(flushed) => flushed?,
                Poll::Pending => return Ok(self.blocked()),
            }
            self.unflushed = false;
            self.times.wrote(self.hub.wheel.now());
        }
        Ok(false)
    }

    fn blocked(&mut self) -> bool {
        if self.times.blocked(self.hub.wheel.now())
            && let Some(tick) = self.times.give_up()
        {
            self.wake_at(tick);
        }
        true
    }

    fn next_outgoing(&mut self) -> Option<Outgoing> {
        if std::mem::take(&mut self.beat_due) {
            return Some(Outgoing::Frame(Bytes::from_static(frames::BEAT)));
        }
        if let Some(ping) = self.next_ping() {
            return Some(Outgoing::Ping(ping));
        }
        loop {
            let item = self.connection.state().outbox.pop();
            let frame = match item {
                None => break,
                Some(Item::Frame(frame)) => Some(frame),
                Some(Item::Receipt(id)) => Some(frames::receipt(self.version, &id)),
                Some(Item::Message { subscription, body }) => self.render(subscription, &body),
            };
            if let Some(frame) = frame {
                return self.count(frame);
            }
        }
        while let Some((subscription, entry)) = self.next_replayed() {
            if let Some(frame) = self.render_message(subscription, &entry.shared, Some(entry.cursor)) {
                self.hub.metrics.replayed.inc();
                return self.count(frame);
            }
        }
        None
    }

    fn count(&self, frame: Bytes) -> Option<Outgoing> {
        self.hub.metrics.frames_out.inc();
        Some(Outgoing::Frame(frame))
    }

    /// The frame of a body; none when its subscription is gone.
    fn render(&mut self, subscription: u32, body: &Body) -> Option<Bytes> {
        let json = match body {
            Body::Message(shared) => return self.render_message(subscription, shared, None),
            Body::Status(update) => serde_json::to_vec(&**update),
            Body::Problem(problem) => serde_json::to_vec(&**problem),
            Body::Presence(presence) => serde_json::to_vec(&**presence),
            Body::Typing(typing) => serde_json::to_vec(&**typing),
        };
        let subscribed = self.subscriptions.iter().find(|one| one.number == subscription)?;
        self.messages += 1;
        let head = frames::Message {
            version: self.version,
            subscription: subscribed.id.as_deref(),
            destination: subscribed.destination(),
            number: self.messages,
            acknowledged: subscribed.ack != AckMode::Auto,
            cursor: None,
        };
        Some(frames::message(&head, &json.unwrap_or_default()))
    }

    /// The frame of a message. A replayed one comes with the cursor behind it; a live one moves the
    /// subscription's.
    fn render_message(
        &mut self,
        subscription: u32,
        shared: &Shared,
        replayed: Option<Cursor>,
    ) -> Option<Bytes> {
        let who = *self.connection.identity.get()?;
        let subscribed = self.subscriptions.iter_mut().find(|one| one.number == subscription)?;
        debug_assert_eq!(subscribed.queue, Queue::Messages);
        let position = shared.message.position;
        match replayed {
            Some(cursor) => subscribed.cursor = cursor,
            None => subscribed.cursor.advance(position),
        }
        self.messages += 1;
        if let Some(window) = &mut subscribed.window {
            window.wrote(Written {
                number: self.messages,
                partition: position.partition,
                next: subscribed.cursor.next_in(position.partition),
                sender: (shared.message.recipient_id == who.user).then_some(shared.message.sender_id),
                sequence: shared.message.sequence,
            });
        }
        let cursor = self.hub.chat.seal(who.user, &subscribed.cursor);
        let head = frames::Message {
            version: self.version,
            subscription: subscribed.id.as_deref(),
            destination: subscribed.destination(),
            number: self.messages,
            acknowledged: subscribed.window.is_some(),
            cursor: Some(&cursor),
        };
        let frame = frames::message(&head, shared.json());
        self.ask_about(who, shared);
        Some(frame)
    }

    /// Remembers a frame that a pong would prove delivered.
    fn ask_about(&mut self, who: Identity, shared: &Shared) {
        let message = &shared.message;
        if message.recipient_id != who.user || shared.status != MessageStatus::Sent {
            return;
        }
        let unmarked = &mut self.pings.unmarked;
        if unmarked.len() < limits::MARKED_CONVERSATIONS || unmarked.contains_key(&message.sender_id) {
            let up_to = unmarked.entry(message.sender_id).or_default();
            *up_to = message.sequence.max(*up_to);
        }
    }
}
