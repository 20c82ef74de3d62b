//! Who a name means, from a bounded memory in front of the profiles.

use crate::Error;
use quick_cache::sync::Cache;
use schema::{UserId, Username};
use std::sync::Arc;
use store::Profiles;
use store::profiles::Name;

/// Names and ids remembered.
const REMEMBERED: usize = 200_000;

/// The people that chat knows of.
pub(crate) struct People {
    profiles: Arc<dyn Profiles>,
    ids: Cache<UserId, ()>,
    names: Cache<Username, UserId>,
}

impl People {
    pub(crate) fn new(profiles: Arc<dyn Profiles>) -> Self {
        Self { profiles, ids: Cache::new(REMEMBERED), names: Cache::new(REMEMBERED) }
    }

    /// The user with this id or username.
    pub(crate) async fn resolve(&self, name: &str) -> Result<UserId, Error> {
        const UNKNOWN: Error = Error::NotFound("user");
        if let Ok(id) = name.parse::<UserId>() {
            if self.ids.get(&id).is_some() {
                return Ok(id);
            }
            self.profiles.find(&Name::Id(id)).await?.ok_or(UNKNOWN)?;
            self.ids.insert(id, ());
            return Ok(id);
        }
        let username: Username = name.parse().map_err(|_| UNKNOWN)?;
        if let Some(id) = self.names.get(&username) {
            return Ok(id);
        }
        let id = self.profiles.find(&Name::Username(username.clone())).await?.ok_or(UNKNOWN)?.user_id;
        self.names.insert(username, id);
        self.ids.insert(id, ());
        Ok(id)
    }

    /// Forgets somebody who was deleted.
    pub(crate) fn forget(&self, user: UserId, username: Option<&Username>) {
        self.ids.remove(&user);
        if let Some(username) = username {
            self.names.remove(username);
        }
    }
}
