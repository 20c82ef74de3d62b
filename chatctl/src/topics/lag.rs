//! `chatctl topic lag`.

use super::full_name;
use crate::cli::Globals;
use crate::output::{self, Format, Show};
use crate::schemas::answer;
use clap::Args;
use engines::kafka::{self, Kafka};
use schema::event::Topic;
use schema::exit::{Exit, Failure};
use serde::Serialize;

#[derive(Debug, Args)]
pub(crate) struct Lag {
    /// The consumer group, with the prefix or without.
    #[arg(default_value = "sequencer")]
    group: String,
    /// The topic that it reads, with the prefix or without.
    #[arg(long, value_name = "NAME", default_value = Topic::Messages.name())]
    topic: String,
}

#[derive(Serialize)]
struct Group {
    group: String,
    topic: String,
    /// Records that are kept and not dealt with, of all partitions.
    records: u64,
    members: Vec<Member>,
    partitions: Vec<Partition>,
}

#[derive(Serialize)]
struct Member {
    id: String,
    client: String,
    host: String,
}

#[derive(Serialize)]
struct Partition {
    partition: u32,
    start: u64,
    end: u64,
    /// Missing: the group never committed.
    #[serde(skip_serializing_if = "Option::is_none")]
    committed: Option<u64>,
    records: u64,
    /// What the group wrote beside the offset.
    metadata: String,
}

pub(super) async fn run(args: &Lag, kafka: &Kafka, globals: &Globals) -> Result<Exit, Failure> {
    let group = match args.group.strip_prefix(kafka.prefix()) {
        Some(group) => kafka.group(group),
        None => kafka.group(&args.group),
    };
    let topic = full_name(kafka, &args.topic);
    let lag = answer(kafka::lag(kafka, &group, &topic), globals).await?;
    let members = answer(kafka::members(kafka, &group), globals).await?;
    let partition = |lag: kafka::Lag| Partition {
        records: lag.records(),
        partition: lag.partition,
        start: lag.start,
        end: lag.end,
        committed: lag.committed,
        metadata: lag.metadata,
    };
    let partitions: Vec<_> = lag.into_iter().map(partition).collect();
    let member = |member: kafka::Member| Member { id: member.id, client: member.client, host: member.host };
    let found = Group {
        group,
        topic,
        records: partitions.iter().map(|partition| partition.records).sum(),
        members: members.into_iter().map(member).collect(),
        partitions,
    };
    output::show(&found, globals.output)?;
    if globals.output != Some(Format::Json) {
        let (members, records) = (found.members.len(), found.records);
        output::remark(&format!("group {}: {members} members, {records} records to go", found.group));
    }
    Ok(Exit::Ok)
}

impl Show for Group {
    fn rows(&self) -> Vec<Vec<String>> {
        let heading =
            ["PARTITION", "START", "END", "COMMITTED", "LAG", "METADATA"].map(str::to_owned).to_vec();
        let row = |partition: &Partition| {
            vec![
                partition.partition.to_string(),
                partition.start.to_string(),
                partition.end.to_string(),
                partition.committed.map_or_else(|| "-".to_owned(), |offset| offset.to_string()),
                partition.records.to_string(),
                partition.metadata.clone(),
            ]
        };
        std::iter::once(heading).chain(self.partitions.iter().map(row)).collect()
    }
}
