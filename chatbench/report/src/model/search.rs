//! What a search found.

use super::{Report, Verdict};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
