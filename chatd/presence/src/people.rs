//! What presence needs to know of people, from a bounded memory in front of the profiles.

use quick_cache::sync::Cache;
use schema::presence::Chosen;
use schema::user::PrivacySettings;
use schema::{Timestamp, UserId, Username};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use store::profiles::{Name, Profile};
use store::{Error, Profiles};

/// People remembered.
const REMEMBERED: usize = 100_000;
/// Counters of what was forgotten: with one, whoever changes would keep all others from being remembered.
const COUNTERS: usize = 256;

/// Somebody, as far as their presence goes.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) user: UserId,
    pub(crate) privacy: PrivacySettings,
    pub(crate) chosen: Chosen,
    /// As the profile has it: what the store of presence has not saved yet is newer.
    pub(crate) last_seen: Option<Timestamp>,
}

/// The people that presence knows of.
pub(crate) struct People {
    profiles: Arc<dyn Profiles>,
    known: Cache<UserId, Arc<Person>>,
    names: Cache<Username, UserId>,
    /// Count what was forgotten: what was read before is not remembered after.
    forgotten: [AtomicU64; COUNTERS],
    /// The same of names.
    renamed: AtomicU64,
}

impl People {
    pub(crate) fn new(profiles: Arc<dyn Profiles>) -> Self {
        let (known, names) = (Cache::new(REMEMBERED), Cache::new(REMEMBERED));
        let forgotten = [const { AtomicU64::new(0) }; COUNTERS];
        Self { profiles, known, names, forgotten, renamed: AtomicU64::new(0) }
    }

    /// How often somebody was forgotten, together with some others.
    fn forgotten(&self, user: UserId) -> &AtomicU64 {
        // The last byte of an id is random.
        &self.forgotten[usize::from(user.as_bytes()[15]) % COUNTERS]
    }

    /// People by id, in the order asked; `None` is unknown or deleted.
    pub(crate) async fn find(&self, users: &[UserId]) -> Result<Vec<Option<Arc<Person>>>, Error> {
        let mut found: Vec<Option<Arc<Person>>> = users.iter().map(|user| self.known.get(user)).collect();
        let missing: Vec<UserId> =
            users.iter().zip(&found).filter(|(_, found)| found.is_none()).map(|(user, _)| *user).collect();
        if missing.is_empty() {
            return Ok(found);
        }
        let since = missing.iter().map(|user| self.forgotten(*user).load(Ordering::SeqCst));
        let since: Vec<u64> = since.collect();
        let profiles = self.profiles.find_all(&missing).await?;
        let read: HashMap<UserId, Arc<Person>> = profiles
            .iter()
            .zip(since)
            .filter_map(|(profile, since)| profile.as_ref().map(|profile| (profile, since)))
            .map(|(profile, since)| (profile.user_id, self.remember(profile, since)))
            .collect();
        for (user, slot) in users.iter().zip(&mut found) {
            if slot.is_none() {
                *slot = read.get(user).cloned();
            }
        }
        Ok(found)
    }

    /// The users behind these ids and usernames, in the order asked; `None` is unknown or deleted.
    pub(crate) async fn resolve(&self, names: &[String]) -> Result<Vec<Option<UserId>>, Error> {
        let mut resolved = Vec::with_capacity(names.len());
        for text in names {
            resolved.push(match Name::of(text) {
                Some(Name::Username(username)) => self.by_username(username).await?,
                Some(Name::Id(user)) => Some(user),
                Some(Name::Phone(_)) | None => None,
            });
        }
        let ids: Vec<UserId> = resolved.iter().flatten().copied().collect();
        let mut exist = self.find(&ids).await?.into_iter();
        for slot in resolved.iter_mut().filter(|slot| slot.is_some()) {
            *slot = exist.next().flatten().map(|person| person.user);
        }
        Ok(resolved)
    }

    async fn by_username(&self, username: Username) -> Result<Option<UserId>, Error> {
        if let Some(user) = self.names.get(&username) {
            return Ok(Some(user));
        }
        let since = self.renamed.load(Ordering::SeqCst);
        let Some(profile) = self.profiles.find(&Name::Username(username.clone())).await? else {
            return Ok(None);
        };
        self.names.insert(username.clone(), profile.user_id);
        if self.renamed.load(Ordering::SeqCst) != since {
            self.names.remove(&username);
        }
        Ok(Some(profile.user_id))
    }

    /// Forgets what was known of somebody: it has changed.
    pub(crate) fn forget(&self, user: UserId, username: Option<&Username>) {
        self.forgotten(user).fetch_add(1, Ordering::SeqCst);
        self.known.remove(&user);
        if let Some(username) = username {
            self.renamed.fetch_add(1, Ordering::SeqCst);
            self.names.remove(username);
        }
    }

    /// Forgets everybody: who knows what has changed.
    pub(crate) fn forget_all(&self) {
        for counter in self.forgotten.iter().chain([&self.renamed]) {
            counter.fetch_add(1, Ordering::SeqCst);
        }
        self.known.clear();
        self.names.clear();
    }

    /// Remembers what was read, unless something changed since it was.
    fn remember(&self, profile: &Profile, since: u64) -> Arc<Person> {
        let person = Arc::new(Person {
            user: profile.user_id,
            privacy: profile.privacy.clone(),
            chosen: Chosen::of(profile.chosen_status.as_deref()),
            last_seen: profile.last_seen,
        });
        self.known.insert(person.user, Arc::clone(&person));
        if self.forgotten(person.user).load(Ordering::SeqCst) != since {
            self.known.remove(&person.user);
        }
        person
    }
}
