//! Contacts: a row for each contact of an owner, read in the order of the contacts' ids.

use super::People;
use super::rows::{contact, get, limit as bound, user};
use schema::limits::POSTGRES_BATCH;
use schema::{DisplayName, UserId};
use sqlx::query;
use std::collections::HashSet;
use store::Error;
use store::profiles::{Contact, Put};
use uuid::Uuid;

/// Adds or changes. The owner's row is locked first, so that of two at once the second counts the first.
pub(super) async fn put(people: &People, owner: UserId, new: Contact, most: usize) -> Result<Put, Error> {
    const LOCK: &str = "
        with owner as materialized (select id from users where id = $1 for no key update),
             friend as materialized (select id from users where id = $2 for key share)
        select (select count(*) from owner) = 1 and (select count(*) from friend) = 1 as both";
    const PUT: &str = "
        with there as (
            update contacts set alias = coalesce($3, alias) where owner = $1 and contact = $2
            returning contact, alias, created_at
        ), added as (
            insert into contacts (owner, contact, alias, created_at) select $1, $2, $3, $4
            where not exists (select from there)
                and (select count(*) from (select 1 from contacts where owner = $1 limit $5) as c) < $5
            returning contact, alias, created_at
        ), put as (
            select *, false as new from there union all select *, true from added
        )
        select put.*, pg_notify('chatd_news', $6::text || ' p ' || $1::text) from put";
    let mut work = people.begin().await?;
    let locked = work.run(query(LOCK).bind(owner.0).bind(new.user_id.0)).await?;
    if !locked.first().map_or(Ok(false), |row| get(row, "both"))? {
        work.undo().await?;
        return Ok(Put::Unknown);
    }
    let alias = new.alias.as_ref().map(|alias| alias.as_str());
    let put = query(PUT).bind(owner.0).bind(new.user_id.0).bind(alias).bind(new.created_at.0);
    let rows = work.run(put.bind(bound(most)).bind(people.node())).await?;
    let Some(row) = rows.first() else {
        work.undo().await?;
        return Ok(Put::Full);
    };
    let (contact, new) = (contact(row)?, get(row, "new")?);
    work.commit().await?;
    Ok(if new { Put::Added(contact) } else { Put::Changed(contact) })
}

pub(super) async fn set_alias(
    people: &People,
    owner: UserId,
    person: UserId,
    alias: Option<&DisplayName>,
) -> Result<Option<Contact>, Error> {
    const SET: &str = "
        with changed as (
            update contacts set alias = $3 where owner = $1 and contact = $2
            returning contact, alias, created_at
        )
        select changed.*, pg_notify('chatd_news', $4::text || ' p ' || $1::text) from changed";
    let alias = alias.map(|alias| alias.as_str());
    let set = query(SET).bind(owner.0).bind(person.0).bind(alias).bind(people.node());
    people.write(set).await?.first().map(contact).transpose()
}

pub(super) async fn remove(people: &People, owner: UserId, person: UserId) -> Result<bool, Error> {
    const REMOVE: &str = "
        with gone as (delete from contacts where owner = $1 and contact = $2 returning owner)
        select pg_notify('chatd_news', $3::text || ' p ' || $1::text) from gone";
    let remove = query(REMOVE).bind(owner.0).bind(person.0).bind(people.node());
    Ok(!people.write(remove).await?.is_empty())
}

pub(super) async fn of(
    people: &People,
    owner: UserId,
    after: Option<UserId>,
    limit: usize,
) -> Result<Vec<Contact>, Error> {
    const FIRST: &str =
        "select contact, alias, created_at from contacts where owner = $1 order by contact limit $2";
    const NEXT: &str = "select contact, alias, created_at from contacts \
                        where owner = $1 and contact > $3 order by contact limit $2";
    let list = match after {
        None => query(FIRST).bind(owner.0).bind(bound(limit)),
        Some(after) => query(NEXT).bind(owner.0).bind(bound(limit)).bind(after.0),
    };
    people.read(list).await?.iter().map(contact).collect()
}

pub(super) async fn owners(
    people: &People,
    person: UserId,
    after: Option<UserId>,
    limit: usize,
) -> Result<Vec<UserId>, Error> {
    const FIRST: &str = "select owner from contacts where contact = $1 order by owner limit $2";
    const NEXT: &str = "select owner from contacts where contact = $1 and owner > $3 order by owner limit $2";
    let list = match after {
        None => query(FIRST).bind(person.0).bind(bound(limit)),
        Some(after) => query(NEXT).bind(person.0).bind(bound(limit)).bind(after.0),
    };
    people.read(list).await?.iter().map(|row| user(row, "owner")).collect()
}

/// For each `(owner, contact)` whether there is such a row.
pub(super) async fn are(people: &People, pairs: &[(UserId, UserId)]) -> Result<Vec<bool>, Error> {
    const ARE: &str = "
        select o as owner, c as contact from unnest($1::uuid[], $2::uuid[]) as pairs (o, c)
        where exists (select from contacts where owner = o and contact = c)";
    let mut there = HashSet::new();
    for some in pairs.chunks(POSTGRES_BATCH) {
        let (owners, contacts): (Vec<Uuid>, Vec<Uuid>) = some.iter().map(|(o, c)| (o.0, c.0)).unzip();
        for row in &people.read(query(ARE).bind(owners).bind(contacts)).await? {
            there.insert((user(row, "owner")?, user(row, "contact")?));
        }
    }
    Ok(pairs.iter().map(|pair| there.contains(pair)).collect())
}
