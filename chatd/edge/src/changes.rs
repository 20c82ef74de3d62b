//! Word that something about a person has changed, for those who remember it.

use parking_lot::RwLock;
use schema::{UserId, Username};

/// Told of a change, from whatever thread made it: quick, never blocking.
pub type Listener = Box<dyn Fn(UserId, Option<&Username>) + Send + Sync>;

/// Told that some changes were not told: whatever is remembered of anybody may be old.
pub type Missed = Box<dyn Fn() + Send + Sync>;

/// The listeners of this process. A change is told after it is durable: who forgets what they remembered of
/// the person then reads the new state.
#[derive(Default)]
pub struct Changes {
    listeners: RwLock<Vec<Listener>>,
    missed: RwLock<Vec<Missed>>,
}

impl Changes {
    /// Tells `listener` of every change from now on.
    pub fn listen(&self, listener: Listener) {
        self.listeners.write().push(listener);
    }

    /// Tells `listener` whenever changes of another process may have been missed.
    pub fn listen_for_missed(&self, listener: Missed) {
        self.missed.write().push(listener);
    }

    /// Changes that another process made may have been missed.
    pub fn missed(&self) {
        self.missed.read().iter().for_each(|listener| listener());
    }

    /// A profile, its privacy, its contacts or its very existence has changed. `username` is the one that
    /// the person had, if it is known.
    pub fn person(&self, user: UserId, username: Option<&Username>) {
        self.listeners.read().iter().for_each(|listener| listener(user, username));
    }
}
