//! The sequencer's heart: a pure function from (head, record) to (head, effects).
//!
//! No clock, no look-up, no I/O: times come from the record and what is known of its id is handed in. So a
//! replay, a second owner and another back-end all compute the same rows.

mod blocks;
mod marks;
mod window;

#[cfg(test)]
mod tests;

pub(crate) use window::Window;

use blocks::{apply_block, apply_erasure};
use marks::apply_mark;
use schema::event::{Body, Event, Sent};
use schema::{ConversationId, MessageId, MessageStatus, Position, UserId};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use store::messages::{Change, FeedEntry, Head, IdEntry, Marks, StoredMessage, Write};

/// A conversation in the hands of a sequencer: its head and the client ids it remembers.
#[derive(Clone, Debug)]
pub(crate) struct Live {
    pub(crate) head: Head,
    pub(crate) window: Window,
    /// The newest message, if it came since the head was loaded: most marks concern it.
    pub(crate) last: Option<LastMessage>,
}

/// What news of a mark say about the message.
#[derive(Clone, Debug)]
pub(crate) struct LastMessage {
    pub(crate) sequence: u64,
    pub(crate) message_id: MessageId,
    pub(crate) client_message_id: String,
}

/// What the one who waits is told.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Outcome {
    /// The message is new.
    Sent(Arc<StoredMessage>),
    /// The message was there, at this sequence.
    Repeat { conversation: ConversationId, sequence: u64 },
    /// The same client id came with another body.
    Conflict,
    /// The mark, the block or the erasure is applied.
    Applied,
}

/// A mark that moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moved {
    pub(crate) user: UserId,
    pub(crate) peer: UserId,
    pub(crate) status: MessageStatus,
    pub(crate) up_to: u64,
    /// What the peer is told of it.
    pub(crate) shown: Option<MessageStatus>,
}

/// What a record does.
#[derive(Debug)]
pub(crate) struct Effects {
    pub(crate) writes: Vec<Write>,
    pub(crate) outcome: Outcome,
    pub(crate) moved: Option<Moved>,
    /// Whether the head is another one now.
    pub(crate) changed: bool,
}

impl Effects {
    fn none(outcome: Outcome) -> Self {
        Self { writes: Vec::new(), outcome, moved: None, changed: false }
    }
}

/// The view and the log disagree about a sequence: applying on would fork the conversation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "conversation {conversation}: the record at offset {offset} was sequence {stored}, and would be {computed} now"
)]
pub struct Fork {
    conversation: ConversationId,
    offset: u64,
    stored: u64,
    computed: u64,
}

/// Applies one record to its conversation. `known` is what the view, or an earlier record of the same
/// batch, has under the event's id; it may be left out where [`needs_lookup`] says so.
pub(crate) fn apply(
    live: &mut Option<Live>,
    event: &Event,
    position: Position,
    known: Option<&IdEntry>,
) -> Result<Effects, Fork> {
    match &event.payload {
        Body::Sent(sent) => apply_sent(live, event, sent, position, known),
        Body::Delivered(mark) => Ok(apply_mark(live, event, mark, MessageStatus::Delivered, position)),
        Body::Seen(mark) => Ok(apply_mark(live, event, mark, MessageStatus::Seen, position)),
        Body::Blocked(peer) => Ok(apply_block(live, event, peer, true, position)),
        Body::Unblocked(peer) => Ok(apply_block(live, event, peer, false, position)),
        Body::Erased(_) => Ok(apply_erasure(event)),
    }
}

/// Whether the view must be asked about the event's id: not for marks, and not for a send whose client id
/// is a UUIDv7 newer than every one that the head ever forgot.
pub(crate) fn needs_lookup(live: Option<&Live>, event: &Event) -> bool {
    match (&event.payload, live) {
        (Body::Sent(sent), Some(live)) => !live.window.proves_new(&sent.client_message_id, event.event_id),
        // The first send of a conversation may have been applied before a crash that lost its head.
        (Body::Sent(_), None) => true,
        _ => false,
    }
}

fn apply_sent(
    live: &mut Option<Live>,
    event: &Event,
    sent: &Sent,
    position: Position,
    known: Option<&IdEntry>,
) -> Result<Effects, Fork> {
    let request_hash = request_hash(sent);
    if let Some(first) = known.filter(|entry| entry.position.is_before(position)) {
        return Ok(Effects::none(if first.request_hash == request_hash {
            Outcome::Repeat { conversation: first.conversation_id, sequence: first.sequence }
        } else {
            Outcome::Conflict
        }));
    }
    let live = live.get_or_insert_with(|| Live::new(event, sent.recipient_id));
    let sequence = live.head.last_sequence + 1;
    if let Some(stored) = known.filter(|entry| entry.position == position && entry.sequence != sequence) {
        return Err(Fork {
            conversation: event.conversation_id,
            offset: position.offset,
            stored: stored.sequence,
            computed: sequence,
        });
    }
    live.window.remember(&sent.client_message_id, event.event_id);
    live.head.last_sequence = sequence;
    live.head.last_message_at = event.occurred_at;
    let hidden = live.head.has_blocked(sent.recipient_id) && sent.recipient_id != event.actor_id;
    live.received(event, sent.recipient_id, sequence, hidden);
    live.head.newest_client_ms = live.head.newest_client_ms.max(live.window.newest());
    live.last = Some(LastMessage {
        sequence,
        message_id: event.event_id,
        client_message_id: sent.client_message_id.clone(),
    });
    live.touch(position);
    let message = Arc::new(StoredMessage { hidden, ..row(event, sent, sequence, position) });
    let id = IdEntry {
        message_id: event.event_id,
        conversation_id: event.conversation_id,
        sequence,
        position,
        request_hash,
    };
    let mut writes = vec![Write::Message(Arc::clone(&message)), Write::Id(id)];
    let entry =
        FeedEntry { position, conversation_id: event.conversation_id, change: Change::Message { sequence } };
    for user in people(event.actor_id, sent.recipient_id) {
        if sequence == 1 {
            writes.push(Write::Member { user, conversation: event.conversation_id });
        }
        if !message.is_hidden_from(user) {
            writes.push(Write::Feed { user, entry: entry.clone() });
        }
    }
    Ok(Effects { writes, outcome: Outcome::Sent(message), moved: None, changed: true })
}

/// Both people of a conversation, once in a note to oneself.
fn people(actor: UserId, other: UserId) -> impl Iterator<Item = UserId> {
    std::iter::once(actor).chain((other != actor).then_some(other))
}

impl Live {
    /// A head as it was before the record at `as_of`. What the view knows of later records must not stick to
    /// it: written back with their position, an owner that is behind would win over one that is ahead.
    pub(crate) fn loaded(mut head: Head, as_of: Position) -> Self {
        if !head.changed.is_before(as_of) {
            head.changed = Position::default();
        }
        Self { window: Window::behind(head.newest_client_ms), head, last: None }
    }

    fn new(event: &Event, other: UserId) -> Self {
        let mut members = [event.actor_id, other];
        members.sort_unstable();
        let head = Head::empty(event.conversation_id, members);
        Self { head, window: Window::default(), last: None }
    }

    /// Notes a message with those who may see it.
    fn received(&mut self, event: &Event, recipient: UserId, sequence: u64, hidden: bool) {
        for user in people(event.actor_id, recipient).filter(|user| !hidden || *user == event.actor_id) {
            let Some(member) = self.head.member(user) else { continue };
            let marks: &mut Marks = &mut self.head.marks[member];
            if sequence >= marks.newest {
                (marks.newest, marks.newest_at) = (sequence, event.occurred_at);
            }
            if user == recipient {
                marks.received = sequence.max(marks.received);
            }
        }
    }

    fn touch(&mut self, position: Position) {
        if self.head.changed.is_before(position) {
            self.head.changed = position;
        }
    }
}

fn row(event: &Event, sent: &Sent, sequence: u64, position: Position) -> StoredMessage {
    StoredMessage {
        message_id: event.event_id,
        conversation_id: event.conversation_id,
        sequence,
        position,
        sender_id: event.actor_id,
        recipient_id: sent.recipient_id,
        client_message_id: sent.client_message_id.clone(),
        content: sent.content.clone(),
        message_type: sent.message_type,
        timestamp: event.occurred_at,
        reply_to_message_id: sent.reply_to_message_id,
        metadata: sent.metadata.clone(),
        hidden: false,
        erased: false,
    }
}

/// What makes two requests under one client id the same.
fn request_hash(sent: &Sent) -> [u8; 16] {
    let mut hash = Sha256::new();
    hash.update([sent.message_type as u8]);
    hash.update((sent.content.len() as u64).to_be_bytes());
    hash.update(&sent.content);
    hash.update(sent.reply_to_message_id.map(|id| *id.as_bytes()).unwrap_or_default());
    hash.update(sent.metadata.as_ref().map(|m| m.get()).unwrap_or_default());
    let mut short = [0; 16];
    short.copy_from_slice(&hash.finalize()[..16]);
    short
}
