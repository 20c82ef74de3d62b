//! Values as bytes, for stores that keep them so: fields of fixed length, big-endian, and texts with their length.

use crate::messages::Marks;
use schema::{ConversationId, MessageId, Position, Timestamp, UserId};

/// Takes fields from the front; `None` when there is not enough.
pub struct Fields<'a>(pub &'a [u8]);

impl<'a> Fields<'a> {
    pub fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (field, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*field)
    }

    pub fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub fn flag(&mut self) -> Option<bool> {
        match self.u8()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    pub fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    pub fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    pub fn time(&mut self) -> Option<Timestamp> {
        self.array().map(|bytes| Timestamp(i64::from_be_bytes(bytes)))
    }

    pub fn user(&mut self) -> Option<UserId> {
        self.array().map(UserId::from_bytes)
    }

    pub fn conversation(&mut self) -> Option<ConversationId> {
        self.array().map(ConversationId::from_bytes)
    }

    pub fn message_id(&mut self) -> Option<MessageId> {
        self.array().map(MessageId::from_bytes)
    }

    pub fn position(&mut self) -> Option<Position> {
        Some(Position { epoch: self.u32()?, partition: self.u32()?, offset: self.u64()? })
    }

    pub fn text(&mut self) -> Option<&'a str> {
        let length = self.u32()? as usize;
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        std::str::from_utf8(text).ok()
    }

    pub fn marks(&mut self) -> Option<Marks> {
        Some(Marks {
            newest: self.u64()?,
            newest_at: self.time()?,
            received: self.u64()?,
            delivered: self.u64()?,
            seen: self.u64()?,
            shown_delivered: self.u64()?,
            shown_seen: self.u64()?,
        })
    }

    /// The value, if nothing is left behind it.
    pub fn end<T>(self, value: T) -> Option<T> {
        self.0.is_empty().then_some(value)
    }
}

/// Appends what [`Fields::position`] reads.
pub fn put_position(bytes: &mut Vec<u8>, at: Position) {
    bytes.extend(at.epoch.to_be_bytes());
    bytes.extend(at.partition.to_be_bytes());
    bytes.extend(at.offset.to_be_bytes());
}

/// Appends what [`Fields::marks`] reads.
pub fn put_marks(bytes: &mut Vec<u8>, marks: &Marks) {
    bytes.extend(marks.newest.to_be_bytes());
    bytes.extend(marks.newest_at.0.to_be_bytes());
    bytes.extend(marks.received.to_be_bytes());
    bytes.extend(marks.delivered.to_be_bytes());
    bytes.extend(marks.seen.to_be_bytes());
    bytes.extend(marks.shown_delivered.to_be_bytes());
    bytes.extend(marks.shown_seen.to_be_bytes());
}
