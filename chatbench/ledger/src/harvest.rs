//! Everything that a thread, a worker or a whole run has measured.

use crate::{Latency, Ledger};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// Errors kept in words.
pub const ERRORS: usize = 5;
/// Different codes of refusals that are told apart; what is beyond counts as `other`.
const CODES: usize = 64;
const OTHER: &str = "other";

/// What a latency is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// Planned send to receipt by a recipient who was connected all the while: the headline.
    Delivery,
    /// Planned send to the server's acknowledgement.
    Accept,
    /// Planned send to the write: what the generator itself adds.
    ScheduleLag,
    /// Planned send to the sender's notice that it was seen.
    Seen,
    /// Planned begin of a connection to subscribed.
    Connect,
    /// The login call alone.
    Login,
    /// Subscribed to receipt of a message that was sent before the recipient had ever come.
    Offline,
    /// Subscribed again to receipt of a message that was sent while the recipient was away.
    Gap,
    /// Request of a page of history to its last byte.
    History,
}

impl Kind {
    pub const ALL: [Kind; 9] = [
        Kind::Delivery,
        Kind::Accept,
        Kind::ScheduleLag,
        Kind::Seen,
        Kind::Connect,
        Kind::Login,
        Kind::Offline,
        Kind::Gap,
        Kind::History,
    ];
}

/// One histogram for each kind, made when the first value comes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Latencies([Option<Latency>; Kind::ALL.len()]);

impl Latencies {
    pub fn record(&mut self, kind: Kind, micros: u64) {
        self.0[kind as usize].get_or_insert_with(Latency::fine).record(micros);
    }

    /// None when nothing of this kind was measured.
    #[must_use]
    pub fn get(&self, kind: Kind) -> Option<&Latency> {
        self.0[kind as usize].as_ref()
    }

    pub fn merge(&mut self, other: &Latencies) {
        for (mine, theirs) in self.0.iter_mut().zip(&other.0) {
            match (mine.as_mut(), theirs) {
                (Some(mine), Some(theirs)) => mine.merge(theirs),
                (None, Some(theirs)) => *mine = Some(theirs.clone()),
                (_, None) => {}
            }
        }
    }
}

/// How connecting went.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Connecting {
    pub connected: u64,
    /// Failed for a reason of this machine: no file, no port, no memory.
    pub local_failures: u64,
    /// Failed otherwise, each after its last attempt.
    pub failures: u64,
    /// The first errors, in words.
    pub errors: Vec<String>,
    /// Longest time between a user's turn in the ramp and the generator's look at it, in microseconds.
    pub lag_us: u64,
}

impl Connecting {
    pub fn merge(&mut self, other: Connecting) {
        self.connected += other.connected;
        self.local_failures += other.local_failures;
        self.failures += other.failures;
        self.errors.extend(other.errors);
        self.errors.truncate(ERRORS);
        self.lag_us = self.lag_us.max(other.lag_us);
    }
}

/// What was counted beside the ledger.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Tally {
    /// During the hold: due, written, acknowledged and received.
    pub planned: u64,
    pub offered: u64,
    pub accepted: u64,
    pub delivered: u64,
    /// Planned sends whose socket was gone.
    pub unsent: u64,
    /// Those of them that were planned in the hold.
    pub unsent_in_hold: u64,
    /// Sockets that closed without being told to.
    pub disconnected: u64,
    /// Sockets cut and made again because the scenario wanted it.
    pub reconnected: u64,
    /// Attempts to come back that failed.
    pub reconnect_failures: u64,
    /// Requests of any kind that a rate limit refused, and the refused sends among them.
    pub rate_limited: u64,
    pub sends_limited: u64,
    /// Typing notices, presence changes, history pages, logins: done.
    pub typing: u64,
    pub presence: u64,
    pub pages: u64,
    pub logins: u64,
    /// Codes of refused sends, with their counts.
    pub refusals: Vec<(String, u64)>,
    /// Why sockets closed, the first few.
    pub closes: Vec<String>,
    /// Share of the hold that the busiest thread was on a CPU.
    pub busy: f64,
    /// Time between the last receipt and the end of the drain, in microseconds.
    pub quiet_us: u64,
}

impl Tally {
    pub fn refuse(&mut self, code: &str, count: u64) {
        match self.refusals.iter().position(|(known, _)| known == code) {
            Some(place) => self.refusals[place].1 += count,
            None if self.refusals.len() < CODES => self.refusals.push((code.to_owned(), count)),
            None => {
                let (name, sum) = &mut self.refusals[CODES - 1];
                OTHER.clone_into(name);
                *sum += count;
            }
        }
    }

    pub fn close(&mut self, why: String) {
        if self.closes.len() < ERRORS {
            self.closes.push(why);
        }
    }

    fn merge(&mut self, other: Tally) {
        self.planned += other.planned;
        self.offered += other.offered;
        self.accepted += other.accepted;
        self.delivered += other.delivered;
        self.unsent += other.unsent;
        self.unsent_in_hold += other.unsent_in_hold;
        self.disconnected += other.disconnected;
        self.reconnected += other.reconnected;
        self.reconnect_failures += other.reconnect_failures;
        self.rate_limited += other.rate_limited;
        self.sends_limited += other.sends_limited;
        self.typing += other.typing;
        self.presence += other.presence;
        self.pages += other.pages;
        self.logins += other.logins;
        for (code, count) in other.refusals {
            self.refuse(&code, count);
        }
        self.closes.extend(other.closes);
        self.closes.truncate(ERRORS);
        self.busy = self.busy.max(other.busy);
        self.quiet_us = self.quiet_us.min(other.quiet_us);
    }
}

/// Everything that was measured.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Harvest {
    pub ledger: Ledger,
    pub latencies: Latencies,
    pub tally: Tally,
    pub connecting: Connecting,
}

impl Harvest {
    /// Of the users `own`; nothing measured yet.
    #[must_use]
    pub fn new(run: u32, own: Range<u32>) -> Self {
        Self {
            ledger: Ledger::new(run, own),
            latencies: Latencies::default(),
            tally: Tally { quiet_us: u64::MAX, ..Tally::default() },
            connecting: Connecting::default(),
        }
    }

    /// Takes over what was measured of other users.
    pub fn merge(&mut self, other: Harvest) {
        self.ledger.merge(other.ledger);
        self.latencies.merge(&other.latencies);
        self.tally.merge(other.tally);
        self.connecting.merge(other.connecting);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn harvest(users: Range<u32>, micros: u64) -> Harvest {
        let mut harvest = Harvest::new(7, users.clone());
        for user in users {
            harvest.ledger.sent(user, 0);
            harvest.latencies.record(Kind::Delivery, micros);
            harvest.tally.offered += 1;
            harvest.tally.refuse("not_accepted", 2);
            harvest.tally.close(format!("user {user}"));
            harvest.connecting.connected += 1;
        }
        harvest.connecting.lag_us = micros;
        harvest.tally.busy = micros as f64 / 1e6;
        harvest.tally.quiet_us = micros;
        harvest
    }

    #[test]
    fn workers_add_up_over_process_borders() {
        let mut all = Harvest::new(7, 0..0);
        for part in [harvest(6..10, 500_000), harvest(0..6, 1000)] {
            all.merge(postcard::from_bytes(&postcard::to_allocvec(&part).unwrap()).unwrap());
        }
        assert_eq!((all.ledger.users(), all.ledger.outcomes.sent), (0..10, 10));
        let delivery = all.latencies.get(Kind::Delivery).unwrap().figures();
        assert_eq!(delivery.count, 10);
        assert!(delivery.p50_ms < 1.1 && delivery.p90_ms > 499.0, "{delivery:?}");
        assert!(all.latencies.get(Kind::Seen).is_none());
        assert_eq!((all.tally.offered, all.connecting.connected), (10, 10));
        assert_eq!(all.tally.refusals, [("not_accepted".to_owned(), 20)]);
        assert_eq!(all.tally.closes.len(), ERRORS);
        // The busiest thread, and the one that was quiet for the shortest.
        assert_eq!((all.tally.busy, all.tally.quiet_us), (0.5, 1000));
        assert_eq!(all.connecting.lag_us, 500_000);
    }

    #[test]
    fn a_server_that_invents_codes_takes_no_memory() {
        let mut tally = Tally::default();
        for code in 0..1000 {
            tally.refuse(&format!("code-{code}"), 1);
        }
        assert_eq!(tally.refusals.len(), CODES);
        assert_eq!(tally.refusals.iter().map(|(_, count)| count).sum::<u64>(), 1000);
        assert_eq!(tally.refusals.last().unwrap().0, OTHER);
    }
}
