//! The report as JSON: one object.

use super::Report;

pub(crate) fn render(report: &Report) -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(report)
}
