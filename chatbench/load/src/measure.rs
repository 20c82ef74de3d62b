//! What a thread enters of its own users: the ledger, the histograms, the seconds, what is on its way.
//!
//! Times are of the run clock, planned times too once [`Book::begin`] has said where they lie.

use crate::flight::{Flights, Line};
use ledger::{Harvest, Kind, Second};
use plan::{Corrupt, Payload, Plan, Planned};
use std::ops::Range;
use std::sync::Arc;

const SECOND_US: u64 = 1_000_000;
/// When nothing has arrived for so long, nothing is on its way any more.
const QUIET_US: u64 = 2 * SECOND_US;
/// Seconds that wait for the coordinator to take them; older ones are put together with the next.
const SECONDS: usize = 600;

/// What is remembered of a user to judge what arrives.
#[derive(Clone, Copy, Debug, Default)]
struct Person {
    /// Since when he is connected and subscribed; none: he is not.
    ready_us: Option<u64>,
    /// He was there before the present connection.
    returned: bool,
    came: bool,
    /// His sends without an answer.
    sends: Line,
    /// His messages that the peer has marked as seen, by the sequence of the conversation.
    seen: Line,
    /// Sequence of his next send, in the closed model.
    next: u32,
}

pub(crate) struct Book {
    plan: Arc<Plan>,
    own: Range<u32>,
    pub(crate) harvest: Harvest,
    people: Vec<Person>,
    flights: Flights,
    second: Second,
    ended: Vec<Second>,
    begin_us: Option<u64>,
    pub(crate) ready: u64,
    /// Users who have not come yet and were not given up.
    pub(crate) expected: u32,
    last_receipt_us: u64,
}

impl Book {
    pub(crate) fn new(plan: Arc<Plan>, own: Range<u32>) -> Self {
        let users = own.len();
        let mut harvest = Harvest::new(plan.run, own.clone());
        harvest.ledger = harvest.ledger.reused(plan.reused);
        Self {
            harvest,
            people: vec![Person::default(); users],
            flights: Flights::default(),
            second: Second::new(0),
            ended: Vec::new(),
            begin_us: None,
            ready: 0,
            expected: users as u32,
            last_receipt_us: 0,
            own,
            plan,
        }
    }

    /// Planned times count from here on.
    pub(crate) fn begin(&mut self, at_us: u64) {
        self.begin_us = Some(at_us);
        self.last_receipt_us = at_us;
    }

    pub(crate) fn begun(&self) -> Option<u64> {
        self.begin_us
    }

    /// Whether a moment lies in the hold.
    fn holds(&self, at_us: u64) -> bool {
        self.begin_us.is_some_and(|begin| at_us >= begin && self.plan.counts(at_us - begin))
    }

    fn person(&mut self, user: u32) -> &mut Person {
        &mut self.people[(user - self.own.start) as usize]
    }

    /// A user is connected and subscribed; planned is when his connecting was to begin.
    pub(crate) fn ready(&mut self, user: u32, planned_us: u64, now_us: u64, by_scenario: bool) {
        let person = self.person(user);
        person.ready_us = Some(now_us);
        person.returned = person.came;
        let first = !std::mem::replace(&mut person.came, true);
        self.ready += 1;
        self.harvest.ledger.ready(user);
        if first {
            self.expected = self.expected.saturating_sub(1);
            self.harvest.connecting.connected += 1;
        }
        self.harvest.tally.reconnected += u64::from(by_scenario && !first);
        self.harvest.latencies.record(Kind::Connect, now_us.saturating_sub(planned_us));
    }

    /// Somebody will never come.
    pub(crate) fn given_up(&mut self, local: bool, why: String) {
        self.expected = self.expected.saturating_sub(1);
        let connecting = &mut self.harvest.connecting;
        connecting.local_failures += u64::from(local);
        connecting.failures += u64::from(!local);
        if connecting.errors.len() < ledger::ERRORS {
            connecting.errors.push(why);
        }
    }

    /// A socket of somebody who was ready is gone; `why` only where that was nobody's wish.
    pub(crate) fn left(&mut self, user: u32, why: Option<String>) {
        if self.person(user).ready_us.take().is_some() {
            self.ready -= 1;
        }
        if let Some(why) = why {
            self.harvest.tally.disconnected += 1;
            self.second.disconnected += 1;
            self.harvest.tally.close(format!("user {user}: {why}"));
        }
    }

    /// Somebody reads again who had stopped.
    pub(crate) fn hears(&mut self, user: u32, now_us: u64) {
        let person = self.person(user);
        person.ready_us = person.ready_us.map(|_| now_us);
        person.returned = true;
    }

    pub(crate) fn came(&self, user: u32) -> bool {
        self.people[(user - self.own.start) as usize].came
    }

    /// The next send of a user in the closed model.
    pub(crate) fn next_of(&mut self, user: u32, at_us: u64) -> Planned {
        let sequence = self.person(user).next;
        self.person(user).next += 1;
        Planned { user, sequence, at_us }
    }

    /// A send was written, or it could not be since the socket was gone.
    pub(crate) fn sent(&mut self, planned: Planned, written: bool, now_us: u64) {
        let due = self.begin_us.unwrap_or_default() + planned.at_us;
        let held = self.plan.counts(planned.at_us);
        self.planned(due);
        self.harvest.tally.planned += u64::from(held);
        if !written {
            self.harvest.tally.unsent += 1;
            self.harvest.tally.unsent_in_hold += u64::from(held);
            return;
        }
        self.harvest.ledger.sent(planned.user, planned.sequence);
        if self.plan.protocol.acknowledges() {
            let index = (planned.user - self.own.start) as usize;
            self.flights.push(&mut self.people[index].sends, planned.sequence, planned.at_us);
        }
        let lag = now_us.saturating_sub(due);
        if held {
            self.harvest.latencies.record(Kind::ScheduleLag, lag);
        }
        self.harvest.tally.offered += u64::from(self.holds(now_us));
        self.second.offered += 1;
        self.second.lag.record(lag);
    }

    /// Counts a send where it was due, also when that second has ended.
    fn planned(&mut self, due_us: u64) {
        let at_s = (due_us / SECOND_US) as u32;
        if at_s >= self.second.at_s {
            self.second.planned += 1;
        } else if let Some(ended) = self.ended.iter_mut().rev().find(|second| second.at_s == at_s) {
            ended.planned += 1;
        } else {
            let mut late = Second::new(at_s);
            late.planned = 1;
            self.ended.push(late);
        }
    }

    /// The planned times of a user's unanswered sends.
    pub(crate) fn unanswered(&self, user: u32) -> Vec<Planned> {
        let line = self.people[(user - self.own.start) as usize].sends;
        self.flights.iter(line).map(|(sequence, at_us)| Planned { user, sequence, at_us }).collect()
    }

    pub(crate) fn acknowledged(&mut self, user: u32, sequence: u32, now_us: u64) {
        let index = (user - self.own.start) as usize;
        let planned = self.flights.take(&mut self.people[index].sends, sequence);
        if !self.harvest.ledger.acknowledged(user, sequence) {
            return;
        }
        self.harvest.tally.accepted += u64::from(self.holds(now_us));
        self.second.accepted += 1;
        if let (Some(planned), Some(begin)) = (planned, self.begin_us) {
            let due = begin + planned;
            if self.people[index].ready_us.is_none_or(|ready| ready > due) {
                // Who was away or did not listen has no say in how fast answers come.
                return;
            }
            let latency = now_us.saturating_sub(due);
            self.second.accept.record(latency);
            if self.plan.counts(planned) {
                self.harvest.latencies.record(Kind::Accept, latency);
            }
        }
    }

    pub(crate) fn refused(&mut self, user: u32, sequence: u32, code: &str, limited: bool) {
        let index = (user - self.own.start) as usize;
        self.flights.take(&mut self.people[index].sends, sequence);
        let news = self.harvest.ledger.refused(user, sequence);
        self.harvest.tally.refuse(code, 1);
        self.harvest.tally.rate_limited += u64::from(limited);
        self.harvest.tally.sends_limited += u64::from(limited && news);
        self.second.refused += 1;
    }

    pub(crate) fn doubtful(&mut self, code: &str) {
        self.harvest.tally.refuse(code, 1);
    }

    /// Something arrived at a user; answers the planned time of what is new and his.
    pub(crate) fn received(
        &mut self,
        at: u32,
        found: Result<Payload, Corrupt>,
        now_us: u64,
    ) -> Option<Payload> {
        self.last_receipt_us = now_us;
        let payload = self.harvest.ledger.received(at, found)?;
        let begin = self.begin_us?;
        let due = begin + payload.planned;
        self.harvest.tally.delivered += u64::from(self.holds(now_us));
        self.second.delivered += 1;
        let held = self.plan.counts(payload.planned);
        let person = *self.person(at);
        match person.ready_us {
            Some(ready) if ready <= due => {
                let latency = now_us.saturating_sub(due);
                self.second.delivery.record(latency);
                if held {
                    self.harvest.latencies.record(Kind::Delivery, latency);
                }
            }
            ready => {
                let kind = if person.returned { Kind::Gap } else { Kind::Offline };
                self.harvest.latencies.record(kind, now_us - ready.unwrap_or(now_us).min(now_us));
            }
        }
        Some(payload)
    }

    /// A user is about to mark a message of his peer as seen.
    pub(crate) fn marks(&mut self, sender: u32, up_to: u64, planned: u64) {
        if let (true, Ok(number)) = (self.plan.counts(planned), u32::try_from(up_to)) {
            let index = (sender - self.own.start) as usize;
            self.flights.push(&mut self.people[index].seen, number, planned);
        }
    }

    /// A sender hears that the peer has seen his messages.
    pub(crate) fn seen(&mut self, user: u32, up_to: u64, now_us: u64) {
        let number = u32::try_from(up_to).unwrap_or(u32::MAX);
        let (index, begin) = ((user - self.own.start) as usize, self.begin_us.unwrap_or_default());
        let latencies = &mut self.harvest.latencies;
        self.flights.take_to(&mut self.people[index].seen, number, |planned| {
            latencies.record(Kind::Seen, now_us.saturating_sub(begin + planned));
        });
    }

    /// Ends the seconds that have passed.
    pub(crate) fn turn(&mut self, now_us: u64) {
        let now_s = (now_us / SECOND_US) as u32;
        if self.second.at_s >= now_s {
            return;
        }
        self.second.connected = self.ready;
        let ended = std::mem::replace(&mut self.second, Second::new(now_s));
        // A thread that was held up has no picture of the seconds between, but their columns are there.
        let between = (ended.at_s + 1..now_s).rev().take(SECONDS).map(|at_s| {
            let mut second = Second::new(at_s);
            second.connected = ended.connected;
            second
        });
        let mut between: Vec<Second> = between.collect();
        self.ended.push(ended);
        self.ended.append(&mut between);
        while self.ended.len() > SECONDS {
            let first = self.ended.remove(0);
            self.ended[0].merge(&first);
        }
    }

    /// The seconds that have ended since the last call.
    pub(crate) fn take_seconds(&mut self) -> Vec<Second> {
        std::mem::take(&mut self.ended)
    }

    /// Gives back what could not be handed on.
    pub(crate) fn keep_seconds(&mut self, mut seconds: Vec<Second>) {
        seconds.append(&mut self.ended);
        self.ended = seconds;
    }

    /// Ends the book: what was measured, and the rest of the seconds.
    pub(crate) fn end(mut self, now_us: u64) -> (Harvest, Vec<Second>) {
        let quiet_us = now_us.saturating_sub(self.last_receipt_us);
        self.harvest.tally.quiet_us = quiet_us;
        let (people, first) = (&self.people, self.own.start);
        let connected = |user: u32| people[(user - first) as usize].ready_us.is_some();
        self.harvest.ledger.settle(connected, quiet_us >= QUIET_US);
        self.second.connected = self.ready;
        self.ended.push(self.second);
        (self.harvest, self.ended)
    }
}
