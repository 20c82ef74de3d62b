//! People as others see them. Creating one writes account and profile together.

use crate::Error;
use crate::accounts::Account;
use async_trait::async_trait;
use schema::user::PrivacySettings;
use schema::{DisplayName, Phone, SessionId, Timestamp, UserId, Username};

/// A person's profile.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    pub user_id: UserId,
    pub phone_number: Option<Phone>,
    pub username: Option<Username>,
    pub display_name: DisplayName,
    pub avatar_url: Option<String>,
    pub last_seen: Option<Timestamp>,
    pub privacy: PrivacySettings,
    pub created_at: Timestamp,
    pub disabled: bool,
    pub has_password: bool,
}

/// A person to be created.
#[derive(Clone, Debug)]
pub struct NewPerson {
    pub account: Account,
    pub display_name: DisplayName,
}

/// A name that the public uses for a person.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Name {
    Id(UserId),
    Username(Username),
    Phone(Phone),
}

/// Profiles. Every change is durable when its call returns.
#[async_trait]
pub trait Profiles: Send + Sync {
    /// Creates people, each with account and profile in one step. One result for each, in order: a taken
    /// phone number or username fails that row with `Conflict`, never the others.
    async fn create(&self, people: Vec<NewPerson>) -> Result<Vec<Result<(), Error>>, Error>;
    /// One person.
    async fn find(&self, name: &Name) -> Result<Option<Profile>, Error>;
    /// People in the order of their ids, behind `after`, at most `limit`.
    async fn list(&self, after: Option<UserId>, limit: usize) -> Result<Vec<Profile>, Error>;
    /// Removes a person with sessions and credentials in one step, behind which no session of theirs can
    /// start; answers which sessions ended, whose access tokens may still live. `None` when there was nobody.
    async fn delete(&self, user: UserId) -> Result<Option<Vec<SessionId>>, Error>;
}
