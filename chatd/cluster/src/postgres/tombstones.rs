//! Who is gone: deletion, and what is left to be erased of it.

use super::People;
use super::news::tell_person;
use super::rows::{limit as bound, session_ids, user, uuids};
use super::sessions::{Ending, end};
use schema::limits::POSTGRES_BATCH;
use schema::{SessionId, Timestamp, UserId};
use sqlx::query;
use std::collections::HashSet;
use store::Error;

/// Removes a person. Their row is locked first: a sign-in that came before is over then and its session seen, one
/// that comes later finds nobody.
pub(super) async fn delete(people: &People, gone: UserId) -> Result<Option<Vec<SessionId>>, Error> {
    const DELETE: &str = concat!(
        "with gone as (
             delete from users where id = $1 returning id, username
         ), put as (
             insert into deleted_people (id, deleted_at, erased) select id, $2, false from gone
             on conflict (id) do update set deleted_at = excluded.deleted_at, erased = false
         )
         select id, ",
        tell_person!("$3"),
        " from gone"
    );
    let mut work = people.begin().await?;
    let lock = query("select id from users where id = $1 for update").bind(gone.0);
    if work.run(lock).await?.is_empty() {
        work.undo().await?;
        return Ok(None);
    }
    let now = Timestamp::now();
    let ended = session_ids(&work.run(end(people.node(), &Ending::every(gone, now))).await?)?;
    work.run(query(DELETE).bind(gone.0).bind(now.0).bind(people.node())).await?;
    work.commit().await?;
    Ok(Some(ended))
}

pub(super) async fn are(people: &People, users: &[UserId]) -> Result<Vec<bool>, Error> {
    let mut gone = HashSet::new();
    for some in users.chunks(POSTGRES_BATCH) {
        let find = query("select id from deleted_people where id = any($1)").bind(uuids(some));
        for row in &people.read(find).await? {
            gone.insert(user(row, "id")?);
        }
    }
    Ok(users.iter().map(|user| gone.contains(user)).collect())
}

pub(super) async fn unerased(people: &People, limit: usize) -> Result<Vec<UserId>, Error> {
    let find = query("select id from deleted_people where not erased order by went limit $1");
    people.read(find.bind(bound(limit))).await?.iter().map(|row| user(row, "id")).collect()
}

pub(super) async fn set_erased(people: &People, gone: UserId) -> Result<(), Error> {
    let set = query("update deleted_people set erased = true where id = $1 and not erased").bind(gone.0);
    people.write(set).await.map(drop)
}
