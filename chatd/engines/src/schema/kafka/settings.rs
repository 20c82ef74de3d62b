//! The settings of topics: read apart from the cluster's defaults, and set.

use crate::Error;
use crate::kafka::{Kafka, failed};
use rdkafka::admin::{
    AdminClient, AdminOptions, AlterConfig, ConfigSource, OwnedResourceSpecifier, ResourceSpecifier,
};
use rdkafka::client::DefaultClientContext;
use rdkafka::error::KafkaError;
use schema::limits::KAFKA_ASK_TIME;
use std::collections::BTreeMap;

/// The settings of a topic, by Kafka's names.
#[derive(Clone, Debug, Default)]
pub(super) struct Settings {
    /// Those in force, the cluster's defaults included.
    pub(super) all: BTreeMap<String, String>,
    /// Those that were set for this topic.
    pub(super) own: BTreeMap<String, String>,
}

/// The settings of topics that exist.
pub(super) async fn of(
    kafka: &Kafka,
    names: impl Iterator<Item = &String>,
) -> Result<BTreeMap<String, Settings>, Error> {
    let names: Vec<&String> = names.collect();
    if names.is_empty() {
        return Ok(BTreeMap::new()); // Kafka takes no question about nothing
    }
    let what = "reading the topics' settings";
    let asked: Vec<_> = names.iter().map(|name| ResourceSpecifier::Topic(name)).collect();
    let answer = admin(kafka)?.describe_configs(&asked, &options()).await;
    let mut topics = BTreeMap::new();
    for resource in answer.map_err(|error| failed(what, &error))? {
        let resource = resource.map_err(|code| failed(what, &KafkaError::AdminOp(code)))?;
        let OwnedResourceSpecifier::Topic(name) = resource.specifier else { continue };
        let mut settings = Settings::default();
        for entry in resource.entries {
            let Some(value) = entry.value else { continue };
            if matches!(entry.source, ConfigSource::DynamicTopic) {
                settings.own.insert(entry.name.clone(), value.clone());
            }
            settings.all.insert(entry.name, value);
        }
        topics.insert(name, settings);
    }
    Ok(topics)
}

/// Sets all of what is set for a topic: a key that is left out falls back to the cluster's default.
pub(super) async fn set(kafka: &Kafka, name: &str, settings: &BTreeMap<String, String>) -> Result<(), Error> {
    let mut alter = AlterConfig::new(ResourceSpecifier::Topic(name));
    for (key, value) in settings {
        alter = alter.set(key, value);
    }
    let what = format!("altering topic {name}");
    let answer = admin(kafka)?.alter_configs([&alter], &options()).await;
    for altered in answer.map_err(|error| failed(&what, &error))? {
        altered.map_err(|(_, code)| failed(&what, &KafkaError::AdminOp(code)))?;
    }
    Ok(())
}

fn admin(kafka: &Kafka) -> Result<AdminClient<DefaultClientContext>, Error> {
    kafka.client_config().create().map_err(|error| failed("making a client", &error))
}

fn options() -> AdminOptions {
    AdminOptions::new().request_timeout(Some(KAFKA_ASK_TIME)).operation_timeout(Some(KAFKA_ASK_TIME))
}

/// Whether to set this may lose records, or make it easier to lose them.
pub(super) fn loses(key: &str, from: Option<&str>, to: &str) -> bool {
    let number = |text: &str| match text.parse::<i64>() {
        Ok(-1) => Some(i64::MAX), // for ever, or without a bound
        other => other.ok(),
    };
    match key {
        "retention.ms" | "retention.bytes" | "delete.retention.ms" | "min.insync.replicas" => {
            match (from.and_then(number), number(to)) {
                (Some(from), Some(to)) => to < from,
                _ => true,
            }
        }
        "unclean.leader.election.enable" => to == "true",
        "cleanup.policy" => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn less_retention_loses_and_more_does_not() {
        assert!(loses("retention.ms", Some("-1"), "1000"));
        assert!(loses("retention.ms", Some("2000"), "1000"));
        assert!(loses("retention.ms", None, "1000"));
        assert!(!loses("retention.ms", Some("1000"), "2000"));
        assert!(!loses("retention.bytes", Some("1000"), "-1"));
        assert!(loses("cleanup.policy", Some("compact"), "delete"));
        assert!(loses("unclean.leader.election.enable", Some("false"), "true"));
        assert!(!loses("unclean.leader.election.enable", Some("true"), "false"));
        assert!(!loses("max.message.bytes", Some("2"), "1"));
    }
}
