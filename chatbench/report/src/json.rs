//! The report as JSON: one object, and back.

use crate::model::{Report, VERSION};
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
    let report: Report = serde_json::from_str(&text).map_err(|error| wrong(&error))?;
    if report.version > VERSION {
        return Err(wrong(&format!("version {}; this chatbench reads up to {VERSION}", report.version)));
    }
    Ok(report)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assemble::tests::{measured, report};

    #[test]
    fn a_report_is_read_from_its_file_or_its_folder_and_a_newer_one_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("report.json");
        let mut report = report(&measured());
        std::fs::write(&file, render(&report).unwrap()).unwrap();
        assert_eq!(read(dir.path()).as_ref(), Ok(&report));
        assert_eq!(read(&file).as_ref(), Ok(&report));
        report.version = VERSION + 1;
        std::fs::write(&file, render(&report).unwrap()).unwrap();
        assert!(read(&file).unwrap_err().contains("reads up to"));
        std::fs::write(&file, "{").unwrap();
        assert!(read(&file).unwrap_err().contains("report.json"));
    }
}
