//! Somebody who listens, and remembers what came.

use parking_lot::Mutex;
use presence::{Ear, Heard};
use schema::presence::{Presence as Shown, Status};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::timeout;

/// A test that waits this long has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Default)]
pub(crate) struct Listener {
    told: Mutex<VecDeque<(u32, Shown)>>,
    bell: Notify,
    /// It has no room.
    pub(crate) full: AtomicBool,
    /// How often it had none.
    pub(crate) shed: AtomicUsize,
}

impl Ear for Listener {
    fn presence(&self, subscription: u32, presence: &Arc<Shown>) -> Heard {
        if self.full.load(Ordering::SeqCst) {
            self.shed.fetch_add(1, Ordering::SeqCst);
            return Heard::Full;
        }
        self.told.lock().push_back((subscription, (**presence).clone()));
        self.bell.notify_one();
        Heard::Yes
    }
}

impl Listener {
    /// What comes next.
    pub(crate) async fn next(&self) -> (u32, Shown) {
        timeout(PATIENCE, async {
            loop {
                if let Some(told) = self.told.lock().pop_front() {
                    return told;
                }
                self.bell.notified().await;
            }
        })
        .await
        .unwrap()
    }

    /// The status that comes next.
    pub(crate) async fn status(&self) -> Status {
        self.next().await.1.status
    }

    /// Everything that came and was not looked at.
    pub(crate) fn all(&self) -> Vec<(u32, Shown)> {
        self.told.lock().drain(..).collect()
    }
}
