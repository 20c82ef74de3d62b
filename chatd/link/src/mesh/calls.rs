//! Calls that wait for their answer.

use crate::wire::Reply;
use parking_lot::Mutex;
use schema::limits::{LINK_CALL_TIME, WAITERS};
use std::collections::BTreeMap;
use std::time::Instant;

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The other side certainly did nothing.
    NotDone(&'static str),
    /// Nobody can tell what it did.
    Unknown(&'static str),
}

impl Fault {
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Fault::NotDone(reason) | Fault::Unknown(reason) => reason,
        }
    }
}

/// Called once with the outcome, by whoever reads the link: quick, never blocking.
pub(crate) type Settle = Box<dyn FnOnce(Result<Reply, Fault>) + Send>;

struct Waiting {
    since: Instant,
    settle: Settle,
}

/// The calls of one link.
#[derive(Default)]
pub(super) struct Calls(Mutex<Open>);

#[derive(Default)]
struct Open {
    next: u64,
    /// By number, which is by age.
    waiting: BTreeMap<u64, Waiting>,
    closed: bool,
}

impl Calls {
    /// Takes a call in and numbers it, or gives `settle` back with the reason.
    pub(super) fn open(&self, settle: Settle) -> Result<u64, (Settle, Fault)> {
        let mut open = self.0.lock();
        if open.closed {
            return Err((settle, Fault::NotDone("the link to the chat process is lost")));
        }
        if open.waiting.len() >= WAITERS {
            return Err((settle, Fault::NotDone("too many calls wait for the chat process")));
        }
        let id = open.next;
        open.next += 1;
        open.waiting.insert(id, Waiting { since: Instant::now(), settle });
        Ok(id)
    }

    /// Settles a call, unless that was done already.
    pub(super) fn settle(&self, id: u64, outcome: Result<Reply, Fault>) {
        let waiting = self.0.lock().waiting.remove(&id);
        if let Some(waiting) = waiting {
            (waiting.settle)(outcome);
        }
    }

    /// Settles those whose time is over; says how many.
    pub(super) fn expire(&self, now: Instant) -> u64 {
        let mut late = Vec::new();
        {
            let mut open = self.0.lock();
            while let Some(first) = open.waiting.first_entry()
                && now.duration_since(first.get().since) > LINK_CALL_TIME
            {
                late.push(first.remove());
            }
        }
        let count = late.len() as u64;
        for waiting in late {
            (waiting.settle)(Err(Fault::Unknown("the chat process did not answer in time")));
        }
        count
    }

    /// Takes no more and settles all: the link is lost, and `unsent` were never written to it.
    pub(super) fn close(&self, unsent: &[u64]) -> u64 {
        let waiting = {
            let mut open = self.0.lock();
            open.closed = true;
            std::mem::take(&mut open.waiting)
        };
        let count = waiting.len() as u64;
        for (id, waiting) in waiting {
            let reason = "the link to the chat process was lost";
            let unsent = unsent.binary_search(&id).is_ok();
            (waiting.settle)(Err(if unsent { Fault::NotDone(reason) } else { Fault::Unknown(reason) }));
        }
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::time::Duration;

    /// A settle that notes what it was told.
    fn noting(told: &Arc<Mutex<Vec<Result<(), Fault>>>>) -> Settle {
        let told = Arc::clone(told);
        Box::new(move |outcome| told.lock().push(outcome.map(|_| ())))
    }

    #[test]
    fn a_call_is_settled_once_whatever_happens() {
        let (calls, told) = (Calls::default(), Arc::default());
        let [one, two, three] = [(); 3].map(|()| calls.open(noting(&told)).ok().unwrap());
        calls.settle(one, Ok(Reply::Done));
        calls.settle(one, Ok(Reply::Done));
        assert_eq!(calls.expire(Instant::now()), 0);
        calls.close(&[three]);
        calls.settle(two, Ok(Reply::Done));
        assert!(calls.open(noting(&told)).is_err());
        let told = told.lock();
        assert!(matches!(told[..], [Ok(()), Err(Fault::Unknown(_)), Err(Fault::NotDone(_))]), "{told:?}");
    }

    #[test]
    fn a_call_that_is_not_answered_in_time_is_unknown() {
        let (calls, told) = (Calls::default(), Arc::default());
        calls.open(noting(&told)).ok().unwrap();
        assert_eq!(calls.expire(Instant::now() + LINK_CALL_TIME + Duration::from_millis(1)), 1);
        assert!(matches!(told.lock()[..], [Err(Fault::Unknown(_))]));
    }
}
