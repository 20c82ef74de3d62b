//! `chatctl topic create`.

use super::full_name;
use crate::cli::Globals;
use crate::output::{self, Show};
use crate::place::failed;
use crate::schemas::{Differences, answer};
use clap::Args;
use engines::kafka::{self, Declared, Kafka};
use engines::schema::{Difference, Schema};
use schema::exit::{Exit, Failure};
use serde::Serialize;

#[derive(Debug, Args)]
pub(crate) struct Create {
    /// One of the declared topics, with the prefix or without [default: all that are missing].
    name: Option<String>,
    /// Accept that it is there already, if it is as declared.
    #[arg(long)]
    if_not_exists: bool,
}

#[derive(Serialize)]
struct Created {
    created: Vec<String>,
}

/// Makes topics as they are declared. One that is there is compared: exit 3 when it differs.
pub(super) async fn run(args: &Create, kafka: &Kafka, globals: &Globals) -> Result<Exit, Failure> {
    let mut declared = kafka::declared().map_err(failed)?;
    if let Some(name) = &args.name {
        let name = full_name(kafka, name);
        let all: Vec<String> = declared.iter().map(|topic| topic.name.clone()).collect();
        declared.retain(|topic| kafka.named(&topic.name) == name);
        if declared.is_empty() {
            let hint = format!("chatd declares {}", all.join(", "));
            return Err(Failure::usage(format!("{name} is no topic of chatd"), hint));
        }
    }
    let mut created = Vec::new();
    for topic in &declared {
        let name = kafka.named(&topic.name);
        if answer(kafka::create(kafka, topic), globals).await? {
            output::remark(&format!("made {name}"));
            created.push(name);
        } else if args.name.is_some() && !args.if_not_exists {
            let message = format!("there is a topic {name} already");
            return Err(Failure::coded(
                Exit::Refused,
                "topic-exists",
                message,
                "say --if-not-exists to compare it",
            ));
        }
    }
    let found = Differences { differences: differences(kafka, &declared, &created, globals).await? };
    if found.differences.is_empty() {
        output::show(&Created { created }, globals.output)?;
    } else {
        output::show(&found, globals.output)?;
    }
    Ok(found.exit())
}

/// How those topics that were there differ.
async fn differences(
    kafka: &Kafka,
    declared: &[Declared],
    created: &[String],
    globals: &Globals,
) -> Result<Vec<Difference>, Failure> {
    let schema = Schema { kafka: Some(kafka.clone()), ..Schema::default() };
    let mut all = answer(schema.verify(), globals).await?;
    let names: Vec<String> = declared
        .iter()
        .map(|topic| kafka.named(&topic.name))
        .filter(|name| !created.contains(name))
        .map(|name| format!("topic {name}, "))
        .collect();
    all.retain(|difference| names.iter().any(|name| difference.object.starts_with(name)));
    Ok(all)
}

impl Show for Created {
    fn rows(&self) -> Vec<Vec<String>> {
        let heading = vec!["CREATED".to_owned()];
        std::iter::once(heading).chain(self.created.iter().map(|name| vec![name.clone()])).collect()
    }
}
