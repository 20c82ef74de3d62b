//! The percentile curve: what share of the messages was at least so fast.

use super::chart::{Chart, Label};
use super::scale::Scale;
use super::strips::{limit_words, limits};
use crate::model::Report;

/// None where there are too few points for a curve.
pub(super) fn of(report: &Report) -> Option<Chart> {
    let points: Vec<(f64, f64)> = report
        .percentiles
        .iter()
        .filter(|p| p.percent < 100.0 && p.ms > 0.0)
        .map(|p| (nines(p.percent), p.ms))
        .collect();
    let most = points.iter().map(|(x, _)| *x).fold(0.0, f64::max);
    if points.len() < 2 || most == 0.0 {
        return None;
    }
    let limits = limits(&report.gates);
    let y = Scale::log(points.iter().map(|(_, ms)| *ms).chain(limits.iter().map(|gate| gate.limit)));
    let unit = "ms; the next mark to the right is ten times rarer";
    let mut chart = Chart::new("tall", "Delivery latency by percentile", unit).scaled(y);
    chart.about = "The share of messages that arrived within each latency.".to_owned();
    let placed: Vec<_> = points.iter().map(|(x, ms)| (x / most, Some(y.at(*ms)))).collect();
    chart.area("p99", &placed);
    chart.line("p99", "", &placed);
    chart.keys.clear();
    let names = [0.0, 50.0, 90.0, 99.0, 99.9, 99.99, 99.999, 99.9999];
    let names = names.into_iter().filter(|p| nines(*p) <= most);
    chart.x =
        names.map(|p| Label { minor: p == 50.0, ..Label::new(nines(p) / most, format!("{p} %")) }).collect();
    chart.limits = limits.iter().map(|gate| Label::new(y.at(gate.limit), limit_words(gate))).collect();
    Some(chart)
}

/// 90 % is 1, 99 % is 2, …
fn nines(percent: f64) -> f64 {
    -(1.0 - percent / 100.0).log10()
}
