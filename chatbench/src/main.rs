//! chatbench: load for a chatd, and the proof that nothing was lost, doubled or out of order.
//!
//! A run is a plan of sends at fixed times (package `plan`) that connected users carry out without waiting for
//! answers; latency counts from the planned time. This process coordinates: it starts the server when told to
//! ([`spawn`]), makes the accounts ([`provision`]), starts the workers ([`workers`], each a process of this same
//! program that runs package `load`), tells them when to begin ([`coordinator`]), looks at what everybody uses meanwhile
//! ([`sampling`]), compares what was acknowledged with the server's history ([`reconcile`]), and hands everything to
//! package `report`, which judges. It talks to the server over its public doors only.
//!
//! Invariants: no planned send waits for an answer; whatever is missing is counted in some class; a figure is
//! of the hold alone; stdout holds the result and nothing else; workers and servers that were started end with this process.

mod accounts;
mod calibrate;
mod chaos;
mod check;
mod cleanup;
mod cli;
mod clock;
mod compare;
mod coordinate;
mod coordinator;
mod files;
mod gate;
mod interrupt;
mod live;
mod null_server;
mod place;
mod prepare;
mod provision;
mod reconcile;
mod report_dir;
mod run;
mod sampling;
mod scenarios;
mod scrape;
mod search;
mod settings;
mod spawn;
mod thresholds;
mod trust;
mod worker;
mod workers;

use clap::Parser;
use cli::{Cli, Output, Verb};
use interrupt::Interrupt;
use report::model::Report;
use schema::exit::{Exit, Failure};
use serde::Serialize;
use std::io::Write;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What a verb has to say: for stdout, and how chatbench ends.
#[derive(Debug)]
struct Outcome {
    text: String,
    exit: Exit,
}

impl From<String> for Outcome {
    fn from(text: String) -> Self {
        Self { text, exit: Exit::Ok }
    }
}

fn main() -> ExitCode {
    let verb = Cli::parse().verb;
    let output = verb.output();
    match outcome(&verb).and_then(|outcome| print(&outcome.text).map(|()| outcome.exit)) {
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

fn outcome(verb: &Verb) -> Result<Outcome, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| {
        Failure::new(Exit::Failed, format!("runtime: {error}"), "is /dev/null all right?")
    })?;
    let outcome = runtime.block_on(async {
        match verb {
            Verb::Run(args) => told(&run::run(args, &mut Interrupt::listen()?).await?, args.output),
            Verb::Gate(args) => gate::run(args).await,
            Verb::Search(args) => search::run(args).await,
            Verb::Check(args) => check::run(args).await,
            Verb::Calibrate(args) => calibrate::run(args).await,
            Verb::Prepare(args) => prepare::run(args).await.map(Outcome::from),
            Verb::Cleanup(args) => cleanup::run(args).await.map(Outcome::from),
            Verb::Compare(args) => compare::run(args).await,
            Verb::Report(args) => report_dir::run(args),
            Verb::Scenario(args) => scenarios::run(args).map(Outcome::from),
            Verb::Threshold(args) => thresholds::run(args).map(Outcome::from),
            Verb::Coordinate(args) => coordinate::run(args).await,
            Verb::Worker(args) => worker::run(args).map(Outcome::from),
            Verb::NullServer(args) => null_server::run(args),
        }
    });
    // A thread that waits for a peer that says nothing is no reason to stay.
    runtime.shutdown_background();
    outcome
}

/// A report as it goes to stdout, with its exit code.
fn told(report: &Report, output: Output) -> Result<Outcome, Failure> {
    let text = match output {
        Output::Json => json(report)?,
        Output::Text => report::text::render(report),
    };
    let exit = Exit::ALL.iter().copied().find(|exit| u8::from(*exit) == report.exit).unwrap_or(Exit::Failed);
    Ok(Outcome { text, exit })
}

fn print(text: &str) -> Result<(), Failure> {
    match std::io::stdout().write_all(text.as_bytes()) {
        // Who closed the pipe has read what he wanted.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => {
            other.map_err(|error| Failure::new(Exit::Failed, format!("stdout: {error}"), "is the disk full?"))
        }
    }
}

/// A value as it goes to stdout and into files.
fn json(value: &impl Serialize) -> Result<String, Failure> {
    serde_json::to_string_pretty(value).map(|text| text + "\n").map_err(|error| {
        Failure::new(Exit::Failed, format!("JSON: {error}"), "this is a defect of chatbench: report it")
    })
}
