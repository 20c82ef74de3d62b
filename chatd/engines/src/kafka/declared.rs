//! The topics of `schema/kafka/topics.toml`.

use super::Kafka;
use crate::Error;
use serde::Deserialize;
use std::collections::BTreeMap;

const TOPICS: &str = include_str!("../../../../schema/kafka/topics.toml");

/// A topic as it must be.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Declared {
    /// Its name without the cluster's prefix; see [`Kafka::named`].
    pub name: String,
    pub partitions: u32,
    settings: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    topic: Vec<Declared>,
}

impl Declared {
    /// Its settings on a cluster, by Kafka's names.
    pub fn settings(&self, kafka: &Kafka) -> BTreeMap<String, String> {
        let majority = (kafka.replication() / 2 + 1).to_string();
        let filled = |(key, value): (&String, &String)| (key.clone(), value.replace("{majority}", &majority));
        self.settings.iter().map(filled).collect()
    }

    /// The same topic with another number of partitions; for tests and measurements.
    #[must_use]
    pub fn with_partitions(mut self, partitions: u32) -> Self {
        self.partitions = partitions;
        self
    }
}

/// Every topic that is declared, in the file's order.
///
/// # Errors
/// `Different` when the file that this program was built with is no such file.
pub fn declared() -> Result<Vec<Declared>, Error> {
    let file: File = toml::from_str(TOPICS)
        .map_err(|error| Error::Different(format!("schema/kafka/topics.toml: {error}")))?;
    Ok(file.topic)
}
