//! The report as one page: verdict, gates and margins first, then the charts, then everything else.
//!
//! The page stands alone: no network, no fonts, no scripts needed. It follows the reader's light or dark scheme and reads on a
//! phone. Charts are SVG that is stretched to the width there is, with its words beside it in HTML, so that they never shrink.

mod calibration;
mod chart;
mod columns;
mod comparison;
mod curve;
mod gates;
mod heat;
mod knee;
mod page;
mod scale;
mod strips;
mod summary;
mod tables;
mod timeline;
pub mod words;

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod tests;

use crate::calibration::Calibration;
use crate::compare::Comparison;
use crate::model::{Report, Search};
use serde::Serialize;

/// The page of a run.
#[must_use]
pub fn render(report: &Report) -> String {
    let head = page::fill("summary.html", &summary::of(report));
    page::wrap(&summary::title(report), "report.json", &(head + &run(report)))
}

/// The page of a search: how high the server got, and the run at which it held.
#[must_use]
pub fn render_search(search: &Search) -> String {
    let head = page::fill("search.html", &knee::of(search));
    let best = search.best.as_deref().map(run).unwrap_or_default();
    page::wrap(&knee::title(search), "search.json", &(head + &best))
}

/// The page of a comparison: what differs, and every run.
#[must_use]
pub fn render_comparison(comparison: &Comparison) -> String {
    let body = page::fill("compare.html", &comparison::of(comparison));
    page::wrap(&comparison::title(comparison), "compare.json", &body)
}

/// The page of a calibration: the generator's own ceiling, and what an idle user costs.
#[must_use]
pub fn render_calibration(calibration: &Calibration) -> String {
    let body = page::fill("calibrate.html", &calibration::of(calibration));
    page::wrap(&calibration::title(calibration), "calibration.json", &body)
}

/// What the template `run.html` shows.
#[derive(Serialize)]
struct Run<'a> {
    gates: gates::Gates,
    timeline: Option<timeline::Timeline>,
    /// A chart, as HTML.
    curve: Option<String>,
    tables: tables::Tables,
    notes: &'a [String],
    line: &'a str,
}

/// All that lies below the verdict.
fn run(report: &Report) -> String {
    let run = Run {
        gates: gates::of(&report.gates),
        timeline: timeline::of(report),
        curve: curve::of(report).as_ref().map(page::chart),
        tables: tables::of(report),
        notes: &report.notes,
        line: &report.line,
    };
    page::fill("run.html", &run)
}
