//! Topics of a test's own on the Kafka that STORES_KAFKA names.

use cluster::kafka::{FixedEpochs, KafkaEvents};
use engines::kafka::{self, Declared, Kafka};
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::{Offset, TopicPartitionList};
use schema::event::Topic;
use std::sync::Arc;
use store::{Error, Events};
use uuid::Uuid;

/// Topics with a prefix of their own. They go when the test calls [`Spot::remove`].
pub(crate) struct Spot {
    pub(crate) kafka: Kafka,
    pub(crate) declared: Vec<Declared>,
    pub(crate) epochs: FixedEpochs,
}

impl Spot {
    /// Makes every topic with so many partitions. `None`: there is no Kafka to test with.
    pub(crate) async fn make(partitions: u32) -> Option<Self> {
        let Ok(url) = std::env::var("STORES_KAFKA") else {
            eprintln!("skipped: STORES_KAFKA is not set; compose/test brings the servers up");
            return None;
        };
        Some(Self::make_on(&url, partitions).await)
    }

    pub(crate) async fn make_on(url: &str, partitions: u32) -> Self {
        let kafka = Kafka::parse(&format!("{url}?prefix=t{}.", Uuid::now_v7().simple())).unwrap();
        let declared: Vec<_> =
            kafka::declared().unwrap().into_iter().map(|topic| topic.with_partitions(partitions)).collect();
        for topic in &declared {
            assert!(kafka::create(&kafka, topic).await.unwrap(), "{} was there", topic.name);
        }
        Self { kafka, declared, epochs: FixedEpochs::default() }
    }

    /// Topics that another process made; the URL has their prefix.
    pub(crate) fn there(url: &str, partitions: u32) -> Self {
        let kafka = Kafka::parse(url).unwrap();
        let declared = kafka::declared().unwrap();
        let declared = declared.into_iter().map(|topic| topic.with_partitions(partitions)).collect();
        Self { kafka, declared, epochs: FixedEpochs::default() }
    }

    /// Removes the records of partition 0 before an offset, as retention does.
    pub(crate) async fn cut(&self, topic: Topic, offset: i64) {
        let admin: AdminClient<DefaultClientContext> = self.kafka.client_config().create().unwrap();
        let mut first = TopicPartitionList::new();
        first.add_partition_offset(&self.kafka.topic(topic), 0, Offset::Offset(offset)).unwrap();
        admin.delete_records(&first, &AdminOptions::new()).await.unwrap();
    }

    pub(crate) async fn try_open(&self) -> Result<KafkaEvents, Error> {
        KafkaEvents::open(&self.kafka, &self.epochs, &self.declared).await
    }

    pub(crate) async fn open(&self) -> Arc<dyn Events> {
        Arc::new(self.try_open().await.unwrap())
    }

    pub(crate) async fn remove(self) {
        let names: Vec<String> = self.declared.iter().map(|topic| self.kafka.named(&topic.name)).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        kafka::delete(&self.kafka, &names).await.unwrap();
    }
}
