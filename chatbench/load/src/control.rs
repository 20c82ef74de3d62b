//! What a coordinator and a worker say to each other: frames of a length and a `postcard` value.
//!
//! Over the pipes of a child process or a TCP connection, the same; over TCP a [`greeting`] comes before. The worker says
//! hello, the coordinator orders ([`Order::Clock`], any number of times, then [`Order::Start`]); the worker's figures end
//! with [`Word::Harvest`], after which it answers about its clock only, until the other end is gone.
//! Times are microseconds of the coordinator's run clock: monotonic, zero at the begin of the ramp.

pub mod greeting;

use ledger::{Connecting, Harvest, Second};
use plan::{Account, Plan};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::io::{self, Read, Write};
use std::net::IpAddr;

/// Changes when a worker of one build can't serve a coordinator of another.
pub const VERSION: u32 = 3;
/// Longest frame of somebody known: a million users' accounts or marks.
const FRAME_BYTES: usize = 1 << 30;
/// What is set aside for a frame before its bytes are there, at most.
const AHEAD_BYTES: usize = 1 << 16;

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
    Hello { version: u32, pid: u32, host: String, files: u64, cpus: u32 },
    /// The worker's monotonic clock, in microseconds.
    Clock { now_us: i64 },
    /// Every user was connected and subscribed, or was given up.
    Connected(Connecting),
    /// About once a second, and faster on the first sign of something: seconds that have ended, and figures of now.
    Tick(Tick),
    /// All that was measured; only answers about the clock follow.
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
    read_within(from, FRAME_BYTES)
}

/// Reads one value of so many bytes at most. Memory is taken as bytes arrive, not as the frame's head promises them.
fn read_within<T: DeserializeOwned>(from: &mut impl Read, most: usize) -> io::Result<Option<T>> {
    let mut head = [0; 4];
    match from.read_exact(&mut head) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    let length = u32::from_le_bytes(head) as usize;
    if length > most {
        let what = format!("a frame of {length} bytes where {most} are the most: is that a chatbench?");
        return Err(io::Error::new(io::ErrorKind::InvalidData, what));
    }
    let mut bytes = Vec::with_capacity(length.min(AHEAD_BYTES));
    from.take(length as u64).read_to_end(&mut bytes)?;
    if bytes.len() < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    postcard::from_bytes(&bytes).map(Some).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_and_nothing_behind_it() {
        let mut bytes = Vec::new();
        write(&mut bytes, &Word::Clock { now_us: -5 }).unwrap();
        write(&mut bytes, &Word::Failed("why".into())).unwrap();
        let mut from = &bytes[..];
        assert!(matches!(read(&mut from).unwrap(), Some(Word::Clock { now_us: -5 })));
        assert!(matches!(read(&mut from).unwrap(), Some(Word::Failed(why)) if why == "why"));
        assert!(read::<Word>(&mut from).unwrap().is_none());
    }

    #[test]
    fn a_frame_that_is_cut_off_or_too_long_is_an_error() {
        let mut bytes = Vec::new();
        write(&mut bytes, &Word::Failed("x".repeat(100))).unwrap();
        for end in [2, 4, 50] {
            let cut = read::<Word>(&mut &bytes[..end]);
            assert!(cut.is_err() || cut.is_ok_and(|word| word.is_none() && end < 4), "{end}");
        }
        let error = read_within::<Word>(&mut &bytes[..], 64).unwrap_err();
        assert!(error.to_string().contains("64 are the most"), "{error}");
        assert!(read::<Word>(&mut &[0xff; 64][..]).is_err());
    }
}
