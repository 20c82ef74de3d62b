//! The run second by second.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
