//! Which life of a topic the positions of the views belong to, as an operator says.

use crate::Error;
use crate::kafka::{Asker, Kafka};
use crate::postgres::Postgres;
use schema::limits::KAFKA_ASK_TIME;
use sqlx::{Row as _, query};

/// What came of adopting a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adopted {
    /// With the prefix.
    pub topic: String,
    pub topic_id: String,
    pub epoch: u32,
    /// Whether it was another one before.
    pub raised: bool,
}

/// Says that the topic of this name (with the prefix) that is there now, made anew or restored, is the log
/// from here on: its records come behind all that were applied before. Nothing changes where it is already.
///
/// # Errors
/// `Refused` when there is no such topic or the table is missing, `Unavailable` when an engine does not answer.
pub async fn adopt(kafka: &Kafka, postgres: &Postgres, topic: &str) -> Result<Adopted, Error> {
    let found = Asker::new(kafka)?.describe(vec![topic.to_owned()], KAFKA_ASK_TIME).await?;
    let Some(found) = found.into_iter().next() else {
        return Err(Error::Refused(format!("Kafka has no topic {topic}: `chatctl schema apply` makes it")));
    };
    const RAISE: &str = "
        insert into log_epochs (topic, topic_id, epoch) values ($1, $2, 1)
        on conflict (topic) do update
            set topic_id = excluded.topic_id, epoch = log_epochs.epoch + 1, adopted_at = now()
            where log_epochs.topic_id <> excluded.topic_id
        returning epoch";
    let pool = postgres.connect(1).await?;
    let failed = |error: sqlx::Error| match &error {
        sqlx::Error::Database(told) if told.code().as_deref() == Some("42P01") => {
            Error::Refused("PostgreSQL has no table log_epochs: `chatctl schema apply` makes it".to_owned())
        }
        sqlx::Error::Database(told) => {
            Error::Refused(format!("PostgreSQL, raising the epoch of {topic}: {told}"))
        }
        _ => Error::Unavailable(format!("PostgreSQL, raising the epoch of {topic}: {error}")),
    };
    let raised = query(RAISE).bind(topic).bind(&found.id).fetch_optional(&pool).await.map_err(failed)?;
    let (row, changed) = match raised {
        Some(row) => (row, true),
        None => {
            let read = query("select epoch from log_epochs where topic = $1").bind(topic);
            (read.fetch_one(&pool).await.map_err(failed)?, false)
        }
    };
    let epoch: i32 = row.try_get("epoch").map_err(failed)?;
    let epoch = u32::try_from(epoch)
        .map_err(|_| Error::Different(format!("PostgreSQL, log_epochs holds {epoch} for {topic}")))?;
    Ok(Adopted { topic: found.name, topic_id: found.id, epoch, raised: changed && epoch > 1 })
}
