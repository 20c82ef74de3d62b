//! What a search found.

use super::{Report, Verdict};
use schema::exit::Exit;
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
    /// Why the search was left before its end, as an exit code; none when it came to its end.
    #[serde(default)]
    pub left: Option<u8>,
    /// The report of the capacity; without one, of the highest rate that passed, or of what broke correctness.
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

impl SearchStep {
    /// A run of which nothing was measured.
    #[must_use]
    pub fn nothing(rate: f64, verdict: Verdict, exit: Exit, reason: String) -> Self {
        Self {
            rate,
            verdict,
            exit: exit.into(),
            offered: 0.0,
            delivered: 0.0,
            p50_ms: 0.0,
            p99_ms: 0.0,
            lag_p99_ms: 0.0,
            server_us_per_message: None,
            generator_us_per_message: None,
            reasons: vec![reason],
            kind: "up".to_owned(),
        }
    }
}
