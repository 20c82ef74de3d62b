//! `store::Profiles` on SQLite: people, created with their accounts in one row. Contacts and tombstones have
//! files of their own.

use crate::accounts::{end, id, session_row, text};
use crate::sqlite::{BULK, People, among, commit, refused};
use crate::{contacts, tombstones};
use async_trait::async_trait;
use schema::user::{PrivacyChange, PrivacySettings};
use schema::{DisplayName, SessionId, Timestamp, UserId};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};
use std::collections::HashMap;
use store::Error;
use store::profiles::{Contact, Name, NewPerson, Profile, ProfileChange, Profiles, Put, Updated};

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

    async fn find_all(&self, users: &[UserId]) -> Result<Vec<Option<Profile>>, Error> {
        let mut found: HashMap<UserId, Profile> = HashMap::with_capacity(users.len());
        for some in users.chunks(BULK) {
            let mut query = among("SELECT * FROM users WHERE id IN", some);
            for row in &query.build().persistent(false).fetch_all(self.reader()).await.map_err(refused)? {
                let profile = profile(row)?;
                found.insert(profile.user_id, profile);
            }
        }
        Ok(users.iter().map(|user| found.get(user).cloned()).collect())
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

    async fn update(&self, user: UserId, change: ProfileChange) -> Result<Option<Updated>, Error> {
        let mut transaction = self.begin().await?;
        let Some(mut profile) = one(&mut transaction, user).await? else { return Ok(None) };
        let former_username = profile.username.clone();
        if let Some(display_name) = change.display_name {
            profile.display_name = display_name;
        }
        if let Some(username) = change.username {
            profile.username = username;
        }
        if let Some(avatar_url) = change.avatar_url {
            profile.avatar_url = avatar_url.map(String::from);
        }
        sqlx::query("UPDATE users SET display_name = ?, username = ?, avatar_url = ? WHERE id = ?")
            .bind(profile.display_name.as_str())
            .bind(profile.username.as_ref().map(|username| username.as_str()))
            .bind(profile.avatar_url.as_deref())
            .bind(&user.as_bytes()[..])
            .execute(&mut *transaction)
            .await
            .map_err(refused)?;
        commit(transaction).await?;
        Ok(Some(Updated { former_username, profile }))
    }

    async fn set_privacy(
        &self,
        user: UserId,
        change: &PrivacyChange,
    ) -> Result<Option<PrivacySettings>, Error> {
        let mut transaction = self.begin().await?;
        let Some(profile) = one(&mut transaction, user).await? else { return Ok(None) };
        let privacy = profile.privacy.with(change);
        sqlx::query("UPDATE users SET privacy = ? WHERE id = ?")
            .bind(json(&privacy)?)
            .bind(&user.as_bytes()[..])
            .execute(&mut *transaction)
            .await
            .map_err(refused)?;
        commit(transaction).await?;
        Ok(Some(privacy))
    }

    async fn set_last_seen(&self, seen: &[(UserId, Timestamp)]) -> Result<(), Error> {
        let mut transaction = self.begin().await?;
        for (user, at) in seen {
            sqlx::query("UPDATE users SET last_seen = ?1 WHERE id = ?2 AND coalesce(last_seen, ?1 - 1) < ?1")
                .bind(at.0)
                .bind(&user.as_bytes()[..])
                .execute(&mut *transaction)
                .await
                .map_err(refused)?;
        }
        commit(transaction).await
    }

    async fn set_chosen_status(&self, user: UserId, status: Option<&str>) -> Result<(), Error> {
        let mut transaction = self.begin().await?;
        sqlx::query("UPDATE users SET chosen_status = ? WHERE id = ?")
            .bind(status)
            .bind(&user.as_bytes()[..])
            .execute(&mut *transaction)
            .await
            .map_err(refused)?;
        commit(transaction).await
    }

    async fn put_contact(&self, owner: UserId, contact: Contact, most: usize) -> Result<Put, Error> {
        let mut transaction = self.begin().await?;
        let put = contacts::put(&mut transaction, owner, contact, most).await?;
        commit(transaction).await?;
        Ok(put)
    }

    async fn set_alias(
        &self,
        owner: UserId,
        contact: UserId,
        alias: Option<&DisplayName>,
    ) -> Result<Option<Contact>, Error> {
        let mut transaction = self.begin().await?;
        let changed = contacts::set_alias(&mut transaction, owner, contact, alias).await?;
        commit(transaction).await?;
        Ok(changed)
    }

    async fn remove_contact(&self, owner: UserId, contact: UserId) -> Result<bool, Error> {
        let mut transaction = self.begin().await?;
        let removed = contacts::remove(&mut transaction, owner, contact).await?;
        commit(transaction).await?;
        Ok(removed)
    }

    async fn contacts(
        &self,
        owner: UserId,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<Vec<Contact>, Error> {
        contacts::of(self.reader(), owner, after, limit).await
    }

    async fn contacted_by(
        &self,
        person: UserId,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<Vec<UserId>, Error> {
        contacts::owners(self.reader(), person, after, limit).await
    }

    async fn are_contacts(&self, pairs: &[(UserId, UserId)]) -> Result<Vec<bool>, Error> {
        contacts::are(self.reader(), pairs).await
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
        if gone.rows_affected() == 0 {
            return Ok(None);
        }
        tombstones::put(&mut transaction, user, now).await?;
        commit(transaction).await?;
        Ok(Some(ended))
    }

    async fn deleted(&self, users: &[UserId]) -> Result<Vec<bool>, Error> {
        tombstones::are(self.reader(), users).await
    }

    async fn unerased(&self, limit: usize) -> Result<Vec<UserId>, Error> {
        tombstones::unerased(self.reader(), limit).await
    }

    async fn set_erased(&self, user: UserId) -> Result<(), Error> {
        let mut transaction = self.begin().await?;
        tombstones::set_erased(&mut transaction, user).await?;
        commit(transaction).await
    }
}

async fn one(connection: &mut SqliteConnection, user: UserId) -> Result<Option<Profile>, Error> {
    let row = sqlx::query("SELECT * FROM users WHERE id = ?")
        .bind(&user.as_bytes()[..])
        .fetch_optional(connection)
        .await;
    row.map_err(refused)?.as_ref().map(profile).transpose()
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
        chosen_status: get("chosen_status")?.map(str::to_owned),
        privacy: serde_json::from_str(privacy).map_err(|cause| {
            Error::Corrupt(format!("accounts database: privacy holds {privacy:?}: {cause}"))
        })?,
        created_at: Timestamp(row.try_get("created_at").map_err(refused)?),
        disabled: row.try_get("disabled").map_err(refused)?,
        has_password: get("password_hash")?.is_some(),
    })
}
