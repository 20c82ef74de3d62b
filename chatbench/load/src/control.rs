//! What a coordinator and a worker say to each other: frames of a length and a `postcard` value.
//!
//! Over the pipes of a child process or a TCP connection, the same. The coordinator speaks first ([`Order::Clock`], any number
//! of times, then [`Order::Start`]); the worker ends with [`Word::Harvest`], or at once when the other end is gone.
//! Times are microseconds of the coordinator's run clock: monotonic, zero at the begin of the ramp.

use ledger::{Connecting, Harvest, Second};
use plan::{Account, Plan};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::io::{self, Read, Write};
use std::net::IpAddr;

/// Changes when a worker of one build can't serve a coordinator of another.
pub const VERSION: u32 = 1;
/// Longest frame, so that a stranger's bytes are no reason to take all memory: a million users' accounts or marks.
const FRAME_BYTES: usize = 1 << 30;

/// A worker's share of a run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Part {
    pub plan: Plan,
    /// Its users, whole pairs: these, and their accounts in order.
    pub first: u32,
    pub accounts: Vec<Account>,
    pub threads: u32,
    /// Local addresses that sockets are bound to in turn; none: the kernel's choice.
    pub sources: Vec<IpAddr>,
    /// Connections of a thread that are being made at a time.
    pub connecting: u32,
    /// Where the worker's monotonic clock stands when the coordinator's run clock is 0, in microseconds.
    pub clock_zero_us: i64,
}

/// What the coordinator says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Order {
    /// Answered at once with [`Word::Clock`].
    Clock,
    /// Connect.
    Start(Box<Part>),
    /// The plan begins at this time of the run clock, which is this wall clock.
    Begin { at_us: u64, wall_ms: u64 },
    /// No more sends: drain, then report.
    Stop,
}

/// What a worker says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Word {
    /// First of all.
    Hello { version: u32, pid: u32, host: String, files: u64 },
    /// The worker's monotonic clock, in microseconds.
    Clock { now_us: i64 },
    /// Every user was connected and subscribed, or was given up.
    Connected(Connecting),
    /// About once a second, and faster on the first sign of something: seconds that have ended, and figures of now.
    Tick(Tick),
    /// The last word.
    Harvest(Box<Harvest>),
    /// It can't go on; the last word.
    Failed(String),
}

/// How a worker is doing.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Tick {
    pub connected: u64,
    pub sent: u64,
    pub acknowledged: u64,
    pub received: u64,
    pub violations: u64,
    /// The busiest thread's share of a CPU since the last tick.
    pub busy: f64,
    pub seconds: Vec<Second>,
}

/// Writes one value.
///
/// # Errors
/// What the writer says, and a value too large.
pub fn write(to: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    let bytes = postcard::to_allocvec(value).map_err(io::Error::other)?;
    let length = u32::try_from(bytes.len()).ok().filter(|length| *length as usize <= FRAME_BYTES);
    let length = length.ok_or_else(|| io::Error::other("a frame of over 1 GiB"))?;
    to.write_all(&length.to_le_bytes())?;
    to.write_all(&bytes)?;
    to.flush()
}

/// Reads one value; none at the end.
///
/// # Errors
/// What the reader says, a frame that is too long, and bytes that are no such value.
pub fn read<T: DeserializeOwned>(from: &mut impl Read) -> io::Result<Option<T>> {
    let mut head = [0; 4];
    match from.read_exact(&mut head) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    let length = u32::from_le_bytes(head) as usize;
    if length > FRAME_BYTES {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "a frame of over 1 GiB: is that a chatbench?",
        ));
    }
    let mut bytes = vec![0; length];
    from.read_exact(&mut bytes)?;
    postcard::from_bytes(&bytes).map(Some).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}
