//! `chatctl`: administers a chatd over its admin API, and the engines behind it.
//!
//! One file a verb (arguments and `run`), one file for how it talks ([`client`]), prints ([`output`]) and
//! ends ([`schema::exit`]). Data goes to stdout, everything else to stderr; off a terminal nothing is ever asked.

mod cli;
mod client;
mod health;
mod limits;
mod output;
mod place;
mod schemas;
mod token;
mod topics;
mod user;

use clap::Parser as _;
use cli::{Cli, Noun};
use output::Format;
use schema::exit::{Exit, Failure};
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let format = cli.globals.format();
    match run(cli) {
        Ok(exit) => exit.into(),
        Err(failure) => output::failure(&failure, format),
    }
}

/// Runs the verb on this thread; Ctrl-C ends it.
fn run(cli: Cli) -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| {
        Failure::coded(Exit::Failed, "no-runtime", format!("cannot start: {error}"), "try again")
    })?;
    runtime.block_on(async {
        tokio::select! {
            // First, so that a signal is listened for before anything is sent.
            biased;
            _ = tokio::signal::ctrl_c() => Err(interrupted()),
            result = verb(cli) => result,
        }
    })
}

fn interrupted() -> Failure {
    Failure::new(Exit::Interrupted, "interrupted", "what was sent is done; the same command may be repeated")
}

async fn verb(cli: Cli) -> Result<Exit, Failure> {
    match cli.noun {
        Noun::User(verb) => user::run(verb, &cli.globals).await,
        Noun::Token(verb) => token::run(verb, &cli.globals).await,
        Noun::Limits(verb) => limits::run(verb, &cli.globals).await,
        Noun::Topic(args) => topics::run(args, &cli.globals).await,
        Noun::Schema(args) => schemas::run(args, &cli.globals).await,
        Noun::Health(args) => health::run(&args, &cli.globals).await,
    }
}

/// Help and version are no failures; the rest is, in the format that was asked for.
fn usage(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        let _ = error.print();
        return Exit::Ok.into();
    }
    if Format::from_words(std::env::args()) == Some(Format::Json) {
        let text = error.render().to_string();
        let message = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
        let failure = Failure::usage(message, "see `chatctl --help`");
        return output::failure(&failure, Some(Format::Json));
    }
    let _ = error.print();
    Exit::Usage.into()
}
