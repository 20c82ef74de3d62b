//! The ledger: what was sent, answered, received and found in history, and which promise that breaks.
//!
//! A direction (everything that one user sends to his peer) is one byte of marks a message. Live faults are
//! told as they arrive; what is missing is told only after history was read, since a message that is late is
//! not lost.

use crate::violations::{Class, Violations};
use plan::{Corrupt, Payload};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::ops::Range;

const SENT: u8 = 1;
const ACKNOWLEDGED: u8 = 2;
const REFUSED: u8 = 4;
const RECEIVED: u8 = 8;
/// Sent again under the same client id: its place in the order is then not known beforehand.
const REPEATED: u8 = 16;
const IN_HISTORY: u8 = 32;

/// Everything that one user sends to his peer.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Direction {
    marks: Vec<u8>,
    /// Highest sequence received live, and found in history so far.
    live: Option<u32>,
    history: Option<u32>,
}

/// What became of sends whose outcome is no violation by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Outcomes {
    pub sent: u64,
    pub acknowledged: u64,
    /// Refused with an error: it must not be in history.
    pub refused: u64,
    /// Received live, each message once.
    pub received: u64,
    /// Acknowledged and in history, but not received live during the run.
    pub undelivered: u64,
    /// Unanswered at first, repeated once under the same client id, then acknowledged.
    pub settled_by_repeat: u64,
    /// Never answered: found in history, and not found.
    pub ambiguous_stored: u64,
    pub ambiguous_absent: u64,
    /// Never answered, and of a conversation whose history was not read.
    pub ambiguous_unchecked: u64,
}

/// All directions of a run, or those that one thread serves.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Ledger {
    run: u32,
    /// Number of the first user of the book.
    first: u32,
    directions: Vec<Direction>,
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
            first: own.start,
            directions,
            outcomes: Outcomes::default(),
            violations: Violations::default(),
        }
    }

    /// A message was written to the sender's socket.
    pub fn sent(&mut self, user: u32, sequence: u32) {
        let marks = &mut self.directions[user as usize].marks;
        if marks.len() <= sequence as usize {
            marks.resize(sequence as usize + 1, 0);
        }
        marks[sequence as usize] |= SENT;
        self.outcomes.sent += 1;
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

    /// The server refused it, so that it must not be stored. A repeat's refusal says nothing of the first.
    pub fn refused(&mut self, user: u32, sequence: u32) {
        let before = self.mark(user, sequence, 0);
        if before & SENT == 0 || before & (ACKNOWLEDGED | REFUSED | REPEATED) != 0 {
            return;
        }
        self.mark(user, sequence, REFUSED);
        self.outcomes.refused += 1;
        if before & RECEIVED != 0 {
            self.outcomes.received -= 1;
            let what = || format!("message {sequence} of user {user}, refused after it was delivered");
            self.violations.live(Class::Phantom, what);
        }
    }

    /// Something arrived on the socket of `at`; the payload comes back when it is the first of its kind.
    pub fn received(&mut self, at: u32, found: Result<Payload, Corrupt>) -> Option<Payload> {
        let Ok(payload) = found else {
            self.violations
                .live(Class::Corrupted, || format!("user {at} received content that nobody wrote"));
            return None;
        };
        let Payload { sender, sequence, .. } = payload;
        let what = || format!("message {sequence} of user {sender}, received by user {at}");
        if payload.run != self.run || sender != at ^ 1 || sender as usize >= self.directions.len() {
            self.violations.live(Class::Misdelivered, what);
            return None;
        }
        let before = self.mark(sender, sequence, RECEIVED);
        if before & SENT == 0 || before & REFUSED != 0 {
            self.violations.live(Class::Phantom, what);
            return None;
        }
        if before & RECEIVED != 0 {
            self.violations.live(Class::Duplicated, what);
            return None;
        }
        self.outcomes.received += 1;
        let highest = &mut self.directions[sender as usize].live;
        if before & REPEATED == 0 {
            if highest.is_some_and(|highest| sequence < highest) {
                self.violations.live(Class::Reordered, what);
            } else {
                *highest = Some(sequence);
            }
        }
        Some(payload)
    }

    /// Whether each send was answered and each accepted message received.
    pub fn complete(&self) -> bool {
        let o = &self.outcomes;
        o.acknowledged + o.refused >= o.sent && o.received + o.refused >= o.sent
    }

    /// Sends of a user that got no answer.
    pub fn unanswered(&self, user: u32) -> Vec<u32> {
        self.select(user, |marks| marks & (SENT | ACKNOWLEDGED | REFUSED) == SENT)
    }

    /// Whether history must be read to know what became of a conversation's messages.
    pub fn suspect(&self, pair: u32) -> bool {
        let odd = |marks: u8| {
            marks & SENT != 0
                && marks & REFUSED == 0
                && marks & (ACKNOWLEDGED | RECEIVED) != ACKNOWLEDGED | RECEIVED
        };
        [pair * 2, pair * 2 + 1]
            .iter()
            .any(|user| self.directions[*user as usize].marks.iter().any(|m| odd(*m)))
    }

    /// A row of the history of a pair: who the server says wrote it, and its content.
    pub fn stored(&mut self, pair: u32, sender: Option<u32>, content: &[u8]) {
        let Ok(payload) = Payload::read(content) else {
            self.violations.history(Class::Corrupted, || format!("content that nobody wrote, pair {pair}"));
            return;
        };
        let sequence = payload.sequence;
        let what = || format!("message {sequence} of user {}, history of pair {pair}", payload.sender);
        if payload.run != self.run || payload.sender / 2 != pair || sender != Some(payload.sender) {
            self.violations.history(Class::Misdelivered, what);
            return;
        }
        let before = self.mark(payload.sender, sequence, IN_HISTORY);
        if before & SENT == 0 || before & REFUSED != 0 {
            self.violations.history(Class::Phantom, what);
        } else if before & IN_HISTORY != 0 {
            self.violations.history(Class::Duplicated, what);
        } else if before & REPEATED == 0 {
            let highest = &mut self.directions[payload.sender as usize].history;
            if highest.is_some_and(|highest| sequence < highest) {
                self.violations.history(Class::Reordered, what);
            } else {
                *highest = Some(sequence);
            }
        }
    }

    /// The history of a pair was read wholly: what is missing from it?
    pub fn close(&mut self, pair: u32) {
        for user in [pair * 2, pair * 2 + 1] {
            let marks = std::mem::take(&mut self.directions[user as usize].marks);
            for (sequence, marks) in marks.iter().enumerate().filter(|(_, marks)| *marks & SENT != 0) {
                let there = marks & IN_HISTORY != 0;
                let known = marks & (ACKNOWLEDGED | RECEIVED) != 0;
                if known && !there && marks & REFUSED == 0 {
                    self.violations.history(Class::Lost, || format!("message {sequence} of user {user}"));
                } else if marks & ACKNOWLEDGED != 0 && there && marks & RECEIVED == 0 {
                    self.outcomes.undelivered += 1;
                }
                if marks & (ACKNOWLEDGED | REFUSED) == 0 {
                    let class = if there {
                        &mut self.outcomes.ambiguous_stored
                    } else {
                        &mut self.outcomes.ambiguous_absent
                    };
                    *class += 1;
                }
            }
            self.directions[user as usize].marks = marks;
        }
    }

    /// The history of a pair was not read: what stays unknown is counted.
    pub fn leave(&mut self, pair: u32) {
        let unknown = self.unanswered(pair * 2).len() + self.unanswered(pair * 2 + 1).len();
        self.outcomes.ambiguous_unchecked += unknown as u64;
    }

    /// Takes over what another thread has kept of its own users.
    pub fn merge(&mut self, other: Ledger) {
        for (mine, theirs) in self.directions.iter_mut().zip(other.directions) {
            if !theirs.marks.is_empty() {
                *mine = theirs;
            }
        }
        let (mine, theirs) = (&mut self.outcomes, other.outcomes);
        mine.sent += theirs.sent;
        mine.acknowledged += theirs.acknowledged;
        mine.refused += theirs.refused;
        mine.received += theirs.received;
        mine.settled_by_repeat += theirs.settled_by_repeat;
        self.violations.merge(other.violations);
    }

    fn select(&self, user: u32, wanted: impl Fn(u8) -> bool) -> Vec<u32> {
        let marks = self.directions[user as usize].marks.iter();
        (0..).zip(marks).filter(|(_, marks)| wanted(**marks)).map(|(sequence, _)| sequence).collect()
    }

    /// Sets a mark and answers what was there before; nothing is kept of a message that was never sent.
    fn mark(&mut self, user: u32, sequence: u32, mark: u8) -> u8 {
        let place = self.directions.get_mut(user as usize).and_then(|d| d.marks.get_mut(sequence as usize));
        place.map_or(0, |place| std::mem::replace(place, *place | mark))
    }
}

#[cfg(test)]
mod tests;
