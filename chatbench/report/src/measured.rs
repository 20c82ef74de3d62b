//! Everything that a run leaves, before it is judged.

use crate::model::{Environment, Mark, Phases, Reconciled};
use crate::process::Usage;
use crate::threshold::Missed;
use ledger::{Harvest, Seconds};
use plan::Plan;
use std::collections::BTreeMap;

/// What the coordinator has in its hands at the end.
#[derive(Clone, Debug)]
pub struct Measured {
    pub plan: Plan,
    /// Repeats this run.
    pub line: String,
    pub scenario: Option<String>,
    pub labels: BTreeMap<String, String>,
    /// When the hold began, RFC 3339.
    pub started: String,
    /// All workers together.
    pub harvest: Harvest,
    /// All workers together, from the begin of the ramp on.
    pub seconds: Seconds,
    /// Time of the run clock (zero at the begin of the ramp) at which the plan began, in microseconds.
    pub begin_us: u64,
    pub processes: Vec<Process>,
    pub samples: Vec<Sample>,
    pub workers: Vec<Worker>,
    pub reconciled: Reconciled,
    pub environment: Environment,
    pub phases: Phases,
    /// Chaos and scenario moments; the ends of phases are added.
    pub marks: Vec<Mark>,
    pub notes: Vec<String>,
    /// How far the wall clock moved against the monotonic one over the run ([`crate::process::ClockWatch`]).
    pub clock_step_us: u64,
    pub interrupted: bool,
    /// The gate that has ended the run before its time.
    pub cut: Option<Missed>,
}

/// A process whose use is sampled.
#[derive(Clone, Debug)]
pub struct Process {
    pub source: Source,
    pub name: String,
    pub side: Where,
}

impl Process {
    /// Its number on this machine, where it is known.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        match self.source {
            Source::Pid(pid) => Some(pid),
            Source::Metrics(_) => None,
        }
    }
}

/// Who tells what a process uses.
#[derive(Clone, Debug)]
pub enum Source {
    /// This machine's kernel.
    Pid(u32),
    /// Its own page of metrics, at this address.
    Metrics(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Where {
    Server,
    Generator,
}

/// A look at the machine, once a second and at the ends of the hold.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Run clock.
    pub at_us: u64,
    /// What processes have used so far, by their place in [`Measured::processes`]: only those that were looked at and are
    /// there.
    pub used: Vec<(usize, Usage)>,
    /// Ticks of all CPUs so far: stolen by other guests, and in all.
    pub steal: (u64, u64),
}

impl Sample {
    /// What this process had used; none when it was gone, or not looked at.
    #[must_use]
    pub fn of(&self, process: usize) -> Option<Usage> {
        self.used.iter().find(|(place, _)| *place == process).map(|(_, usage)| *usage)
    }
}

/// A worker, here or elsewhere.
#[derive(Clone, Debug)]
pub struct Worker {
    pub host: String,
    pub pid: u32,
    pub users: u32,
    pub connected: u64,
    /// How wrong its clock may have been against the coordinator's at any time of the run: 0 on this machine.
    pub clock_bound_us: u64,
    /// How far its clock ran ahead of the coordinator's over the run; none on this machine, and where it could not be read
    /// at the end.
    pub clock_drift_us: Option<i64>,
    /// Its place in [`Measured::processes`]; none on another machine.
    pub process: Option<usize>,
}
