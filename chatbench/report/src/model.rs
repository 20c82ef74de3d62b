//! The result of a run as data. Names of the JSON are kept: more may come, none may go.

mod gate;
mod machine;
mod search;
mod timeline;

pub use gate::{Asked, GateClass, GateOutcome, GateResult};
pub use machine::{Environment, ProcessUse, Side, WorkerUse};
pub use search::{Search, SearchStep};
pub use timeline::{Heat, Mark, MarkKind, Point};

use ledger::{Counts, Figures, Outcomes};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Version of the JSON; additions keep it.
pub const VERSION: u32 = 1;

/// Everything that is reported.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    pub version: u32,
    /// Version of the chatbench that measured.
    pub chatbench: String,
    pub verdict: Verdict,
    /// The exit code.
    pub exit: u8,
    /// What the server did not hold.
    pub reasons: Vec<Reason>,
    /// What puts the measurement in doubt.
    pub findings: Vec<Reason>,
    pub interrupted: bool,
    /// The run's number, in hexadecimal: part of its users' names.
    pub run: String,
    /// When the hold began, RFC 3339.
    pub started: String,
    pub seed: u64,
    /// Repeats this run.
    pub line: String,
    pub scenario: Option<String>,
    /// `--label`s.
    pub labels: BTreeMap<String, String>,
    /// Protocol, transport, arrivals, pairing: what kind of load it was, in words.
    pub load: Load,
    /// The two figures that are asked for most, in short; [`Report::gates`] has all.
    #[serde(default)]
    pub gate: Asked,
    pub gates: Vec<GateResult>,
    pub users: u32,
    /// At the end of the ramp.
    pub connected: u64,
    pub duration_s: f64,
    pub message_bytes: u32,
    pub rates: Rates,
    pub latency: Latencies,
    /// The delivery latency's percentile curve.
    pub percentiles: Vec<Percentile>,
    pub outcomes: Outcomes,
    pub violations: Found,
    pub reconciled: Reconciled,
    pub sockets: Sockets,
    /// Codes of refused sends.
    pub refusals: BTreeMap<String, u64>,
    /// Requests and sends that a rate limit refused (429).
    #[serde(default)]
    pub rate_limited: u64,
    /// Those of the refused sends that a rate limit refused.
    #[serde(default)]
    pub sends_limited: u64,
    /// What users did beside sending.
    #[serde(default)]
    pub activity: Activity,
    /// All server processes together; none where none could be seen.
    pub server: Option<Side>,
    /// Each server process.
    pub servers: Vec<ProcessUse>,
    /// All of chatbench: coordinator and workers on this machine.
    pub generator: Side,
    /// Busiest generator thread's share of the hold.
    pub generator_busy: f64,
    pub workers: Vec<WorkerUse>,
    /// Share of the machine's time that other guests took during the hold.
    pub steal: f64,
    /// How far the wall clock moved against the monotonic one, in milliseconds.
    #[serde(default)]
    pub clock_step_ms: f64,
    pub environment: Environment,
    pub phases: Phases,
    /// Seconds from the begin of the ramp to the begin of the warm-up.
    #[serde(default)]
    pub begin_s: f64,
    pub timeline: Vec<Point>,
    pub heat: Heat,
    /// Moments that the charts mark: ends of phases, chaos, storms.
    pub marks: Vec<Mark>,
    pub notes: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Verdict {
    Pass,
    Fail,
    Invalid,
    Interrupted,
}

impl Verdict {
    /// As it is printed.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pass => "PASS",
            Self::Fail => "FAIL",
            Self::Invalid => "INVALID",
            Self::Interrupted => "INTERRUPTED",
        }
    }
}

/// One thing that speaks against the server or against the measurement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reason {
    pub what: String,
    pub fix: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Load {
    /// `chatd over websocket`, `stomp broker`, …
    pub protocol: String,
    /// `constant`, `poisson`, `trace`, `closed`, `none`.
    pub arrivals: String,
    /// Whether the plan is an open model; a closed one asks a slow server less.
    pub open: bool,
    /// `uniform`, `zipf 1.1`.
    pub pairing: String,
    /// Host and port of each, with `(TLS)` behind it where its sockets are encrypted.
    pub targets: Vec<String>,
}

/// Messages a second during the hold.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Rates {
    pub planned: f64,
    pub offered: f64,
    pub accepted: f64,
    pub delivered: f64,
}

/// Of messages that were planned in the hold; none where nothing of the kind was measured.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Latencies {
    /// Planned send to receipt by the recipient: the headline.
    pub delivery: Figures,
    /// Planned send to the acknowledgement.
    pub accept: Figures,
    /// Planned send to the write: what the generator itself adds.
    pub schedule_lag: Figures,
    pub seen: Option<Figures>,
    pub connect: Option<Figures>,
    pub login: Option<Figures>,
    /// Subscribed to receipt, of what was sent before the recipient had ever come.
    pub offline: Option<Figures>,
    /// Subscribed again to receipt, of what was sent while the recipient was away.
    pub gap: Option<Figures>,
    pub history: Option<Figures>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Percentile {
    /// 0 to 100.
    pub percent: f64,
    pub ms: f64,
}

/// Violations with their sum.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Found {
    pub total: u64,
    /// Seen on the sockets, and in history after the drain.
    pub live: Counts,
    pub history: Counts,
    /// The first few, in words.
    pub examples: Vec<String>,
}

/// How the ledger was compared with the server's history.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Reconciled {
    /// `all`, `sample`, or `none` where the server has no history.
    pub rule: String,
    pub conversations: u64,
    pub compared: u64,
    /// Rows that were read, those of earlier runs with the same accounts too.
    pub messages: u64,
    /// Conversations whose history could not be read.
    pub unread: u64,
    pub rate_limited: u64,
    pub errors: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Sockets {
    pub local_failures: u64,
    pub connect_errors: Vec<String>,
    pub disconnected: u64,
    pub closes: Vec<String>,
    /// Failed to connect for another reason than this machine, each after its last attempt.
    #[serde(default)]
    pub failures: u64,
    /// Longest time that a user's turn to connect waited for the generator, in milliseconds.
    #[serde(default)]
    pub ramp_lag_ms: f64,
    /// Planned sends whose socket was gone.
    pub unsent: u64,
    /// Those of them that were planned in the hold.
    #[serde(default)]
    pub unsent_in_hold: u64,
    /// Attempts to come back that failed.
    #[serde(default)]
    pub reconnect_failures: u64,
    /// Cut and made again because the scenario wanted it.
    pub reconnected: u64,
}

/// What was done beside sending, over the whole run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Activity {
    pub typing: u64,
    pub presence: u64,
    pub history_pages: u64,
    pub logins: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Phases {
    pub provision_s: f64,
    pub connect_s: f64,
    pub warmup_s: f64,
    pub hold_s: f64,
    pub drain_s: f64,
    pub reconcile_s: f64,
}
