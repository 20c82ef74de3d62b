//! `store::Accounts` on SQLite: credentials, sessions, refresh tokens.
//!
//! A refresh token is a row with a flag. Trading it raises the flag and adds the next one in one
//! transaction, and there is one writer: of two trades of the same token the second finds the flag raised,
//! which ends the session. Ended sessions leave only their id, until their tokens have expired.

use crate::sqlite::{People, commit, refused};
use async_trait::async_trait;
use schema::limits::{ACCESS_TOKEN_S, REFRESH_TOKEN_S};
use schema::{Phone, SessionId, Timestamp, UserId, Username};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};
use store::Error;
use store::accounts::{
    Account, Accounts, NewSession, PasswordChange, Role, Rotation, SecretHash, SessionRow, Which,
};

#[async_trait]
impl Accounts for People {
    async fn by_phone(&self, phone: &Phone) -> Result<Option<Account>, Error> {
        let row = sqlx::query("SELECT * FROM users WHERE phone = ?")
            .bind(phone.as_str())
            .fetch_optional(self.reader())
            .await;
        row.map_err(refused)?.as_ref().map(account).transpose()
    }

    async fn by_username(&self, username: &Username) -> Result<Option<Account>, Error> {
        let row = sqlx::query("SELECT * FROM users WHERE username = ?")
            .bind(username.as_str())
            .fetch_optional(self.reader())
            .await;
        row.map_err(refused)?.as_ref().map(account).transpose()
    }

    async fn by_id(&self, user: UserId) -> Result<Option<Account>, Error> {
        let row = sqlx::query("SELECT * FROM users WHERE id = ?")
            .bind(&user.as_bytes()[..])
            .fetch_optional(self.reader())
            .await;
        row.map_err(refused)?.as_ref().map(account).transpose()
    }

    async fn change_password(
        &self,
        user: UserId,
        change: PasswordChange,
        now: Timestamp,
    ) -> Result<Option<Vec<SessionId>>, Error> {
        let mut transaction = self.begin().await?;
        if live(&mut transaction, change.keep, now).await?.is_none_or(|row| row.user_id != user) {
            return Ok(None);
        }
        let changed = sqlx::query(
            "UPDATE users SET password_hash = ? WHERE id = ? AND password_hash = ? AND disabled = 0",
        )
        .bind(&change.to)
        .bind(&user.as_bytes()[..])
        .bind(&change.from)
        .execute(&mut *transaction)
        .await
        .map_err(refused)?;
        if changed.rows_affected() == 0 {
            return Ok(None);
        }
        let ended = end_named(&mut transaction, user, Which::AllBut(change.keep), now).await?;
        commit(transaction).await?;
        Ok(Some(ended))
    }

    async fn set_disabled(
        &self,
        user: UserId,
        disabled: bool,
        now: Timestamp,
    ) -> Result<Option<Vec<SessionId>>, Error> {
        let mut transaction = self.begin().await?;
        let found = sqlx::query("UPDATE users SET disabled = ? WHERE id = ?")
            .bind(disabled)
            .bind(&user.as_bytes()[..])
            .execute(&mut *transaction)
            .await
            .map_err(refused)?;
        if found.rows_affected() == 0 {
            return Ok(None);
        }
        let ended =
            if disabled { end_named(&mut transaction, user, Which::All, now).await? } else { Vec::new() };
        commit(transaction).await?;
        Ok(Some(ended))
    }

    async fn start_sessions(&self, sessions: Vec<NewSession>) -> Result<bool, Error> {
        let mut transaction = self.begin().await?;
        for session in &sessions {
            // An early return undoes the transaction.
            if !start(&mut transaction, session).await? {
                return Ok(false);
            }
        }
        commit(transaction).await?;
        Ok(true)
    }

    async fn rotate(&self, old: SecretHash, new: SecretHash, now: Timestamp) -> Result<Rotation, Error> {
        let mut transaction = self.begin().await?;
        let token =
            sqlx::query("SELECT session_id, used FROM refresh_tokens WHERE hash = ? AND expires_at > ?")
                .bind(&old[..])
                .bind(now.0)
                .fetch_optional(&mut *transaction)
                .await
                .map_err(refused)?;
        let Some(token) = token else { return Ok(Rotation::Refused) };
        let session = SessionId::from_bytes(id(&token, "session_id")?);
        let Some(row) = live(&mut transaction, session, now).await? else { return Ok(Rotation::Refused) };
        if token.try_get::<bool, _>("used").map_err(refused)? {
            end(&mut transaction, &row, now).await?;
            commit(transaction).await?;
            return Ok(Rotation::Reused(row));
        }
        let row = trade(&mut transaction, row, new, now).await?;
        commit(transaction).await?;
        Ok(Rotation::Rotated(row))
    }

    async fn by_cookie(&self, cookie: SecretHash, now: Timestamp) -> Result<Option<SessionRow>, Error> {
        let row = sqlx::query("SELECT * FROM sessions WHERE cookie = ? AND expires_at > ?")
            .bind(&cookie[..])
            .bind(now.0)
            .fetch_optional(self.reader())
            .await;
        row.map_err(refused)?.as_ref().map(session_row).transpose()
    }

    async fn replace_refresh(
        &self,
        session: SessionId,
        new: SecretHash,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let mut transaction = self.begin().await?;
        let Some(row) = live(&mut transaction, session, now).await? else { return Ok(false) };
        trade(&mut transaction, row, new, now).await?;
        commit(transaction).await?;
        Ok(true)
    }

    async fn sessions(&self, user: UserId, now: Timestamp, limit: usize) -> Result<Vec<SessionRow>, Error> {
        let rows = sqlx::query(
            "SELECT * FROM sessions WHERE user_id = ? AND expires_at > ? ORDER BY created_at DESC, id DESC LIMIT ?",
        )
        .bind(&user.as_bytes()[..])
        .bind(now.0)
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(self.reader())
        .await;
        rows.map_err(refused)?.iter().map(session_row).collect()
    }

    async fn end_sessions(
        &self,
        user: UserId,
        which: Which,
        now: Timestamp,
    ) -> Result<Vec<SessionId>, Error> {
        let mut transaction = self.begin().await?;
        let ended = end_named(&mut transaction, user, which, now).await?;
        commit(transaction).await?;
        Ok(ended)
    }

    async fn ended_since(&self, since: Timestamp) -> Result<Vec<SessionId>, Error> {
        let rows = sqlx::query("SELECT id FROM ended_sessions WHERE ended_at >= ? ORDER BY ended_at")
            .bind(since.0)
            .fetch_all(self.reader())
            .await
            .map_err(refused)?;
        rows.iter().map(|row| id(row, "id").map(SessionId::from_bytes)).collect()
    }

    async fn expire(&self, now: Timestamp, limit: usize) -> Result<Vec<SessionId>, Error> {
        // Read first: the writer is not held up when there is nothing to do, which is nearly always.
        let due: bool = sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM sessions WHERE expires_at <= ?1) \
             OR EXISTS (SELECT 1 FROM refresh_tokens WHERE expires_at <= ?1) \
             OR EXISTS (SELECT 1 FROM ended_sessions WHERE forget_at <= ?1)",
        )
        .bind(now.0)
        .fetch_one(self.reader())
        .await
        .map_err(refused)?;
        if !due {
            return Ok(Vec::new());
        }
        let mut transaction = self.begin().await?;
        let rows = sqlx::query(
            "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE expires_at <= ? LIMIT ?) RETURNING id",
        )
        .bind(now.0)
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(&mut *transaction)
        .await
        .map_err(refused)?;
        for statement in [
            "DELETE FROM refresh_tokens WHERE expires_at <= ?",
            "DELETE FROM ended_sessions WHERE forget_at <= ?",
        ] {
            sqlx::query(statement).bind(now.0).execute(&mut *transaction).await.map_err(refused)?;
        }
        commit(transaction).await?;
        rows.iter().map(|row| id(row, "id").map(SessionId::from_bytes)).collect()
    }
}

/// Starts a session, unless its user is disabled or gone.
async fn start(connection: &mut SqliteConnection, session: &NewSession) -> Result<bool, Error> {
    let row = &session.row;
    let started = sqlx::query(
        "INSERT INTO sessions (id, user_id, device_name, created_at, last_used_at, expires_at, cookie) \
         SELECT ?, id, ?, ?, ?, ?, ? FROM users WHERE id = ? AND disabled = 0",
    )
    .bind(&row.session_id.as_bytes()[..])
    .bind(row.device_name.as_deref())
    .bind(row.created_at.0)
    .bind(row.last_used_at.0)
    .bind(row.expires_at.0)
    .bind(session.cookie.as_ref().map(|cookie| &cookie[..]))
    .bind(&row.user_id.as_bytes()[..])
    .execute(&mut *connection)
    .await
    .map_err(refused)?;
    if started.rows_affected() == 0 {
        return Ok(false);
    }
    if let Some(refresh) = session.refresh {
        add_token(connection, row.session_id, refresh, row.expires_at).await?;
    }
    Ok(true)
}

async fn add_token(
    connection: &mut SqliteConnection,
    session: SessionId,
    hash: SecretHash,
    expires_at: Timestamp,
) -> Result<(), Error> {
    sqlx::query("INSERT INTO refresh_tokens (hash, session_id, used, expires_at) VALUES (?, ?, 0, ?)")
        .bind(&hash[..])
        .bind(&session.as_bytes()[..])
        .bind(expires_at.0)
        .execute(connection)
        .await
        .map(drop)
        .map_err(refused)
}

async fn live(
    connection: &mut SqliteConnection,
    session: SessionId,
    now: Timestamp,
) -> Result<Option<SessionRow>, Error> {
    let row = sqlx::query("SELECT * FROM sessions WHERE id = ? AND expires_at > ?")
        .bind(&session.as_bytes()[..])
        .bind(now.0)
        .fetch_optional(connection)
        .await;
    row.map_err(refused)?.as_ref().map(session_row).transpose()
}

/// Kills the session's refresh tokens and stores the next one; the session lives as long as that.
async fn trade(
    connection: &mut SqliteConnection,
    mut row: SessionRow,
    new: SecretHash,
    now: Timestamp,
) -> Result<SessionRow, Error> {
    row.last_used_at = now;
    row.expires_at = now.plus_seconds(REFRESH_TOKEN_S);
    sqlx::query("UPDATE refresh_tokens SET used = 1 WHERE session_id = ? AND used = 0")
        .bind(&row.session_id.as_bytes()[..])
        .execute(&mut *connection)
        .await
        .map_err(refused)?;
    sqlx::query("UPDATE sessions SET last_used_at = ?, expires_at = ? WHERE id = ?")
        .bind(row.last_used_at.0)
        .bind(row.expires_at.0)
        .bind(&row.session_id.as_bytes()[..])
        .execute(&mut *connection)
        .await
        .map_err(refused)?;
    add_token(connection, row.session_id, new, row.expires_at).await?;
    Ok(row)
}

/// Ends a session: its secrets go with it, its id stays until its access tokens have expired.
pub(crate) async fn end(
    connection: &mut SqliteConnection,
    row: &SessionRow,
    now: Timestamp,
) -> Result<(), Error> {
    sqlx::query("DELETE FROM sessions WHERE id = ?")
        .bind(&row.session_id.as_bytes()[..])
        .execute(&mut *connection)
        .await
        .map_err(refused)?;
    sqlx::query("INSERT OR REPLACE INTO ended_sessions (id, ended_at, forget_at) VALUES (?, ?, ?)")
        .bind(&row.session_id.as_bytes()[..])
        .bind(now.0)
        .bind(row.expires_at.plus_seconds(ACCESS_TOKEN_S).0)
        .execute(connection)
        .await
        .map(drop)
        .map_err(refused)
}

/// Ends the live sessions of a user that are named, and answers which.
async fn end_named(
    connection: &mut SqliteConnection,
    user: UserId,
    which: Which,
    now: Timestamp,
) -> Result<Vec<SessionId>, Error> {
    let rows = sqlx::query("SELECT * FROM sessions WHERE user_id = ? AND expires_at > ?")
        .bind(&user.as_bytes()[..])
        .bind(now.0)
        .fetch_all(&mut *connection)
        .await
        .map_err(refused)?;
    let mut ended = Vec::new();
    for row in rows.iter().map(session_row) {
        let row = row?;
        let named = match which {
            Which::One(session) => row.session_id == session,
            Which::AllBut(session) => row.session_id != session,
            Which::All => true,
        };
        if named {
            end(&mut *connection, &row, now).await?;
            ended.push(row.session_id);
        }
    }
    Ok(ended)
}

/// Sixteen bytes of a column.
pub(crate) fn id(row: &SqliteRow, column: &str) -> Result<[u8; 16], Error> {
    let bytes: &[u8] = row.try_get(column).map_err(refused)?;
    bytes.try_into().map_err(|_| Error::Corrupt(format!("accounts database: {column} has no sixteen bytes")))
}

/// A text that was checked before it was stored.
pub(crate) fn text<T: std::str::FromStr>(text: &str, column: &str) -> Result<T, Error> {
    text.parse().map_err(|_| Error::Corrupt(format!("accounts database: {column} holds {text:?}")))
}

fn account(row: &SqliteRow) -> Result<Account, Error> {
    let get = |column| row.try_get::<Option<&str>, _>(column).map_err(refused);
    Ok(Account {
        user_id: UserId::from_bytes(id(row, "id")?),
        phone_number: get("phone")?.map(|value| text(value, "phone")).transpose()?,
        username: get("username")?.map(|value| text(value, "username")).transpose()?,
        password_hash: get("password_hash")?.map(str::to_owned),
        role: match get("role")? {
            Some("ADMIN") => Role::Admin,
            _ => Role::User,
        },
        disabled: row.try_get("disabled").map_err(refused)?,
        created_at: Timestamp(row.try_get("created_at").map_err(refused)?),
    })
}

pub(crate) fn session_row(row: &SqliteRow) -> Result<SessionRow, Error> {
    let time = |column| row.try_get(column).map(Timestamp).map_err(refused);
    Ok(SessionRow {
        session_id: SessionId::from_bytes(id(row, "id")?),
        user_id: UserId::from_bytes(id(row, "user_id")?),
        device_name: row.try_get("device_name").map_err(refused)?,
        created_at: time("created_at")?,
        last_used_at: time("last_used_at")?,
        expires_at: time("expires_at")?,
    })
}
