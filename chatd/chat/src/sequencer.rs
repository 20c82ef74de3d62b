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
use crate::delivery::{Batch, Links};
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
    /// The view may have lost writes: nothing was applied, and the partition must be replayed.
    #[error("the history view may have lost writes")]
    Forgot,
    /// The process is ending, and the stores are away: the next owner does what is left.
    #[error("told to stop while a store was away")]
    Told,
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
    /// Log partitions of conversations.
    pub(crate) partitions: u32,
    /// Several processes share the log, so it may be replaced with all of them in agreement.
    pub(crate) shared_log: bool,
    pub(crate) waiters: Waiters,
    pub(crate) links: Links,
    pub(crate) watchers: Watchers,
    pub(crate) metrics: Metrics,
}

/// A partition in the hands of this process.
pub(crate) struct Sequencer {
    shared: Arc<Shared>,
    stop: CancellationToken,
    partition: Box<dyn Partition>,
    epoch: u32,
    heads: Heads,
    /// The life of the view that `heads` were read from.
    generation: u64,
    /// The offset behind the last applied record, and that record's event.
    next: u64,
    last_event: Option<MessageId>,
    /// Where the log ended when the partition was taken over: up to there it is a replay.
    replay_end: u64,
    /// The view is to be told when that is done, also if there was nothing to replay.
    unsaved: bool,
    checkpoint: Checkpoint,
}

struct Checkpoint {
    next: u64,
    at: Instant,
}

/// Where a sequencer is at work, and what tells it to stop.
pub(crate) struct At<'a> {
    pub(crate) shared: &'a Shared,
    pub(crate) partition: u32,
    /// The life of the view that everything in memory comes from.
    pub(crate) generation: u64,
    pub(crate) stop: &'a CancellationToken,
}

impl Sequencer {
    /// Takes a partition over: checks that log and view belong together and goes to where replay starts. A
    /// store that is away is waited for.
    pub(crate) async fn open(
        shared: Arc<Shared>,
        partition: Box<dyn Partition>,
        stop: CancellationToken,
    ) -> Result<Self, Stopped> {
        let (number, epoch) = (partition.number(), shared.events.epoch());
        let heads = Heads::new((limits::HEADS / shared.partitions.max(1) as usize).max(1));
        let checkpoint = Checkpoint { next: 0, at: Instant::now() };
        let mut sequencer = Self {
            stop,
            partition,
            epoch,
            heads,
            generation: 0,
            next: 0,
            last_event: None,
            replay_end: 0,
            unsaved: false,
            checkpoint,
            shared,
        };
        sequencer.rewind().await?;
        let behind = sequencer.replay_end.saturating_sub(sequencer.next);
        if behind > 0 {
            info!(partition = number, records = behind, "replaying the log into the history view");
        }
        Ok(sequencer)
    }

    /// Goes to where the view says that it was applied to, with no memory of anything behind it. What comes
    /// before the point that was reached earlier is replayed before anything new is applied.
    async fn rewind(&mut self) -> Result<(), Stopped> {
        self.heads.clear();
        // Read before the position is: a change in between only costs another rewind.
        self.generation = self.shared.messages.generation();
        loop {
            match self.find_start().await {
                Ok((next, last_event, end)) => {
                    (self.next, self.last_event) = (next, last_event);
                    self.replay_end = end;
                    self.unsaved = self.shared.shared_log;
                    self.checkpoint = Checkpoint { next, at: Instant::now() };
                    self.shared.links.advance(self.partition.number(), next);
                    self.shared.waiters.set_stalled(self.partition.number(), None);
                    return Ok(());
                }
                Err(Stopped::Store(error)) => self.at().wait_out(error, "looking for where to begin").await?,
                Err(stopped) => return Err(stopped),
            }
        }
    }

    /// Rewinds after the view may have lost writes.
    async fn go_back(&mut self) -> Result<(), Stopped> {
        warn!(partition = self.partition.number(), "the view may have lost writes: they are applied again");
        self.shared.metrics.rewinds.inc();
        self.rewind().await
    }

    async fn find_start(&mut self) -> Result<(u64, Option<MessageId>, u64), Stopped> {
        let (number, events) = (self.partition.number(), &*self.shared.events);
        let (next, last_event) = match self.shared.messages.applied(number).await? {
            // The log was replaced on purpose: the view keeps what it has, and goes on with the new one.
            Some(applied) if self.shared.shared_log && applied.epoch < self.epoch => (0, None),
            Some(applied) => {
                check_identity(events, number, self.epoch, &applied).await?;
                (applied.next, applied.last_event)
            }
            None => (0, None),
        };
        let end = events.end(Topic::Messages, number).await?;
        self.partition.seek(next).await?;
        Ok((next, last_event, end))
    }

    /// Applies records until told to stop, then leaves a checkpoint. `ready` hears when the replay is done.
    pub(crate) async fn run(mut self, ready: oneshot::Sender<()>) -> Result<(), Stopped> {
        let mut ready = Some(ready);
        self.take_over().await;
        loop {
            if self.next >= self.replay_end
                && let Some(ready) = ready.take()
            {
                let _ = ready.send(());
            }
            if self.at().check_memory().is_err() {
                self.go_back().await?;
            }
            if self.unsaved && self.next >= self.replay_end {
                self.save().await?;
            }
            let records = tokio::select! {
                biased;
                () = self.stop.cancelled() => break,
                records = self.partition.next(SEQUENCER_BATCH, CHECKPOINT_INTERVAL) => records,
            };
            match records {
                Ok(records) if records.is_empty() => {}
                Ok(records) => match self.apply(&records).await {
                    Err(Stopped::Forgot) => self.go_back().await?,
                    applied => applied?,
                },
                Err(error) => self.at().wait_out(error, "reading the log").await?,
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

    /// Tells everybody that has sockets to pull what the former owner may not have told. It may have applied
    /// more than it had told when this one took over, and this one may begin behind that.
    async fn take_over(&mut self) {
        let (partition, next) = (self.partition.number(), self.next);
        let nothing = Batch { partition, first: true, next, answers: Vec::new(), deliveries: Vec::new() };
        self.shared.links.hand_over(nothing).await;
    }

    async fn apply(&mut self, records: &[Record]) -> Result<(), Stopped> {
        let mut events = Vec::with_capacity(records.len());
        for record in records {
            match Event::decode(&record.payload) {
                Ok(event) => events.push((self.position(record.offset), event)),
                Err(source @ DecodeError::Newer(_)) => {
                    return Err(Stopped::Newer { offset: record.offset, source });
                }
                Err(DecodeError::Malformed(cause)) => self.dead_letter(record, &cause),
            }
        }
        if let Some((_, last)) = events.last() {
            let at = At {
                shared: &self.shared,
                partition: self.partition.number(),
                generation: self.generation,
                stop: &self.stop,
            };
            batch::run(&at, &mut self.heads, &events).await?;
            self.last_event = Some(last.event_id);
        }
        self.next = records.last().map_or(self.next, |record| record.offset + 1);
        self.shared.metrics.applied.inc_by(records.len() as u64);
        Ok(())
    }

    /// A record whose bytes are no event of ours is the one thing that is ever skipped: the same bytes are
    /// skipped by every owner, so no two differ.
    fn dead_letter(&self, record: &Record, cause: &serde_json::Error) {
        self.shared.metrics.dead_letters.inc();
        let (partition, offset) = (self.partition.number(), record.offset);
        self.shared.events.set_aside(Topic::Messages, partition, record, &cause.to_string());
        warn!(partition, offset, %cause, "record is no event and is skipped");
    }

    async fn save(&mut self) -> Result<(), Stopped> {
        let applied = Applied { epoch: self.epoch, next: self.next, last_event: self.last_event };
        let number = self.partition.number();
        while let Err(error) = self.shared.messages.checkpoint(number, applied.clone()).await {
            self.at().wait_out(error, "the history view's checkpoint").await?;
        }
        self.shared.waiters.set_stalled(number, None);
        match self.partition.commit(self.next, "").await {
            // The view knows where to begin; what the log remembers is for those who look.
            Err(error) if error.retryable() => warn!(partition = number, %error, "the log took no commit"),
            other => other?,
        }
        self.checkpoint = Checkpoint { next: self.next, at: Instant::now() };
        self.unsaved = false;
        Ok(())
    }

    fn position(&self, offset: u64) -> Position {
        Position { epoch: self.epoch, partition: self.partition.number(), offset }
    }

    fn at(&self) -> At<'_> {
        At {
            shared: &self.shared,
            partition: self.partition.number(),
            generation: self.generation,
            stop: &self.stop,
        }
    }
}

impl At<'_> {
    /// Whether what is in memory, and what was just read, are of the same life of the view. If not, something
    /// may be missing: a repeat would pass for new.
    pub(crate) fn check_memory(&self) -> Result<(), Stopped> {
        let same = self.generation == self.shared.messages.generation();
        if same { Ok(()) } else { Err(Stopped::Forgot) }
    }

    /// Closes the door and waits a moment, if the failure may pass; gives it back if it won't.
    pub(crate) async fn wait_out(&self, error: store::Error, what: &str) -> Result<(), Stopped> {
        if error == store::Error::Revoked {
            return Err(error.into());
        }
        let reason = format!("{what}: {error}");
        self.shared.waiters.set_stalled(self.partition, Some(reason));
        if !error.retryable() {
            error!(partition = self.partition, %error, "{what} failed for good");
            return Err(error.into());
        }
        warn!(partition = self.partition, %error, "{what} failed and is tried again");
        match tokio::time::timeout(RETRY, self.stop.cancelled()).await {
            Ok(()) => Err(Stopped::Told),
            Err(_) => Ok(()),
        }
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
