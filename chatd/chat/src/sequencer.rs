//! One sequencer per log partition: records in log order become rows, answers and deliveries.
//!
//! A batch goes through in one direction: decode, load heads, look ids up, apply ([`crate::apply`]), write
//! the view, answer who waits, hand over to live sessions. Heads belong to the assignment of the partition
//! and die with it. An I/O failure never skips a record: it closes the door and tries again.

mod batch;
mod heads;

#[cfg(test)]
mod tests;

use crate::apply::Fork;
use crate::delivery::Links;
use crate::metrics::Metrics;
use crate::waiters::Waiters;
use crate::watchers::Watchers;
use heads::Heads;
use schema::event::{DecodeError, Event, Topic};
use schema::limits::{self, CHECKPOINT_INTERVAL, CHECKPOINT_RECORDS, SEQUENCER_BATCH};
use schema::{MessageId, Position};
use std::sync::Arc;
use std::time::{Duration, Instant};
use store::events::{Partition, Record};
use store::messages::Applied;
use store::{Events, Messages};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

/// The consumer group of all sequencers.
pub(crate) const GROUP: &str = "sequencer";

/// Between two tries of a write that failed.
const RETRY: Duration = Duration::from_millis(200);

/// Why a partition can't be applied any further. An operator must look.
#[derive(Debug, thiserror::Error)]
pub enum Stopped {
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error("offset {offset}: {source}")]
    Newer { offset: u64, source: DecodeError },
    #[error(transparent)]
    Fork(#[from] Fork),
    /// The log is not the one that the history was built from.
    #[error(
        "history was applied up to offset {next} of log epoch {epoch}, but the log has another record there; \
         restore log and history from one backup, or move the history folder away to have it rebuilt"
    )]
    OtherLog { epoch: u32, next: u64 },
}

/// What every sequencer of a process shares.
pub(crate) struct Shared {
    pub(crate) events: Arc<dyn Events>,
    pub(crate) messages: Arc<dyn Messages>,
    pub(crate) waiters: Waiters,
    pub(crate) links: Links,
    pub(crate) watchers: Watchers,
    pub(crate) metrics: Metrics,
}

/// A partition in the hands of this process.
pub(crate) struct Sequencer {
    shared: Arc<Shared>,
    partition: Box<dyn Partition>,
    epoch: u32,
    heads: Heads,
    /// The offset behind the last applied record, and that record's event.
    next: u64,
    last_event: Option<MessageId>,
    /// Where the log ended when the partition was taken over: up to there it is a replay.
    replay_end: u64,
    checkpoint: Checkpoint,
}

struct Checkpoint {
    next: u64,
    at: Instant,
}

impl Sequencer {
    /// Takes a partition over: checks that log and view belong together and goes to where replay starts.
    pub(crate) async fn open(
        shared: Arc<Shared>,
        mut partition: Box<dyn Partition>,
    ) -> Result<Self, Stopped> {
        let number = partition.number();
        let epoch = shared.events.epoch();
        let applied = shared.messages.applied(number).await?;
        let (next, last_event) = match applied {
            Some(applied) => {
                check_identity(&*shared.events, number, epoch, &applied).await?;
                (applied.next, applied.last_event)
            }
            None => (0, None),
        };
        partition.seek(next).await?;
        shared.links.advance(number, next);
        let replay_end = shared.events.end(Topic::Messages, number).await?;
        if replay_end > next {
            info!(partition = number, records = replay_end - next, "replaying the log into the history view");
        }
        Ok(Self {
            shared,
            partition,
            epoch,
            heads: Heads::new(limits::HEADS),
            next,
            last_event,
            replay_end,
            checkpoint: Checkpoint { next, at: Instant::now() },
        })
    }

    /// Applies records until told to stop, then leaves a checkpoint. `ready` hears when the replay is done.
    pub(crate) async fn run(
        mut self,
        ready: oneshot::Sender<()>,
        stop: CancellationToken,
    ) -> Result<(), Stopped> {
        let mut ready = Some(ready);
        loop {
            if self.next >= self.replay_end
                && let Some(ready) = ready.take()
            {
                let _ = ready.send(());
            }
            let records = tokio::select! {
                biased;
                () = stop.cancelled() => break,
                records = self.partition.next(SEQUENCER_BATCH, CHECKPOINT_INTERVAL) => records?,
            };
            if !records.is_empty() {
                self.apply(&records).await?;
            }
            let behind = self.next - self.checkpoint.next;
            if behind >= CHECKPOINT_RECORDS
                || (behind > 0 && self.checkpoint.at.elapsed() >= CHECKPOINT_INTERVAL)
            {
                self.save().await?;
            }
        }
        self.save().await
    }

    async fn apply(&mut self, records: &[Record]) -> Result<(), Stopped> {
        let mut events = Vec::with_capacity(records.len());
        for record in records {
            match Event::decode(&record.payload) {
                Ok(event) => events.push((self.position(record.offset), event)),
                Err(source @ DecodeError::Newer(_)) => {
                    return Err(Stopped::Newer { offset: record.offset, source });
                }
                Err(DecodeError::Malformed(cause)) => self.dead_letter(record.offset, &cause),
            }
        }
        if let Some((_, last)) = events.last() {
            batch::run(&self.shared, &mut self.heads, &events).await?;
            self.last_event = Some(last.event_id);
        }
        self.next = records.last().map_or(self.next, |record| record.offset + 1);
        self.shared.metrics.applied.inc_by(records.len() as u64);
        Ok(())
    }

    /// A record whose bytes are no event of ours is the one thing that is ever skipped: the same bytes are
    /// skipped by every owner, so no two differ.
    fn dead_letter(&self, offset: u64, cause: &serde_json::Error) {
        self.shared.metrics.dead_letters.inc();
        warn!(partition = self.partition.number(), offset, %cause, "record is no event and is skipped");
    }

    async fn save(&mut self) -> Result<(), Stopped> {
        let applied = Applied { epoch: self.epoch, next: self.next, last_event: self.last_event };
        let number = self.partition.number();
        while let Err(error) = self.shared.messages.checkpoint(number, applied.clone()).await {
            self.shared.wait_out(error, "the history view's checkpoint").await?;
        }
        self.shared.waiters.set_stalled(false);
        self.partition.commit(self.next, "").await?;
        self.checkpoint = Checkpoint { next: self.next, at: Instant::now() };
        Ok(())
    }

    fn position(&self, offset: u64) -> Position {
        Position { epoch: self.epoch, partition: self.partition.number(), offset }
    }
}

impl Shared {
    /// Closes the door and waits a moment, if the failure may pass; gives it back if it won't.
    pub(crate) async fn wait_out(&self, error: store::Error, what: &str) -> Result<(), Stopped> {
        if !error.retryable() {
            error!(%error, "{what} failed for good");
            self.waiters.set_stalled(true);
            return Err(error.into());
        }
        warn!(%error, "{what} failed and is tried again");
        self.waiters.set_stalled(true);
        tokio::time::sleep(RETRY).await;
        Ok(())
    }
}

/// Compares the record before the point that the view was applied to with the view's memory of it.
async fn check_identity(
    events: &dyn Events,
    number: u32,
    epoch: u32,
    applied: &Applied,
) -> Result<(), Stopped> {
    let other = || Stopped::OtherLog { epoch: applied.epoch, next: applied.next };
    if applied.epoch != epoch {
        return Err(other());
    }
    let (Some(expected), Some(last)) = (applied.last_event, applied.next.checked_sub(1)) else {
        return Ok(());
    };
    if events.end(Topic::Messages, number).await? < applied.next {
        return Err(other());
    }
    // The record may be gone by retention: then the log ran on from there and can't be compared.
    match events.record(Topic::Messages, number, last).await? {
        Some(record) if Event::decode(&record.payload).is_ok_and(|event| event.event_id != expected) => {
            Err(other())
        }
        _ => Ok(()),
    }
}
