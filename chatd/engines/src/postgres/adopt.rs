//! Taking another log for the one that history goes on from.

use crate::Error;
use sqlx::{PgPool, Row as _};

/// From now on the topic with this id is the one of this name, in a new epoch, which is answered: its records
/// come behind everything that was written before, whatever their offsets. The same id may be adopted again, when
/// a topic has lost its end.
///
/// # Errors
/// When PostgreSQL does not answer, or has not the table.
pub async fn adopt(pool: &PgPool, topic: &str, topic_id: &str) -> Result<u32, Error> {
    const ADOPT: &str = "
        insert into log_epochs (topic, topic_id, epoch) values ($1, $2, 1)
        on conflict (topic) do update
        set topic_id = excluded.topic_id, epoch = log_epochs.epoch + 1, adopted_at = now()
        returning epoch";
    let row = sqlx::query(ADOPT).bind(topic).bind(topic_id).fetch_one(pool).await;
    let epoch: Result<i32, sqlx::Error> = row.and_then(|row| row.try_get("epoch"));
    match epoch {
        Ok(epoch) => Ok(epoch.unsigned_abs()),
        Err(sqlx::Error::Database(told)) if told.code().as_deref() == Some("42P01") => Err(Error::Different(
            format!("PostgreSQL has no table log_epochs ({told}): run `chatctl schema apply`"),
        )),
        Err(sqlx::Error::Database(told)) => {
            Err(Error::Refused(format!("PostgreSQL: the topic {topic} is not adopted: {told}")))
        }
        Err(cause) => {
            Err(Error::Unavailable(format!("PostgreSQL: the topic {topic} is not adopted: {cause}")))
        }
    }
}
