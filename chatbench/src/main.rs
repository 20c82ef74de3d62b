//! chatbench: load for a chatd, and the proof that nothing was lost, doubled or out of order.
//!
//! A run is a plan of sends at fixed times ([`schedule`]) that a fleet of connected users ([`fleet`]) carries
//! out without waiting for answers; latency counts from the planned time. Every message says who wrote it as
//! his how-manieth ([`payload`]); the [`ledger`] enters what was sent, acknowledged and received, is compared
//! with the server's history at the end ([`reconcile`]), and the [`verdict`] tells a slow server from a slow
//! generator. It talks to chatd over its public doors only.
//!
//! Invariants: no planned send waits for an answer; whatever is missing is counted in some class; a figure is
//! of the hold alone; stdout holds the result and nothing else.

mod cli;
mod fleet;
mod interrupt;
mod latency;
mod ledger;
mod payload;
mod process;
mod progress;
mod provision;
mod reconcile;
mod report;
mod run;
mod schedule;
mod spawn;
mod verdict;

use clap::Parser;
use cli::{Cli, Output, Verb};
use schema::exit::{Exit, Failure};
use std::io::Write;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let Verb::Run(args) = Cli::parse().verb;
    let output = args.output;
    match outcome(&args) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            let words = match output {
                Output::Json => serde_json::to_string(&failure).unwrap_or_default(),
                Output::Text => format!("chatbench: {failure}"),
            };
            let _nobody_reads = writeln!(std::io::stderr(), "{words}");
            failure.exit.into()
        }
    }
}

fn outcome(args: &cli::Run) -> Result<Exit, Failure> {
    let failed = |what: String| Failure::new(Exit::Failed, what, "");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| failed(format!("runtime: {error}")))?;
    let report = runtime.block_on(run::run(args))?;
    let text = match args.output {
        Output::Json => report::json::render(&report).map_err(|error| failed(error.to_string()))? + "\n",
        Output::Text => report::text::render(&report),
    };
    std::io::stdout().write_all(text.as_bytes()).map_err(|error| failed(format!("stdout: {error}")))?;
    Ok(report.judgement.exit)
}
