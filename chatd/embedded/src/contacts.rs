//! Contacts on SQLite: a row for each contact of an owner, read in the order of the contacts' ids.

use crate::accounts::{id, text};
use crate::sqlite::{BULK, refused};
use schema::{DisplayName, Timestamp, UserId};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection, SqlitePool};
use std::collections::HashSet;
use store::Error;
use store::profiles::{Contact, Put};

pub(crate) async fn put(
    connection: &mut SqliteConnection,
    owner: UserId,
    new: Contact,
    most: usize,
) -> Result<Put, Error> {
    let there = sqlx::query(
        "UPDATE contacts SET alias = coalesce(?, alias) WHERE owner = ? AND contact = ? RETURNING *",
    )
    .bind(new.alias.as_ref().map(|alias| alias.as_str()))
    .bind(&owner.as_bytes()[..])
    .bind(&new.user_id.as_bytes()[..])
    .fetch_optional(&mut *connection)
    .await;
    if let Some(row) = &there.map_err(refused)? {
        return contact(row).map(Put::Changed);
    }
    let people: i64 = sqlx::query_scalar("SELECT count(*) FROM users WHERE id IN (?, ?)")
        .bind(&owner.as_bytes()[..])
        .bind(&new.user_id.as_bytes()[..])
        .fetch_one(&mut *connection)
        .await
        .map_err(refused)?;
    if people != if owner == new.user_id { 1 } else { 2 } {
        return Ok(Put::Unknown);
    }
    let count: i64 = sqlx::query_scalar("SELECT count(*) FROM contacts WHERE owner = ?")
        .bind(&owner.as_bytes()[..])
        .fetch_one(&mut *connection)
        .await
        .map_err(refused)?;
    if usize::try_from(count).unwrap_or(usize::MAX) >= most {
        return Ok(Put::Full);
    }
    sqlx::query("INSERT INTO contacts (owner, contact, alias, created_at) VALUES (?, ?, ?, ?)")
        .bind(&owner.as_bytes()[..])
        .bind(&new.user_id.as_bytes()[..])
        .bind(new.alias.as_ref().map(|alias| alias.as_str()))
        .bind(new.created_at.0)
        .execute(connection)
        .await
        .map_err(refused)?;
    Ok(Put::Added(new))
}

pub(crate) async fn set_alias(
    connection: &mut SqliteConnection,
    owner: UserId,
    person: UserId,
    alias: Option<&DisplayName>,
) -> Result<Option<Contact>, Error> {
    let row = sqlx::query("UPDATE contacts SET alias = ? WHERE owner = ? AND contact = ? RETURNING *")
        .bind(alias.map(|alias| alias.as_str()))
        .bind(&owner.as_bytes()[..])
        .bind(&person.as_bytes()[..])
        .fetch_optional(connection)
        .await;
    row.map_err(refused)?.as_ref().map(contact).transpose()
}

pub(crate) async fn remove(
    connection: &mut SqliteConnection,
    owner: UserId,
    person: UserId,
) -> Result<bool, Error> {
    let gone = sqlx::query("DELETE FROM contacts WHERE owner = ? AND contact = ?")
        .bind(&owner.as_bytes()[..])
        .bind(&person.as_bytes()[..])
        .execute(connection)
        .await
        .map_err(refused)?;
    Ok(gone.rows_affected() > 0)
}

pub(crate) async fn of(
    pool: &SqlitePool,
    owner: UserId,
    after: Option<UserId>,
    limit: usize,
) -> Result<Vec<Contact>, Error> {
    // No id is smaller than the empty one, so a missing place needs no statement of its own.
    let after = after.as_ref().map_or(&[][..], |user| &user.as_bytes()[..]);
    let rows = sqlx::query("SELECT * FROM contacts WHERE owner = ? AND contact > ? ORDER BY contact LIMIT ?")
        .bind(&owner.as_bytes()[..])
        .bind(after)
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(pool)
        .await;
    rows.map_err(refused)?.iter().map(contact).collect()
}

pub(crate) async fn owners(
    pool: &SqlitePool,
    person: UserId,
    after: Option<UserId>,
    limit: usize,
) -> Result<Vec<UserId>, Error> {
    let after = after.as_ref().map_or(&[][..], |user| &user.as_bytes()[..]);
    let rows =
        sqlx::query("SELECT owner FROM contacts WHERE contact = ? AND owner > ? ORDER BY owner LIMIT ?")
            .bind(&person.as_bytes()[..])
            .bind(after)
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .fetch_all(pool)
            .await;
    rows.map_err(refused)?.iter().map(|row| id(row, "owner").map(UserId::from_bytes)).collect()
}

/// For each `(owner, contact)` whether there is such a row, in one statement for many.
pub(crate) async fn are(pool: &SqlitePool, pairs: &[(UserId, UserId)]) -> Result<Vec<bool>, Error> {
    let mut there = HashSet::new();
    for some in pairs.chunks(BULK) {
        let mut query: QueryBuilder<Sqlite> =
            QueryBuilder::new("SELECT owner, contact FROM contacts WHERE (owner, contact) IN ");
        query.push_tuples(some, |mut tuple, (owner, contact)| {
            tuple.push_bind(owner.as_bytes().to_vec()).push_bind(contact.as_bytes().to_vec());
        });
        for row in &query.build().persistent(false).fetch_all(pool).await.map_err(refused)? {
            there.insert((UserId::from_bytes(id(row, "owner")?), UserId::from_bytes(id(row, "contact")?)));
        }
    }
    Ok(pairs.iter().map(|pair| there.contains(pair)).collect())
}

fn contact(row: &SqliteRow) -> Result<Contact, Error> {
    let alias = row.try_get::<Option<&str>, _>("alias").map_err(refused)?;
    Ok(Contact {
        user_id: UserId::from_bytes(id(row, "contact")?),
        alias: alias.map(|alias| text(alias, "alias")).transpose()?,
        created_at: Timestamp(row.try_get("created_at").map_err(refused)?),
    })
}
