//! Which life of the log this is: a number that is bound to the topic's id.

use async_trait::async_trait;
use parking_lot::Mutex;
use std::collections::HashMap;

/// Why a topic's epoch is not known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EpochError {
    /// The topic was deleted and made again, restored, or is another cluster's: history belongs to the other.
    #[error(
        "topic {topic} has the id {found}, but history belongs to the one with the id {registered}; if this \
         is meant, say so: chatctl topic adopt {topic}"
    )]
    OtherTopic { topic: String, found: String, registered: String },
    /// It can't be asked for now.
    #[error("{0}")]
    Unavailable(String),
}

/// Remembers which epoch belongs to which id of a topic.
#[async_trait]
pub trait Epochs: Send + Sync {
    /// The epoch of a topic with this id. The first id of a topic that is ever seen gets epoch 1; another one
    /// than the registered is refused, until an operator adopts it, which raises the epoch.
    async fn epoch_of(&self, topic: &str, topic_id: &str) -> Result<u32, EpochError>;
}

/// Epochs in memory, for tests and measurements: what Kafka forgets, they do not.
#[derive(Default)]
pub struct FixedEpochs(Mutex<HashMap<String, String>>);

#[async_trait]
impl Epochs for FixedEpochs {
    async fn epoch_of(&self, topic: &str, topic_id: &str) -> Result<u32, EpochError> {
        let mut known = self.0.lock();
        let registered = known.entry(topic.to_owned()).or_insert_with(|| topic_id.to_owned());
        if registered == topic_id {
            return Ok(1);
        }
        Err(EpochError::OtherTopic {
            topic: topic.to_owned(),
            found: topic_id.to_owned(),
            registered: registered.clone(),
        })
    }
}
