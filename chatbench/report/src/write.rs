//! The files of a report, in a folder of its own.

use crate::model::Report;
use crate::{csv, hlog, html, json, junit, markdown, text};
use ledger::Seconds;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A file of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// The whole report: every other form but [`Format::Hlog`] can be made from it again.
    Json,
    Text,
    Html,
    Markdown,
    Junit,
    Csv,
    /// Only of a run of which the histograms are at hand.
    Hlog,
}

impl Format {
    pub const ALL: [Format; 7] =
        [Self::Json, Self::Text, Self::Html, Self::Markdown, Self::Junit, Self::Csv, Self::Hlog];

    /// As it is asked for, and the file it makes.
    #[must_use]
    pub fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Json => ("json", "report.json"),
            Self::Text => ("text", "report.txt"),
            Self::Html => ("html", "report.html"),
            Self::Markdown => ("md", "summary.md"),
            Self::Junit => ("junit", "junit.xml"),
            Self::Csv => ("csv", "timeline.csv"),
            Self::Hlog => ("hlog", "latency.hlog"),
        }
    }

    /// # Errors
    /// A sentence with the nearest name.
    pub fn parse(text: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|format| format.names().0 == text);
        known.ok_or_else(|| {
            let names = Self::ALL.map(|format| format.names().0);
            let all = format!("there are {}", names.join(", "));
            format!("there is no format '{text}'; {}", crate::metric::nearest(text, names.into_iter(), &all))
        })
    }
}

/// Writes a report's files and says which. The folder is made; files of the same name are replaced, each whole or not at all.
/// `seconds`: the histograms of the run, empty when only the report is left.
///
/// # Errors
/// What the file system says, with the path.
pub fn write(dir: &Path, report: &Report, seconds: &Seconds, formats: &[Format]) -> io::Result<Vec<PathBuf>> {
    std::fs::create_dir_all(dir).map_err(|error| at(dir, &error))?;
    let mut written = Vec::new();
    for format in formats {
        let text = match format {
            Format::Json => json::render(report).map_err(io::Error::other)? + "\n",
            Format::Text => text::render(report),
            Format::Html => html::render(report),
            Format::Markdown => markdown::render(report),
            Format::Junit => junit::render(report).map_err(io::Error::other)?,
            Format::Csv => csv::render(report),
            Format::Hlog if seconds.is_empty() => continue,
            Format::Hlog => hlog::render(&report.started, report.begin_s + report.phases.warmup_s, seconds)?,
        };
        let path = dir.join(format.names().1);
        replace(&path, &text).map_err(|error| at(&path, &error))?;
        written.push(path);
    }
    Ok(written)
}

/// A reader sees the old file or the new one.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let unfinished = path.with_extension("part");
    let mut file = std::fs::File::create(&unfinished)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(unfinished, path)
}

fn at(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assemble::tests::{measured, report};

    const MADE: usize = Format::ALL.len();

    #[test]
    fn a_folder_has_every_form_and_the_report_can_be_read_again() {
        let (dir, run) = (tempfile::tempdir().unwrap(), measured());
        let (folder, report) = (dir.path().join("a/b"), report(&run));
        let written = write(&folder, &report, &run.seconds, &Format::ALL).unwrap();
        assert_eq!(written.len(), MADE);
        assert!(written.iter().all(|path| path.metadata().unwrap().len() > 100));
        assert_eq!(json::read(&folder).unwrap(), report);
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), MADE, "nothing unfinished stays");
        // Without the histograms everything else is made again.
        assert_eq!(write(&folder, &report, &Seconds::default(), &Format::ALL).unwrap().len(), MADE - 1);
    }

    #[test]
    fn a_format_that_is_none_gets_the_nearest() {
        assert_eq!(Format::parse("junit"), Ok(Format::Junit));
        assert!(Format::parse("junitxml").unwrap_err().contains("'junit'"));
    }
}
