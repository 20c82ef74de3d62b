//! A store of presence that several services share, and that carries what they tell each other.

use async_trait::async_trait;
use embedded::MemoryPresence;
use parking_lot::Mutex;
use schema::{Timestamp, UserId};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use store::Error;
use store::presence::{Presence, Signal, Trace, Turn};
use tokio::sync::broadcast;
use uuid::Uuid;

#[derive(Default)]
pub(crate) struct Bus {
    memory: Mutex<Arc<MemoryPresence>>,
    seats: Mutex<Vec<broadcast::Sender<Signal>>>,
    /// What is told gets lost on its way.
    pub(crate) loses: AtomicBool,
    /// The store answers nothing.
    pub(crate) away: AtomicBool,
    /// Looks that were told.
    pub(crate) looks: AtomicUsize,
}

/// One process's end.
pub(crate) struct Seat {
    bus: Arc<Bus>,
    number: usize,
}

impl Bus {
    pub(crate) fn seat(self: &Arc<Self>) -> Seat {
        let mut seats = self.seats.lock();
        seats.push(broadcast::Sender::new(1024));
        Seat { bus: Arc::clone(self), number: seats.len() - 1 }
    }

    /// Loses everything that it holds.
    pub(crate) fn flush(&self) {
        *self.memory.lock() = Arc::default();
    }

    /// Tells everybody that something may have been lost.
    pub(crate) fn reconnect(&self) {
        for seat in &*self.seats.lock() {
            seat.send(Signal::Everybody).unwrap();
        }
    }
}

impl Seat {
    fn memory(&self) -> Result<Arc<MemoryPresence>, Error> {
        if self.bus.away.load(Ordering::SeqCst) {
            return Err(Error::Unavailable("the bus is away".to_owned()));
        }
        Ok(Arc::clone(&self.bus.memory.lock()))
    }
}

#[async_trait]
impl Presence for Seat {
    async fn beat(&self, node: Uuid, until: Timestamp) -> Result<bool, Error> {
        self.memory()?.beat(node, until).await
    }
    async fn tell(&self, signals: &[Signal]) -> Result<(), Error> {
        self.memory()?;
        let looks = signals.iter().filter(|signal| matches!(signal, Signal::Look(_))).count();
        self.bus.looks.fetch_add(looks, Ordering::SeqCst);
        if !self.bus.loses.load(Ordering::SeqCst) {
            for (number, seat) in self.bus.seats.lock().iter().enumerate() {
                if number != self.number {
                    signals.iter().for_each(|signal| drop(seat.send(*signal)));
                }
            }
        }
        Ok(())
    }
    fn signals(&self) -> broadcast::Receiver<Signal> {
        self.bus.seats.lock()[self.number].subscribe()
    }
    async fn hold(&self, node: Uuid, users: &[UserId]) -> Result<(), Error> {
        self.memory()?.hold(node, users).await
    }
    async fn release(&self, node: Uuid, users: &[UserId], now: Timestamp) -> Result<Vec<bool>, Error> {
        self.memory()?.release(node, users, now).await
    }
    async fn look(&self, node: Uuid, users: &[UserId], now: Timestamp) -> Result<Vec<Trace>, Error> {
        self.memory()?.look(node, users, now).await
    }
    async fn lapsed(&self, now: Timestamp, limit: usize) -> Result<Vec<UserId>, Error> {
        self.memory()?.lapsed(now, limit).await
    }
    async fn seen(&self, seen: &[(UserId, Timestamp)]) -> Result<usize, Error> {
        self.memory()?.seen(seen).await
    }
    async fn unsaved(&self, limit: usize) -> Result<Vec<(UserId, Timestamp)>, Error> {
        self.memory()?.unsaved(limit).await
    }
    async fn saved(&self, seen: &[(UserId, Timestamp)]) -> Result<(), Error> {
        self.memory()?.saved(seen).await
    }
    async fn turn(&self, turns: &[Turn], now: Timestamp) -> Result<(), Error> {
        self.memory()?.turn(turns, now).await
    }
    async fn typing(&self, peer: UserId, users: &[UserId], now: Timestamp) -> Result<Vec<bool>, Error> {
        self.memory()?.typing(peer, users, now).await
    }
}
