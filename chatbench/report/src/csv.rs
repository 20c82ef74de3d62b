//! The timeline as CSV: a line a second, for spreadsheets.

use crate::model::Report;
use std::fmt::Write;

const HEAD: &str = "at_s,connected,planned,offered,accepted,delivered,refused,disconnected,p50_ms,p99_ms,max_ms,lag_p99_ms,server_cpus,generator_cpus,server_rss_bytes";

#[must_use]
pub(crate) fn render(report: &Report) -> String {
    let mut out = format!("{HEAD}\n");
    let some = |number: Option<f64>| number.map_or(String::new(), |number| number.to_string());
    for p in &report.timeline {
        let rss = p.server_rss_bytes.map_or(String::new(), |bytes| bytes.to_string());
        // Writing to a string cannot fail.
        let _ = writeln!(
            out,
            "{},{},{},{},{},{},{},{},{},{},{},{},{},{},{rss}",
            p.at_s,
            p.connected,
            p.planned,
            p.offered,
            p.accepted,
            p.delivered,
            p.refused,
            p.disconnected,
            some(p.p50_ms),
            some(p.p99_ms),
            some(p.max_ms),
            some(p.lag_p99_ms),
            some(p.server_cpus),
            some(p.generator_cpus),
        );
    }
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_line_has_a_field_for_each_head() {
        use crate::assemble::tests::{measured, report};
        let text = super::render(&report(&measured()));
        assert_eq!(text.lines().count(), 15);
        assert!(text.lines().all(|line| line.split(',').count() == 15), "{text}");
    }
}
