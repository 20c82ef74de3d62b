//! The report as JSON: one object, and back.

use crate::model::Report;
use std::path::Path;

/// Bytes of a report that is read back.
const BYTES: u64 = 256 << 20;

/// # Errors
/// None that a report can cause.
pub fn render(report: &Report) -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(report)
}

/// Reads a report: a file, or the `report.json` of a folder.
///
/// # Errors
/// A sentence.
pub fn read(path: &Path) -> Result<Report, String> {
    let file = if path.is_dir() { path.join("report.json") } else { path.to_owned() };
    let wrong = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
    if file.metadata().map_err(|error| wrong(&error))?.len() > BYTES {
        return Err(wrong(&"larger than any report"));
    }
    let text = std::fs::read_to_string(&file).map_err(|error| wrong(&error))?;
    serde_json::from_str(&text).map_err(|error| wrong(&error))
}
