//! Whether one set of runs differs from another, and how sure that is.
//!
//! Each figure is a ratio of sums over the whole seconds of the hold, so that it can be drawn again from blocks of seconds that
//! keep how one second resembles the next; with several runs a side, runs are drawn again too. Differences are relative:
//! `B / A - 1`.

mod bootstrap;
mod render;

pub use render::{markdown, text};

use crate::model::{Point, Report, Verdict};
use crate::value::Window;
use bootstrap::{Interval, Run};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Version of the JSON; additions keep it.
const VERSION: u32 = 1;
/// All intervals together are right so often.
const SURE: f64 = 0.95;
/// Differences below it are of no use to anybody, however sure.
const NEGLIGIBLE: f64 = 0.01;

/// What comparing two sets of runs has shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Comparison {
    pub version: u32,
    /// Runs of each side.
    pub runs: (usize, usize),
    pub figures: Vec<Difference>,
    /// Confidence of each interval, in percent: with all of them together it is 95.
    pub confidence: f64,
    /// Why the two may not be comparable.
    pub caveats: Vec<String>,
}

/// One figure of both sides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    pub name: String,
    pub unit: String,
    pub a: Option<f64>,
    pub b: Option<f64>,
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

/// What is compared.
struct Figure {
    name: &'static str,
    unit: &'static str,
    less_is_better: bool,
    /// Numerator and denominator of a second.
    of: fn(&Point) -> Option<(f64, f64)>,
    /// Instead, where there is one value of a run.
    once: Option<fn(&Report) -> Option<f64>>,
}

const FIGURES: [Figure; 5] = [
    Figure {
        name: "delivery p50",
        unit: "ms",
        less_is_better: true,
        of: |point| Some((point.p50_ms?, 1.0)),
        once: None,
    },
    Figure {
        name: "delivery p99",
        unit: "ms",
        less_is_better: true,
        of: |point| Some((point.p99_ms?, 1.0)),
        once: None,
    },
    Figure {
        name: "server CPU per message",
        unit: "µs",
        less_is_better: true,
        of: |point| Some((point.server_cpus? * 1e6, point.delivered as f64)),
        once: None,
    },
    Figure {
        name: "delivered rate",
        unit: "msg/s",
        less_is_better: false,
        of: |point| Some((point.delivered as f64, 1.0)),
        once: None,
    },
    Figure {
        name: "server memory per user",
        unit: "bytes",
        less_is_better: true,
        of: |_| None,
        once: Some(|report| report.server?.rss_per_user_bytes),
    },
];

/// Compares; the same seed gives the same intervals.
///
/// # Errors
/// A sentence, when a side has no run.
pub fn compare(a: &[Report], b: &[Report], seed: u64) -> Result<Comparison, String> {
    if a.is_empty() || b.is_empty() {
        return Err("each side needs a report".to_owned());
    }
    // So that together they are as sure as is said of them.
    let level = (1.0 - SURE) / FIGURES.len() as f64;
    let figures = FIGURES.iter().enumerate().map(|(n, figure)| {
        let interval = bootstrap::interval(&runs(figure, a), &runs(figure, b), level, seed ^ n as u64);
        difference(figure, interval)
    });
    Ok(Comparison {
        version: VERSION,
        runs: (a.len(), b.len()),
        figures: figures.collect(),
        confidence: (1.0 - level) * 100.0,
        caveats: caveats(a, b),
    })
}

impl Comparison {
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

/// The whole seconds of the hold of each run, those in which the figure was measured.
fn runs(figure: &Figure, reports: &[Report]) -> Vec<Run> {
    let of = |report: &Report| -> Run {
        if let Some(once) = figure.once {
            return once(report).map(|value| (value, 1.0)).into_iter().collect();
        }
        let (from, to) = Window::Hold.seconds(report);
        let held = report.timeline.iter().filter(|point| (from..to).contains(&point.at_s));
        held.filter_map(figure.of).collect()
    };
    reports.iter().map(of).filter(|run| run.iter().any(|(_, whole)| *whole > 0.0)).collect()
}

fn difference(figure: &Figure, interval: Option<Interval>) -> Difference {
    let base = Difference {
        name: figure.name.to_owned(),
        unit: figure.unit.to_owned(),
        a: None,
        b: None,
        percent: None,
        from: None,
        to: None,
        outcome: Outcome::Unknown,
        better: None,
        words: "not measured on both sides".to_owned(),
    };
    let Some(Interval { a, b, share, from, to, known }) = interval else { return base };
    // Adding nothing makes of -0 a 0.
    let one = |share: f64| (share * 1000.0).round() / 10.0 + 0.0;
    let outcome = match () {
        () if !known => Outcome::Unknown,
        () if (from <= 0.0 && to >= 0.0) || share.abs() < NEGLIGIBLE => Outcome::None,
        () if share < 0.0 => Outcome::Lower,
        () => Outcome::Higher,
    };
    let words = match outcome {
        Outcome::Unknown => "one run a side can't tell".to_owned(),
        Outcome::None => format!("no difference seen ({:+.1}..{:+.1} %)", one(from), one(to)),
        Outcome::Lower => format!("B is lower by {:.1} % ({:.1}..{:.1})", -one(share), -one(to), -one(from)),
        Outcome::Higher => format!("B is higher by {:.1} % ({:.1}..{:.1})", one(share), one(from), one(to)),
    };
    let better = match outcome {
        Outcome::Lower => Some(figure.less_is_better),
        Outcome::Higher => Some(!figure.less_is_better),
        Outcome::None | Outcome::Unknown => None,
    };
    let bounds = known.then_some((one(from), one(to)));
    Difference {
        a: Some(crate::assemble::round(a)),
        b: Some(crate::assemble::round(b)),
        percent: Some(one(share)),
        from: bounds.map(|(from, _)| from),
        to: bounds.map(|(_, to)| to),
        outcome,
        better,
        words,
        ..base
    }
}

/// Something that two runs must have alike, in words.
type Fact = fn(&Report) -> String;

/// Whatever else differs between the two, or speaks against their runs.
fn caveats(a: &[Report], b: &[Report]) -> Vec<String> {
    let mut caveats = Vec::new();
    for (side, reports) in [("A", a), ("B", b)] {
        let invalid = reports.iter().filter(|report| report.verdict == Verdict::Invalid).count();
        let broken = reports.iter().filter(|report| report.violations.total > 0).count();
        let cut = reports.iter().filter(|report| report.interrupted).count();
        for (count, what) in [
            (invalid, "INVALID: the generator or the machine was the limit"),
            (broken, "not correct"),
            (cut, "cut short"),
        ] {
            if count > 0 {
                caveats.push(format!("{count} of {} runs of {side} are {what}", reports.len()));
            }
        }
    }
    if a.len() == 1 || b.len() == 1 {
        caveats.push(
            "one run of a side: how much runs differ among themselves is not seen; compare several"
                .to_owned(),
        );
    }
    let facts: [(&str, Fact); 8] = [
        ("users", |r| r.users.to_string()),
        ("planned rate", |r| format!("{:.0} msg/s", r.rates.planned)),
        ("size", |r| format!("{} bytes", r.message_bytes)),
        ("load", |r| format!("{}, {} arrivals, {}", r.load.protocol, r.load.arrivals, r.load.pairing)),
        ("machine", |r| format!("{} CPUs, {}", r.environment.cpus, r.environment.cpu_model)),
        ("kernel", |r| r.environment.kernel.clone()),
        ("durability", |r| r.environment.durability.clone()),
        ("co-location", |r| r.environment.co_located.to_string()),
    ];
    for (name, of) in facts {
        let mut seen: Vec<String> = a.iter().chain(b).map(of).collect();
        seen.sort_unstable();
        seen.dedup();
        if seen.len() > 1 {
            caveats.push(format!("not the same {name}: {}", seen.join("; ")));
        }
    }
    caveats
}

#[cfg(test)]
mod tests;
