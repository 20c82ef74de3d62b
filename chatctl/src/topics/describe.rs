//! `chatctl topic describe`.

use super::{full_name, no_topic};
use crate::cli::Globals;
use crate::output::{self, Format, Show};
use crate::schemas::answer;
use clap::Args;
use engines::Error;
use engines::kafka::{self, Asker, Described, Kafka, Offsets};
use schema::exit::{Exit, Failure};
use schema::limits::KAFKA_ASK_TIME;
use serde::Serialize;
use std::collections::BTreeMap;

#[derive(Debug, Args)]
pub(crate) struct Describe {
    /// The topic's name, with the prefix or without.
    name: String,
}

#[derive(Serialize)]
struct Topic {
    name: String,
    id: String,
    partitions: Vec<Partition>,
    /// By Kafka's names, the cluster's defaults included.
    settings: BTreeMap<String, String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Partition {
    partition: u32,
    /// The broker that takes records; missing when there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    leader: Option<i32>,
    replicas: Vec<i32>,
    in_sync: Vec<i32>,
    /// The first offset that is kept.
    start: u64,
    /// The offset behind the last record.
    end: u64,
}

pub(super) async fn run(args: &Describe, kafka: &Kafka, globals: &Globals) -> Result<Exit, Failure> {
    let name = full_name(kafka, &args.name);
    let question = async {
        let found = Asker::new(kafka)?.describe(vec![name.clone()], KAFKA_ASK_TIME).await?;
        let Some(found) = found.into_iter().next() else { return Ok(None) };
        let offsets = kafka::offsets(kafka, &found).await?;
        let settings = kafka::settings(kafka, &name).await?;
        Ok::<_, Error>(Some(topic(found, &offsets, settings)))
    };
    let Some(topic) = answer(question, globals).await? else { return Err(no_topic(&name)) };
    output::show(&topic, globals.output)?;
    if globals.output != Some(Format::Json) {
        let settings = topic.settings.iter().map(|(key, value)| vec![key.clone(), value.clone()]);
        let heading = ["SETTING", "VALUE"].map(str::to_owned).to_vec();
        output::print(&format!(
            "\n{}",
            output::table(&std::iter::once(heading).chain(settings).collect::<Vec<_>>())
        ))?;
    }
    Ok(Exit::Ok)
}

fn topic(found: Described, offsets: &[Offsets], settings: BTreeMap<String, String>) -> Topic {
    let place = |number| offsets.iter().find(|offsets| offsets.partition == number);
    let partition = |found: kafka::Partition| Partition {
        start: place(found.number).map_or(0, |place| place.start),
        end: place(found.number).map_or(0, |place| place.end),
        partition: found.number,
        leader: found.leader,
        replicas: found.replicas,
        in_sync: found.in_sync,
    };
    let partitions = found.partitions.into_iter().map(partition).collect();
    Topic { name: found.name, id: found.id, partitions, settings }
}

impl Show for Topic {
    fn rows(&self) -> Vec<Vec<String>> {
        let heading =
            ["PARTITION", "LEADER", "REPLICAS", "IN SYNC", "START", "END"].map(str::to_owned).to_vec();
        let brokers = |all: &[i32]| all.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        let row = |partition: &Partition| {
            vec![
                partition.partition.to_string(),
                partition.leader.map_or_else(|| "-".to_owned(), |broker| broker.to_string()),
                brokers(&partition.replicas),
                brokers(&partition.in_sync),
                partition.start.to_string(),
                partition.end.to_string(),
            ]
        };
        std::iter::once(heading).chain(self.partitions.iter().map(row)).collect()
    }
}
