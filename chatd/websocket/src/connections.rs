//! Who is here: every open socket, the sockets of each user, and those of each session.

use crate::connection::{Connection, Identity};
use parking_lot::Mutex;
use schema::{SessionId, UserId};
use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::Arc;

/// Parts with a lock of their own, so that connecting sessions do not wait for the fan-out.
const SHARDS: usize = 64;

/// A part of the map; few people have more than one socket.
type Shard<K> = Mutex<HashMap<K, Vec<Arc<Connection>>>>;

/// A map from a key to connections.
struct Shards<K> {
    hasher: RandomState,
    shards: Box<[Shard<K>]>,
}

impl<K: Hash + Eq + Copy> Shards<K> {
    fn new() -> Self {
        Self { hasher: RandomState::new(), shards: (0..SHARDS).map(|_| Mutex::default()).collect() }
    }

    fn shard(&self, key: K) -> &Shard<K> {
        &self.shards[usize::try_from(self.hasher.hash_one(key) % SHARDS as u64).unwrap_or(0)]
    }

    /// Adds a connection unless there are `bound` under the key; 0 is no bound.
    fn add(&self, key: K, connection: &Arc<Connection>, bound: usize) -> bool {
        let mut shard = self.shard(key).lock();
        let here = shard.entry(key).or_insert_with(|| Vec::with_capacity(1));
        let room = bound == 0 || here.len() < bound;
        if room {
            here.push(Arc::clone(connection));
        }
        room
    }

    fn remove(&self, key: K, id: u64) {
        let mut shard = self.shard(key).lock();
        if let Some(here) = shard.get_mut(&key) {
            here.retain(|connection| connection.id != id);
            if here.is_empty() {
                shard.remove(&key);
            }
        }
    }

    fn each(&self, key: K, mut visit: impl FnMut(&Arc<Connection>)) {
        if let Some(here) = self.shard(key).lock().get(&key) {
            here.iter().for_each(&mut visit);
        }
    }
}

/// The open sockets of this process.
pub(crate) struct Connections {
    all: Mutex<HashMap<u64, Arc<Connection>>>,
    users: Shards<UserId>,
    sessions: Shards<SessionId>,
}

/// The user has as many sockets as may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooMany;

impl Connections {
    pub(crate) fn new() -> Self {
        Self { all: Mutex::default(), users: Shards::new(), sessions: Shards::new() }
    }

    /// A socket was opened; whose it is comes later.
    pub(crate) fn open(&self, connection: &Arc<Connection>) {
        self.all.lock().insert(connection.id, Arc::clone(connection));
    }

    /// Now it is known whose it is.
    pub(crate) fn identify(
        &self,
        connection: &Arc<Connection>,
        who: Identity,
        bound: usize,
    ) -> Result<(), TooMany> {
        if !self.users.add(who.user, connection, bound) {
            return Err(TooMany);
        }
        self.sessions.add(who.session, connection, 0);
        Ok(())
    }

    /// A socket is gone.
    pub(crate) fn remove(&self, connection: &Connection) {
        self.all.lock().remove(&connection.id);
        if let Some(who) = connection.identity.get() {
            self.users.remove(who.user, connection.id);
            self.sessions.remove(who.session, connection.id);
        }
    }

    /// Visits the sockets of a user. The visit must be quick and must not come back here.
    pub(crate) fn of_user(&self, user: UserId, visit: impl FnMut(&Arc<Connection>)) {
        self.users.each(user, visit);
    }

    /// Visits the sockets of a session, likewise.
    pub(crate) fn of_session(&self, session: SessionId, visit: impl FnMut(&Arc<Connection>)) {
        self.sessions.each(session, visit);
    }

    /// Every open socket.
    pub(crate) fn all(&self) -> Vec<Arc<Connection>> {
        self.all.lock().values().cloned().collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.all.lock().len()
    }
}
