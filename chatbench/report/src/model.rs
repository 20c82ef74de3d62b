//! The result of a run as data. Names of the JSON are kept: more may come, none may go.

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
    pub targets: Vec<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Asked {
    /// Bound of the delivery latency's p99; none: printed, never blocks.
    pub p99_ms: Option<f64>,
    /// Messages a second that were planned for the hold.
    pub rate: f64,
}

/// How one gate went.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GateResult {
    pub id: String,
    pub metric: String,
    pub stat: String,
    /// `<`, `<=`, `>`, `>=`, `==`.
    pub op: String,
    /// What is asked for, and what was measured, in the metric's unit; no value where there were no samples.
    pub limit: f64,
    pub value: Option<f64>,
    /// `ms`, `msg/s`, `users`, `µs`, `bytes`, `` for counts.
    pub unit: String,
    /// Share of the limit that is left (negative: missed by so much).
    pub margin: Option<f64>,
    /// The part of the run that it judges: `hold`, …
    pub window: String,
    pub samples: u64,
    pub class: GateClass,
    pub outcome: GateOutcome,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum GateClass {
    /// Missing it is exit 9.
    Correctness,
    /// Missing it is exit 3, or 8 when the generator may be why.
    Performance,
    /// Missing it is a finding.
    Advisory,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum GateOutcome {
    Pass,
    Fail,
    /// Too few samples to say.
    Unknown,
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

/// What processes have used during the hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Side {
    /// Microseconds of CPU per delivered message.
    pub cpu_us_per_message: Option<f64>,
    /// CPUs in use, on average.
    pub cpus: f64,
    pub rss_bytes: u64,
    pub rss_peak_bytes: u64,
    /// Growth of memory from before the ramp to its end, by user.
    pub rss_per_user_bytes: Option<f64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProcessUse {
    pub pid: u32,
    /// `chatd`, `chatd websocket`, …
    pub name: String,
    #[serde(flatten)]
    pub used: Side,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkerUse {
    pub host: String,
    pub pid: u32,
    pub users: u32,
    pub connected: u64,
    /// How wrong its clock may be against the coordinator's, in microseconds; 0 on the same machine.
    pub clock_bound_us: u64,
    #[serde(flatten)]
    pub used: Side,
}

/// Where the run took place.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Environment {
    pub cpus: u32,
    pub cpu_model: String,
    /// The frequency governor, where there is one to read.
    pub governor: Option<String>,
    pub kernel: String,
    pub memory_mib: u64,
    /// Of the control group, where it is limited.
    pub memory_limit_mib: Option<u64>,
    pub cpu_limit: Option<f64>,
    /// Hard limit of open files of a process.
    pub files: u64,
    pub local_ports: u32,
    pub listen_backlog: u64,
    pub clock_source: String,
    /// Load average over a minute before the run.
    pub load_before: f64,
    /// Whether the server runs on this machine too.
    pub co_located: bool,
    /// What the server's acknowledgement stands for, where it is known.
    pub durability: String,
    /// What the server says it is: version and build.
    pub server: Option<String>,
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

/// One second of the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Point {
    /// Seconds since the begin of the ramp.
    pub at_s: u32,
    pub connected: u64,
    pub planned: u64,
    pub offered: u64,
    pub accepted: u64,
    pub delivered: u64,
    pub refused: u64,
    pub disconnected: u64,
    /// Of what arrived in this second; none where nothing did.
    pub p50_ms: Option<f64>,
    pub p99_ms: Option<f64>,
    pub max_ms: Option<f64>,
    /// Of what was written in it.
    pub lag_p99_ms: Option<f64>,
    /// CPUs in use by the server and by the generator.
    pub server_cpus: Option<f64>,
    pub generator_cpus: Option<f64>,
    pub server_rss_bytes: Option<u64>,
}

/// Deliveries by second and latency.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Heat {
    /// Upper bounds of the rows in milliseconds, ascending; the last has none.
    pub bounds_ms: Vec<f64>,
    /// For each point of the timeline, a count for each row.
    pub columns: Vec<Vec<u64>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Mark {
    pub at_s: u32,
    pub name: String,
    pub kind: MarkKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MarkKind {
    Phase,
    Chaos,
    Scenario,
}

/// What `chatbench search` found: a step for each rate that was tried.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Search {
    pub version: u32,
    /// The highest rate that passed and passed again.
    pub capacity: Option<f64>,
    /// The lowest that did not.
    pub above: Option<f64>,
    /// What the generator itself can do, by the built-in null server.
    pub generator_ceiling: Option<f64>,
    pub line: String,
    pub steps: Vec<SearchStep>,
    /// The report of the highest rate that passed.
    pub best: Option<Box<Report>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SearchStep {
    pub rate: f64,
    pub verdict: Verdict,
    pub exit: u8,
    pub offered: f64,
    pub delivered: f64,
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub lag_p99_ms: f64,
    pub server_us_per_message: Option<f64>,
    pub generator_us_per_message: Option<f64>,
    /// Why it did not pass.
    pub reasons: Vec<String>,
    /// `up`, `bisect`, `again`.
    pub kind: String,
}
