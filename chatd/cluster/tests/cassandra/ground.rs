//! A keyspace of a test's own, and what is written to it.

use cluster::cassandra::{CassandraMessages, Settings};
use engines::cassandra::Cassandra;
use engines::schema::Schema;
use futures_util::FutureExt;
use schema::{ConversationId, MessageId, MessageType, Position, Timestamp, UserId};
use scylla::statement::unprepared::Statement;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use store::messages::{Change, FeedEntry, Head, IdEntry, Marks, StoredMessage, Write};
use uuid::Uuid;

pub(super) const EPOCH: u32 = store::contract::messages::EPOCH;
pub(super) const PARTITIONS: u32 = store::contract::messages::PARTITIONS;

/// Small buckets, so that every test crosses their borders.
pub(super) const SMALL: Settings = Settings { rows: 4, feed_bits: 3, trail: Duration::from_secs(25) };

/// Runs a test on tables of its own, which are dropped behind it.
pub(super) async fn on_a_keyspace<F>(test: impl FnOnce(Cassandra) -> F)
where
    F: Future<Output = ()>,
{
    let Ok(url) = std::env::var("STORES_CASSANDRA") else {
        eprintln!("skipped: STORES_CASSANDRA is not set; compose/test brings the servers up");
        return;
    };
    on_a_keyspace_of(&Cassandra::parse(&url).unwrap(), test).await;
}

/// The same on this cluster.
pub(super) async fn on_a_keyspace_of<F>(cluster: &Cassandra, test: impl FnOnce(Cassandra) -> F)
where
    F: Future<Output = ()>,
{
    let cassandra = cluster.with_keyspace(&format!("t{}", Uuid::now_v7().simple())).unwrap();
    let tables = Schema { cassandra: Some(cassandra.clone()), ..Schema::default() };
    tables.apply(&|_| ()).await.unwrap();
    // The keyspace goes also when the test fails.
    let outcome = AssertUnwindSafe(test(cassandra.clone())).catch_unwind().await;
    let session = cassandra.connect().await.unwrap();
    let mut drop = Statement::new(format!("DROP KEYSPACE {}", cassandra.keyspace()));
    drop.set_request_timeout(Some(Duration::from_secs(60)));
    let dropped = session.query_unpaged(drop, ()).await;
    if let Err(failed) = outcome {
        std::panic::resume_unwind(failed);
    }
    dropped.unwrap();
}

pub(super) async fn open(cassandra: &Cassandra, settings: Settings) -> CassandraMessages {
    CassandraMessages::open_with(cassandra, EPOCH, PARTITIONS, settings).await.unwrap()
}

/// A position in partition 0.
pub(super) fn at(offset: u64) -> Position {
    Position { epoch: EPOCH, partition: 0, offset }
}

/// Two people and what the first writes to the second.
#[derive(Clone, Copy)]
pub(super) struct Pair {
    pub(super) members: [UserId; 2],
    pub(super) conversation: ConversationId,
}

impl Pair {
    pub(super) fn draw() -> Self {
        let mut members = [UserId::draw(), UserId::draw()];
        members.sort_unstable();
        Self { members, conversation: ConversationId::between(members[0], members[1]) }
    }

    pub(super) fn row(&self, sequence: u64, position: Position) -> StoredMessage {
        let client = format!("c-{sequence}");
        StoredMessage {
            message_id: MessageId::derive(self.conversation, self.members[0], &client),
            conversation_id: self.conversation,
            sequence,
            position,
            sender_id: self.members[0],
            recipient_id: self.members[1],
            client_message_id: client,
            content: format!("message {sequence} of the record at {}", position.offset),
            message_type: MessageType::Text,
            timestamp: Timestamp(i64::try_from(sequence).unwrap()),
            reply_to_message_id: None,
            metadata: None,
            hidden: false,
            erased: false,
        }
    }

    pub(super) fn head(&self, last_sequence: u64, changed: Position) -> Head {
        Head {
            last_sequence,
            last_message_at: Timestamp(i64::try_from(last_sequence).unwrap()),
            changed,
            marks: [Marks::default(), Marks { received: last_sequence, ..Marks::default() }],
            ..Head::empty(self.conversation, self.members)
        }
    }

    /// What a sequencer writes for one message.
    pub(super) fn send(&self, sequence: u64, position: Position) -> Vec<Write> {
        let row = Arc::new(self.row(sequence, position));
        let entry =
            FeedEntry { position, conversation_id: self.conversation, change: Change::Message { sequence } };
        let id = IdEntry {
            message_id: row.message_id,
            conversation_id: self.conversation,
            sequence,
            position,
            request_hash: [7; 16],
        };
        let mut writes = vec![Write::Message(row), Write::Id(id)];
        for user in self.members {
            if sequence == 1 {
                writes.push(Write::Member { user, conversation: self.conversation });
            }
            writes.push(Write::Feed { user, entry: entry.clone() });
        }
        writes
    }
}
