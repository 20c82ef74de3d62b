//! Creating people, many in one statement: each row that is free goes in, whatever becomes of the others.

use super::People;
use super::rows::{get, user};
use schema::UserId;
use schema::limits::{POSTGRES_ATTEMPTS, POSTGRES_BATCH};
use schema::user::PrivacySettings;
use serde::Serialize;
use sqlx::query;
use std::collections::{HashMap, HashSet};
use store::Error;
use store::profiles::NewPerson;

/// One result for each person, in order. A failure behind the first statement may leave some of them created.
pub(super) async fn create(people: &People, new: &[NewPerson]) -> Result<Vec<Result<(), Error>>, Error> {
    let mut results = vec![Ok(()); new.len()];
    let mut seen = HashSet::with_capacity(new.len());
    let mut waiting = Vec::with_capacity(new.len());
    for (index, person) in new.iter().enumerate() {
        if seen.insert(person.account.user_id) {
            waiting.push(index);
        } else {
            results[index] = Err(Error::Conflict("userId"));
        }
    }
    for attempt in 0..POSTGRES_ATTEMPTS {
        let mut left = Vec::new();
        for (chunk, some) in waiting.chunks(POSTGRES_BATCH).enumerate() {
            let fresh = attempt == 0 && chunk == 0;
            let outcomes = attempted(people, new, some).await;
            for (index, outcome) in outcomes.map_err(|cause| if fresh { cause } else { partly(cause) })? {
                match outcome {
                    Some(result) => results[index] = result,
                    None => left.push(index),
                }
            }
        }
        waiting = left;
        if waiting.is_empty() {
            return Ok(results);
        }
    }
    for index in waiting {
        results[index] = Err(Error::Unavailable("others take and leave the same names just now".to_owned()));
    }
    Ok(results)
}

/// What became of each; `None`: taken when it was written and free when it was looked for.
type Outcomes = Vec<(usize, Option<Result<(), Error>>)>;

async fn attempted(people: &People, new: &[NewPerson], some: &[usize]) -> Result<Outcomes, Error> {
    let created = insert(people, some.iter().map(|index| &new[*index])).await?;
    let (done, refused): (Vec<usize>, Vec<usize>) =
        some.iter().partition(|index| created.contains(&new[**index].account.user_id));
    let mut outcomes: Outcomes = done.into_iter().map(|index| (index, Some(Ok(())))).collect();
    if !refused.is_empty() {
        let taken = taken(people, refused.iter().map(|index| &new[*index])).await;
        let taken = taken.map_err(|cause| if outcomes.is_empty() { cause } else { partly(cause) })?;
        outcomes.extend(refused.into_iter().map(|index| {
            let field = taken.get(&new[index].account.user_id);
            (index, field.map(|field| Err(Error::Conflict(field))))
        }));
    }
    Ok(outcomes)
}

/// Some rows are there.
fn partly(cause: Error) -> Error {
    Error::Unknown(format!("some people may have been created: {cause}"))
}

/// Writes the rows that are free, in order, and answers whose. Bulks go one after the other: two that want the
/// same names in another order would wait for each other.
async fn insert<'a>(
    people: &People,
    new: impl Iterator<Item = &'a NewPerson> + Clone,
) -> Result<HashSet<UserId>, Error> {
    const INSERT: &str = "
        with turn as materialized (
            select case when cardinality($1) > 1 then pg_advisory_xact_lock(hashtext('chatd_people')) end
        )
        insert into users (id, phone, username, display_name, password_hash, role, disabled, created_at, privacy)
        select id, phone, username, display_name, password_hash, role, disabled, created_at, $9::jsonb
        from turn, unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[],
                $7::boolean[], $8::bigint[]) with ordinality as wanted
            (id, phone, username, display_name, password_hash, role, disabled, created_at, at)
        order by at
        on conflict do nothing
        returning id";
    let each = || new.clone().map(|person| &person.account);
    let insert = query(INSERT)
        .bind(each().map(|account| account.user_id.0).collect::<Vec<_>>())
        .bind(each().map(|account| account.phone_number.as_ref().map(|p| p.as_str())).collect::<Vec<_>>())
        .bind(each().map(|account| account.username.as_ref().map(|name| name.as_str())).collect::<Vec<_>>())
        .bind(new.clone().map(|person| person.display_name.as_str()).collect::<Vec<_>>())
        .bind(each().map(|account| account.password_hash.as_deref()).collect::<Vec<_>>())
        .bind(each().map(|account| account.role.as_str()).collect::<Vec<_>>())
        .bind(each().map(|account| account.disabled).collect::<Vec<_>>())
        .bind(each().map(|account| account.created_at.0).collect::<Vec<_>>())
        .bind(json(&PrivacySettings::default())?);
    people.write(insert).await?.iter().map(|row| user(row, "id")).collect()
}

/// Which of these are in the way of somebody, and by what; by the id of the one who wanted it.
async fn taken<'a>(
    people: &People,
    new: impl Iterator<Item = &'a NewPerson> + Clone,
) -> Result<HashMap<UserId, &'static str>, Error> {
    const TAKEN: &str = "
        select w.id, exists (select from users u where u.id = w.id) as by_id,
            exists (select from users u where u.phone = w.phone) as by_phone,
            exists (select from users u where u.username = w.username) as by_username
        from unnest($1::uuid[], $2::text[], $3::text[]) as w (id, phone, username)";
    let each = || new.clone().map(|person| &person.account);
    let find = query(TAKEN)
        .bind(each().map(|account| account.user_id.0).collect::<Vec<_>>())
        .bind(each().map(|account| account.phone_number.as_ref().map(|p| p.as_str())).collect::<Vec<_>>())
        .bind(each().map(|account| account.username.as_ref().map(|name| name.as_str())).collect::<Vec<_>>());
    let mut taken = HashMap::new();
    for row in &people.read(find).await? {
        let fields = [("by_phone", "phoneNumber"), ("by_username", "username"), ("by_id", "userId")];
        for (column, field) in fields {
            if get(row, column)? {
                taken.entry(user(row, "id")?).or_insert(field);
            }
        }
    }
    Ok(taken)
}

pub(super) fn json(value: &impl Serialize) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|cause| Error::Corrupt(format!("privacy settings: {cause}")))
}
