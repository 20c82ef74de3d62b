//! How the gates went.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
