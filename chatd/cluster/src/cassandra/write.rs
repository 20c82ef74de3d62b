//! One batch of the sequencer.
//!
//! Two steps: first rows, ids, heads and all else, then the feeds. Who sees an entry of a feed so finds what it
//! speaks of. Within a feed the order of the log is kept: the entries of one person and log partition go in
//! one write, which Cassandra applies as one, or, where they are many, in one after the other. So a cursor never
//! passes what is not there yet.

use super::bound::Bound;
use super::{View, codec};
use schema::limits::{CASSANDRA_BATCH_BYTES, CASSANDRA_INDEXED};
use schema::{ConversationId, Position, UserId};
use std::collections::{BTreeMap, HashSet};
use store::Error;
use store::messages::{FeedEntry, StoredMessage, Write};

/// Partitions that hold a person's conversations.
pub(super) const MEMBER_BUCKETS: i8 = 4;
/// Erased rows have timestamps above all others, so a replay can't bring their content back.
const ERASED_PLANE: i64 = 1 << 62;

/// A person's feed of a log partition, and a bucket of it.
type FeedBucket = (UserId, u32, i64);

/// Which buckets of feeds this process has indexed, in which generation of the view.
#[derive(Default)]
pub(super) struct Indexed {
    generation: u64,
    buckets: HashSet<FeedBucket>,
}

/// What goes out, in order.
#[derive(Default)]
struct Steps {
    first: Vec<Vec<Bound>>,
    feeds: BTreeMap<(UserId, u32), Vec<Bound>>,
    buckets: HashSet<FeedBucket>,
}

impl View {
    /// Writes a batch. All of it is answered, by nodes that have not been started again meanwhile without
    /// [`Pulse::generation`](super::pulse::Pulse::generation) telling, when this returns.
    pub(super) async fn write(&self, writes: &[Write]) -> Result<(), Error> {
        let generation = self.pulse.generation();
        let erasures: Vec<(ConversationId, UserId)> = writes
            .iter()
            .filter_map(|write| match write {
                Write::Erase { user, conversation } => Some((*conversation, *user)),
                _ => None,
            })
            .collect();
        self.gone.lock().remember(&erasures);
        let steps = self.steps(writes, generation)?;
        self.send_all(steps.first).await?;
        for wave in waves(steps.feeds) {
            self.send_all(wave).await?;
        }
        for (conversation, user) in erasures {
            self.erase(conversation, user).await?;
        }
        self.confirm().await?;
        self.indexed.lock().remember(generation, steps.buckets);
        Ok(())
    }

    fn steps(&self, writes: &[Write], generation: u64) -> Result<Steps, Error> {
        let mut steps = Steps::default();
        for write in writes {
            if let Write::Feed { user, entry } = write {
                steps.feed(*user, entry, self.settings.feed_bits);
            } else {
                self.put(write, &mut steps.first)?;
            }
        }
        let indexed = self.indexed.lock();
        if indexed.generation == generation {
            steps.buckets.retain(|bucket| !indexed.buckets.contains(bucket));
        }
        steps.first.extend(steps.buckets.iter().map(|(user, partition, bucket)| {
            vec![Bound::FeedBucket { person: user.0, bucket: *bucket, partition: partition.cast_signed() }]
        }));
        Ok(steps)
    }

    fn put(&self, write: &Write, to: &mut Vec<Vec<Bound>>) -> Result<(), Error> {
        let bound = match write {
            Write::Message(row) => self.row(row)?,
            Write::Id(entry) => Bound::Id {
                id: entry.message_id.0,
                entry: codec::encode_id(entry),
                at: timestamp(entry.position),
            },
            Write::Head(head) => Bound::Head {
                conversation: head.conversation_id.0,
                head: codec::encode_head(head),
                at: timestamp(head.changed),
            },
            Write::Member { user, conversation } => Bound::Member {
                person: user.0,
                bucket: (conversation.as_bytes()[0] % MEMBER_BUCKETS.cast_unsigned()).cast_signed(),
                conversation: conversation.0,
            },
            Write::Device { user, session, partition, next } => {
                let next = Position { epoch: self.epoch, partition: *partition, offset: *next };
                Bound::Device {
                    person: user.0,
                    session: session.0,
                    partition: partition.cast_signed(),
                    next: timestamp(next),
                }
            }
            Write::Block { conversation, user, peer, blocked, position, at } => {
                let (person, written) = (user.0, timestamp(*position));
                to.push(vec![Bound::Block {
                    person,
                    peer: peer.as_bytes().to_vec(),
                    blocked: *blocked,
                    since: at.0,
                    at: written,
                }]);
                Bound::Toggle {
                    conversation: conversation.0,
                    written,
                    person,
                    peer: peer.0,
                    blocked: *blocked,
                }
            }
            Write::Feed { .. } | Write::Erase { .. } => return Ok(()), // steps of their own
        };
        to.push(vec![bound]);
        Ok(())
    }

    /// A row; of somebody who is known to be erased, one without content.
    fn row(&self, row: &StoredMessage) -> Result<Bound, Error> {
        if self.gone.lock().knows(row.conversation_id, row.sender_id) {
            let mut row = row.clone();
            row.erase();
            return self.row_at(&row, ERASED_PLANE);
        }
        self.row_at(row, 0)
    }

    /// A row without content, above whatever is written of it.
    pub(super) fn erased_row(&self, row: &StoredMessage) -> Result<Bound, Error> {
        self.row_at(row, ERASED_PLANE)
    }

    fn row_at(&self, row: &StoredMessage, plane: i64) -> Result<Bound, Error> {
        let payload = serde_json::to_string(row)
            .map_err(|cause| Error::Corrupt(format!("message {} has no JSON: {cause}", row.message_id)))?;
        let written = timestamp(row.position);
        Ok(Bound::Row {
            conversation: row.conversation_id.0,
            bucket: self.bucket(row.sequence),
            sequence: row.sequence.cast_signed(),
            written,
            payload,
            at: written | plane,
        })
    }

    /// Which partition of its conversation a sequence, of which 1 is the first, is in.
    pub(super) fn bucket(&self, sequence: u64) -> i64 {
        (sequence.saturating_sub(1) / self.settings.rows).cast_signed()
    }

    /// Marks a person as erased in a bucket of a conversation.
    pub(super) fn erased_mark(conversation: ConversationId, bucket: i64, user: UserId) -> Bound {
        Bound::Erased { at: ERASED_PLANE, people: vec![user.0], conversation: conversation.0, bucket }
    }
}

fn timestamp(position: Position) -> i64 {
    position.write_timestamp().cast_signed()
}

impl Steps {
    fn feed(&mut self, user: UserId, entry: &FeedEntry, bits: u32) {
        let (partition, written) = (entry.position.partition, timestamp(entry.position));
        let bucket = written >> bits;
        self.buckets.insert((user, partition, bucket));
        self.feeds.entry((user, partition)).or_default().push(Bound::Feed {
            person: user.0,
            partition: partition.cast_signed(),
            bucket,
            written,
            kind: codec::kind(&entry.change),
            entry: codec::encode_feed(entry),
        });
    }
}

/// What of the feeds goes at once: of each the first part, then of each the second. A part is of one bucket and
/// fits into a batch, so Cassandra applies it as a whole.
fn waves(feeds: BTreeMap<(UserId, u32), Vec<Bound>>) -> Vec<Vec<Vec<Bound>>> {
    let mut waves: Vec<Vec<Vec<Bound>>> = Vec::new();
    for (_, mut entries) in feeds {
        entries.sort_by_key(place); // stable; the sequencer's order is the log's anyway
        let (mut wave, mut bytes) = (0, 0);
        let mut part: Vec<Bound> = Vec::new();
        for entry in entries {
            let fits = part.last().is_none_or(|last| {
                place(last) == place(&entry)
                    || (place(last).0 == place(&entry).0 && bytes + entry.size() <= CASSANDRA_BATCH_BYTES)
            });
            if !fits {
                put_wave(&mut waves, wave, std::mem::take(&mut part));
                (wave, bytes) = (wave + 1, 0);
            }
            bytes += entry.size();
            part.push(entry);
        }
        put_wave(&mut waves, wave, part);
    }
    waves
}

fn put_wave(waves: &mut Vec<Vec<Vec<Bound>>>, wave: usize, part: Vec<Bound>) {
    if waves.len() <= wave {
        waves.push(Vec::new());
    }
    waves[wave].push(part);
}

/// Bucket and record of a feed's entry.
fn place(bound: &Bound) -> (i64, i64) {
    match bound {
        Bound::Feed { bucket, written, .. } => (*bucket, *written),
        _ => (0, 0),
    }
}

impl Indexed {
    /// Keeps what was answered. What was indexed in an earlier generation may be gone.
    fn remember(&mut self, generation: u64, buckets: HashSet<FeedBucket>) {
        if self.generation > generation {
            return;
        }
        if self.generation < generation || self.buckets.len() + buckets.len() > CASSANDRA_INDEXED {
            *self = Self { generation, buckets: HashSet::new() };
        }
        self.buckets.extend(buckets);
    }
}

#[cfg(test)]
mod tests;
