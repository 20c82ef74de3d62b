//! `chatbench report DIR`: every form of a report again, from its JSON alone.

use crate::Outcome;
use crate::cli::{Format, Output};
use report::model::{Report, Search};
use schema::exit::{Exit, Failure};
use std::path::{Path, PathBuf};

/// The largest file that is read as a report.
const BYTES: u64 = 256 << 20;

/// The arguments of `report`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    /// A folder that `--report-dir` has made, or its report.json.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Write the forms into this folder instead.
    #[arg(long, value_name = "DIR")]
    report_dir: Option<PathBuf>,
    #[command(flatten)]
    format: Format,
}

impl Args {
    pub(crate) fn output(&self) -> Output {
        self.format.output
    }
}
