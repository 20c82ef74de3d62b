//! The topics of Kafka: made as `schema/kafka/topics.toml` declares them. Of those that are there,
//! settings are set where that loses nothing; everything else is told and left alone.

mod settings;

use super::{Change, Difference, Progress, State, Status, Target};
use crate::Error;
use crate::kafka::{Asker, Declared, Described, Kafka, create, declared};
use schema::limits::{KAFKA_ASK_TIME, SCHEMA_POLL, SCHEMA_STATEMENT_TIMEOUT};
use settings::{Settings, loses};
use std::collections::BTreeMap;
use tokio::time::{Instant, sleep};

/// A topic that is declared, and what of it there is.
struct Topic {
    /// With the prefix.
    name: String,
    declared: Declared,
    found: Option<(Described, Settings)>,
}

/// How one topic is not as declared.
enum Gap {
    Missing,
    Partitions { declared: u32, found: usize },
    Setting { key: String, declared: String, found: Option<String> },
}

impl Gap {
    /// What `apply` does about it; `None`: it is left to the operator.
    fn statement(&self, kafka: &Kafka, topic: &Topic) -> Option<String> {
        let name = &topic.name;
        match self {
            Gap::Missing => {
                let settings = topic.declared.settings(kafka);
                let settings: String = settings.iter().map(|(k, v)| format!(" {k}={v}")).collect();
                let (partitions, replicas) = (topic.declared.partitions, kafka.replication());
                Some(format!("create topic {name}: partitions={partitions} replicas={replicas}{settings}"))
            }
            Gap::Partitions { .. } => None,
            Gap::Setting { key, declared, found } => (!loses(key, found.as_deref(), declared))
                .then(|| format!("alter topic {name}: {key}={declared}")),
        }
    }

    fn difference(&self, kafka: &Kafka, topic: &Topic) -> Difference {
        let name = &topic.name;
        let applied = self.statement(kafka, topic).map(|_| "`chatctl schema apply` does it".to_owned());
        let (object, expected, found, help) = match self {
            Gap::Missing => (format!("topic {name}"), "there".to_owned(), None, None),
            Gap::Partitions { declared, found } => {
                let help = format!(
                    "which partition a conversation is in follows from the count, so it cannot be changed while \
                     the topic lives: stop chatd once all of it is applied, `kafka-topics.sh --delete --topic {name}`, \
                     `chatctl schema apply`, `chatctl topic adopt {}`",
                    topic.declared.name
                );
                (
                    format!("topic {name}, partitions"),
                    declared.to_string(),
                    Some(found.to_string()),
                    Some(help),
                )
            }
            Gap::Setting { key, declared, found } => {
                let help = format!(
                    "`chatctl schema apply` leaves it, since it may lose records: `kafka-configs.sh --alter \
                     --entity-type topics --entity-name {name} --add-config {key}={declared}`"
                );
                (format!("topic {name}, {key}"), declared.clone(), found.clone(), Some(help))
            }
        };
        let help = applied.or(help);
        Difference { target: Target::Kafka, object, expected: Some(expected), found, help }
    }
}

impl Topic {
    fn gaps(&self, kafka: &Kafka) -> Vec<Gap> {
        let Some((described, settings)) = &self.found else { return vec![Gap::Missing] };
        let mut gaps = Vec::new();
        let (declared, found) = (self.declared.partitions, described.partitions.len());
        if usize::try_from(declared).ok() != Some(found) {
            gaps.push(Gap::Partitions { declared, found });
        }
        for (key, declared) in self.declared.settings(kafka) {
            let found = settings.all.get(&key).cloned();
            if found.as_ref() != Some(&declared) {
                gaps.push(Gap::Setting { key, declared, found });
            }
        }
        gaps
    }
}

/// What is declared beside what is there.
async fn topics(kafka: &Kafka) -> Result<Vec<Topic>, Error> {
    let declared = declared()?;
    let names: Vec<String> = declared.iter().map(|topic| kafka.named(&topic.name)).collect();
    let found = Asker::new(kafka)?.describe(names, KAFKA_ASK_TIME).await?;
    let mut found: BTreeMap<_, _> = found.into_iter().map(|topic| (topic.name.clone(), topic)).collect();
    let mut settings = settings::of(kafka, found.keys()).await?;
    let topic = |declared: Declared| {
        let name = kafka.named(&declared.name);
        let found = found.remove(&name).zip(settings.remove(&name));
        Topic { name, declared, found }
    };
    Ok(declared.into_iter().map(topic).collect())
}

/// Which declared topics there are with their partitions, settings not asked for.
pub(super) async fn there(kafka: &Kafka) -> Result<Vec<Status>, Error> {
    let declared = declared()?;
    let names: Vec<String> = declared.iter().map(|topic| kafka.named(&topic.name)).collect();
    let found = Asker::new(kafka)?.describe(names, KAFKA_ASK_TIME).await?;
    let status = |topic: Declared| {
        let name = kafka.named(&topic.name);
        let found = found.iter().find(|found| found.name == name).map(|found| found.partitions.len());
        let (state, detail) = match found {
            None => (State::Pending, None),
            Some(count) if u32::try_from(count).ok() == Some(topic.partitions) => (State::Applied, None),
            Some(count) => {
                let detail = format!("it has {count} partitions, {} are declared", topic.partitions);
                (State::Differs, Some(detail))
            }
        };
        Status { target: Target::Kafka, name, state, applied_at: None, detail }
    };
    Ok(declared.into_iter().map(status).collect())
}

/// Where each declared topic stands, its settings included.
pub(super) async fn status(kafka: &Kafka) -> Result<Vec<Status>, Error> {
    let status = |topic: Topic| {
        let gaps = topic.gaps(kafka);
        let state = match gaps.first() {
            None => State::Applied,
            Some(Gap::Missing) => State::Pending,
            Some(_) => State::Differs,
        };
        let detail = (state == State::Differs).then(|| {
            let texts: Vec<_> = gaps.iter().map(|gap| gap.difference(kafka, &topic).what()).collect();
            texts.join("; ")
        });
        Status { target: Target::Kafka, name: topic.name, state, applied_at: None, detail }
    };
    Ok(topics(kafka).await?.into_iter().map(status).collect())
}

/// What `apply` would do.
pub(super) async fn plan(kafka: &Kafka) -> Result<Vec<Change>, Error> {
    let change = |topic: Topic| {
        let gaps = topic.gaps(kafka);
        let statements: Vec<_> = gaps.iter().filter_map(|gap| gap.statement(kafka, &topic)).collect();
        (!statements.is_empty()).then_some(Change { target: Target::Kafka, name: topic.name, statements })
    };
    Ok(topics(kafka).await?.into_iter().filter_map(change).collect())
}

/// What is not as declared, missing topics included.
pub(super) async fn verify(kafka: &Kafka) -> Result<Vec<Difference>, Error> {
    let topics = topics(kafka).await?;
    let differences =
        |topic: &Topic| topic.gaps(kafka).iter().map(|gap| gap.difference(kafka, topic)).collect::<Vec<_>>();
    Ok(topics.iter().flat_map(differences).collect())
}

/// Makes what is missing, sets what may be set, and answers the names of the topics that it touched.
pub(super) async fn apply(kafka: &Kafka, progress: Progress<'_>) -> Result<Vec<String>, Error> {
    let mut done = Vec::new();
    for topic in topics(kafka).await? {
        let statements: Vec<String> =
            topic.gaps(kafka).iter().filter_map(|gap| gap.statement(kafka, &topic)).collect();
        if statements.is_empty() {
            continue;
        }
        let applied = match &topic.found {
            None => make(kafka, &topic).await?,
            Some((_, settings)) => {
                set(kafka, &topic, settings).await?;
                true
            }
        };
        if applied {
            statements.iter().for_each(|statement| progress(&format!("kafka: {statement}")));
            done.push(topic.name);
        }
    }
    Ok(done)
}

/// Makes a topic and waits until it can be seen; `false`: another was making it at the same time.
async fn make(kafka: &Kafka, topic: &Topic) -> Result<bool, Error> {
    let made = create(kafka, &topic.declared).await?;
    let asker = Asker::new(kafka)?;
    let give_up = Instant::now() + SCHEMA_STATEMENT_TIMEOUT;
    while asker.describe(vec![topic.name.clone()], KAFKA_ASK_TIME).await?.is_empty() {
        if Instant::now() > give_up {
            let text = format!("kafka: topic {} was made, but cannot be seen yet", topic.name);
            return Err(Error::Unavailable(text));
        }
        sleep(SCHEMA_POLL).await;
    }
    Ok(made)
}

/// Sets those settings that may be set, keeps the others that were set for this topic, and waits until that
/// can be seen.
async fn set(kafka: &Kafka, topic: &Topic, found: &Settings) -> Result<(), Error> {
    let mut settings = found.own.clone();
    for gap in topic.gaps(kafka) {
        if gap.statement(kafka, topic).is_some()
            && let Gap::Setting { key, declared, .. } = gap
        {
            settings.insert(key, declared);
        }
    }
    settings::set(kafka, &topic.name, &settings).await?;
    let give_up = Instant::now() + SCHEMA_STATEMENT_TIMEOUT;
    loop {
        let now = settings::of(kafka, std::iter::once(&topic.name)).await?;
        if now.get(&topic.name).is_some_and(|now| now.own == settings) {
            return Ok(());
        }
        if Instant::now() > give_up {
            let text = format!("kafka: topic {} was altered, but that cannot be seen yet", topic.name);
            return Err(Error::Unavailable(text));
        }
        sleep(SCHEMA_POLL).await;
    }
}
