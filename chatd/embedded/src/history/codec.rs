//! Values: fixed fields big-endian, then texts with their lengths. The format number in `meta` versions them.

use super::blocks::Word;
use schema::{ConversationId, MessageId, MessageStatus, MessageType, Position, UserId};
use serde_json::value::RawValue;
use store::fields::{Fields, put_marks, put_position};
use store::messages::{Applied, Change, FeedEntry, Head, IdEntry, StoredMessage};

#[expect(clippy::cast_possible_truncation, reason = "a record, and so any text in it, is below 1 MiB")]
fn put_text(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend((text.len() as u32).to_be_bytes());
    bytes.extend(text.as_bytes());
}

const TYPES: [MessageType; 8] = [
    MessageType::Text,
    MessageType::Image,
    MessageType::Video,
    MessageType::Audio,
    MessageType::File,
    MessageType::Location,
    MessageType::Contact,
    MessageType::System,
];

fn type_number(message_type: MessageType) -> u8 {
    match message_type {
        MessageType::Text => 0,
        MessageType::Image => 1,
        MessageType::Video => 2,
        MessageType::Audio => 3,
        MessageType::File => 4,
        MessageType::Location => 5,
        MessageType::Contact => 6,
        MessageType::System => 7,
    }
}

const HAS_REPLY: u8 = 1;
const HAS_METADATA: u8 = 2;
const HIDDEN: u8 = 4;
const ERASED: u8 = 8;

/// A row without what its key says: the conversation and the sequence.
pub(super) fn encode_row(row: &StoredMessage) -> Vec<u8> {
    let metadata = row.metadata.as_ref().map(|json| json.get());
    let texts = row.client_message_id.len() + row.content.len() + metadata.map_or(0, str::len);
    let mut bytes = Vec::with_capacity(98 + texts);
    put_position(&mut bytes, row.position);
    bytes.extend(row.message_id.as_bytes());
    bytes.extend(row.sender_id.as_bytes());
    bytes.extend(row.recipient_id.as_bytes());
    bytes.extend(row.timestamp.0.to_be_bytes());
    bytes.push(type_number(row.message_type));
    let flags = if row.reply_to_message_id.is_some() { HAS_REPLY } else { 0 }
        | if metadata.is_some() { HAS_METADATA } else { 0 }
        | if row.hidden { HIDDEN } else { 0 }
        | if row.erased { ERASED } else { 0 };
    bytes.push(flags);
    if let Some(reply) = row.reply_to_message_id {
        bytes.extend(reply.as_bytes());
    }
    put_text(&mut bytes, &row.client_message_id);
    put_text(&mut bytes, &row.content);
    if let Some(json) = metadata {
        put_text(&mut bytes, json);
    }
    bytes
}

pub(super) fn decode_row(conversation: ConversationId, sequence: u64, bytes: &[u8]) -> Option<StoredMessage> {
    let mut fields = Fields(bytes);
    let position = fields.position()?;
    let message_id = fields.message_id()?;
    let sender_id = fields.user()?;
    let recipient_id = fields.user()?;
    let timestamp = fields.time()?;
    let message_type = *TYPES.get(usize::from(fields.u8()?))?;
    let flags = fields.u8()?;
    let reply_to_message_id = if flags & HAS_REPLY != 0 { Some(fields.message_id()?) } else { None };
    let client_message_id = fields.text()?.to_owned();
    let content = fields.text()?.to_owned();
    let metadata = if flags & HAS_METADATA != 0 {
        Some(RawValue::from_string(fields.text()?.to_owned()).ok()?)
    } else {
        None
    };
    fields.end(StoredMessage {
        message_id,
        conversation_id: conversation,
        sequence,
        position,
        sender_id,
        recipient_id,
        client_message_id,
        content,
        message_type,
        timestamp,
        reply_to_message_id,
        metadata,
        hidden: flags & HIDDEN != 0,
        erased: flags & ERASED != 0,
    })
}

pub(super) fn encode_id(entry: &IdEntry) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(56);
    bytes.extend(entry.conversation_id.as_bytes());
    bytes.extend(entry.sequence.to_be_bytes());
    put_position(&mut bytes, entry.position);
    bytes.extend(entry.request_hash);
    bytes
}

pub(super) fn decode_id(message_id: MessageId, bytes: &[u8]) -> Option<IdEntry> {
    let mut fields = Fields(bytes);
    let entry = IdEntry {
        message_id,
        conversation_id: fields.conversation()?,
        sequence: fields.u64()?,
        position: fields.position()?,
        request_hash: fields.array()?,
    };
    fields.end(entry)
}

pub(super) fn encode_head(head: &Head) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(200);
    for member in &head.members {
        bytes.extend(member.as_bytes());
    }
    bytes.extend(head.last_sequence.to_be_bytes());
    bytes.extend(head.last_message_at.0.to_be_bytes());
    put_position(&mut bytes, head.changed);
    for marks in &head.marks {
        put_marks(&mut bytes, marks);
    }
    bytes.extend(head.blocked.map(u8::from));
    bytes.extend(head.newest_client_ms.to_be_bytes());
    bytes
}

pub(super) fn decode_head(conversation: ConversationId, bytes: &[u8]) -> Option<Head> {
    let mut fields = Fields(bytes);
    let head = Head {
        conversation_id: conversation,
        members: [fields.user()?, fields.user()?],
        last_sequence: fields.u64()?,
        last_message_at: fields.time()?,
        changed: fields.position()?,
        marks: [fields.marks()?, fields.marks()?],
        blocked: [fields.flag()?, fields.flag()?],
        newest_client_ms: fields.u64()?,
    };
    fields.end(head)
}

/// Who blocked whom, or does so no more.
pub(super) fn encode_block(user: UserId, peer: UserId, blocked: bool) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(33);
    bytes.extend(user.as_bytes());
    bytes.extend(peer.as_bytes());
    bytes.push(u8::from(blocked));
    bytes
}

pub(super) fn decode_block(bytes: &[u8]) -> Option<(UserId, UserId, bool)> {
    let mut fields = Fields(bytes);
    let block = (fields.user()?, fields.user()?, fields.flag()?);
    fields.end(block)
}

/// The newest word on a pair, whose ids are the key.
pub(super) fn encode_word(word: Word) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(17);
    bytes.extend(word.written.to_be_bytes());
    bytes.push(u8::from(word.blocked));
    bytes.extend(word.at.0.to_be_bytes());
    bytes
}

pub(super) fn decode_word(bytes: &[u8]) -> Option<Word> {
    let mut fields = Fields(bytes);
    let word = Word { written: fields.u64()?, blocked: fields.flag()?, at: fields.time()? };
    fields.end(word)
}

/// A feed entry without what its key says: the position and the kind.
pub(super) fn encode_feed(entry: &FeedEntry) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(40);
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

pub(super) fn decode_feed(position: Position, kind: u8, bytes: &[u8]) -> Option<FeedEntry> {
    let mut fields = Fields(bytes);
    let conversation_id = fields.conversation()?;
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

/// How far a device has read a partition: the epoch, then the offset, so that values compare as they mean.
pub(super) fn encode_device(epoch: u32, next: u64) -> [u8; 12] {
    let mut bytes = [0; 12];
    bytes[..4].copy_from_slice(&epoch.to_be_bytes());
    bytes[4..].copy_from_slice(&next.to_be_bytes());
    bytes
}

pub(super) fn decode_device(bytes: &[u8]) -> Option<(u32, u64)> {
    let mut fields = Fields(bytes);
    let value = (fields.u32()?, fields.u64()?);
    fields.end(value)
}

pub(super) fn encode_applied(applied: &Applied) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(28);
    bytes.extend(applied.epoch.to_be_bytes());
    bytes.extend(applied.next.to_be_bytes());
    if let Some(event) = applied.last_event {
        bytes.extend(event.as_bytes());
    }
    bytes
}

pub(super) fn decode_applied(bytes: &[u8]) -> Option<Applied> {
    let mut fields = Fields(bytes);
    let (epoch, next) = (fields.u32()?, fields.u64()?);
    let last_event = if fields.0.is_empty() { None } else { Some(fields.message_id()?) };
    fields.end(Applied { epoch, next, last_event })
}

#[cfg(test)]
mod tests;
