//! Records on their way to the writer, in the order of the calls.

use super::lane::OVERHEAD_BYTES;
use bytes::Bytes;
use parking_lot::{Condvar, Mutex};
use std::time::Duration;
use store::Error;
use store::events::Done;

/// A record that waits.
pub(crate) struct Pending {
    /// Index of its lane.
    pub(crate) lane: usize,
    pub(crate) payload: Bytes,
    pub(crate) done: Done,
}

/// What the writer does next.
pub(crate) enum Work {
    Group(Vec<Pending>),
    /// Look whether there is space again.
    Probe,
    /// Nothing waits and nothing will come.
    End,
}

/// Bounded in bytes, those included that the writer has in hand.
pub(crate) struct Queue {
    inner: Mutex<Inner>,
    wake: Condvar,
    bound: usize,
}

struct Inner {
    waiting: Vec<Pending>,
    bytes: usize,
    state: State,
    closing: bool,
}

enum State {
    Taking,
    /// No space; heals.
    Full(String),
    /// Can't tell what is on the disk; final.
    Failed(String),
}

/// What a record counts towards the bound.
pub(crate) fn cost(payload: &Bytes) -> usize {
    payload.len() + OVERHEAD_BYTES
}

impl Queue {
    pub(crate) fn new(bound: usize) -> Self {
        let inner = Inner { waiting: Vec::new(), bytes: 0, state: State::Taking, closing: false };
        Self { inner: Mutex::new(inner), wake: Condvar::new(), bound }
    }

    /// Takes a record, or refuses it without calling `done`.
    pub(crate) fn push(&self, record: Pending) -> Result<(), Error> {
        let cost = cost(&record.payload);
        let mut inner = self.inner.lock();
        inner.takes()?;
        if inner.bytes + cost > self.bound {
            return Err(Error::Overloaded("the log's queue is full"));
        }
        inner.bytes += cost;
        inner.waiting.push(record);
        let first = inner.waiting.len() == 1;
        drop(inner);
        if first {
            self.wake.notify_one();
        }
        Ok(())
    }

    /// Whether records are taken.
    pub(crate) fn health(&self) -> Result<(), Error> {
        self.inner.lock().takes()
    }

    /// The cause of a final failure.
    pub(crate) fn failure(&self) -> Option<String> {
        match &self.inner.lock().state {
            State::Failed(cause) => Some(cause.clone()),
            _ => None,
        }
    }

    /// Waits for work. `spare` becomes the next queue, so that its memory is used again.
    pub(crate) fn take(&self, spare: Vec<Pending>, probe_every: Duration) -> Work {
        let mut inner = self.inner.lock();
        loop {
            if !inner.waiting.is_empty() {
                return Work::Group(std::mem::replace(&mut inner.waiting, spare));
            }
            if inner.closing || matches!(inner.state, State::Failed(_)) {
                return Work::End;
            }
            if !matches!(inner.state, State::Full(_)) {
                self.wake.wait(&mut inner);
            } else if self.wake.wait_for(&mut inner, probe_every).timed_out() && inner.waiting.is_empty() {
                return Work::Probe;
            }
        }
    }

    /// Gives back the bytes of a group that is dealt with.
    pub(crate) fn release(&self, bytes: usize) {
        let mut inner = self.inner.lock();
        inner.bytes = inner.bytes.saturating_sub(bytes);
    }

    /// Notes that there is no space.
    pub(crate) fn set_full(&self, cause: &str) {
        let mut inner = self.inner.lock();
        if matches!(inner.state, State::Taking) {
            tracing::error!(cause, "the log's disk is full, appends are refused until there is space");
            inner.state = State::Full(cause.to_owned());
        }
    }

    /// Notes that there is space.
    pub(crate) fn set_healed(&self) {
        let mut inner = self.inner.lock();
        if matches!(inner.state, State::Full(_)) {
            tracing::info!("the log's disk has space again, appends are taken");
            inner.state = State::Taking;
        }
    }

    /// Refuses everything from now on; returns what waited, the first time.
    pub(crate) fn fail(&self, cause: &str) -> Option<Vec<Pending>> {
        let mut inner = self.inner.lock();
        if matches!(inner.state, State::Failed(_)) {
            return None;
        }
        inner.state = State::Failed(cause.to_owned());
        let waiting = std::mem::take(&mut inner.waiting);
        drop(inner);
        self.wake.notify_one();
        Some(waiting)
    }

    /// Takes no more; what waits is still written.
    pub(crate) fn close(&self) {
        self.inner.lock().closing = true;
        self.wake.notify_one();
    }
}

impl Inner {
    fn takes(&self) -> Result<(), Error> {
        match &self.state {
            State::Failed(cause) => Err(Error::Unavailable(format!("the log stopped: {cause}"))),
            State::Full(cause) => Err(Error::Unavailable(format!("the log's disk is full: {cause}"))),
            State::Taking if self.closing => Err(Error::Unavailable("the log is closed".to_owned())),
            State::Taking => Ok(()),
        }
    }
}
