//! What a comparison has shown, as data. Names of the JSON are kept: more may come, none may go.

use super::RUNS;
use crate::model::Verdict;
use schema::exit::Exit;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What comparing two sets of runs has shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Comparison {
    pub version: u32,
    /// Runs of each side.
    pub runs: (usize, usize),
    /// What A and B are, as they were named.
    #[serde(default)]
    pub sides: (String, String),
    pub figures: Vec<Difference>,
    /// Confidence of each interval, in percent: with all of them together it is 95.
    pub confidence: f64,
    /// Why the two may not be comparable.
    pub caveats: Vec<String>,
    /// Each run, those of A first.
    #[serde(default)]
    pub repeats: Vec<Repeat>,
    /// Repeats this comparison.
    #[serde(default)]
    pub line: String,
}

/// A run of a comparison.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Repeat {
    pub side: Side,
    /// When its hold began, RFC 3339.
    pub started: String,
    pub verdict: Verdict,
    pub exit: u8,
    /// Its value of each of [`Comparison::figures`], where it was measured.
    pub values: Vec<Option<f64>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Side {
    A,
    B,
}

/// One figure of both sides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    pub name: String,
    pub unit: String,
    pub a: Option<f64>,
    pub b: Option<f64>,
    /// The interval that each side lies in by itself. Whether they differ is said by that of the difference.
    #[serde(default)]
    pub a_interval: Option<(f64, f64)>,
    #[serde(default)]
    pub b_interval: Option<(f64, f64)>,
    /// Relative difference of B from A in percent, and the interval that it lies in.
    pub percent: Option<f64>,
    pub from: Option<f64>,
    pub to: Option<f64>,
    pub outcome: Outcome,
    /// Whether the difference is for the better, where there is one.
    pub better: Option<bool>,
    /// In words: `no difference seen`, `B is lower by 12 % (8..16)`.
    pub words: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    None,
    Lower,
    Higher,
    /// Not measured on both sides, or too little to say.
    Unknown,
}

/// What a comparison comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    Incorrect,
    Invalid,
    /// Of no figure is known whether the two differ in it.
    Unknown,
    Same,
    Better,
    Worse,
    BetterAndWorse,
}

impl Repeat {
    /// Whether it speaks of the server, and goes into the figures.
    #[must_use]
    pub fn counts(&self) -> bool {
        self.verdict != Verdict::Invalid
    }
}

impl Comparison {
    /// Broken promises first, then whether anything can be said, then what is said.
    pub(crate) fn word(&self) -> Word {
        let any = |better| self.figures.iter().any(|figure| figure.better == Some(better));
        let known = self.figures.iter().any(|figure| figure.outcome != Outcome::Unknown);
        match (any(false), any(true)) {
            _ if self.repeats.iter().any(|run| run.exit == u8::from(Exit::Incorrect)) => Word::Incorrect,
            _ if self.spoilt(Side::A) || self.spoilt(Side::B) => Word::Invalid,
            (true, true) => Word::BetterAndWorse,
            (true, false) => Word::Worse,
            (false, true) => Word::Better,
            (false, false) if known => Word::Same,
            (false, false) => Word::Unknown,
        }
    }

    /// Whether most runs of a side are INVALID, or so many that those that are left say nothing.
    fn spoilt(&self, side: Side) -> bool {
        let runs = self.repeats.iter().filter(|run| run.side == side);
        let (left, out): (Vec<_>, Vec<_>) = runs.partition(|run| run.counts());
        out.len() > left.len() || (!out.is_empty() && left.len() < RUNS)
    }

    /// How `chatbench compare` ends.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self.word() {
            Word::Incorrect => Exit::Incorrect,
            Word::Invalid | Word::Unknown => Exit::INVALID,
            Word::Worse | Word::BetterAndWorse => Exit::GATE_FAILED,
            Word::Same | Word::Better => Exit::Ok,
        }
    }

    /// Whether B is worse in anything.
    #[must_use]
    pub fn regressed(&self) -> bool {
        self.figures.iter().any(|figure| figure.better == Some(false))
    }

    /// Whether B differs in anything.
    #[must_use]
    pub fn differs(&self) -> bool {
        self.figures.iter().any(|figure| figure.better.is_some())
    }
}
