//! The topics of Kafka.

mod adopt;
mod create;
mod describe;
mod dlq;
mod lag;
mod list;

use crate::cli::Globals;
use crate::place::{HELP, Place};
use clap::{Args, Subcommand};
use engines::kafka::Kafka;
use schema::exit::{Exit, Failure};

#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub(crate) struct Topic {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Lists the topics: those of this installation's prefix.
    List,
    /// Shows a topic's partitions and settings.
    Describe(describe::Describe),
    /// Makes the topics that are declared and missing, or one of them.
    Create(create::Create),
    /// Shows where a consumer group stands. Its committed offset trails what it has applied, on purpose.
    Lag(lag::Lag),
    /// Shows records that were skipped because they are no event.
    Dlq(dlq::Dlq),
    /// Says that a topic that was made anew is the log from here on: raises the epoch.
    Adopt(adopt::Adopt),
}

pub(crate) async fn run(args: Topic, globals: &Globals) -> Result<Exit, Failure> {
    let kafka = args.place.kafka()?;
    match args.verb {
        Verb::List => list::run(&kafka, globals).await,
        Verb::Describe(verb) => describe::run(&verb, &kafka, globals).await,
        Verb::Create(verb) => create::run(&verb, &kafka, globals).await,
        Verb::Lag(verb) => lag::run(&verb, &kafka, globals).await,
        Verb::Dlq(verb) => dlq::run(&verb, &kafka, globals).await,
        Verb::Adopt(verb) => adopt::run(&verb, &kafka, &args.place, globals).await,
    }
}

/// A topic's name on this cluster, given with the prefix or without.
fn full_name(kafka: &Kafka, name: &str) -> String {
    if name.starts_with(kafka.prefix()) { name.to_owned() } else { kafka.named(name) }
}

fn no_topic(name: &str) -> Failure {
    Failure::new(
        Exit::NotFound,
        format!("there is no topic {name}"),
        "`chatctl topic list` shows those that are there",
    )
}
