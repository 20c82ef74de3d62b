//! The values of one statement that writes.

use scylla::serialize::row::{RowSerializationContext, SerializeRow};
use scylla::serialize::{SerializationError, writers::RowWriter};
use uuid::Uuid;

/// What a statement carries besides its values, in Cassandra's count of a batch: about that of the key.
const OVERHEAD: usize = 64;

/// One write. `at` is its timestamp.
#[derive(Debug)]
pub(super) enum Bound {
    Row { conversation: Uuid, bucket: i64, sequence: i64, written: i64, payload: String, at: i64 },
    Id { id: Uuid, entry: Vec<u8>, at: i64 },
    Head { conversation: Uuid, head: Vec<u8>, at: i64 },
    Member { person: Uuid, bucket: i8, conversation: Uuid },
    Feed { person: Uuid, partition: i32, bucket: i64, written: i64, kind: i8, entry: Vec<u8> },
    FeedBucket { person: Uuid, bucket: i64, partition: i32 },
    Device { person: Uuid, session: Uuid, partition: i32, next: i64 },
    Toggle { conversation: Uuid, written: i64, person: Uuid, peer: Uuid, blocked: bool },
    Block { person: Uuid, peer: Vec<u8>, blocked: bool, since: i64, at: i64 },
    Erased { at: i64, people: Vec<Uuid>, conversation: Uuid, bucket: i64 },
    Trail { partition: i32, trail: Vec<u8>, at: i64 },
    Newest { partition: i32, newest: Vec<u8>, at: i64 },
}

impl Bound {
    /// About how many bytes it is in Cassandra's count of a batch.
    pub(super) fn size(&self) -> usize {
        OVERHEAD
            + match self {
                Self::Row { payload, .. } => payload.len(),
                Self::Id { entry: bytes, .. }
                | Self::Head { head: bytes, .. }
                | Self::Feed { entry: bytes, .. }
                | Self::Trail { trail: bytes, .. }
                | Self::Newest { newest: bytes, .. } => bytes.len(),
                _ => 0,
            }
    }
}

/// What was never said by a record of the log has the timestamp of none, and is always the same.
const CONSTANT: i64 = 0;

impl SerializeRow for Bound {
    fn serialize(
        &self,
        ctx: &RowSerializationContext<'_>,
        to: &mut RowWriter<'_>,
    ) -> Result<(), SerializationError> {
        match self {
            Self::Row { conversation, bucket, sequence, written, payload, at } => {
                (conversation, bucket, sequence, written, payload, at).serialize(ctx, to)
            }
            Self::Id { id, entry, at } => (id, entry, at).serialize(ctx, to),
            Self::Head { conversation, head, at } => (conversation, head, at).serialize(ctx, to),
            Self::Member { person, bucket, conversation } => {
                (person, bucket, conversation, CONSTANT).serialize(ctx, to)
            }
            Self::Feed { person, partition, bucket, written, kind, entry } => {
                (person, partition, bucket, written, kind, entry, written).serialize(ctx, to)
            }
            Self::FeedBucket { person, bucket, partition } => {
                (person, bucket, partition, CONSTANT).serialize(ctx, to)
            }
            Self::Device { person, session, partition, next } => {
                (person, session, partition, next, next).serialize(ctx, to)
            }
            Self::Toggle { conversation, written, person, peer, blocked } => {
                (conversation, written, person, peer, blocked, written).serialize(ctx, to)
            }
            Self::Block { person, peer, blocked, since, at } => {
                (person, peer, blocked, since, at).serialize(ctx, to)
            }
            Self::Erased { at, people, conversation, bucket } => {
                (at, people, conversation, bucket).serialize(ctx, to)
            }
            Self::Trail { partition, trail, at } => (partition, trail, at).serialize(ctx, to),
            Self::Newest { partition, newest, at } => (partition, newest, at).serialize(ctx, to),
        }
    }

    fn is_empty(&self) -> bool {
        false
    }
}
