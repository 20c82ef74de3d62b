//! Sends and marks that wait for their outcome, and the door's admission.
//!
//! Nothing is appended without a slot here, so what can be in flight is bounded, and the oldest slot tells
//! how far the sequencer is behind: beyond a second the door refuses *before* it stores. A slot whose
//! deadline passed has had its answer (`outcome_unknown`) but still counts until its record is applied.

use crate::Error;
use crate::apply::Outcome;
use parking_lot::Mutex;
use schema::event::ReplyTo;
use schema::limits::{ANSWER_DEADLINE, LAG_MAX, WAITERS};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Called once with the outcome, from the sequencer's thread: quick, never blocking.
pub(crate) type Settle = Box<dyn FnOnce(Result<Outcome, Error>) + Send>;

/// A slot is forgotten after this long even if its record never came back.
const FORGET: Duration = Duration::from_secs(60);

struct Slot {
    since: Instant,
    settle: Option<Settle>,
}

/// The waiting of one process.
pub(crate) struct Waiters {
    /// Drawn at start: answers of an earlier life find nobody.
    node: Uuid,
    slots: Mutex<Slots>,
    /// The sequencer can't write the view now.
    stalled: AtomicBool,
}

#[derive(Default)]
struct Slots {
    next: u64,
    /// By number, which is by age.
    open: BTreeMap<u64, Slot>,
}

impl Waiters {
    pub(crate) fn new() -> Self {
        Self { node: Uuid::new_v4(), slots: Mutex::default(), stalled: AtomicBool::new(false) }
    }

    /// Takes a slot, or says why nothing may be appended now and gives `settle` back.
    pub(crate) fn admit(
        &self,
        connection: Option<u64>,
        settle: Settle,
    ) -> Result<ReplyTo, (Settle, &'static str)> {
        if self.stalled.load(Ordering::Relaxed) {
            return Err((settle, "the history view takes no writes"));
        }
        let now = Instant::now();
        let mut slots = self.slots.lock();
        if slots.open.len() >= WAITERS {
            return Err((settle, "too many sends wait for their outcome"));
        }
        if slots.open.first_key_value().is_some_and(|(_, oldest)| now - oldest.since > LAG_MAX) {
            return Err((settle, "the sequencer is more than a second behind"));
        }
        let waiter = slots.next;
        slots.next += 1;
        slots.open.insert(waiter, Slot { since: now, settle: Some(settle) });
        Ok(ReplyTo { node: self.node, waiter, connection })
    }

    /// Settles a slot, if it is one of this process and still open.
    pub(crate) fn settle(&self, reply_to: ReplyTo, outcome: Result<Outcome, Error>) {
        if reply_to.node != self.node {
            return;
        }
        let slot = self.slots.lock().open.remove(&reply_to.waiter);
        if let Some(settle) = slot.and_then(|slot| slot.settle) {
            settle(outcome);
        }
    }

    /// Answers those whose deadline passed. Called on a timer.
    pub(crate) fn expire(&self) {
        let now = Instant::now();
        let mut late = Vec::new();
        {
            let mut slots = self.slots.lock();
            for slot in slots.open.values_mut().take_while(|slot| now - slot.since > ANSWER_DEADLINE) {
                late.extend(slot.settle.take());
            }
            while slots.open.first_key_value().is_some_and(|(_, slot)| now - slot.since > FORGET) {
                slots.open.pop_first();
            }
        }
        for settle in late {
            settle(Err(Error::OutcomeUnknown));
        }
    }

    /// Says whether the view takes writes.
    pub(crate) fn set_stalled(&self, stalled: bool) {
        self.stalled.store(stalled, Ordering::Relaxed);
    }

    /// Why the door is closed, if it is.
    pub(crate) fn health(&self) -> Result<(), String> {
        if self.stalled.load(Ordering::Relaxed) {
            return Err("the history view takes no writes".into());
        }
        let slots = self.slots.lock();
        match slots.open.first_key_value() {
            Some((_, oldest)) if oldest.since.elapsed() > LAG_MAX => {
                Err(format!("the sequencer is {} ms behind", oldest.since.elapsed().as_millis()))
            }
            _ => Ok(()),
        }
    }

    /// How many wait.
    #[cfg(test)]
    pub(crate) fn waiting(&self) -> usize {
        self.slots.lock().open.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;

    fn counting(count: &Arc<AtomicUsize>) -> Settle {
        let count = Arc::clone(count);
        Box::new(move |_| {
            count.fetch_add(1, Ordering::Relaxed);
        })
    }

    #[test]
    fn a_slot_is_settled_once_and_only_by_its_own_process() {
        let (waiters, count) = (Waiters::new(), Arc::new(AtomicUsize::new(0)));
        let Ok(reply_to) = waiters.admit(None, counting(&count)) else { panic!("refused") };
        waiters.settle(ReplyTo { node: Uuid::nil(), ..reply_to }, Ok(Outcome::Applied));
        assert_eq!(count.load(Ordering::Relaxed), 0);
        waiters.settle(reply_to, Ok(Outcome::Applied));
        waiters.settle(reply_to, Ok(Outcome::Applied));
        assert_eq!(count.load(Ordering::Relaxed), 1);
        assert_eq!(waiters.waiting(), 0);
    }

    #[test]
    fn slots_are_bounded() {
        let (waiters, count) = (Waiters::new(), Arc::new(AtomicUsize::new(0)));
        for _ in 0..WAITERS {
            assert!(waiters.admit(None, counting(&count)).is_ok());
        }
        assert!(waiters.admit(None, counting(&count)).is_err());
    }

    #[test]
    fn a_stalled_view_closes_the_door() {
        let (waiters, count) = (Waiters::new(), Arc::new(AtomicUsize::new(0)));
        waiters.set_stalled(true);
        assert!(waiters.admit(None, counting(&count)).is_err());
        assert!(waiters.health().is_err());
        waiters.set_stalled(false);
        assert!(waiters.admit(None, counting(&count)).is_ok());
    }
}
