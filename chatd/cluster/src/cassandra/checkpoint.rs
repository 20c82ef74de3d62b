//! How far each partition is applied, when the rows that say so may vanish.
//!
//! Two offsets: `newest`, up to where everything was answered, and `trail`, up to where everything is on disk.
//! Each is stored in a cell of its own and is a claim that stays true, whoever wrote it:
//!
//! - `trail`: what lies before it was answered, and at least [`Settings::trail`](super::Settings) later every
//!   node was still in the life in which that was answered. Within that time each has synced its commit log.
//! - `newest`, with the lives of the nodes: what lies before it was answered by nodes in these lives.
//!
//! So a new owner starts at `newest` if every node is in the life that stands there, else at the trail.
//! The order matters where a node and chatd die one soon after the other. The lives stored with `newest` are
//! those that were known when the partition was taken over, not those of the moment of writing:
//!
//! 1. Everything is answered in life 1; the node is killed, rows vanish, it starts in life 2.
//! 2. Before anybody notices, a checkpoint is written: it says "newest, in life 1". If chatd dies now, its
//!    successor sees life 2 and goes back to the trail.
//! 3. It is noticed: the generation rises. From then on a checkpoint of an owner that was assigned before does
//!    nothing, since it would tell in life 2 of what was answered in life 1. It has to ask
//!    [`Checkpoints::applied`] again, which answers the trail and takes life 2 down.
//! 4. If the checkpoint itself vanished with the crash, the one before it counts, and says no more than it did.
//!
//! The trail moves by time too, so that an idle partition's successor does not replay its last records.

use super::View;
use super::bound::Bound;
use super::codec::{decode_applied, encode_applied};
use super::pulse::Beat;
use parking_lot::Mutex;
use schema::Position;
use schema::limits::CASSANDRA_TRAILING;
use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};
use store::Error;
use store::messages::Applied;
use uuid::Uuid;

/// The partitions that this process has.
#[derive(Default)]
pub(super) struct Checkpoints(Mutex<HashMap<u32, Lane>>);

#[derive(Default)]
struct Lane {
    /// The generation and the lives when the partition was taken over.
    generation: u64,
    lives: Vec<(Uuid, i32)>,
    /// What was answered and may not be on disk, with the time when it was known.
    answered: VecDeque<(Instant, Applied)>,
    trail: Option<Applied>,
    newest: Option<Applied>,
}

impl Lane {
    fn of(beat: Beat) -> Self {
        let lives = beat.lives.into_iter().collect();
        Self { generation: beat.generation, lives, ..Self::default() }
    }

    fn note(&mut self, applied: Applied, now: Instant) {
        if self.answered.len() >= CASSANDRA_TRAILING {
            self.answered.pop_back(); // the newer one with its later time stands for both
        }
        self.answered.push_back((now, applied.clone()));
        self.newest = Some(applied);
    }

    /// Moves the trail to what was answered `age` before the nodes were last seen in their lives.
    fn advance(&mut self, seen: Option<Instant>, age: Duration) -> bool {
        let Some(until) = seen.and_then(|seen| seen.checked_sub(age)) else { return false };
        let mut moved = false;
        while self.answered.front().is_some_and(|(at, _)| *at <= until) {
            let Some((_, applied)) = self.answered.pop_front() else { break };
            let later = |trail: &Applied| (applied.epoch, applied.next) > (trail.epoch, trail.next);
            if self.trail.as_ref().is_none_or(later) {
                self.trail = Some(applied);
                moved = true;
            }
        }
        moved
    }

    fn cells(&self, partition: u32) -> Vec<Bound> {
        let number = partition.cast_signed();
        let mut cells = Vec::with_capacity(2);
        if let Some(trail) = &self.trail {
            let bytes = encode_applied(trail, &[]);
            cells.push(Bound::Trail { partition: number, trail: bytes, at: timestamp(partition, trail) });
        }
        if let Some(newest) = &self.newest {
            let bytes = encode_applied(newest, &self.lives);
            cells.push(Bound::Newest { partition: number, newest: bytes, at: timestamp(partition, newest) });
        }
        cells
    }
}

fn timestamp(partition: u32, applied: &Applied) -> i64 {
    Position { epoch: applied.epoch, partition, offset: applied.next }.write_timestamp().cast_signed()
}

/// The bytes of `trail` and `newest`.
type Cells = (Option<Vec<u8>>, Option<Vec<u8>>);

impl View {
    /// What is stored of a partition.
    pub(super) async fn applied_row(&self, partition: u32) -> Result<Cells, Error> {
        let row: Option<Cells> = self.one(&self.statements.applied, (partition.cast_signed(),)).await?;
        Ok(row.unwrap_or_default())
    }

    /// Where a new owner starts.
    pub(super) async fn applied(&self, partition: u32) -> Result<Option<Applied>, Error> {
        self.ask().await?;
        let mut lane = Lane::of(self.pulse.now());
        let (trail, newest) = self.applied_row(partition).await?;
        let unreadable =
            || Error::Corrupt(format!("cassandra: checkpoint of partition {partition} can't be read"));
        let decode = |bytes: Option<Vec<u8>>| {
            bytes.map(|bytes| decode_applied(&bytes).ok_or_else(unreadable)).transpose()
        };
        lane.trail = decode(trail)?.map(|(trail, _)| trail);
        let start = match decode(newest)? {
            Some((newest, lives))
                if !lives.is_empty() && lives.iter().all(|life| lane.lives.contains(life)) =>
            {
                lane.note(newest.clone(), Instant::now());
                Some(newest)
            }
            Some(_) => {
                tracing::warn!(
                    partition,
                    "cassandra was started again: replaying from what is surely on disk"
                );
                lane.trail.clone()
            }
            None => lane.trail.clone(),
        };
        self.checkpoints.0.lock().insert(partition, lane);
        Ok(start)
    }

    /// Remembers how far a partition is applied; nothing if the partition has to go back first.
    pub(super) async fn checkpoint(&self, partition: u32, applied: Applied) -> Result<(), Error> {
        let beat = self.pulse.now();
        let (generation, seen) = (beat.generation, beat.complete);
        let cells = {
            let mut lanes = self.checkpoints.0.lock();
            let lane = lanes.entry(partition).or_insert_with(|| Lane::of(beat));
            if lane.generation != generation {
                return Ok(());
            }
            lane.note(applied, Instant::now());
            lane.advance(seen, self.settings.trail);
            lane.cells(partition)
        };
        self.send_all(vec![cells]).await
    }

    /// Stores the trails that time has moved.
    pub(super) async fn advance_trails(&self) -> Result<(), Error> {
        let beat = self.pulse.now();
        let cells: Vec<Vec<Bound>> = {
            let mut lanes = self.checkpoints.0.lock();
            let lanes = lanes.iter_mut().filter(|(_, lane)| lane.generation == beat.generation);
            lanes
                .filter_map(|(number, lane)| {
                    lane.advance(beat.complete, self.settings.trail).then(|| lane.cells(*number))
                })
                .collect()
        };
        self.send_all(cells).await
    }
}

#[cfg(test)]
mod tests;
