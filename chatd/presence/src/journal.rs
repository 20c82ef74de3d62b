//! Signals into the log: not synced, never waited for, shed before they could be in the way of a message.

use crate::metrics::{Reason, Shed};
use bytes::Bytes;
use schema::event::partition_of;
use schema::limits::PRESENCE_RECORDS;
use schema::presence::signal::Said;
use schema::{Timestamp, UserId};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use store::Events;

/// Writes signals.
pub(crate) struct Journal {
    events: Arc<dyn Events>,
    on_their_way: Arc<AtomicUsize>,
    shed: Shed,
}

/// A record on its way; counts itself off when its outcome is there, or will never be.
struct Place(Arc<AtomicUsize>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Journal {
    pub(crate) fn new(events: Arc<dyn Events>, shed: Shed) -> Self {
        Self { events, on_their_way: Arc::default(), shed }
    }

    /// Writes down what somebody's presence did, if there is room.
    pub(crate) fn write(&self, actor: UserId, said: Said, at: Timestamp) {
        if self.on_their_way.fetch_add(1, Ordering::AcqRel) >= PRESENCE_RECORDS {
            self.on_their_way.fetch_sub(1, Ordering::AcqRel);
            return self.shed.count(Reason::Log);
        }
        let place = Place(Arc::clone(&self.on_their_way));
        let shed = self.shed.clone();
        let partition = partition_of(&said.key(actor), self.events.partitions(said.topic()));
        let done = move |outcome: Result<u64, store::Error>| {
            drop(place);
            if outcome.is_err() {
                shed.count(Reason::Log);
            }
        };
        let payload = Bytes::from(said.encode(actor, at));
        if self.events.append(said.topic(), partition, payload, Box::new(done)).is_err() {
            self.shed.count(Reason::Log);
        }
    }
}
