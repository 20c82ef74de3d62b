//! Looks whether the topics are still the ones that were opened.

use super::Inner;
use super::state::{Look, Opened};
use engines::kafka::Described;
use schema::limits::{KAFKA_LOOK_INTERVAL, KAFKA_LOOK_TIME};
use std::sync::Weak;
use tracing::{error, info, warn};

/// Looks until the log is closed or dropped.
pub(super) async fn run(log: Weak<Inner>) {
    loop {
        tokio::time::sleep(KAFKA_LOOK_INTERVAL).await;
        let Some(log) = log.upgrade().filter(|log| !log.shared.state.closed()) else { return };
        let names = log.topics.iter().map(|topic| topic.name.clone()).collect();
        let look = match log.shared.asker.describe(names, KAFKA_LOOK_TIME).await {
            Ok(found) => compare(&log.topics, &found),
            Err(error) => Look::Away(error.to_string()),
        };
        if log.shared.state.see(look.clone()) {
            match look {
                Look::Fine => info!("Kafka is there again"),
                Look::Away(why) => warn!(why, "no record is taken"),
                Look::Replaced(why) => error!(why, "no record is taken or read any more"),
                Look::Closed => {}
            }
        }
        log.revive();
    }
}

/// What the brokers say now against what was opened.
pub(super) fn compare(opened: &[Opened], found: &[Described]) -> Look {
    for topic in opened {
        let name = &topic.name;
        let Some(now) = found.iter().find(|found| found.name == *name) else {
            return Look::Away(format!(
                "Kafka has no topic {name} any more; make it with: chatctl schema apply"
            ));
        };
        if now.id != topic.id && topic.topic.durable() {
            return Look::Replaced(format!(
                "topic {name} was deleted and made again (its id was {}, it is {}), but history belongs to the \
                 first; stop every chatd, then: chatctl topic adopt {}",
                topic.id,
                now.id,
                topic.topic.name()
            ));
        }
        let count = now.partitions.len();
        if count != topic.partitions as usize {
            return Look::Replaced(format!(
                "topic {name} has {count} partitions, not the {} that are declared: conversations would move \
                 between them; see: chatctl schema verify",
                topic.partitions
            ));
        }
    }
    Look::Fine
}
