//! The schema of the engines: what they must hold, and bringing them to it.

mod apply;
mod plan;
mod status;
mod verify;

use crate::cli::Globals;
use crate::output::Show;
use crate::place::{HELP, Place, failed};
use clap::{Args, Subcommand, ValueEnum};
use engines::Error;
use engines::schema::{Difference, Schema as Engines, Target};
use schema::exit::{Exit, Failure};
use serde::Serialize;
use std::time::Duration;

#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub(crate) struct Schema {
    #[command(flatten)]
    place: Place,
    /// Only this engine; may be repeated [default: all three].
    #[arg(long, value_name = "ENGINE", global = true)]
    only: Vec<Engine>,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Engine {
    Postgres,
    Cassandra,
    Kafka,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Shows where each migration and each topic stands.
    Status,
    /// Prints the statements that apply would run; exits 3 when there are some.
    Plan,
    /// Applies what is missing. Removes nothing; may run twice at once; killed, it goes on the next time.
    Apply,
    /// Compares what is really there with what the migrations make; exits 3 when it differs.
    Verify,
}

pub(crate) async fn run(args: Schema, globals: &Globals) -> Result<Exit, Failure> {
    let only: Vec<Target> = args
        .only
        .iter()
        .map(|engine| match engine {
            Engine::Postgres => Target::Postgres,
            Engine::Cassandra => Target::Cassandra,
            Engine::Kafka => Target::Kafka,
        })
        .collect();
    let engines = args.place.schema(&only)?;
    match args.verb {
        Verb::Status => status::run(&engines, globals).await,
        Verb::Plan => plan::run(&engines, globals).await,
        Verb::Apply => apply::run(&engines, globals).await,
        Verb::Verify => verify::run(&engines, globals).await,
    }
}

/// An answer of the engines, within the time of `--timeout`.
pub(crate) async fn answer<T>(
    question: impl Future<Output = Result<T, Error>>,
    globals: &Globals,
) -> Result<T, Failure> {
    match tokio::time::timeout(Duration::from_secs(globals.timeout), question).await {
        Ok(answer) => answer.map_err(failed),
        Err(_) => {
            let message = format!("the engines did not answer within {} s", globals.timeout);
            Err(Failure::coded(Exit::Unreachable, "timeout", message, "give it longer with --timeout"))
        }
    }
}

/// What is not as it should be.
#[derive(Serialize)]
pub(crate) struct Differences {
    pub(crate) differences: Vec<Difference>,
}

impl Differences {
    pub(crate) fn exit(&self) -> Exit {
        if self.differences.is_empty() { Exit::Ok } else { Exit::Differs }
    }
}

impl Show for Differences {
    fn rows(&self) -> Vec<Vec<String>> {
        let heading = ["ENGINE", "WHAT", "EXPECTED", "FOUND", "HELP"].map(str::to_owned).to_vec();
        let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        let row = |difference: &Difference| {
            vec![
                difference.target.to_string(),
                difference.object.clone(),
                text(&difference.expected),
                text(&difference.found),
                text(&difference.help),
            ]
        };
        std::iter::once(heading).chain(self.differences.iter().map(row)).collect()
    }
}
