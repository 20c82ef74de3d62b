//! Whether one set of runs differs from another, and how sure that is.
//!
//! Each figure is a ratio of sums over the whole seconds of the hold, so that it can be drawn again from blocks of seconds that
//! keep how one second resembles the next; with several runs a side, runs are drawn again too. Differences are relative:
//! `B / A - 1`.

mod bootstrap;
mod caveats;
mod model;
mod render;

pub(crate) use model::Word;
pub use model::{Comparison, Difference, Outcome, Repeat, Side};
pub(crate) use render::foot;
pub use render::{markdown, text};

use crate::model::{Point, Report, Verdict};
use crate::value::Window;
use bootstrap::{Interval, Run};
use caveats::caveats;

/// Version of the JSON; additions keep it.
const VERSION: u32 = 1;
/// All intervals together are right so often.
const SURE: f64 = 0.95;
/// Runs of a side below which nothing is known of how much runs differ among themselves.
const RUNS: usize = 2;
/// Differences below it are of no use to anybody, however sure.
const NEGLIGIBLE: f64 = 0.01;

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

/// Compares; INVALID runs are told of, and left out of the figures. The same seed gives the same intervals. What the sides are called, and the line, are the caller's to tell.
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
        sides: <(String, String)>::default(),
        figures: figures.collect(),
        confidence: (1.0 - level) * 100.0,
        caveats: caveats(a, b),
        repeats: [(Side::A, a), (Side::B, b)]
            .into_iter()
            .flat_map(|(side, reports)| reports.iter().map(move |report| repeat(side, report)))
            .collect(),
        line: String::new(),
    })
}

/// Each run in which the figure was measured. Those that are INVALID say nothing of the server.
fn runs(figure: &Figure, reports: &[Report]) -> Vec<Run> {
    let counted = reports.iter().filter(|report| report.verdict != Verdict::Invalid);
    let runs = counted.map(|report| figure.run(report));
    runs.filter(|run| run.iter().any(|(_, whole)| *whole > 0.0)).collect()
}

impl Figure {
    /// The whole seconds of the hold in which it was measured.
    fn run(&self, report: &Report) -> Run {
        if let Some(once) = self.once {
            return once(report).map(|value| (value, 1.0)).into_iter().collect();
        }
        let (from, to) = Window::Hold.seconds(report);
        let held = report.timeline.iter().filter(|point| (from..to).contains(&point.at_s));
        held.filter_map(self.of).collect()
    }
}

fn repeat(side: Side, report: &Report) -> Repeat {
    let value = |figure: &Figure| bootstrap::ratio(&figure.run(report)).map(crate::assemble::round);
    Repeat {
        side,
        started: report.started.clone(),
        verdict: report.verdict,
        exit: report.exit,
        values: FIGURES.iter().map(value).collect(),
    }
}

fn difference(figure: &Figure, interval: Option<Interval>) -> Difference {
    let base = Difference {
        name: figure.name.to_owned(),
        unit: figure.unit.to_owned(),
        a: None,
        b: None,
        a_interval: None,
        b_interval: None,
        percent: None,
        from: None,
        to: None,
        outcome: Outcome::Unknown,
        better: None,
        words: "not measured on both sides".to_owned(),
    };
    let Some(Interval { a, b, share, from, to, a_bounds, b_bounds, known }) = interval else { return base };
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
    let round = |(low, high)| (crate::assemble::round(low), crate::assemble::round(high));
    Difference {
        a: Some(crate::assemble::round(a)),
        b: Some(crate::assemble::round(b)),
        a_interval: known.then_some(round(a_bounds)),
        b_interval: known.then_some(round(b_bounds)),
        percent: Some(one(share)),
        from: bounds.map(|(from, _)| from),
        to: bounds.map(|(_, to)| to),
        outcome,
        better,
        words,
        ..base
    }
}

#[cfg(test)]
mod tests;
