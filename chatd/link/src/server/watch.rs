//! Ears of sockets that are in another process.

use crate::frame::encode;
use crate::outbox::{NotTaken, Outbox, Rank};
use crate::wire::{Down, Shown};
use parking_lot::Mutex;
use presence::{Ear, Heard};
use schema::presence::Presence;
use std::collections::HashMap;
use std::sync::{Arc, Weak};

/// The ears of a link, by connection. When they are dropped nobody hears any more.
pub(super) struct Ears {
    outbox: Arc<Outbox>,
    open: Mutex<HashMap<u64, Arc<Far>>>,
}

/// A socket elsewhere.
struct Far {
    connection: u64,
    outbox: Arc<Outbox>,
}

impl Ears {
    pub(super) fn new(outbox: Arc<Outbox>) -> Self {
        Self { outbox, open: Mutex::default() }
    }

    /// The ear of a connection.
    pub(super) fn of(&self, connection: u64) -> Weak<dyn Ear> {
        let mut open = self.open.lock();
        let far = open
            .entry(connection)
            .or_insert_with(|| Arc::new(Far { connection, outbox: Arc::clone(&self.outbox) }));
        Arc::downgrade(far) as Weak<dyn Ear>
    }

    pub(super) fn remove(&self, connection: u64) {
        self.open.lock().remove(&connection);
    }

    pub(super) fn clear(&self) {
        self.open.lock().clear();
    }
}

impl Ear for Far {
    fn presence(&self, subscription: u32, presence: &Arc<Presence>) -> Heard {
        let shown = Shown { connection: self.connection, subscription, presence: Arc::clone(presence) };
        let Ok(frame) = encode(&Down::Presence(shown)) else { return Heard::Gone };
        match self.outbox.push(Rank::Soft, None, frame) {
            Ok(()) => Heard::Yes,
            Err(NotTaken::Full) => Heard::Full,
            Err(NotTaken::Closed) => Heard::Gone,
        }
    }
}
