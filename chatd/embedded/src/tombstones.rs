//! What is left of people who were deleted, on SQLite: an id, and whether their messages are erased.

use crate::accounts::id;
use crate::sqlite::{BULK, among, refused};
use schema::{Timestamp, UserId};
use sqlx::{SqliteConnection, SqlitePool};
use std::collections::HashSet;
use store::Error;

pub(crate) async fn put(
    connection: &mut SqliteConnection,
    user: UserId,
    now: Timestamp,
) -> Result<(), Error> {
    sqlx::query("INSERT INTO deleted_people (id, deleted_at, erased) VALUES (?, ?, 0)")
        .bind(&user.as_bytes()[..])
        .bind(now.0)
        .execute(connection)
        .await
        .map(drop)
        .map_err(refused)
}

pub(crate) async fn are(pool: &SqlitePool, users: &[UserId]) -> Result<Vec<bool>, Error> {
    let mut gone = HashSet::new();
    for some in users.chunks(BULK) {
        let mut query = among("SELECT id FROM deleted_people WHERE id IN", some);
        for row in &query.build().persistent(false).fetch_all(pool).await.map_err(refused)? {
            gone.insert(UserId::from_bytes(id(row, "id")?));
        }
    }
    Ok(users.iter().map(|user| gone.contains(user)).collect())
}

pub(crate) async fn unerased(pool: &SqlitePool, limit: usize) -> Result<Vec<UserId>, Error> {
    let rows = sqlx::query("SELECT id FROM deleted_people WHERE erased = 0 ORDER BY deleted_at, id LIMIT ?")
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(pool)
        .await;
    rows.map_err(refused)?.iter().map(|row| id(row, "id").map(UserId::from_bytes)).collect()
}

pub(crate) async fn set_erased(connection: &mut SqliteConnection, user: UserId) -> Result<(), Error> {
    sqlx::query("UPDATE deleted_people SET erased = 1 WHERE id = ?")
        .bind(&user.as_bytes()[..])
        .execute(connection)
        .await
        .map(drop)
        .map_err(refused)
}
