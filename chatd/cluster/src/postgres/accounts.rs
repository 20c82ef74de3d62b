//! `store::Accounts` on PostgreSQL: credentials, and what ends sessions with them. The sessions themselves are
//! in `sessions`.

use super::news::tell_person;
use super::rows::{account, person, session_id, session_ids, session_row};
use super::sessions::{Ending, end};
use super::{People, sessions};
use async_trait::async_trait;
use schema::{Phone, SessionId, Timestamp, UserId, Username};
use store::Error;
use store::accounts::{
    Account, Accounts, NewSession, PasswordChange, Rotation, SecretHash, SessionRow, Which,
};

#[async_trait]
impl Accounts for People {
    async fn by_phone(&self, phone: &Phone) -> Result<Option<Account>, Error> {
        const FIND: &str = concat!("select ", person!(), " from users where phone = $1");
        self.read(sqlx::query(FIND).bind(phone.as_str())).await?.first().map(account).transpose()
    }

    async fn by_username(&self, username: &Username) -> Result<Option<Account>, Error> {
        const FIND: &str = concat!("select ", person!(), " from users where username = $1");
        self.read(sqlx::query(FIND).bind(username.as_str())).await?.first().map(account).transpose()
    }

    async fn by_id(&self, user: UserId) -> Result<Option<Account>, Error> {
        const FIND: &str = concat!("select ", person!(), " from users where id = $1");
        self.read(sqlx::query(FIND).bind(user.0)).await?.first().map(account).transpose()
    }

    async fn change_password(
        &self,
        user: UserId,
        change: PasswordChange,
        now: Timestamp,
    ) -> Result<Option<Vec<SessionId>>, Error> {
        const CHANGE: &str = concat!(
            "with changed as (
                 update users set password_hash = $2
                 where id = $1 and password_hash = $3 and not disabled returning id, username
             )
             select id, ",
            tell_person!("$4"),
            " from changed"
        );
        let mut work = self.begin().await?;
        let change_it =
            sqlx::query(CHANGE).bind(user.0).bind(&change.to).bind(&change.from).bind(self.node());
        if work.run(change_it).await?.is_empty() {
            work.undo().await?;
            return Ok(None);
        }
        // With the user locked nothing of theirs starts; what had started meanwhile is seen from here on.
        let kept = sqlx::query(sessions::KEEP).bind(change.keep.0).bind(user.0).bind(now.0);
        if work.run(kept).await?.is_empty() {
            work.undo().await?;
            return Ok(None);
        }
        let which = Which::AllBut(change.keep);
        let ended = session_ids(&work.run(end(self.node(), &Ending::live(user, which, now))).await?)?;
        work.commit().await?;
        Ok(Some(ended))
    }

    async fn set_disabled(
        &self,
        user: UserId,
        disabled: bool,
        now: Timestamp,
    ) -> Result<Option<Vec<SessionId>>, Error> {
        const CHANGE: &str = concat!(
            "with changed as (update users set disabled = $2 where id = $1 returning id, username)
             select id, ",
            tell_person!("$3"),
            " from changed"
        );
        let change = sqlx::query(CHANGE).bind(user.0).bind(disabled).bind(self.node());
        if !disabled {
            return Ok(self.write(change).await?.first().map(|_| Vec::new()));
        }
        let mut work = self.begin().await?;
        if work.run(change).await?.is_empty() {
            work.undo().await?;
            return Ok(None);
        }
        // A second statement: one that waited for a sign-in to end does not see the session that it started.
        let ended = session_ids(&work.run(end(self.node(), &Ending::live(user, Which::All, now))).await?)?;
        work.commit().await?;
        Ok(Some(ended))
    }

    async fn start_sessions(&self, sessions: Vec<NewSession>) -> Result<bool, Error> {
        sessions::start(self, &sessions).await
    }

    async fn rotate(&self, old: SecretHash, new: SecretHash, now: Timestamp) -> Result<Rotation, Error> {
        if let Some(row) = sessions::trade(self, old, new, now).await? {
            return Ok(Rotation::Rotated(row));
        }
        // Looked for behind the trade that may have won against this one, so it is seen.
        let reused = sessions::end_reused(self, old, now).await?;
        Ok(reused.map_or(Rotation::Refused, Rotation::Reused))
    }

    async fn by_cookie(&self, cookie: SecretHash, now: Timestamp) -> Result<Option<SessionRow>, Error> {
        let find = sqlx::query(sessions::BY_COOKIE).bind(cookie).bind(now.0);
        self.read(find).await?.first().map(session_row).transpose()
    }

    async fn replace_refresh(
        &self,
        session: SessionId,
        new: SecretHash,
        now: Timestamp,
    ) -> Result<bool, Error> {
        sessions::replace(self, session, new, now).await
    }

    async fn sessions(&self, user: UserId, now: Timestamp, limit: usize) -> Result<Vec<SessionRow>, Error> {
        sessions::list(self, user, now, limit).await
    }

    async fn end_sessions(
        &self,
        user: UserId,
        which: Which,
        now: Timestamp,
    ) -> Result<Vec<SessionId>, Error> {
        session_ids(&self.write(end(self.node(), &Ending::live(user, which, now))).await?)
    }

    async fn ended_since(&self, since: Timestamp) -> Result<Vec<SessionId>, Error> {
        let find = "select id from ended_sessions where ended_at >= $1 order by ended_at";
        self.read(sqlx::query(find).bind(since.0)).await?.iter().map(session_id).collect()
    }

    async fn expire(&self, now: Timestamp, limit: usize) -> Result<Vec<SessionId>, Error> {
        sessions::expire(self, now, limit).await
    }
}
