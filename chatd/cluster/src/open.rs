//! The whole set, opened on four engines and closed together.

use crate::cassandra::CassandraMessages;
use crate::kafka::KafkaEvents;
use crate::postgres::People;
use crate::redis::{RedisPresence, RedisRates, RedisTickets};
use engines::cassandra::Cassandra;
use engines::kafka::{Kafka, declared};
use engines::postgres::Postgres;
use engines::redis::Redis;
use schema::event::Topic;
use std::sync::Arc;
use store::{Error, Events, News, Stores, news};
use tokio::sync::broadcast;

/// Where the four engines are.
#[derive(Clone, Debug)]
pub struct Engines {
    pub kafka: Kafka,
    pub cassandra: Cassandra,
    pub postgres: Postgres,
    pub redis: Redis,
}

/// The clustered stores of this process.
pub struct Clustered {
    pub stores: Stores,
    /// Besides people, what processes know of one another.
    pub people: People,
    pub redis: Arc<RedisPresence>,
}

/// Opens the stores on engines whose schema is as this build wants it. `people` are open already, because the
/// keys of the installation lie with them.
///
/// # Errors
/// When an engine does not answer, but for Redis, whose stores open without it; or when log and view are not
/// what they were.
pub async fn open(
    engines: &Engines,
    people: People,
    news: broadcast::Sender<News>,
) -> Result<Clustered, Error> {
    let topics = declared().map_err(|error| Error::Corrupt(error.to_string()))?;
    let events = KafkaEvents::open(&engines.kafka, &people, &topics).await?;
    let (epoch, partitions) = (events.epoch(), events.partitions(Topic::Messages));
    let messages = CassandraMessages::open(&engines.cassandra, epoch, partitions).await?;
    let away = |error: engines::Error| Error::Unavailable(error.to_string());
    let redis = Arc::new(RedisPresence::open(&engines.redis).await.map_err(away)?);
    let stores = Stores {
        events: Arc::new(events),
        messages: Arc::new(messages),
        accounts: Arc::new(people.clone()),
        profiles: Arc::new(people.clone()),
        presence: Arc::clone(&redis) as Arc<dyn store::Presence>,
        tickets: Arc::new(RedisTickets::open(&engines.redis).await.map_err(away)?),
        rates: Some(Arc::new(RedisRates::open(&engines.redis).await.map_err(away)?)),
        news,
    };
    Ok(Clustered { stores, people, redis })
}

/// Where news of other processes come from.
pub fn newsroom() -> broadcast::Sender<News> {
    broadcast::channel(news::BEHIND).0
}

impl Clustered {
    /// Closes the stores: what the log has taken is written.
    pub async fn close(self) {
        self.stores.events.close().await;
        self.people.close().await;
    }
}
