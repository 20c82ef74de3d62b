//! Keys: fixed length, big-endian, so that byte order is the order of reading.

use schema::MessageStatus;
use schema::{ConversationId, MessageId, Position, SessionId, UserId};
use store::messages::Change;

/// Of the layout's number in `meta`.
pub(super) const FORMAT: [u8; 6] = *b"format";

/// The key of a message row, taken apart.
pub(super) struct RowKey {
    pub(super) sequence: u64,
    /// Of the record that made the row.
    pub(super) written: u64,
}

/// conversation, sequence, write timestamp.
pub(super) fn row(conversation: ConversationId, sequence: u64, written: u64) -> [u8; 32] {
    let mut key = [0; 32];
    key[..16].copy_from_slice(conversation.as_bytes());
    key[16..24].copy_from_slice(&sequence.to_be_bytes());
    key[24..].copy_from_slice(&written.to_be_bytes());
    key
}

pub(super) fn parse_row(key: &[u8]) -> Option<RowKey> {
    let rest = key.get(16..)?;
    let (sequence, written) = rest.split_first_chunk::<8>()?;
    Some(RowKey {
        sequence: u64::from_be_bytes(*sequence),
        written: u64::from_be_bytes(written.try_into().ok()?),
    })
}

pub(super) fn id(id: MessageId) -> [u8; 16] {
    *id.as_bytes()
}

pub(super) fn head(conversation: ConversationId) -> [u8; 16] {
    *conversation.as_bytes()
}

/// user, conversation.
pub(super) fn member(user: UserId, conversation: ConversationId) -> [u8; 32] {
    let mut key = [0; 32];
    key[..16].copy_from_slice(user.as_bytes());
    key[16..].copy_from_slice(conversation.as_bytes());
    key
}

pub(super) fn parse_member(key: &[u8]) -> Option<ConversationId> {
    Some(ConversationId::from_bytes(key.get(16..)?.try_into().ok()?))
}

/// user, epoch, partition, offset, kind: a replay of the record meets its own entry again.
pub(super) fn feed(user: UserId, at: Position, kind: u8) -> [u8; 33] {
    let mut key = [0; 33];
    key[..16].copy_from_slice(user.as_bytes());
    key[16..20].copy_from_slice(&at.epoch.to_be_bytes());
    key[20..24].copy_from_slice(&at.partition.to_be_bytes());
    key[24..32].copy_from_slice(&at.offset.to_be_bytes());
    key[32] = kind;
    key
}

/// Which entry of its record this is: one record changes at most one thing of a kind for a person.
pub(super) fn kind(change: &Change) -> u8 {
    match change {
        Change::Message { .. } => 0,
        Change::Mark { status, .. } => match status {
            MessageStatus::Sent => 1,
            MessageStatus::Delivered => 2,
            MessageStatus::Seen => 3,
        },
    }
}

pub(super) fn parse_feed(key: &[u8]) -> Option<(Position, u8)> {
    let rest = key.get(16..)?;
    let (epoch, rest) = rest.split_first_chunk::<4>()?;
    let (partition, rest) = rest.split_first_chunk::<4>()?;
    let (offset, rest) = rest.split_first_chunk::<8>()?;
    let [kind] = rest else { return None };
    let at = Position {
        epoch: u32::from_be_bytes(*epoch),
        partition: u32::from_be_bytes(*partition),
        offset: u64::from_be_bytes(*offset),
    };
    Some((at, *kind))
}

/// user, session, partition.
pub(super) fn device(user: UserId, session: SessionId, partition: u32) -> [u8; 36] {
    let mut key = [0; 36];
    key[..16].copy_from_slice(user.as_bytes());
    key[16..32].copy_from_slice(session.as_bytes());
    key[32..].copy_from_slice(&partition.to_be_bytes());
    key
}

pub(super) fn parse_device(key: &[u8]) -> Option<u32> {
    Some(u32::from_be_bytes(key.get(32..)?.try_into().ok()?))
}

/// conversation, write timestamp: blocks in the order of their records.
pub(super) fn block(conversation: ConversationId, written: u64) -> [u8; 24] {
    let mut key = [0; 24];
    key[..16].copy_from_slice(conversation.as_bytes());
    key[16..].copy_from_slice(&written.to_be_bytes());
    key
}

/// user, peer.
pub(super) fn blocker(user: UserId, peer: UserId) -> [u8; 32] {
    let mut key = [0; 32];
    key[..16].copy_from_slice(user.as_bytes());
    key[16..].copy_from_slice(peer.as_bytes());
    key
}

pub(super) fn parse_blocker(key: &[u8]) -> Option<UserId> {
    Some(UserId::from_bytes(key.get(16..)?.try_into().ok()?))
}

/// conversation, user.
pub(super) fn erased(conversation: ConversationId, user: UserId) -> [u8; 32] {
    let mut key = [0; 32];
    key[..16].copy_from_slice(conversation.as_bytes());
    key[16..].copy_from_slice(user.as_bytes());
    key
}

/// "applied", partition.
pub(super) fn applied(partition: u32) -> [u8; 11] {
    let mut key = *b"applied\0\0\0\0";
    key[7..].copy_from_slice(&partition.to_be_bytes());
    key
}
