//! Who a name means and what they allow, from a bounded memory in front of the profiles.

use crate::Error;
use quick_cache::sync::Cache;
use schema::{UserId, Username};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use store::Profiles;
use store::profiles::{Name, Profile};

/// Names and ids remembered.
const REMEMBERED: usize = 200_000;

/// What chat needs to know of a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Person {
    Here {
        /// Also those may write to them who are no contact of theirs.
        takes_unknown: bool,
        /// Others learn what they have seen.
        shows_receipts: bool,
    },
    /// They were deleted. What was written to them and by them is still there.
    Gone,
}

/// The people that chat knows of.
pub(crate) struct People {
    profiles: Arc<dyn Profiles>,
    ids: Cache<UserId, Person>,
    names: Cache<Username, UserId>,
    /// Counts what was forgotten: what was read before is not remembered after.
    forgotten: AtomicU64,
}

impl People {
    pub(crate) fn new(profiles: Arc<dyn Profiles>) -> Self {
        Self {
            profiles,
            ids: Cache::new(REMEMBERED),
            names: Cache::new(REMEMBERED),
            forgotten: AtomicU64::new(0),
        }
    }

    /// The user with this id or username; a deleted one by id only.
    pub(crate) async fn resolve(&self, name: &str) -> Result<UserId, Error> {
        const UNKNOWN: Error = Error::not_found("user");
        let username = match Name::of(name) {
            Some(Name::Id(id)) => return self.person(id).await?.map(|_| id).ok_or(UNKNOWN),
            Some(Name::Username(username)) => username,
            Some(Name::Phone(_)) | None => return Err(UNKNOWN),
        };
        if let Some(id) = self.names.get(&username) {
            return Ok(id);
        }
        let since = self.forgotten.load(Ordering::SeqCst);
        let profile = self.profiles.find(&Name::Username(username.clone())).await?.ok_or(UNKNOWN)?;
        self.remember(&profile, since);
        self.names.insert(username.clone(), profile.user_id);
        if self.forgotten.load(Ordering::SeqCst) != since {
            self.names.remove(&username);
        }
        Ok(profile.user_id)
    }

    /// What is known of an id; `None`: nobody ever had it.
    pub(crate) async fn person(&self, user: UserId) -> Result<Option<Person>, Error> {
        if let Some(person) = self.ids.get(&user) {
            return Ok(Some(person));
        }
        let since = self.forgotten.load(Ordering::SeqCst);
        if let Some(profile) = self.profiles.find(&Name::Id(user)).await? {
            return Ok(Some(self.remember(&profile, since)));
        }
        let gone = self.profiles.deleted(&[user]).await?.first() == Some(&true);
        if gone {
            self.ids.insert(user, Person::Gone);
        }
        Ok(gone.then_some(Person::Gone))
    }

    /// Whether a person has another one among their contacts.
    pub(crate) async fn has_contact(&self, owner: UserId, contact: UserId) -> Result<bool, Error> {
        Ok(self.profiles.are_contacts(&[(owner, contact)]).await?.first() == Some(&true))
    }

    /// The deleted whose messages were not erased yet, at most `limit`.
    pub(crate) async fn unerased(&self, limit: usize) -> Result<Vec<UserId>, Error> {
        Ok(self.profiles.unerased(limit).await?)
    }

    /// Nothing of a deleted person's messages is left.
    pub(crate) async fn set_erased(&self, user: UserId) -> Result<(), Error> {
        Ok(self.profiles.set_erased(user).await?)
    }

    /// Forgets what was known of somebody: it has changed.
    pub(crate) fn forget(&self, user: UserId, username: Option<&Username>) {
        self.forgotten.fetch_add(1, Ordering::SeqCst);
        self.ids.remove(&user);
        if let Some(username) = username {
            self.names.remove(username);
        }
    }

    /// Forgets everybody: some change was not told.
    pub(crate) fn forget_all(&self) {
        self.forgotten.fetch_add(1, Ordering::SeqCst);
        self.ids.clear();
        self.names.clear();
    }

    /// Remembers what was read, unless something changed since it was.
    fn remember(&self, profile: &Profile, since: u64) -> Person {
        let person = Person::Here {
            takes_unknown: profile.privacy.allow_messages_from_unknown,
            shows_receipts: profile.privacy.show_read_receipts,
        };
        self.ids.insert(profile.user_id, person);
        if self.forgotten.load(Ordering::SeqCst) != since {
            self.ids.remove(&profile.user_id);
        }
        person
    }
}
