//! The log, the sequencer, and the view that it writes.

use std::time::Duration;

/// Bytes of one record of the log.
pub const RECORD_BYTES: usize = 1 << 20;
/// Bytes waiting for the log's writer; more is refused before it is stored.
pub const LOG_QUEUE_BYTES: usize = 32 << 20;
/// How long the log's writer lets a group gather while records come faster than it syncs.
pub const GATHER: Duration = Duration::from_millis(1);
/// Bytes of one log segment.
pub const SEGMENT_BYTES: u64 = 64 << 20;
/// Bytes of recent records kept in memory for consumers, a partition.
pub const LOG_TAIL_BYTES: usize = 32 << 20;
/// Records that the sequencer applies in one batch.
pub const SEQUENCER_BATCH: usize = 1024;
/// Conversation heads kept in memory, a partition.
pub const HEADS: usize = 100_000;
/// Client message ids a head remembers, to tell new sends without a look-up.
pub const CLIENT_WINDOW: usize = 32;
/// Sends that may wait for their outcome, in a process.
pub const WAITERS: usize = 65_536;
/// How long a send waits for its outcome before it answers `outcome_unknown`.
pub const ANSWER_DEADLINE: Duration = Duration::from_secs(5);
/// Age of the oldest unapplied record beyond which the door refuses new ones.
pub const LAG_MAX: Duration = Duration::from_secs(1);
/// While a log partition is behind by more than that, one record is let through in this time to see whether it
/// is applied again.
pub const PROBE_INTERVAL: Duration = Duration::from_secs(1);
/// Time between two checkpoints of the history view.
pub const CHECKPOINT_INTERVAL: Duration = Duration::from_secs(5);
/// Records between two checkpoints of the history view.
pub const CHECKPOINT_RECORDS: u64 = 100_000;
/// Batches on their way from the sequencer to a websocket process.
pub const DELIVERY_BATCHES: usize = 256;
