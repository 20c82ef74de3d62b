//! Those who long-poll sync: woken when something of theirs was applied.

use crate::delivery::Delivery;
use parking_lot::Mutex;
use schema::UserId;
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::Notify;

/// The people that somebody polls for.
#[derive(Default)]
pub(crate) struct Watchers(Mutex<HashMap<UserId, Arc<Notify>>>);

/// Watches while it lives.
pub(crate) struct Watch<'a> {
    watchers: &'a Watchers,
    user: UserId,
    notify: Arc<Notify>,
}

impl Watchers {
    /// Watches for changes of this person, from now on.
    pub(crate) fn watch(&self, user: UserId) -> Watch<'_> {
        let notify = Arc::clone(self.0.lock().entry(user).or_default());
        Watch { watchers: self, user, notify }
    }

    /// Wakes whoever polls for the people of these deliveries.
    pub(crate) fn wake(&self, deliveries: &[Delivery]) {
        let watchers = self.0.lock();
        if watchers.is_empty() {
            return;
        }
        for user in deliveries.iter().flat_map(Delivery::people) {
            if let Some(notify) = watchers.get(&user) {
                notify.notify_waiters();
            }
        }
    }
}

impl Watch<'_> {
    /// The next change. Take the future, look at what is there, then await it: so none is missed.
    pub(crate) fn changed(&self) -> tokio::sync::futures::Notified<'_> {
        self.notify.notified()
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        let mut watchers = self.watchers.0.lock();
        // Two hold it when we are the last: the map and we.
        if Arc::strong_count(&self.notify) == 2 {
            watchers.remove(&self.user);
        }
    }
}
