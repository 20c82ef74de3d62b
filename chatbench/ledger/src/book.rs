//! The ledger: what was sent, answered, received and found in history, and which promise that breaks.
//!
//! A direction (everything that one user sends to his peer) is one byte of marks a message. What arrives wrongly is
//! told as it arrives. What does not arrive is judged last: [`Ledger::settle`] marks, at the end of a run and
//! where the sockets are, what has been passed over; [`Ledger::close`] and [`Ledger::leave`] tell, with history
//! at hand or without, whether that is a loss. So a message that is only late is never called lost, and one fault
//! is never told as two.

mod history;

use crate::Outcomes;
use crate::violations::{Class, Violations};
use plan::{Corrupt, Payload};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::ops::Range;

const SENT: u8 = 1;
const ACKNOWLEDGED: u8 = 2;
const REFUSED: u8 = 4;
const RECEIVED: u8 = 8;
/// Sent again under the same client id: its place in the order is then not known beforehand.
const REPEATED: u8 = 16;
const IN_HISTORY: u8 = 32;
/// Not received by one who could have received it, although there is nothing left to wait for.
const MISSED: u8 = 64;
/// Received on a connection that has ended since: it may come once more.
const EARLIER: u8 = 128;
/// Misdelivered messages that are remembered, so that their recipients' lack is not told as a loss too.
const STRAYS: usize = 65_536;

/// Everything that one user sends to his peer.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Direction {
    marks: Vec<u8>,
    /// Highest sequence received live, and found in history so far.
    live: Option<u32>,
    history: Option<u32>,
    /// Contents that reached the peer and that nobody wrote.
    corrupted: u32,
}

/// The directions of a range of users: all of a run, or those that one thread serves.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Ledger {
    run: u32,
    /// Its users had other runs before.
    reused: bool,
    /// Number of the first user of the book.
    first: u32,
    directions: Vec<Direction>,
    /// Sender and sequence of what reached the wrong person.
    strays: BTreeSet<(u32, u32)>,
    pub outcomes: Outcomes,
    pub violations: Violations,
}

impl Ledger {
    /// A book for the users `own`, whole pairs.
    #[must_use]
    pub fn new(run: u32, own: Range<u32>) -> Self {
        let directions = vec![Direction::default(); own.len()];
        Self {
            run,
            reused: false,
            first: own.start,
            directions,
            strays: BTreeSet::new(),
            outcomes: Outcomes::default(),
            violations: Violations::default(),
        }
    }

    /// The same, of users who had other runs before or not: what those have left is passed over, not called misdelivered.
    #[must_use]
    pub fn reused(self, reused: bool) -> Self {
        Self { reused, ..self }
    }

    /// Whether this is a message of another run that these users had.
    fn is_earlier(&self, payload: &Payload) -> bool {
        self.reused && payload.run != self.run
    }

    /// The users of the book.
    #[must_use]
    pub fn users(&self) -> Range<u32> {
        self.first..self.first + u32::try_from(self.directions.len()).unwrap_or(u32::MAX - self.first)
    }

    /// A user is connected and subscribed, for the first time or anew. What he had received on an earlier connection may come once
    /// more; what he missed in between is owed to him all the same.
    pub fn ready(&mut self, user: u32) {
        let Some(direction) = self.direction_mut(user ^ 1) else {
            return;
        };
        for marks in direction.marks.iter_mut().filter(|marks| **marks & RECEIVED != 0) {
            *marks |= EARLIER;
        }
    }

    /// A message was written to the sender's socket; `sequence` counts his messages from 0.
    pub fn sent(&mut self, user: u32, sequence: u32) {
        let Some(direction) = self.direction_mut(user) else {
            return;
        };
        let (marks, place) = (&mut direction.marks, sequence as usize);
        if marks.len() <= place {
            marks.resize(place + 1, 0);
        }
        let before = marks[place];
        marks[place] |= SENT;
        self.outcomes.sent += u64::from(before & SENT == 0);
    }

    /// A message was written again.
    pub fn repeated(&mut self, user: u32, sequence: u32) {
        self.mark(user, sequence, REPEATED);
    }

    /// The server acknowledged it; false when that is no news.
    pub fn acknowledged(&mut self, user: u32, sequence: u32) -> bool {
        let before = self.mark(user, sequence, ACKNOWLEDGED);
        if before & SENT == 0 || before & ACKNOWLEDGED != 0 {
            return false;
        }
        self.outcomes.acknowledged += 1;
        self.outcomes.settled_by_repeat += u64::from(before & REPEATED != 0);
        true
    }

    /// The server refused it, so that it must not be stored; false when that is no news. A repeat's refusal says nothing of
    /// the first.
    pub fn refused(&mut self, user: u32, sequence: u32) -> bool {
        let before = self.mark(user, sequence, 0);
        if before & SENT == 0 || before & (ACKNOWLEDGED | REFUSED | REPEATED) != 0 {
            return false;
        }
        self.mark(user, sequence, REFUSED);
        self.outcomes.refused += 1;
        if before & RECEIVED != 0 {
            self.outcomes.received -= 1;
            let what = || format!("message {sequence} of user {user}, refused after it was delivered");
            self.violations.live(Class::Phantom, what);
        }
        true
    }

    /// Something arrived on the socket of `at`; the payload comes back when it is the first of its kind.
    pub fn received(&mut self, at: u32, found: Result<Payload, Corrupt>) -> Option<Payload> {
        let Ok(payload) = found else {
            if let Some(direction) = self.direction_mut(at ^ 1) {
                direction.corrupted = direction.corrupted.saturating_add(1);
            }
            self.violations
                .live(Class::Corrupted, || format!("user {at} received content that nobody wrote"));
            return None;
        };
        if self.is_earlier(&payload) {
            return None;
        }
        let Payload { sender, sequence, .. } = payload;
        let what = || format!("message {sequence} of user {sender}, received by user {at}");
        if payload.run != self.run || sender != at ^ 1 || self.direction(sender).is_none() {
            if payload.run == self.run && self.strays.len() < STRAYS {
                self.strays.insert((sender, sequence));
            }
            self.violations.live(Class::Misdelivered, what);
            return None;
        }
        let before = self.mark(sender, sequence, RECEIVED);
        if before & SENT == 0 || before & REFUSED != 0 {
            self.violations.live(Class::Phantom, what);
            return None;
        }
        if before & EARLIER != 0 {
            self.outcomes.redelivered += 1;
            self.unmark(sender, sequence, EARLIER);
            return None;
        }
        if before & RECEIVED != 0 {
            self.violations.live(Class::Duplicated, what);
            return None;
        }
        self.outcomes.received += 1;
        if before & REPEATED == 0 {
            let highest = self.direction(sender).and_then(|direction| direction.live);
            if highest.is_some_and(|highest| sequence < highest) {
                self.violations.live(Class::Reordered, what);
            } else if let Some(direction) = self.direction_mut(sender) {
                direction.live = Some(sequence);
            }
        }
        Some(payload)
    }

    /// Whether each send was answered and each accepted message received.
    #[must_use]
    pub fn complete(&self) -> bool {
        let o = &self.outcomes;
        o.acknowledged + o.refused >= o.sent && o.received + o.refused >= o.sent
    }

    /// Sends of a user that got no answer.
    #[must_use]
    pub fn unanswered(&self, user: u32) -> Vec<u32> {
        let marks = self.direction(user).map_or(&[][..], |direction| &direction.marks);
        let open = |marks: u8| marks & (SENT | ACKNOWLEDGED | REFUSED) == SENT;
        (0..).zip(marks).filter(|(_, marks)| open(**marks)).map(|(sequence, _)| sequence).collect()
    }

    /// The run is over, and nothing more will be read: marks what nobody can call late. That is what did not reach a
    /// user who is `connected`, although a later message of the same sender did, or although `quiet`: for long enough,
    /// nothing at all has arrived any more. A repeated send takes its place in the order late, so that only quiet tells.
    pub fn settle(&mut self, connected: impl Fn(u32) -> bool, quiet: bool) {
        for (user, direction) in (self.first..).zip(&mut self.directions) {
            if direction.marks.is_empty() || !connected(user ^ 1) {
                continue;
            }
            let passed = direction.live.unwrap_or(0);
            for (sequence, marks) in (0..).zip(&mut direction.marks) {
                let owed = *marks & (SENT | REFUSED | RECEIVED) == SENT;
                let overtaken = sequence < passed && *marks & REPEATED == 0;
                if owed && (quiet || overtaken) {
                    *marks |= MISSED;
                }
            }
        }
    }

    /// Takes over what was kept of other users, in whatever order the ranges come.
    pub fn merge(&mut self, other: Ledger) {
        self.reused |= other.reused;
        let (mine, theirs) = (self.users(), other.users());
        if mine.is_empty() {
            self.first = theirs.start;
        } else if theirs.start < mine.start && !theirs.is_empty() {
            let before = (mine.start - theirs.start) as usize;
            self.directions.splice(..0, std::iter::repeat_n(Direction::default(), before));
            self.first = theirs.start;
        }
        let offset = theirs.start.saturating_sub(self.first) as usize;
        if self.directions.len() < offset + other.directions.len() && !theirs.is_empty() {
            self.directions.resize_with(offset + other.directions.len(), Direction::default);
        }
        for (mine, theirs) in self.directions.iter_mut().skip(offset).zip(other.directions) {
            if !theirs.marks.is_empty() || theirs.corrupted > 0 {
                *mine = theirs;
            }
        }
        self.strays.extend(other.strays);
        self.outcomes.merge(other.outcomes);
        self.violations.merge(other.violations);
    }

    fn direction(&self, user: u32) -> Option<&Direction> {
        self.directions.get(user.checked_sub(self.first)? as usize)
    }

    fn direction_mut(&mut self, user: u32) -> Option<&mut Direction> {
        self.directions.get_mut(user.checked_sub(self.first)? as usize)
    }

    /// Sets a mark and answers what was there before; nothing is kept of a message that was never sent.
    fn mark(&mut self, user: u32, sequence: u32, mark: u8) -> u8 {
        let place = self.direction_mut(user).and_then(|d| d.marks.get_mut(sequence as usize));
        place.map_or(0, |place| std::mem::replace(place, *place | mark))
    }

    fn unmark(&mut self, user: u32, sequence: u32, mark: u8) {
        let place = self.direction_mut(user).and_then(|d| d.marks.get_mut(sequence as usize));
        if let Some(place) = place {
            *place &= !mark;
        }
    }
}

#[cfg(test)]
mod tests;
