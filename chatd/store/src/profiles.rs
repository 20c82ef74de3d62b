//! People as others see them: profile, privacy, contacts, and what is left of those who are gone. Creating
//! one writes account and profile together.

use crate::Error;
use crate::accounts::Account;
use async_trait::async_trait;
use schema::user::{AvatarUrl, PrivacyChange, PrivacySettings};
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
    /// The presence that the person chose, in the words of the wire; `None`: what their sockets say.
    pub chosen_status: Option<String>,
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

impl Name {
    /// Whom a text names in a path or a body: a user id or a username, `None` when it can be neither.
    pub fn of(text: &str) -> Option<Self> {
        // Only the form with hyphens is an id: without them, 32 hex digits may be somebody's username.
        if text.len() == 36
            && let Ok(id) = text.parse::<UserId>()
        {
            return Some(Name::Id(id));
        }
        text.parse::<Username>().ok().map(Name::Username)
    }
}

/// What of a profile is to change: `None` stays as it is, `Some(None)` goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProfileChange {
    pub display_name: Option<DisplayName>,
    pub username: Option<Option<Username>>,
    pub avatar_url: Option<Option<AvatarUrl>>,
}

/// A profile that was changed.
#[derive(Clone, Debug, PartialEq)]
pub struct Updated {
    /// The username before, by which others may still remember the person.
    pub former_username: Option<Username>,
    /// As it is now.
    pub profile: Profile,
}

/// Somebody in a person's contacts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    pub user_id: UserId,
    /// What the owner calls them; nobody else reads it.
    pub alias: Option<DisplayName>,
    pub created_at: Timestamp,
}

/// How putting somebody among the contacts ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Put {
    /// They are there from now on.
    Added(Contact),
    /// They were there, and are as told here.
    Changed(Contact),
    /// The owner has as many contacts as are allowed; nothing was stored.
    Full,
    /// One of the two does not exist.
    Unknown,
}

/// Profiles. Every change is durable when its call returns.
#[async_trait]
pub trait Profiles: Send + Sync {
    /// Creates people, each with account and profile in one step. One result for each, in order: a taken
    /// phone number or username fails that row with `Conflict`, never the others.
    async fn create(&self, people: Vec<NewPerson>) -> Result<Vec<Result<(), Error>>, Error>;
    /// One person.
    async fn find(&self, name: &Name) -> Result<Option<Profile>, Error>;
    /// People by id, in the order asked.
    async fn find_all(&self, users: &[UserId]) -> Result<Vec<Option<Profile>>, Error>;
    /// People in the order of their ids, behind `after`, at most `limit`.
    async fn list(&self, after: Option<UserId>, limit: usize) -> Result<Vec<Profile>, Error>;

    /// Changes a profile in one step. `Conflict` when the username is taken, then nothing is changed; `None`
    /// when there is nobody.
    async fn update(&self, user: UserId, change: ProfileChange) -> Result<Option<Updated>, Error>;
    /// Changes what is named of a person's privacy and answers the whole; `None` when there is nobody.
    async fn set_privacy(
        &self,
        user: UserId,
        change: &PrivacyChange,
    ) -> Result<Option<PrivacySettings>, Error>;
    /// When people were last there, in one step. A time never goes back; who does not exist is passed over.
    async fn set_last_seen(&self, seen: &[(UserId, Timestamp)]) -> Result<(), Error>;
    /// Remembers the presence that a person chose; who does not exist is passed over.
    async fn set_chosen_status(&self, user: UserId, status: Option<&str>) -> Result<(), Error>;

    /// Puts somebody among the owner's contacts, in one step. If they are there, they keep their time and take
    /// the alias if there is one. An owner has at most `most` contacts.
    async fn put_contact(&self, owner: UserId, contact: Contact, most: usize) -> Result<Put, Error>;
    /// Gives a contact another alias; `None` when there is no such contact.
    async fn set_alias(
        &self,
        owner: UserId,
        contact: UserId,
        alias: Option<&DisplayName>,
    ) -> Result<Option<Contact>, Error>;
    /// Whether there was such a contact, which is gone now.
    async fn remove_contact(&self, owner: UserId, contact: UserId) -> Result<bool, Error>;
    /// The owner's contacts in the order of their ids, behind `after`, at most `limit`.
    async fn contacts(
        &self,
        owner: UserId,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<Vec<Contact>, Error>;
    /// Who has this person among their contacts, in the order of their ids, behind `after`, at most `limit`.
    async fn contacted_by(
        &self,
        person: UserId,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<Vec<UserId>, Error>;
    /// For each `(owner, contact)`, in order, whether the owner has the contact.
    async fn are_contacts(&self, pairs: &[(UserId, UserId)]) -> Result<Vec<bool>, Error>;

    /// Removes a person with sessions, credentials and contacts in one step, behind which no session of theirs
    /// can start, and leaves a tombstone of nothing but the id; answers which sessions ended, whose access
    /// tokens may still live. `None` when there was nobody.
    async fn delete(&self, user: UserId) -> Result<Option<Vec<SessionId>>, Error>;
    /// For each, in order, whether it is a person who was deleted. Somebody who never was is not.
    async fn deleted(&self, users: &[UserId]) -> Result<Vec<bool>, Error>;
    /// The deleted whose messages were not erased yet, the first to go first, at most `limit`.
    async fn unerased(&self, limit: usize) -> Result<Vec<UserId>, Error>;
    /// Nothing of this deleted person's is left anywhere.
    async fn set_erased(&self, user: UserId) -> Result<(), Error>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_names_an_id_or_a_username_or_nobody() {
        let id = UserId::draw();
        assert_eq!(Name::of(&id.to_string()), Some(Name::Id(id)));
        let username = |text: &str| text.parse().ok().map(Name::Username);
        assert_eq!(Name::of("User1"), username("user1"));
        let hex = format!("a{}", "0".repeat(31));
        assert!(username(&hex).is_some());
        assert_eq!(Name::of(&hex), username(&hex));
        for nobody in ["", " ", "me", "+1234567890", "../etc", "a b", "*", &"a".repeat(33)] {
            assert_eq!(Name::of(nobody), None, "{nobody}");
        }
    }
}
