//! `chatbench threshold`: what can be asked of a run, and whether a file asks it rightly.

use crate::cli::{Format, Output};
use clap::Subcommand;
use report::Thresholds;
use schema::exit::Failure;

/// The arguments of `threshold`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
    #[command(flatten)]
    format: Format,
}

#[derive(Clone, Debug, Subcommand)]
enum Verb {
    /// Every metric, its unit and statistics, and the shipped profiles.
    Explain,
    /// The gates of a profile or a file in words.
    Show { name: String },
    /// Check a file: unknown metrics, statistics and units are refused with the nearest name.
    Validate { file: String },
}

impl Args {
    pub(crate) fn output(&self) -> Output {
        self.format.output
    }
}

/// Answers.
pub(crate) fn run(args: &Args) -> Result<String, Failure> {
    let find = |name: &str| {
        Thresholds::find(name).map_err(|error| Failure::usage(error, "see `chatbench threshold explain`"))
    };
    match &args.verb {
        Verb::Explain => Ok(Thresholds::explain()),
        Verb::Show { name } => Ok(find(name)?.words()),
        Verb::Validate { file } => Ok(format!("{file}: {} gates, all sound\n", find(file)?.gates.len())),
    }
}
