//! Credentials and sessions.

use crate::Error;
use async_trait::async_trait;
use schema::{Phone, SessionId, Timestamp, UserId, Username};

/// What a person signs in with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    pub user_id: UserId,
    pub phone_number: Option<Phone>,
    pub username: Option<Username>,
    /// BCrypt; `None`: no password opens this account.
    pub password_hash: Option<String>,
    pub role: Role,
    pub disabled: bool,
    pub created_at: Timestamp,
}

/// The `role` claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    User,
    Admin,
}

impl Role {
    pub fn as_str(self) -> &'static str {
        match self {
            Role::User => "USER",
            Role::Admin => "ADMIN",
        }
    }
}

/// A sign-in on a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRow {
    pub session_id: SessionId,
    pub user_id: UserId,
    pub device_name: Option<String>,
    pub created_at: Timestamp,
    pub last_used_at: Timestamp,
    /// When the session ends by itself.
    pub expires_at: Timestamp,
}

/// Hash of a secret: SHA-256 of a refresh token or a cookie.
pub type SecretHash = [u8; 32];

/// A new session with its first secrets.
#[derive(Clone, Debug)]
pub struct NewSession {
    pub row: SessionRow,
    /// `None` for minted tokens, which can't be refreshed.
    pub refresh: Option<SecretHash>,
    /// Of the `chatd_session` cookie.
    pub cookie: Option<SecretHash>,
}

/// How a refresh ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// The old token is dead, the new one is stored.
    Rotated(SessionRow),
    /// The token was used before: the session is ended now, and here is whose it was.
    Reused(SessionRow),
    /// Unknown, expired, or of an ended session.
    Refused,
}

/// Accounts and sessions. Every change is durable when its call returns.
#[async_trait]
pub trait Accounts: Send + Sync {
    /// By phone number.
    async fn by_phone(&self, phone: &Phone) -> Result<Option<Account>, Error>;
    /// By username.
    async fn by_username(&self, username: &Username) -> Result<Option<Account>, Error>;
    /// By id.
    async fn by_id(&self, user: UserId) -> Result<Option<Account>, Error>;
    /// Replaces a password hash and ends every session of the user's but one, in one step. Answers which
    /// ended. `None`: nothing was changed, because the hash is another by now or the session has ended.
    async fn change_password(
        &self,
        user: UserId,
        change: PasswordChange,
        now: Timestamp,
    ) -> Result<Option<Vec<SessionId>>, Error>;
    /// Disables or enables an account. Disabling ends every session in the same step, behind which none
    /// starts; answers which ended. `None`: there is no such user.
    async fn set_disabled(
        &self,
        user: UserId,
        disabled: bool,
        now: Timestamp,
    ) -> Result<Option<Vec<SessionId>>, Error>;

    /// Starts sessions, all or none. `false`: one of the users is disabled or gone, and none was started.
    async fn start_sessions(&self, sessions: Vec<NewSession>) -> Result<bool, Error>;
    /// Trades a refresh token for a new one, atomically: of two at once, one wins and the other is a reuse.
    async fn rotate(&self, old: SecretHash, new: SecretHash, now: Timestamp) -> Result<Rotation, Error>;
    /// The live session that a cookie's secret belongs to.
    async fn by_cookie(&self, cookie: SecretHash, now: Timestamp) -> Result<Option<SessionRow>, Error>;
    /// Trades the refresh token of a session known by its cookie, or of any session by id.
    async fn replace_refresh(
        &self,
        session: SessionId,
        new: SecretHash,
        now: Timestamp,
    ) -> Result<bool, Error>;
    /// The live sessions of a person, newest first, at most `limit`.
    async fn sessions(&self, user: UserId, now: Timestamp, limit: usize) -> Result<Vec<SessionRow>, Error>;
    /// Ends sessions of a person: those named, or, with `all_but`, all others. Answers which ended.
    async fn end_sessions(&self, user: UserId, which: Which, now: Timestamp)
    -> Result<Vec<SessionId>, Error>;
    /// Sessions that were ended after a moment: what a verifier must refuse although its tokens live.
    async fn ended_since(&self, since: Timestamp) -> Result<Vec<SessionId>, Error>;
    /// Removes sessions that have reached their own end, at most `limit`, each answered once, and whatever
    /// else has expired.
    async fn expire(&self, now: Timestamp, limit: usize) -> Result<Vec<SessionId>, Error>;
}

/// A new password for an old one.
#[derive(Clone, Debug)]
pub struct PasswordChange {
    /// The hash that was checked.
    pub from: String,
    pub to: String,
    /// The session that goes on.
    pub keep: SessionId,
}

/// Which sessions to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    One(SessionId),
    AllBut(SessionId),
    All,
}
