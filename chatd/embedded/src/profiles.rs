//! `store::Profiles` on SQLite: people, created with their accounts in one row.

use crate::accounts::{end, id, session_row, text};
use crate::sqlite::{People, commit, refused};
use async_trait::async_trait;
use schema::user::PrivacySettings;
use schema::{SessionId, Timestamp, UserId};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};
use store::Error;
use store::profiles::{Name, NewPerson, Profile, Profiles};

#[async_trait]
impl Profiles for People {
    async fn create(&self, people: Vec<NewPerson>) -> Result<Vec<Result<(), Error>>, Error> {
        let privacy = json(&PrivacySettings::default())?;
        let mut transaction = self.begin().await?;
        let mut results = Vec::with_capacity(people.len());
        for person in &people {
            // A broken constraint undoes its own statement only, so the rows before it stay.
            match insert(&mut transaction, person, &privacy).await {
                Ok(()) => results.push(Ok(())),
                Err(Error::Conflict(field)) => results.push(Err(Error::Conflict(field))),
                Err(other) => return Err(other),
            }
        }
        commit(transaction).await?;
        Ok(results)
    }

    async fn find(&self, name: &Name) -> Result<Option<Profile>, Error> {
        let query = match name {
            Name::Id(user) => sqlx::query("SELECT * FROM users WHERE id = ?").bind(&user.as_bytes()[..]),
            Name::Username(username) => {
                sqlx::query("SELECT * FROM users WHERE username = ?").bind(username.as_str())
            }
            Name::Phone(phone) => sqlx::query("SELECT * FROM users WHERE phone = ?").bind(phone.as_str()),
        };
        query.fetch_optional(self.reader()).await.map_err(refused)?.as_ref().map(profile).transpose()
    }

    async fn list(&self, after: Option<UserId>, limit: usize) -> Result<Vec<Profile>, Error> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let query = match &after {
            Some(user) => {
                sqlx::query("SELECT * FROM users WHERE id > ? ORDER BY id LIMIT ?").bind(&user.as_bytes()[..])
            }
            None => sqlx::query("SELECT * FROM users ORDER BY id LIMIT ?"),
        };
        query.bind(limit).fetch_all(self.reader()).await.map_err(refused)?.iter().map(profile).collect()
    }

    async fn delete(&self, user: UserId) -> Result<Option<Vec<SessionId>>, Error> {
        let mut transaction = self.begin().await?;
        let sessions = sqlx::query("SELECT * FROM sessions WHERE user_id = ?")
            .bind(&user.as_bytes()[..])
            .fetch_all(&mut *transaction)
            .await
            .map_err(refused)?;
        let now = Timestamp::now();
        let mut ended = Vec::with_capacity(sessions.len());
        for session in sessions.iter().map(session_row) {
            let session = session?;
            end(&mut transaction, &session, now).await?;
            ended.push(session.session_id);
        }
        let gone = sqlx::query("DELETE FROM users WHERE id = ?")
            .bind(&user.as_bytes()[..])
            .execute(&mut *transaction)
            .await
            .map_err(refused)?;
        commit(transaction).await?;
        Ok((gone.rows_affected() > 0).then_some(ended))
    }
}

async fn insert(connection: &mut SqliteConnection, person: &NewPerson, privacy: &str) -> Result<(), Error> {
    let account = &person.account;
    sqlx::query(
        "INSERT INTO users (id, phone, username, display_name, password_hash, role, disabled, created_at, privacy) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(&account.user_id.as_bytes()[..])
    .bind(account.phone_number.as_ref().map(|phone| phone.as_str()))
    .bind(account.username.as_ref().map(|username| username.as_str()))
    .bind(person.display_name.as_str())
    .bind(account.password_hash.as_deref())
    .bind(account.role.as_str())
    .bind(account.disabled)
    .bind(account.created_at.0)
    .bind(privacy)
    .execute(connection)
    .await
    .map(drop)
    .map_err(refused)
}

fn json(privacy: &PrivacySettings) -> Result<String, Error> {
    serde_json::to_string(privacy).map_err(|cause| Error::Corrupt(format!("privacy settings: {cause}")))
}

fn profile(row: &SqliteRow) -> Result<Profile, Error> {
    let get = |column| row.try_get::<Option<&str>, _>(column).map_err(refused);
    let privacy = get("privacy")?.unwrap_or_default();
    Ok(Profile {
        user_id: UserId::from_bytes(id(row, "id")?),
        phone_number: get("phone")?.map(|value| text(value, "phone")).transpose()?,
        username: get("username")?.map(|value| text(value, "username")).transpose()?,
        display_name: text(get("display_name")?.unwrap_or_default(), "display_name")?,
        avatar_url: get("avatar_url")?.map(str::to_owned),
        last_seen: row.try_get::<Option<i64>, _>("last_seen").map_err(refused)?.map(Timestamp),
        privacy: serde_json::from_str(privacy).map_err(|cause| {
            Error::Corrupt(format!("accounts database: privacy holds {privacy:?}: {cause}"))
        })?,
        created_at: Timestamp(row.try_get("created_at").map_err(refused)?),
        disabled: row.try_get("disabled").map_err(refused)?,
        has_password: get("password_hash")?.is_some(),
    })
}
