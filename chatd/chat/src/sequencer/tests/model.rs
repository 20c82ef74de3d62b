//! A history view and a log in memory: every single write of a batch is a point to crash at.

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use schema::event::Topic;
use schema::{ConversationId, Cursor, MessageId, Position, SessionId, UserId};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use store::events::{Assignments, Committed, Done, Partition, Record};
use store::messages::{Applied, Block, FeedEntry, Head, IdEntry, Page, StoredMessage, Write};
use store::{Error, Events, Messages};

/// Everything that a view holds, comparable.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct View {
    rows: BTreeMap<(ConversationId, u64, u64), String>,
    ids: BTreeMap<MessageId, String>,
    heads: BTreeMap<ConversationId, Head>,
    members: BTreeSet<(UserId, ConversationId)>,
    feed: BTreeMap<(UserId, u64), FeedEntry>,
    devices: BTreeMap<(UserId, SessionId, u32), u64>,
    /// By conversation and record: who blocks whom from there on, or no more.
    blocks: BTreeMap<(ConversationId, u64), (UserId, UserId, bool)>,
    erased: BTreeSet<(ConversationId, UserId)>,
}

#[derive(Default)]
pub(super) struct Model {
    pub(super) view: Mutex<View>,
    pub(super) applied: Mutex<Option<Applied>>,
    /// Writes until the process dies; `None`: it lives.
    pub(super) crash_after: Mutex<Option<usize>>,
    /// What a crash of the engine leaves for sure: the view at the last checkpoint; and every write since.
    durable: Mutex<(View, Vec<Write>)>,
    generation: AtomicU64,
}

impl Model {
    /// The engine dies and comes back: of the writes since the checkpoint any may be gone, as the bits say.
    pub(super) fn forget(&self, kept: u64) {
        let durable = self.durable.lock();
        let mut view = self.view.lock();
        *view = durable.0.clone();
        let survivors = durable.1.iter().enumerate().filter(|(n, _)| kept >> (n % 64) & 1 == 1);
        survivors.for_each(|(_, write)| view.put(write.clone()));
        self.generation.fetch_add(1, Ordering::Relaxed);
    }
}

impl View {
    fn put(&mut self, write: Write) {
        let view = self;
        match write {
            Write::Message(row) => {
                let key = (row.conversation_id, row.sequence, row.position.write_timestamp());
                let mut row = StoredMessage::clone(&row);
                if view.erased.contains(&(row.conversation_id, row.sender_id)) {
                    row.erase();
                }
                view.rows.insert(key, serde_json::to_string(&row).unwrap());
            }
            Write::Id(entry) => {
                view.ids.insert(entry.message_id, serde_json::to_string(&entry).unwrap());
            }
            Write::Head(head) => {
                let newer = view
                    .heads
                    .get(&head.conversation_id)
                    .is_some_and(|old| head.changed.is_before(old.changed));
                if !newer {
                    view.heads.insert(head.conversation_id, head);
                }
            }
            Write::Member { user, conversation } => {
                view.members.insert((user, conversation));
            }
            Write::Feed { user, entry } => {
                view.feed.insert((user, entry.position.write_timestamp()), entry);
            }
            Write::Device { user, session, partition, next } => {
                let slot = view.devices.entry((user, session, partition)).or_default();
                *slot = (*slot).max(next);
            }
            Write::Block { conversation, user, peer, blocked, position, .. } => {
                view.blocks.insert((conversation, position.write_timestamp()), (user, peer, blocked));
            }
            Write::Erase { user, conversation } => {
                view.erased.insert((conversation, user));
                for (_, json) in
                    view.rows.range_mut((conversation, 0, 0)..=(conversation, u64::MAX, u64::MAX))
                {
                    let mut row: StoredMessage = serde_json::from_str(json).unwrap();
                    if row.sender_id == user {
                        row.erase();
                        *json = serde_json::to_string(&row).unwrap();
                    }
                }
            }
        }
    }
}

#[async_trait]
impl Messages for Model {
    async fn heads(
        &self,
        ids: &[ConversationId],
        as_of: Option<Position>,
    ) -> Result<Vec<Option<Head>>, Error> {
        let view = self.view.lock();
        Ok(ids
            .iter()
            .map(|id| {
                let head = view.heads.get(id);
                let Some(as_of) = as_of else { return head.cloned() };
                if head.is_some_and(|head| head.changed.is_before(as_of)) {
                    return head.cloned();
                }
                let before = as_of.write_timestamp();
                let mut rows = view.rows.range((*id, 0, 0)..=(*id, u64::MAX, u64::MAX)).rev();
                let row = rows.find(|((_, _, ts), _)| *ts < before);
                let row: Option<StoredMessage> = row.map(|(_, row)| serde_json::from_str(row).unwrap());
                let blocks: Vec<_> =
                    view.blocks.range((*id, 0)..(*id, before)).map(|(_, word)| *word).collect();
                let mut members = match (&row, blocks.first()) {
                    (Some(row), _) => [row.sender_id, row.recipient_id],
                    (None, Some((user, peer, _))) => [*user, *peer],
                    (None, None) => return None,
                };
                members.sort_unstable();
                let newest_client_ms = if row.is_some() { u64::MAX >> 1 } else { 0 };
                let changed = row.as_ref().map_or_else(Position::default, |row| row.position);
                let fresh = Head { changed, newest_client_ms, ..Head::empty(*id, members) };
                let mut head = head.cloned().unwrap_or(fresh);
                (head.last_sequence, head.last_message_at) =
                    row.map_or_else(Default::default, |row| (row.sequence, row.timestamp));
                head.blocked = [false; 2];
                for (user, _, blocked) in blocks {
                    head.blocked[usize::from(user != members[0])] = blocked;
                }
                Some(head)
            })
            .collect())
    }

    async fn ids(&self, ids: &[MessageId]) -> Result<Vec<Option<IdEntry>>, Error> {
        let view = self.view.lock();
        Ok(ids.iter().map(|id| view.ids.get(id).map(|entry| serde_json::from_str(entry).unwrap())).collect())
    }

    async fn write(&self, batch: &[Write]) -> Result<(), Error> {
        for write in batch {
            if let Some(left) = self.crash_after.lock().as_mut() {
                *left = left.checked_sub(1).ok_or_else(|| Error::Corrupt("the process died".into()))?;
            }
            self.durable.lock().1.push(write.clone());
            self.view.lock().put(write.clone());
        }
        Ok(())
    }

    async fn checkpoint(&self, _: u32, applied: Applied) -> Result<(), Error> {
        *self.applied.lock() = Some(applied);
        *self.durable.lock() = (self.view.lock().clone(), Vec::new());
        Ok(())
    }

    fn generation(&self) -> u64 {
        self.generation.load(Ordering::Relaxed)
    }

    async fn applied(&self, _: u32) -> Result<Option<Applied>, Error> {
        Ok(self.applied.lock().clone())
    }

    async fn message(&self, id: ConversationId, sequence: u64) -> Result<Option<Arc<StoredMessage>>, Error> {
        let view = self.view.lock();
        let row = view.rows.range((id, sequence, 0)..=(id, sequence, u64::MAX)).next();
        Ok(row.map(|(_, row)| Arc::new(serde_json::from_str(row).unwrap())))
    }

    async fn history(&self, _: ConversationId, _: Page, _: usize) -> Result<Vec<Arc<StoredMessage>>, Error> {
        unreachable!("the sequencer reads no history")
    }

    async fn conversations(&self, _: UserId, _: usize) -> Result<Vec<ConversationId>, Error> {
        unreachable!("the sequencer lists no conversations")
    }

    async fn feed(&self, _: UserId, _: &Cursor, _: usize) -> Result<(Vec<FeedEntry>, Cursor), Error> {
        unreachable!("the sequencer reads no feed")
    }

    async fn device(&self, _: UserId, _: SessionId) -> Result<Option<Cursor>, Error> {
        unreachable!("the sequencer reads no device")
    }

    async fn blocked(&self, _: &[(UserId, UserId)]) -> Result<Vec<bool>, Error> {
        unreachable!("the sequencer knows blocks from its heads")
    }

    async fn blocks(&self, _: UserId, _: Option<UserId>, _: usize) -> Result<Vec<Block>, Error> {
        unreachable!("the sequencer lists no blocks")
    }

    fn health(&self) -> Result<(), Error> {
        Ok(())
    }
}

/// A log whose records are there from the start.
pub(super) struct Log(pub(super) Vec<Bytes>);

#[async_trait]
impl Events for Log {
    fn epoch(&self) -> u32 {
        1
    }
    fn partitions(&self, _: Topic) -> u32 {
        1
    }
    fn append(&self, _: Topic, _: u32, _: Bytes, _: Done) -> Result<(), Error> {
        unreachable!("the sequencer appends nothing")
    }
    async fn join(&self, _: Topic, _: &str) -> Result<Box<dyn Assignments>, Error> {
        unreachable!("the test hands partitions over")
    }
    async fn end(&self, _: Topic, _: u32) -> Result<u64, Error> {
        Ok(self.0.len() as u64)
    }
    async fn record(&self, _: Topic, _: u32, offset: u64) -> Result<Option<Record>, Error> {
        let payload = self.0.get(usize::try_from(offset).unwrap()).cloned();
        Ok(payload.map(|payload| Record { offset, payload }))
    }
    async fn committed(&self, _: Topic, _: u32, _: &str) -> Result<Option<Committed>, Error> {
        Ok(None)
    }
    fn health(&self) -> Result<(), Error> {
        Ok(())
    }
    async fn close(&self) {}
}

/// The log's one partition; the test reads records itself.
pub(super) struct Only;

#[async_trait]
impl Partition for Only {
    fn number(&self) -> u32 {
        0
    }
    async fn seek(&mut self, _: u64) -> Result<(), Error> {
        Ok(())
    }
    async fn next(&mut self, _: usize, _: Duration) -> Result<Vec<Record>, Error> {
        Ok(Vec::new())
    }
    async fn commit(&mut self, _: u64, _: &str) -> Result<(), Error> {
        Ok(())
    }
}

/// How often each (conversation, sequence) has a row: more than once is a fork.
pub(super) fn forks(view: &View) -> usize {
    let mut rows: HashMap<(ConversationId, u64), usize> = HashMap::new();
    for (conversation, sequence, _) in view.rows.keys() {
        *rows.entry((*conversation, *sequence)).or_default() += 1;
    }
    rows.values().filter(|count| **count > 1).count()
}

impl View {
    /// Sequences of each conversation, in order.
    pub(super) fn sequences(&self) -> BTreeMap<ConversationId, Vec<u64>> {
        let mut all: BTreeMap<ConversationId, Vec<u64>> = BTreeMap::new();
        for (conversation, sequence, _) in self.rows.keys() {
            all.entry(*conversation).or_default().push(*sequence);
        }
        all
    }
}
