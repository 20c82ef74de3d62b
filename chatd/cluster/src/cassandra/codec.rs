//! The bytes of what is stored as a blob: big-endian, a format number first.
//!
//! Of two heads that the same record made, the larger bytes win in Cassandra, and marks and client times only
//! grow, so the larger is the later one.

use schema::{ConversationId, MessageId, MessageStatus, Position};
use store::fields::{Fields, put_marks, put_position};
use store::messages::{Applied, Change, FeedEntry, Head, IdEntry};
use uuid::Uuid;

const FORMAT: u8 = 1;

/// What follows the format number.
fn fields(bytes: &[u8]) -> Option<Fields<'_>> {
    bytes.strip_prefix(&[FORMAT]).map(Fields)
}

fn begin(capacity: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(capacity);
    bytes.push(FORMAT);
    bytes
}

pub(super) fn encode_head(head: &Head) -> Vec<u8> {
    let mut bytes = begin(200);
    for member in &head.members {
        bytes.extend(member.as_bytes());
    }
    bytes.extend(head.last_sequence.to_be_bytes());
    bytes.extend(head.last_message_at.0.to_be_bytes());
    put_position(&mut bytes, head.changed);
    for marks in &head.marks {
        put_marks(&mut bytes, marks);
    }
    bytes.extend(head.newest_client_ms.to_be_bytes());
    bytes.extend(head.blocked.map(u8::from));
    bytes
}

pub(super) fn decode_head(conversation: ConversationId, bytes: &[u8]) -> Option<Head> {
    let mut fields = fields(bytes)?;
    let mut head = Head::empty(conversation, [fields.user()?, fields.user()?]);
    head.last_sequence = fields.u64()?;
    head.last_message_at = fields.time()?;
    head.changed = fields.position()?;
    head.marks = [fields.marks()?, fields.marks()?];
    head.newest_client_ms = fields.u64()?;
    head.blocked = [fields.flag()?, fields.flag()?];
    fields.end(head)
}

/// An entry without its id, which is the key.
pub(super) fn encode_id(entry: &IdEntry) -> Vec<u8> {
    let mut bytes = begin(57);
    bytes.extend(entry.conversation_id.as_bytes());
    bytes.extend(entry.sequence.to_be_bytes());
    put_position(&mut bytes, entry.position);
    bytes.extend(entry.request_hash);
    bytes
}

pub(super) fn decode_id(message_id: MessageId, bytes: &[u8]) -> Option<IdEntry> {
    let mut fields = fields(bytes)?;
    let entry = IdEntry {
        message_id,
        conversation_id: fields.array().map(ConversationId::from_bytes)?,
        sequence: fields.u64()?,
        position: fields.position()?,
        request_hash: fields.array()?,
    };
    fields.end(entry)
}

/// Which entry of its record this is: one record changes at most one thing of a kind for a person.
pub(super) fn kind(change: &Change) -> i8 {
    match change {
        Change::Message { .. } => 0,
        Change::Mark { status: MessageStatus::Sent, .. } => 1,
        Change::Mark { status: MessageStatus::Delivered, .. } => 2,
        Change::Mark { status: MessageStatus::Seen, .. } => 3,
    }
}

/// A feed entry without what its key says: the position and the kind.
pub(super) fn encode_feed(entry: &FeedEntry) -> Vec<u8> {
    let mut bytes = begin(41);
    bytes.extend(entry.conversation_id.as_bytes());
    match entry.change {
        Change::Message { sequence } => bytes.extend(sequence.to_be_bytes()),
        Change::Mark { user, up_to, status: _ } => {
            bytes.extend(up_to.to_be_bytes());
            bytes.extend(user.as_bytes());
        }
    }
    bytes
}

pub(super) fn decode_feed(position: Position, kind: i8, bytes: &[u8]) -> Option<FeedEntry> {
    let mut fields = fields(bytes)?;
    let conversation_id = fields.array().map(ConversationId::from_bytes)?;
    let number = fields.u64()?;
    let mark = |user, status| Change::Mark { user, up_to: number, status };
    let change = match kind {
        0 => Change::Message { sequence: number },
        1 => mark(fields.user()?, MessageStatus::Sent),
        2 => mark(fields.user()?, MessageStatus::Delivered),
        3 => mark(fields.user()?, MessageStatus::Seen),
        _ => return None,
    };
    fields.end(FeedEntry { position, conversation_id, change })
}

/// How far a partition is applied, and in which lives of which nodes that was answered.
pub(super) fn encode_applied(applied: &Applied, lives: &[(Uuid, i32)]) -> Vec<u8> {
    let mut bytes = begin(30 + 20 * lives.len());
    bytes.extend(applied.epoch.to_be_bytes());
    bytes.extend(applied.next.to_be_bytes());
    bytes.push(u8::from(applied.last_event.is_some()));
    bytes.extend(applied.last_event.map(|event| *event.as_bytes()).unwrap_or_default());
    for (host, life) in lives {
        bytes.extend(host.as_bytes());
        bytes.extend(life.to_be_bytes());
    }
    bytes
}

pub(super) fn decode_applied(bytes: &[u8]) -> Option<(Applied, Vec<(Uuid, i32)>)> {
    let mut fields = fields(bytes)?;
    let (epoch, next) = (fields.u32()?, fields.u64()?);
    let (has_event, event) = (fields.flag()?, fields.array().map(MessageId::from_bytes)?);
    let mut lives = Vec::new();
    while !fields.0.is_empty() {
        lives.push((fields.array().map(Uuid::from_bytes)?, fields.array().map(i32::from_be_bytes)?));
    }
    Some((Applied { epoch, next, last_event: has_event.then_some(event) }, lives))
}

#[cfg(test)]
mod tests;
