//! Word that something about a person has changed, for those who remember it.

use parking_lot::RwLock;
use schema::{UserId, Username};

/// Told of a change, from whatever thread made it: quick, never blocking.
pub type Listener = Box<dyn Fn(UserId, Option<&Username>) + Send + Sync>;

/// The listeners of this process. A change is told after it is durable: who forgets what they remembered of
/// the person then reads the new state.
#[derive(Default)]
pub struct Changes(RwLock<Vec<Listener>>);

impl Changes {
    /// Tells `listener` of every change from now on.
    pub fn listen(&self, listener: Listener) {
        self.0.write().push(listener);
    }

    /// A profile, its privacy, its contacts or its very existence has changed. `username` is the one that
    /// the person had, if it is known.
    pub fn person(&self, user: UserId, username: Option<&Username>) {
        self.0.read().iter().for_each(|listener| listener(user, username));
    }
}
