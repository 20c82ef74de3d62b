//! `chatbench report DIR`: every form of a report again, from its JSON alone; also those of a search, a comparison, a calibration.

use crate::cli::{Format as Wanted, Output};
use crate::{Outcome, calibrate, compare, search};
use ledger::Seconds;
use report::Format;
use report::model::Report;
use schema::exit::{Exit, Failure};
use serde::de::DeserializeOwned;
use std::path::{Path, PathBuf};

/// The arguments of `report`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    /// A folder that `--report-dir` has made: of a run, a search, a comparison or a calibration; or a report.json.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Write the forms into this folder instead.
    #[arg(long, value_name = "DIR")]
    report_dir: Option<PathBuf>,
    #[command(flatten)]
    format: Wanted,
}

impl Args {
    pub(crate) fn output(&self) -> Output {
        self.format.output
    }
}

/// Writes every form again, and prints the report.
pub(crate) fn run(args: &Args) -> Result<Outcome, Failure> {
    let (output, into) = (args.format.output, args.report_dir.as_deref().unwrap_or(&args.folder));
    if let Some(search) = found(&args.folder, search::FILE)? {
        search::write(into, &search)?;
        return search::told(&search, output).map(Outcome::from);
    }
    if let Some(comparison) = found(&args.folder, compare::FILE)? {
        compare::write(into, &comparison)?;
        return compare::told(&comparison, output).map(Outcome::from);
    }
    if let Some(calibration) = found(&args.folder, calibrate::FILE)? {
        calibrate::write(into, &calibration)?;
        return calibrate::told(&calibration, output).map(Outcome::from);
    }
    let report = read(&args.folder)?;
    let beside = if args.folder.is_dir() { Some(args.folder.as_path()) } else { args.folder.parent() };
    if let Some(folder) = args.report_dir.as_deref().or(beside) {
        report::write(folder, &report, &Seconds::default(), &Format::ALL).map_err(|error| {
            Failure::new(
                Exit::Failed,
                error.to_string(),
                "is the folder writable? --report-dir names another",
            )
        })?;
    }
    let told = crate::told(&report, args.format.output)?;
    // The report was rendered: how the run went is in it, not in this exit code.
    Ok(Outcome { exit: Exit::Ok, ..told })
}

/// What a verb has left in a folder under this name; none where there is no such file.
fn found<T: DeserializeOwned>(folder: &Path, name: &str) -> Result<Option<T>, Failure> {
    let file = folder.join(name);
    if !file.is_file() {
        return Ok(None);
    }
    let bad = |why: String| {
        let hint = "measure again, or take the file from where it was made: it is not whole";
        Failure::usage(format!("{}: {why}", file.display()), hint)
    };
    let text = std::fs::read_to_string(&file).map_err(|error| bad(error.to_string()))?;
    serde_json::from_str(&text).map(Some).map_err(|error| bad(error.to_string()))
}

/// The report of a folder, or of a file.
pub(crate) fn read(path: &Path) -> Result<Report, Failure> {
    let hint = "name a folder that --report-dir has made, or its report.json";
    let file = if path.is_dir() { path.join("report.json") } else { path.to_owned() };
    if !file.exists() {
        return Err(Failure::new(Exit::NotFound, format!("{}: not there", file.display()), hint));
    }
    report::json::read(&file).map_err(|why| Failure::usage(why, hint))
}

/// Writes files into a folder, which is made.
pub(crate) fn write(folder: &Path, files: &[(&str, String)]) -> Result<(), Failure> {
    let failed = |path: &Path, error: std::io::Error| {
        let hint = "is the folder of --report-dir writable?";
        Failure::new(Exit::Failed, format!("{}: {error}", path.display()), hint)
    };
    std::fs::create_dir_all(folder).map_err(|error| failed(folder, error))?;
    for (name, text) in files {
        let path = folder.join(name);
        std::fs::write(&path, text).map_err(|error| failed(&path, error))?;
    }
    Ok(())
}
