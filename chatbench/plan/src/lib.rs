//! What a run does, before it does anything: who talks with whom, when each message is due, what it says.
//!
//! A [`Plan`] is data: the coordinator makes one from the command line or a scenario, every worker gets the
//! same, and each thread computes the sends of its own users from it ([`Schedule`]). So one worker with 100,000 users
//! and six with a sixth each write the same messages at the same times. Times are microseconds; planned times count from
//! the begin of the warm-up.
//!
//! Invariants: a planned time never depends on an answer (but in [`Arrivals::Closed`], which says so); the two of a
//! pair belong to the same thread.

pub mod behaviour;
mod curve;
pub mod duration;
mod pairing;
pub mod payload;
mod protocol;
pub mod scenario;
mod schedule;

pub use behaviour::Behaviour;
pub use pairing::Pairing;
pub use payload::{Corrupt, Payload};
pub use protocol::{MqttBroker, Protocol, StompBroker, Transport};
pub use scenario::Scenario;
pub use schedule::{Planned, Schedule, client_id};

use schema::UserId;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::SocketAddr;

/// One run, whole: the same for every worker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Tells the messages of this run from those of others.
    pub run: u32,
    /// The accounts are those of a file, and had other runs before: messages of those may be in history, and come still.
    pub reused: bool,
    /// Makes the order of the senders, the times of [`Arrivals::Poisson`], the client ids.
    pub seed: u64,
    /// People of the whole run, an even number; user 2n talks with user 2n + 1.
    pub users: u32,
    pub pairing: Pairing,
    pub arrivals: Arrivals,
    pub phases: Phases,
    /// Bytes of a message's content.
    pub message_bytes: u32,
    pub protocol: Protocol,
    /// Where sockets go: user n to the target `n % len`, so that the two of a pair meet across targets.
    pub targets: Vec<Target>,
    /// Base URL for REST calls, `http://host:port` or `https://host:port`; none where the server has no such thing.
    pub api: Option<String>,
    /// Authorities of TLS servers, as the text of a PEM file: these and no others; none: those of the worker's machine.
    pub ca: Option<String>,
    pub behaviour: Behaviour,
}

impl Plan {
    /// Where a user's socket goes.
    #[must_use]
    pub fn target(&self, user: u32) -> &Target {
        &self.targets[user as usize % self.targets.len()]
    }

    /// Whether a planned time is measured: after the warm-up, before the end of the hold.
    #[must_use]
    pub fn counts(&self, at_us: u64) -> bool {
        (self.phases.warmup_us..self.phases.end_us()).contains(&at_us)
    }
}

/// An address with the name under which it is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    pub address: SocketAddr,
    /// Host and port, for `Host` headers.
    pub authority: String,
    /// The name or address that the server's certificate must be for; none: no TLS.
    pub tls: Option<String>,
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.authority)?;
        if self.tls.is_some() { f.write_str(" (TLS)") } else { Ok(()) }
    }
}

/// A user's credentials; empty for servers that take a name only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    pub id: UserId,
    pub token: String,
    /// Only for the login scenario: `name:password`, or a password alone where the name is `bench_<run>_<number>`.
    pub password: Option<String>,
}

/// The parts of a run, in microseconds. The ramp lies before planned time 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Phases {
    /// Over which the connections are spread evenly, an open model too.
    pub ramp_us: u64,
    pub warmup_us: u64,
    pub hold_us: u64,
    /// Longest wait for what is on its way at the end.
    pub drain_us: u64,
}

impl Phases {
    /// Planned time at which the hold ends.
    #[must_use]
    pub fn end_us(&self) -> u64 {
        self.warmup_us + self.hold_us
    }
}

/// When messages are due.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Arrivals {
    /// Nobody sends.
    None,
    /// `rate` messages a second of all together, evenly spaced.
    Constant { rate: f64 },
    /// `rate` messages a second on average, independent of each other.
    Poisson { rate: f64 },
    /// A rate for each stretch of time; the last one holds until the end.
    Trace { steps: Vec<Step> },
    /// Each user sends `think_us` after his last send was answered. Not an open model: a slow server is asked less.
    Closed { think_us: u64 },
}

impl Arrivals {
    /// Messages a second that are planned over a stretch of time, as a mean; none where that is not known beforehand.
    #[must_use]
    pub fn rate(&self, from_us: u64, to_us: u64) -> Option<f64> {
        match self {
            Self::None => Some(0.0),
            Self::Constant { rate } | Self::Poisson { rate } => Some(*rate),
            Self::Trace { steps } => {
                let ends = steps.iter().skip(1).map(|step| step.at_us).chain([u64::MAX]);
                let sent: f64 = steps
                    .iter()
                    .zip(ends)
                    .map(|(step, end)| {
                        let (a, b) = (step.at_us.max(from_us), end.min(to_us));
                        b.saturating_sub(a) as f64 * step.rate
                    })
                    .sum();
                Some(sent / to_us.saturating_sub(from_us).max(1) as f64)
            }
            Self::Closed { .. } => None,
        }
    }
}

/// From a planned time on, this many messages a second.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    pub at_us: u64,
    pub rate: f64,
}
