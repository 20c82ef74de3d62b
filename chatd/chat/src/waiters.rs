//! Sends and marks that wait for their outcome, and the door's admission.
//!
//! Nothing is appended without a slot here, so what can be in flight is bounded, and the oldest slot of a log
//! partition tells how far its sequencer is behind, wherever that runs: beyond a second the door of that
//! partition refuses *before* it stores, but for a probe a second. A slot whose deadline passed has had its
//! answer (`outcome_unknown`) but still counts until its record is applied. So however long the view is away
//! and however often clients try again, the log hardly grows.
//!
//! An answer is lost with the process, or the link, that had it. A partition is applied in order, so the answer to
//! a younger record tells that the older ones are applied too: who still waits for one of those is told that the
//! outcome is unknown, and the slot holds up nobody.

use crate::Error;
use crate::apply::Outcome;
use parking_lot::Mutex;
use schema::event::ReplyTo;
use schema::limits::{ANSWER_DEADLINE, LAG_MAX, PROBE_INTERVAL, WAITERS};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
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
    next: AtomicU64,
    open: AtomicUsize,
    partitions: Box<[Mutex<Partition>]>,
}

#[derive(Default)]
struct Partition {
    /// By number, which is by age.
    open: BTreeMap<u64, Slot>,
    /// Why nothing is taken: the sequencer here can't write the view, or has stopped for good.
    stalled: Option<String>,
    /// A slot was forgotten and nothing was settled since: nobody applies this partition.
    silent: bool,
    /// When the last probe was let through.
    probed: Option<Instant>,
}

impl Partition {
    /// How long the oldest waits.
    fn behind(&self, now: Instant) -> Duration {
        self.open.first_key_value().map_or(Duration::ZERO, |(_, oldest)| now - oldest.since)
    }

    /// Takes the slots that are older than this one. Those of about its age may stand behind it in the log: a
    /// slot is taken a moment before its record gets its place there.
    fn lost_before(&mut self, waiter: u64) -> Vec<Slot> {
        let Some(applied) = self.open.get(&waiter).map(|slot| slot.since) else { return Vec::new() };
        let mut lost = Vec::new();
        while let Some(oldest) = self.open.first_entry()
            && applied.saturating_duration_since(oldest.get().since) > LAG_MAX
        {
            lost.push(oldest.remove());
        }
        lost
    }

    fn refusal(&mut self, now: Instant) -> Option<String> {
        if let Some(reason) = &self.stalled {
            return Some(reason.clone());
        }
        let behind = self.behind(now);
        if behind <= LAG_MAX && !self.silent {
            self.probed = None;
            return None;
        }
        let probed = *self.probed.get_or_insert(now);
        if now - probed >= PROBE_INTERVAL {
            self.probed = Some(now);
            return None;
        }
        Some("the sequencer is more than a second behind".to_owned())
    }
}

/// An outcome as the one who waits is told.
fn settled(outcome: Outcome) -> Result<Outcome, Error> {
    match outcome {
        Outcome::Conflict => Err(Error::ClientMessageIdReused),
        outcome => Ok(outcome),
    }
}

impl Waiters {
    pub(crate) fn new(partitions: u32) -> Self {
        Self {
            node: Uuid::new_v4(),
            next: AtomicU64::new(0),
            open: AtomicUsize::new(0),
            partitions: (0..partitions.max(1)).map(|_| Mutex::default()).collect(),
        }
    }

    /// This process, as records name it.
    pub(crate) fn node(&self) -> Uuid {
        self.node
    }

    /// Takes a slot, or says why nothing may be appended now and gives `settle` back.
    pub(crate) fn admit(
        &self,
        partition: u32,
        connection: Option<u64>,
        settle: Settle,
    ) -> Result<ReplyTo, (Settle, String)> {
        let now = Instant::now();
        if self.open.load(Ordering::Relaxed) >= WAITERS {
            return Err((settle, "too many sends wait for their outcome".to_owned()));
        }
        let mut slots = self.slots(u64::from(partition)).lock();
        if let Some(reason) = slots.refusal(now) {
            return Err((settle, reason));
        }
        // The number says in which partition the slot is.
        let count = self.partitions.len() as u64;
        let waiter = self.next.fetch_add(1, Ordering::Relaxed) * count + u64::from(partition) % count;
        slots.open.insert(waiter, Slot { since: now, settle: Some(settle) });
        self.open.fetch_add(1, Ordering::Relaxed);
        Ok(ReplyTo { node: self.node, waiter, connection })
    }

    /// Settles the slot of a record that was applied, if it is one of this process and still open, and those
    /// before it whose answers were lost.
    pub(crate) fn applied(&self, reply_to: ReplyTo, outcome: Outcome) {
        if reply_to.node != self.node {
            return;
        }
        let (lost, own) = {
            let mut slots = self.slots(reply_to.waiter).lock();
            slots.silent = false;
            (slots.lost_before(reply_to.waiter), slots.open.remove(&reply_to.waiter))
        };
        for slot in lost {
            self.release(slot, Err(Error::OutcomeUnknown));
        }
        if let Some(slot) = own {
            self.release(slot, settled(outcome));
        }
    }

    /// Settles a slot, if it is still open.
    pub(crate) fn settle(&self, reply_to: ReplyTo, outcome: Result<Outcome, Error>) {
        let slot = self.slots(reply_to.waiter).lock().open.remove(&reply_to.waiter);
        if let Some(slot) = slot {
            self.release(slot, outcome);
        }
    }

    /// Counts a slot that was taken out as free, and tells who still waits. Without the partition's lock: they
    /// may come back with the next send.
    fn release(&self, slot: Slot, outcome: Result<Outcome, Error>) {
        self.open.fetch_sub(1, Ordering::Relaxed);
        if let Some(settle) = slot.settle {
            settle(outcome);
        }
    }

    /// Answers those whose deadline passed. Called on a timer.
    pub(crate) fn expire(&self) {
        let now = Instant::now();
        let mut late = Vec::new();
        for slots in &self.partitions {
            let mut slots = slots.lock();
            for slot in slots.open.values_mut().take_while(|slot| now - slot.since > ANSWER_DEADLINE) {
                late.extend(slot.settle.take());
            }
            while slots.behind(now) > FORGET {
                slots.open.pop_first();
                slots.silent = true;
                self.open.fetch_sub(1, Ordering::Relaxed);
            }
        }
        for settle in late {
            settle(Err(Error::OutcomeUnknown));
        }
    }

    /// Says why the sequencer of a partition, which runs here, gets nothing done; `None`: it does again.
    pub(crate) fn set_stalled(&self, partition: u32, reason: Option<String>) {
        self.slots(u64::from(partition)).lock().stalled = reason;
    }

    /// Why a door is closed, if one is.
    pub(crate) fn health(&self) -> Result<(), String> {
        let now = Instant::now();
        for (number, slots) in self.partitions.iter().enumerate() {
            let slots = slots.lock();
            let behind = slots.behind(now);
            let reason = match &slots.stalled {
                Some(reason) => reason.clone(),
                None if slots.silent => "nobody applies its records".to_owned(),
                None if behind > LAG_MAX => format!("the sequencer is {} ms behind", behind.as_millis()),
                None => continue,
            };
            return Err(format!("partition {number}: {reason}"));
        }
        Ok(())
    }

    fn slots(&self, number: u64) -> &Mutex<Partition> {
        let count = self.partitions.len() as u64;
        &self.partitions[usize::try_from(number % count).unwrap_or(0)]
    }

    /// How many wait.
    #[cfg(test)]
    pub(crate) fn waiting(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn counting(count: &Arc<AtomicUsize>) -> Settle {
        let count = Arc::clone(count);
        Box::new(move |_| {
            count.fetch_add(1, Ordering::Relaxed);
        })
    }

    /// Makes every slot this much older.
    fn age(waiters: &Waiters, by: Duration) {
        for slots in &waiters.partitions {
            let mut slots = slots.lock();
            slots.open.values_mut().for_each(|slot| slot.since -= by);
            slots.probed = slots.probed.map(|at| at - by);
        }
    }

    #[test]
    fn a_slot_is_settled_once_and_only_by_its_own_process() {
        let (waiters, count) = (Waiters::new(12), Arc::new(AtomicUsize::new(0)));
        let Ok(reply_to) = waiters.admit(5, None, counting(&count)) else { panic!("refused") };
        waiters.applied(ReplyTo { node: Uuid::nil(), ..reply_to }, Outcome::Applied);
        assert_eq!(count.load(Ordering::Relaxed), 0);
        waiters.applied(reply_to, Outcome::Applied);
        waiters.applied(reply_to, Outcome::Applied);
        assert_eq!(count.load(Ordering::Relaxed), 1);
        assert_eq!(waiters.waiting(), 0);
    }

    #[test]
    fn a_lost_answer_closes_the_door_no_longer_than_until_the_next_one() {
        let (waiters, lost, count) =
            (Waiters::new(2), Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        assert!(waiters.admit(0, None, counting(&lost)).is_ok());
        assert!(waiters.admit(1, None, counting(&lost)).is_ok(), "another partition's");
        age(&waiters, LAG_MAX * 2);
        assert!(waiters.admit(0, None, counting(&count)).is_err());
        age(&waiters, PROBE_INTERVAL);
        let Ok(probe) = waiters.admit(0, None, counting(&count)) else { panic!("the probe was refused") };
        waiters.applied(probe, Outcome::Applied);
        assert_eq!((lost.load(Ordering::Relaxed), count.load(Ordering::Relaxed)), (1, 1));
        let (Ok(first), Ok(second)) =
            (waiters.admit(0, None, counting(&count)), waiters.admit(0, None, counting(&count)))
        else {
            panic!("the door is still closed")
        };
        waiters.applied(second, Outcome::Applied);
        assert_eq!(waiters.waiting(), 2, "one of the same age may come later");
        waiters.applied(first, Outcome::Applied);
        assert_eq!(waiters.waiting(), 1);
    }

    #[test]
    fn slots_are_bounded() {
        let (waiters, count) = (Waiters::new(3), Arc::new(AtomicUsize::new(0)));
        for n in 0..WAITERS {
            assert!(waiters.admit(n as u32 % 3, None, counting(&count)).is_ok());
        }
        assert!(waiters.admit(0, None, counting(&count)).is_err());
    }

    #[test]
    fn a_stalled_view_closes_the_door_of_its_partition() {
        let (waiters, count) = (Waiters::new(2), Arc::new(AtomicUsize::new(0)));
        waiters.set_stalled(1, Some("no disk".into()));
        assert!(waiters.admit(1, None, counting(&count)).is_err());
        assert!(waiters.admit(0, None, counting(&count)).is_ok());
        assert!(waiters.health().unwrap_err().contains("partition 1: no disk"));
        waiters.set_stalled(1, None);
        assert!(waiters.admit(1, None, counting(&count)).is_ok());
    }

    #[test]
    fn however_long_nobody_applies_only_a_probe_a_second_gets_through() {
        let (waiters, count) = (Waiters::new(2), Arc::new(AtomicUsize::new(0)));
        assert!(waiters.admit(0, None, counting(&count)).is_ok());
        let mut admitted = 0;
        let mut last = None;
        for _ in 0..600 {
            age(&waiters, Duration::from_secs(1));
            waiters.expire();
            for _ in 0..10 {
                if let Ok(reply_to) = waiters.admit(0, None, counting(&count)) {
                    admitted += 1;
                    last = Some(reply_to);
                }
            }
        }
        assert!((500..=600).contains(&admitted), "{admitted}");
        assert!(waiters.waiting() <= 62, "{}", waiters.waiting());
        assert!(waiters.admit(1, None, counting(&count)).is_ok(), "the other partition is not behind");
        age(&waiters, Duration::from_secs(120));
        waiters.expire();
        assert!(waiters.health().unwrap_err().contains("nobody applies"));
        let probe = loop {
            if let Ok(probe) = waiters.admit(0, None, counting(&count)) {
                break probe;
            }
            age(&waiters, Duration::from_secs(1));
        };
        waiters.applied(last.unwrap(), Outcome::Applied);
        waiters.applied(probe, Outcome::Applied);
        assert!(waiters.admit(0, None, counting(&count)).is_ok(), "one that is applied opens the door");
        assert!(waiters.admit(0, None, counting(&count)).is_ok());
    }
}
