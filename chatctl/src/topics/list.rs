//! `chatctl topic list`.

use crate::cli::Globals;
use crate::output::{self, Show};
use crate::place::failed;
use crate::schemas::answer;
use engines::kafka::{self, Described, Kafka};
use schema::exit::{Exit, Failure};
use serde::Serialize;

#[derive(Serialize)]
struct Topics {
    topics: Vec<Topic>,
}

#[derive(Serialize)]
struct Topic {
    name: String,
    id: String,
    partitions: usize,
    replicas: usize,
    /// Whether chatd has it declared.
    declared: bool,
}

pub(super) async fn run(kafka: &Kafka, globals: &Globals) -> Result<Exit, Failure> {
    let declared: Vec<_> =
        kafka::declared().map_err(failed)?.iter().map(|topic| kafka.named(&topic.name)).collect();
    let topic = |found: Described| Topic {
        partitions: found.partitions.len(),
        replicas: found.partitions.first().map_or(0, |partition| partition.replicas.len()),
        declared: declared.contains(&found.name),
        id: found.id,
        name: found.name,
    };
    let topics = answer(kafka::list(kafka), globals).await?.into_iter().map(topic).collect();
    output::show(&Topics { topics }, globals.output)?;
    Ok(Exit::Ok)
}

impl Show for Topics {
    fn rows(&self) -> Vec<Vec<String>> {
        let heading = ["NAME", "PARTITIONS", "REPLICAS", "DECLARED", "ID"].map(str::to_owned).to_vec();
        let row = |topic: &Topic| {
            vec![
                topic.name.clone(),
                topic.partitions.to_string(),
                topic.replicas.to_string(),
                if topic.declared { "yes" } else { "no" }.to_owned(),
                topic.id.clone(),
            ]
        };
        std::iter::once(heading).chain(self.topics.iter().map(row)).collect()
    }
}
