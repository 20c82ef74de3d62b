//! The link between processes.

use std::time::Duration;

/// Links that a process takes at once, one for each other process.
pub const LINKS: usize = 128;
/// Time for a connection of the link to be made, and for each side to say who it is.
pub const LINK_HELLO_TIME: Duration = Duration::from_secs(2);
/// Bytes of what is said before a side is known.
pub const LINK_HELLO_BYTES: usize = 4096;
/// Bytes of one frame; a page of history that is larger is cut in half.
pub const LINK_FRAME_BYTES: usize = 16 << 20;
/// Bytes waiting for a side that does not read; then the link is cut.
pub const LINK_OUTBOX_BYTES: usize = 32 << 20;
/// Bytes of pages of history that wait beside them; more are to be asked for again.
pub const LINK_PAGES_BYTES: usize = 32 << 20;
/// Pages of history that a process asks for at once; its other sessions wait their turn.
pub const LINK_PAGES: usize = 256;
/// Bytes of presence and typing that wait beside them; more is left out.
pub const LINK_SOFT_BYTES: usize = 1 << 20;
/// Bytes that are written to a link at a time.
pub const LINK_WRITE_BYTES: usize = 256 << 10;
/// Bytes of deliveries in one frame, about: a larger batch is told in parts.
pub const LINK_BATCH_BYTES: usize = 256 << 10;
/// How often each side says that it lives.
pub const LINK_BEAT: Duration = Duration::from_secs(1);
/// A side that says nothing for this long, or takes nothing, is gone: three beats.
pub const LINK_SILENCE: Duration = Duration::from_secs(3);
/// How long a call over the link waits for its answer.
pub const LINK_CALL_TIME: Duration = Duration::from_secs(5);
/// How long a process may take to say that it delivers for somebody from now on; then its link is cut.
pub const LINK_ATTEND_TIME: Duration = Duration::from_secs(1);
/// Longest wait before a lost link is tried again; the wait is drawn anew each time.
pub const LINK_RETRY: Duration = Duration::from_secs(2);
/// Calls of one link that are answered at once; more are answered that they were not taken.
pub const LINK_CALLS: usize = 4_096;
/// Ordered queues of a link's sends: those of one socket stand in one of them.
pub const LINK_LANES: usize = 64;
/// Sends that wait in one of them; more are not taken.
pub const LINK_LANE: usize = 1_024;
/// People, sockets or ended sessions named in one frame.
pub const LINK_CHUNK: usize = 2_000;
/// How often a process looks where the core of its data folder listens for links.
pub const LINK_LOOK: Duration = Duration::from_millis(200);
/// How long a process without stores waits at its start for one that has them.
pub const LINK_START: Duration = Duration::from_secs(60);
