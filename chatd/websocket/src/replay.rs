//! Catching a subscription up from the view, page by page, as fast as its socket takes it.
//!
//! Nothing is queued meanwhile: deliveries only note that there is more. When a page comes back empty and
//! nothing was noted since the last look, the subscription goes live at exactly that cursor; deliveries
//! that the cursor covers are dropped. So nothing comes twice and nothing is left out, however long it takes.

use crate::connection::Identity;
use crate::outbox::Shared;
use crate::session::Session;
use chat::{Chat, Delivery, Error, Resume};
use schema::limits::REPLAY_PAGE;
use schema::{Cursor, MessageStatus, Position};
use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use store::messages::StoredMessage;

/// Ticks until a page that could not be read is tried again.
const RETRY: u32 = 4;

/// Where a replay starts.
pub(crate) enum Start {
    /// Behind what this device has, else with what no device has.
    Device,
    Cursor(Cursor),
}

/// One message to write, with the cursor behind it. While messages do not come in log order there is none
/// that would leave nothing out.
pub(crate) struct Entry {
    pub(crate) shared: Arc<Shared>,
    pub(crate) cursor: Option<Cursor>,
}

enum Stage {
    Fresh(Start),
    /// What no device has, up to `before`, of partitions that `device` says nothing of. The last message of
    /// a page is held until it is known whether it is the last of all.
    Undelivered {
        before: Cursor,
        device: Cursor,
        behind: Cursor,
        resume: Option<Resume>,
        held: Option<Arc<StoredMessage>>,
    },
    /// Everything behind a cursor; own messages only from `own_from` on.
    Feed {
        cursor: Cursor,
        own_from: Option<Cursor>,
    },
}

/// A subscription that is being caught up.
pub(crate) struct Replay {
    pub(crate) subscription: u32,
    pub(crate) retry_at: Option<u32>,
    stage: Stage,
    page: VecDeque<Entry>,
}

impl Replay {
    pub(crate) fn new(subscription: u32, start: Start) -> Self {
        Self { subscription, retry_at: None, stage: Stage::Fresh(start), page: VecDeque::new() }
    }

    /// Reads one page. `Some` when there is nothing more behind that cursor now.
    async fn pull(
        &mut self,
        chat: &Chat,
        who: Identity,
        sent_meanwhile: &HashSet<String>,
    ) -> Result<Option<Cursor>, Error> {
        match &mut self.stage {
            Stage::Fresh(start) => {
                let start = std::mem::replace(start, Start::Device);
                self.stage = first_stage(chat, who, start).await?;
            }
            Stage::Undelivered { before, device, behind, resume, held } => {
                let first = resume.is_none();
                let (messages, next) =
                    chat.undelivered(who.user, before, resume.clone(), REPLAY_PAGE).await?;
                let wanted = messages.into_iter().filter(|one| device.next_in(one.position.partition) == 0);
                let mut messages: Vec<_> = held.take().into_iter().chain(wanted).collect();
                if next.is_some() {
                    *held = messages.pop();
                }
                self.page = undelivered_page(messages, behind, first, next.is_none());
                match next {
                    Some(next) => *resume = Some(next),
                    None => {
                        self.stage = Stage::Feed { cursor: behind.clone(), own_from: Some(before.clone()) };
                    }
                }
            }
            Stage::Feed { cursor, own_from } => {
                let (deliveries, next) = chat.feed(who.user, cursor, REPLAY_PAGE).await?;
                if deliveries.is_empty() {
                    cursor.merge(&next);
                    return Ok(Some(cursor.clone()));
                }
                let mut at = cursor.clone();
                for delivery in deliveries {
                    at.advance(delivery.position());
                    let Delivery::Message { message, status, .. } = delivery else { continue };
                    if wanted(&message, who, own_from.as_ref(), sent_meanwhile) {
                        let shared = Arc::new(Shared::new(message, status));
                        self.page.push_back(Entry { shared, cursor: Some(at.clone()) });
                    }
                }
                *cursor = next;
            }
        }
        Ok(None)
    }
}

async fn first_stage(chat: &Chat, who: Identity, start: Start) -> Result<Stage, Error> {
    if let Start::Cursor(cursor) = start {
        return Ok(Stage::Feed { cursor, own_from: None });
    }
    // The position first: what comes later is in the feed behind it.
    let before = chat.position();
    let device = chat.device(who.user, who.session).await?.filter(|device| device.epoch == before.epoch);
    let mut device = device.unwrap_or_default();
    device.next.resize(before.next.len(), 0);
    let behind = Cursor {
        epoch: before.epoch,
        next: device
            .next
            .iter()
            .zip(&before.next)
            .map(|(has, now)| if *has == 0 { *now } else { *has })
            .collect(),
    };
    Ok(if device.next.contains(&0) {
        Stage::Undelivered { before, device, behind, resume: None, held: None }
    } else {
        Stage::Feed { cursor: behind, own_from: Some(before) }
    })
}

/// Whether a message of the feed goes to the subscriber. What this very connection sent meanwhile does not,
/// as it would not live.
fn wanted(message: &StoredMessage, who: Identity, own_from: Option<&Cursor>, sent: &HashSet<String>) -> bool {
    let own = message.sender_id == who.user && message.recipient_id != who.user;
    let before = |position: Position| own_from.is_some_and(|from| from.covers(position));
    !own || !(before(message.position) || sent.contains(&message.client_message_id))
}

/// A page of undelivered messages. If it is all there is, it is put in log order and each message has its
/// cursor; else only the last of all has one, which is `behind`.
fn undelivered_page(
    mut messages: Vec<Arc<StoredMessage>>,
    behind: &Cursor,
    first: bool,
    last: bool,
) -> VecDeque<Entry> {
    let ordered = first && last;
    let mut at = behind.clone();
    if ordered {
        messages.sort_by_key(|message| message.position);
        for Position { partition, offset, .. } in messages.iter().map(|message| message.position) {
            if let Some(next) = at.next.get_mut(partition as usize) {
                *next = offset.min(*next);
            }
        }
    }
    let count = messages.len();
    let entry = |(i, message): (usize, Arc<StoredMessage>)| {
        at.advance(message.position);
        if last && i + 1 == count {
            at.merge(behind);
        }
        let cursor = (ordered || (last && i + 1 == count)).then(|| at.clone());
        Entry { shared: Arc::new(Shared::new(message, MessageStatus::Sent)), cursor }
    };
    messages.into_iter().enumerate().map(entry).collect()
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

    /// Reads a page of the replay at hand, or ends it.
    pub(crate) async fn pull(&mut self) {
        let (Some(who), Some(mut replay)) =
            (self.connection.identity.get().copied(), self.replays.pop_front())
        else {
            return;
        };
        replay.retry_at = None;
        let pulled = Box::pin(replay.pull(&self.hub.chat, who, &self.sent_meanwhile)).await;
        match pulled {
            Ok(Some(cursor)) if self.go_live(replay.subscription, &cursor) => {
                if self.replays.is_empty() {
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

#[cfg(test)]
mod tests {
    use super::*;
    use schema::{ConversationId, MessageId, MessageType, SessionId, Timestamp, UserId};

    fn message(sender: UserId, recipient: UserId, partition: u32, offset: u64) -> Arc<StoredMessage> {
        let conversation_id = ConversationId::between(sender, recipient);
        Arc::new(StoredMessage {
            message_id: MessageId::draw(),
            conversation_id,
            sequence: offset,
            position: Position { epoch: 1, partition, offset },
            sender_id: sender,
            recipient_id: recipient,
            client_message_id: offset.to_string(),
            content: "x".into(),
            message_type: MessageType::Text,
            timestamp: Timestamp(0),
            reply_to_message_id: None,
            metadata: None,
        })
    }

    #[test]
    fn one_page_comes_in_log_order_with_cursors_that_leave_nothing_out() {
        let (a, b, me) = (UserId::draw(), UserId::draw(), UserId::draw());
        let behind = Cursor { epoch: 1, next: vec![9, 9] };
        let messages =
            vec![message(a, me, 0, 2), message(a, me, 0, 5), message(b, me, 0, 3), message(b, me, 1, 7)];
        let page = undelivered_page(messages, &behind, true, true);
        let seen: Vec<_> =
            page.iter().map(|e| (e.shared.message.position.offset, e.cursor.clone().unwrap().next)).collect();
        assert_eq!(seen, [(2, vec![3, 7]), (3, vec![4, 7]), (5, vec![6, 7]), (7, vec![9, 9])]);
    }

    #[test]
    fn of_many_pages_only_the_last_message_has_a_cursor() {
        let (a, me) = (UserId::draw(), UserId::draw());
        let behind = Cursor { epoch: 1, next: vec![9] };
        let page = |first, last| {
            let messages = vec![message(a, me, 0, 1), message(a, me, 0, 2)];
            let entries = undelivered_page(messages, &behind, first, last);
            entries.into_iter().map(|e| e.cursor.map(|c| c.next)).collect::<Vec<_>>()
        };
        assert_eq!(page(true, false), [None, None]);
        assert_eq!(page(false, true), [None, Some(vec![9])]);
    }

    #[test]
    fn own_messages_are_part_of_a_cursors_feed_but_not_of_what_was_undelivered() {
        let (me, peer) = (UserId::draw(), UserId::draw());
        let who = Identity { user: me, session: SessionId::draw() };
        let own = message(me, peer, 0, 4);
        let from = |next| Cursor { epoch: 1, next: vec![next] };
        let nothing = HashSet::new();
        assert!(wanted(&own, who, None, &nothing));
        assert!(!wanted(&own, who, Some(&from(5)), &nothing));
        assert!(wanted(&own, who, Some(&from(4)), &nothing), "another device sent it meanwhile");
        assert!(!wanted(&own, who, None, &HashSet::from(["4".to_owned()])), "this connection sent it");
        assert!(wanted(&message(peer, me, 0, 4), who, Some(&from(5)), &HashSet::from(["4".to_owned()])));
        assert!(wanted(&message(me, me, 0, 4), who, Some(&from(5)), &nothing), "a note to oneself");
    }
}
