//! Which log the positions of the views belong to: the first that was seen, or the last that was adopted.

use super::People;
use super::rows::get;
use crate::kafka::{EpochError, Epochs};
use async_trait::async_trait;
use sqlx::query;

#[async_trait]
impl Epochs for People {
    async fn epoch_of(&self, topic: &str, topic_id: &str) -> Result<u32, EpochError> {
        // The conflicting row is answered as it is now, also when another process has just put it there.
        const FIND: &str = "
            insert into log_epochs (topic, topic_id, epoch) values ($1, $2, 1)
            on conflict (topic) do update set topic = excluded.topic
            returning topic_id, epoch";
        let unavailable = |cause: store::Error| EpochError::Unavailable(cause.to_string());
        let rows = self.write(query(FIND).bind(topic).bind(topic_id)).await.map_err(unavailable)?;
        let row = rows.first().ok_or_else(|| EpochError::Unavailable("no row of log_epochs".to_owned()))?;
        let registered: String = get(row, "topic_id").map_err(unavailable)?;
        if registered != topic_id {
            let (topic, found) = (topic.to_owned(), topic_id.to_owned());
            return Err(EpochError::OtherTopic { topic, found, registered });
        }
        let epoch: i32 = get(row, "epoch").map_err(unavailable)?;
        u32::try_from(epoch).map_err(|_| EpochError::Unavailable(format!("log_epochs holds {epoch}")))
    }
}
