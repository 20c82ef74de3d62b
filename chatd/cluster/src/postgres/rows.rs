//! Rows as the stores' types. A text that was checked before it was stored and reads as none now is damage.

use super::refused::{Stored, refused};
use schema::{SessionId, Timestamp, UserId};
use sqlx::Row;
use sqlx::postgres::PgRow;
use store::Error;
use store::accounts::{Account, Role, SessionRow};
use store::profiles::{Contact, Profile};
use uuid::Uuid;

/// The columns of a person, named so that a new one changes no answer.
macro_rules! person {
    () => {
        "id, phone, username, display_name, avatar_url, password_hash, role, disabled, created_at, \
         last_seen, chosen_status, privacy::text as privacy"
    };
}

/// The columns of a session that callers learn of.
macro_rules! session {
    () => {
        "id, user_id, device_name, created_at, last_used_at, expires_at"
    };
}

pub(super) use {person, session};

/// A column of a row.
pub(super) fn get<'r, T>(row: &'r PgRow, column: &str) -> Result<T, Error>
where
    T: sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
{
    row.try_get(column).map_err(|cause| refused(cause, Stored::Nothing))
}

pub(super) fn user(row: &PgRow, column: &str) -> Result<UserId, Error> {
    get::<Uuid>(row, column).map(UserId)
}

pub(super) fn session_id(row: &PgRow) -> Result<SessionId, Error> {
    get::<Uuid>(row, "id").map(SessionId)
}

/// The ids of many sessions.
pub(super) fn session_ids(rows: &[PgRow]) -> Result<Vec<SessionId>, Error> {
    rows.iter().map(session_id).collect()
}

/// A text of a column that may be empty.
fn parsed<T: std::str::FromStr>(row: &PgRow, column: &str) -> Result<Option<T>, Error> {
    let Some(text) = get::<Option<&str>>(row, column)? else { return Ok(None) };
    match text.parse() {
        Ok(value) => Ok(Some(value)),
        Err(_) => Err(Error::Corrupt(format!("PostgreSQL: {column} holds {text:?}"))),
    }
}

pub(super) fn account(row: &PgRow) -> Result<Account, Error> {
    Ok(Account {
        user_id: user(row, "id")?,
        phone_number: parsed(row, "phone")?,
        username: parsed(row, "username")?,
        password_hash: get(row, "password_hash")?,
        role: if get::<&str>(row, "role")? == "ADMIN" { Role::Admin } else { Role::User },
        disabled: get(row, "disabled")?,
        created_at: Timestamp(get(row, "created_at")?),
    })
}

pub(super) fn profile(row: &PgRow) -> Result<Profile, Error> {
    let privacy: &str = get(row, "privacy")?;
    Ok(Profile {
        user_id: user(row, "id")?,
        phone_number: parsed(row, "phone")?,
        username: parsed(row, "username")?,
        display_name: parsed(row, "display_name")?
            .ok_or_else(|| Error::Corrupt("PostgreSQL: display_name is null".to_owned()))?,
        avatar_url: get(row, "avatar_url")?,
        last_seen: get::<Option<i64>>(row, "last_seen")?.map(Timestamp),
        chosen_status: get(row, "chosen_status")?,
        privacy: serde_json::from_str(privacy)
            .map_err(|cause| Error::Corrupt(format!("PostgreSQL: privacy holds {privacy:?}: {cause}")))?,
        created_at: Timestamp(get(row, "created_at")?),
        disabled: get(row, "disabled")?,
        has_password: get::<Option<&str>>(row, "password_hash")?.is_some(),
    })
}

pub(super) fn session_row(row: &PgRow) -> Result<SessionRow, Error> {
    Ok(SessionRow {
        session_id: session_id(row)?,
        user_id: user(row, "user_id")?,
        device_name: get(row, "device_name")?,
        created_at: Timestamp(get(row, "created_at")?),
        last_used_at: Timestamp(get(row, "last_used_at")?),
        expires_at: Timestamp(get(row, "expires_at")?),
    })
}

pub(super) fn contact(row: &PgRow) -> Result<Contact, Error> {
    Ok(Contact {
        user_id: user(row, "contact")?,
        alias: parsed(row, "alias")?,
        created_at: Timestamp(get(row, "created_at")?),
    })
}

/// A bound as PostgreSQL counts.
pub(super) fn limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// Ids as PostgreSQL takes them.
pub(super) fn uuids(users: &[UserId]) -> Vec<Uuid> {
    users.iter().map(|user| user.0).collect()
}
