//! Catching a subscription up from the view, page by page, as fast as its socket takes it.
//!
//! Nothing is queued meanwhile: deliveries only note that there is more. When a page comes back empty and
//! nothing was noted since the last look, the subscription goes live at exactly that cursor; deliveries
//! that the cursor covers are dropped. So nothing comes twice and nothing is left out, however long it takes.

use crate::connection::Identity;
use crate::destination::Queue;
use crate::outbox::Shared;
use crate::session::Session;
use chat::{Backlog, Delivery, Error, Talk};
use schema::Cursor;
use schema::limits::REPLAY_PAGE;
use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use store::messages::StoredMessage;

/// Ticks until a page that could not be read is tried again.
const RETRY: u32 = 4;

/// Where a replay starts.
pub(crate) enum Start {
    /// Behind what this device has, else with what no device has; with the position at the SUBSCRIBE.
    Device(Cursor),
    Cursor(Cursor),
}

/// One message to write, with the cursor behind it.
pub(crate) struct Entry {
    pub(crate) shared: Arc<Shared>,
    pub(crate) cursor: Cursor,
}

/// A subscription that is being caught up.
pub(crate) struct Replay {
    pub(crate) subscription: u32,
    pub(crate) retry_at: Option<u32>,
    /// Until the first page: where it starts.
    start: Option<Start>,
    /// Behind the last page.
    cursor: Cursor,
    /// Without a cursor of the client: which messages it is given.
    backlog: Option<Backlog>,
    page: VecDeque<Entry>,
}

impl Replay {
    pub(crate) fn new(subscription: u32, start: Start) -> Self {
        Self {
            subscription,
            retry_at: None,
            start: Some(start),
            cursor: Cursor::default(),
            backlog: None,
            page: VecDeque::new(),
        }
    }

    /// Reads one page. `Some` when there is nothing more behind that cursor now.
    async fn pull(
        &mut self,
        chat: &dyn Talk,
        who: Identity,
        sent_meanwhile: &HashSet<String>,
    ) -> Result<Option<Cursor>, Error> {
        match self.start.take() {
            None => {}
            Some(Start::Cursor(cursor)) => self.cursor = cursor,
            Some(Start::Device(until)) => match chat.backlog(who.user, who.session, until.clone()).await {
                Ok(backlog) => {
                    self.cursor = backlog.from.clone();
                    self.backlog = Some(backlog);
                }
                Err(error) => {
                    self.start = Some(Start::Device(until));
                    return Err(error);
                }
            },
        }
        let now = chat.position();
        if now.epoch > self.cursor.epoch {
            // The log was replaced meanwhile: nothing more comes of the old one, and everything of the new one.
            self.cursor = Cursor { next: vec![0; now.next.len()], epoch: now.epoch };
        }
        let (deliveries, next) = chat.feed(who.user, &self.cursor, REPLAY_PAGE).await?;
        let more = !deliveries.is_empty();
        for delivery in deliveries {
            self.cursor.advance(delivery.position());
            let Delivery::Message { message, status, .. } = delivery else { continue };
            let backlog = self.backlog.as_ref().is_none_or(|backlog| backlog.wants(&message));
            if backlog && !sent_here(&message, who, sent_meanwhile) {
                let shared = Arc::new(Shared::new(message, status));
                self.page.push_back(Entry { shared, cursor: self.cursor.clone() });
            }
        }
        self.cursor.merge(&next);
        Ok((!more).then(|| self.cursor.clone()))
    }
}

/// Whether this very connection sent a message while the replay ran: it has its receipt, as it would live.
fn sent_here(message: &StoredMessage, who: Identity, sent: &HashSet<String>) -> bool {
    message.sender_id == who.user
        && message.recipient_id != who.user
        && sent.contains(&message.client_message_id)
}

impl Session {
    /// Whether a replay can go on with its next page.
    pub(crate) fn wants_page(&self) -> bool {
        let ready = |replay: &Replay| {
            replay.page.is_empty() && replay.retry_at.is_none_or(|tick| self.hub.wheel.now() >= tick)
        };
        !self.barrier && self.leaving.is_none() && self.replays.front().is_some_and(ready)
    }

    /// The next replayed message to write.
    pub(crate) fn next_replayed(&mut self) -> Option<(u32, Entry)> {
        let replay = self.replays.front_mut()?;
        Some((replay.subscription, replay.page.pop_front()?))
    }

    /// After a broken link: pulls what came since the last message written, for each live subscription.
    pub(crate) fn look_at_gap(&mut self) {
        let mut state = self.connection.state();
        if !state.missed || !state.outbox.is_empty() {
            return;
        }
        if self.connection.waiting() > 0 {
            // What is in flight must be known by its id, so that it does not come back.
            self.barrier = true;
            return;
        }
        state.missed = false;
        self.sent_meanwhile.extend(state.own.drain(..).map(|(_, id)| id));
        for one in self.subscriptions.iter().filter(|one| one.queue == Queue::Messages) {
            if self.replays.iter().all(|replay| replay.subscription != one.number) {
                let mut cursor = one.cursor.clone();
                if cursor.epoch == state.passed.epoch {
                    cursor.merge(&state.passed);
                }
                self.replays.push_back(Replay::new(one.number, Start::Cursor(cursor)));
            }
        }
    }

    /// Reads a page of the replay at hand, or ends it.
    pub(crate) async fn pull(&mut self) {
        let (Some(who), Some(mut replay)) =
            (self.connection.identity.get().copied(), self.replays.pop_front())
        else {
            return;
        };
        replay.retry_at = None;
        let pulled = Box::pin(replay.pull(&*self.hub.chat, who, &self.sent_meanwhile)).await;
        match pulled {
            Ok(Some(cursor)) if self.go_live(replay.subscription, &cursor) => {
                if self.replays.is_empty() {
                    // An idle session keeps no room for what is over.
                    self.replays = VecDeque::new();
                    self.sent_meanwhile = HashSet::new();
                }
                return;
            }
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(%error, "a replay waits for history");
                let tick = self.hub.wheel.now() + RETRY;
                replay.retry_at = Some(tick);
                self.wake_at(tick);
            }
        }
        self.replays.push_front(replay);
    }

    fn go_live(&mut self, number: u32, cursor: &Cursor) -> bool {
        let live = self.connection.go_live(number, cursor);
        if live && let Some(own) = self.subscriptions.iter_mut().find(|one| one.number == number) {
            own.cursor = cursor.clone();
        }
        live
    }
}
