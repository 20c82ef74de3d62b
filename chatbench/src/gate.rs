//! `chatbench gate`: a run that is judged by a shipped set of gates, for each commit.

use crate::cli::{Output, Run};
use crate::interrupt::Interrupt;
use crate::{Outcome, run, told};
use schema::exit::Failure;

/// The scenario and the gates of a gate that names none.
const SCENARIO: &str = "smoke";
const PROFILE: &str = "smoke";

/// The arguments of `gate`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    run: Run,
}

impl Args {
    pub(crate) fn output(&self) -> Output {
        self.run.output
    }

    fn meant(&self) -> Run {
        let mut run = self.run.clone();
        run.scenario.get_or_insert_with(|| SCENARIO.to_owned());
        if run.thresholds.is_none() {
            run.gate.get_or_insert_with(|| PROFILE.to_owned());
        }
        run
    }
}

/// Runs, and prints the report.
pub(crate) async fn run(args: &Args) -> Result<Outcome, Failure> {
    told(&run::run(&args.meant(), &mut Interrupt::listen()?).await?, args.run.output)
}
