//! SUBSCRIBE and UNSUBSCRIBE.

use crate::connection::{Feed, Subscription};
use crate::destination::{AckMode, Queue};
use crate::replay::{Replay, Start};
use crate::session::{Fatal, Session};
use crate::watermark::Window;
use chat::CursorError;
use schema::wire::stomp::{Frame, Version};
use schema::{Cursor, limits};
use std::sync::Arc;

/// A subscription as the session sees it.
pub(crate) struct Subscribed {
    pub(crate) number: u32,
    /// The client's id; 1.0 may leave it out.
    pub(crate) id: Option<Box<str>>,
    pub(crate) queue: Queue,
    /// The destination, where the queue alone does not say it.
    pub(crate) topic: Option<Box<str>>,
    pub(crate) ack: AckMode,
    /// Frames that wait for an ACK, where the mode asks for them.
    pub(crate) window: Option<Box<Window>>,
    /// Behind the last message written.
    pub(crate) cursor: Cursor,
}

impl Subscribed {
    /// The destination as the client named it; MESSAGE carries the same.
    pub(crate) fn destination(&self) -> &str {
        self.topic.as_deref().unwrap_or(self.queue.destination())
    }
}

impl Session {
    /// False: it was refused, and the client told.
    pub(crate) async fn on_subscribe(&mut self, frame: &Frame) -> Result<bool, Fatal> {
        let destination = frame.header("destination").ok_or_else(|| missing("SUBSCRIBE", "destination"))?;
        let queue = Queue::at(destination)
            .ok_or_else(|| Fatal::protocol(format!("unknown destination {destination:?} for SUBSCRIBE")))?;
        let id = frame.header("id");
        if id.is_none() && self.version > Version::V10 {
            return Err(missing("SUBSCRIBE", "id"));
        }
        let ack = AckMode::parse(frame.header("ack"))
            .ok_or_else(|| Fatal::protocol("ack must be auto, client or client-individual"))?;
        if let Some(known) =
            self.subscriptions.iter().find(|one| one.id.as_deref() == id && is_same(one, destination))
        {
            // Asked twice: no second copy.
            return if known.destination() == destination {
                Ok(true)
            } else {
                Err(Fatal::protocol("subscription id is in use"))
            };
        }
        if self.subscriptions.len() >= limits::SUBSCRIPTIONS {
            return Err(Fatal::protocol(format!(
                "a session may have {} subscriptions",
                limits::SUBSCRIPTIONS
            )));
        }
        let topics = self.subscriptions.iter().filter(|one| one.queue == Queue::PresenceOf).count();
        if queue == Queue::PresenceOf && topics >= limits::PRESENCE_TOPICS {
            return Err(Fatal::protocol(format!(
                "a session may have {} subscriptions to somebody's presence; POST /api/presence/query asks for many",
                limits::PRESENCE_TOPICS
            )));
        }
        let start = match frame.header("cursor") {
            Some(text) if queue == Queue::Messages => self.start_at(text)?,
            _ => Start::Device(self.hub.chat.position()),
        };
        self.next_subscription += 1;
        let number = self.next_subscription;
        let window = (queue == Queue::Messages && ack != AckMode::Auto).then(Box::default);
        let cursor = Cursor::default();
        let topic = (queue == Queue::PresenceOf).then(|| destination.into());
        let id = id.map(Into::into);
        self.subscriptions.push(Subscribed { number, id, queue, topic, ack, window, cursor });
        let feed = Feed::Replaying { dirty: false };
        self.connection.state().subscriptions.push(Subscription { number, queue, feed });
        if queue == Queue::Messages {
            self.replays.push_back(Replay::new(number, start));
            // What this session sent before must be told apart from what comes after.
            self.barrier = self.connection.waiting() > 0;
        }
        Ok(match queue {
            Queue::Presence | Queue::PresenceOf => self.watch(number, queue, frame).await,
            Queue::Messages | Queue::MessageStatus | Queue::Errors | Queue::Typing => true,
        })
    }

    /// A cursor of another life of the log starts anew, as none would.
    fn start_at(&self, text: &str) -> Result<Start, Fatal> {
        let Some(who) = self.connection.identity.get().copied() else {
            return Ok(Start::Device(self.hub.chat.position()));
        };
        let cursor = match self.hub.chat.open_cursor(who.user, text) {
            Ok(cursor) => cursor,
            Err(CursorError::OtherEpoch) => return Ok(Start::Device(self.hub.chat.position())),
            Err(CursorError::Malformed) => {
                return Err(Fatal::protocol("cursor is not one that was given to you"));
            }
        };
        let (hub, passed) = (Arc::clone(&self.hub), cursor.clone());
        tokio::spawn(async move {
            let Ok(_permit) = hub.marking.acquire().await else { return };
            if let Err(error) = hub.chat.passed(who.user, who.session, &passed).await {
                hub.metrics.marks_failed.inc();
                tracing::debug!(%error, "a cursor could not be marked");
            }
        });
        Ok(Start::Cursor(cursor))
    }

    pub(crate) fn on_unsubscribe(&mut self, frame: &Frame) -> Result<(), Fatal> {
        let (id, destination) = (frame.header("id"), frame.header("destination"));
        if id.is_none() && (self.version > Version::V10 || destination.is_none()) {
            return Err(missing("UNSUBSCRIBE", "id"));
        }
        let gone = |one: &Subscribed| match id {
            Some(id) => one.id.as_deref() == Some(id),
            None => one.id.is_none() && Some(one.destination()) == destination,
        };
        // One that is not there is gone already.
        if let Some(at) = self.subscriptions.iter().position(gone) {
            let Subscribed { number, queue, .. } = self.subscriptions.swap_remove(at);
            if matches!(queue, Queue::Presence | Queue::PresenceOf) {
                self.hub.presence.unwatch(self.connection.id, number);
            }
            self.connection.state().subscriptions.retain(|one| one.number != number);
            self.replays.retain(|replay| replay.subscription != number);
        }
        Ok(())
    }
}

/// Subscriptions with an id are told apart by it, those without by their destination.
fn is_same(one: &Subscribed, destination: &str) -> bool {
    one.id.is_some() || one.destination() == destination
}

pub(crate) fn missing(command: &str, header: &str) -> Fatal {
    Fatal::protocol(format!("{command} needs a {header} header"))
}
