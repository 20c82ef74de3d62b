//! What goes out: each message at its planned time, or as soon after as the thread gets to it.

use super::{Thread, What};
use crate::driver::{Outbox, Outgoing};
use crate::socket::Step;
use plan::payload::mix;
use plan::{Arrivals, Payload, Planned, Schedule, client_id};

/// Sends made without a look at the sockets, when the plan is behind.
const STREAK: u32 = 64;

/// At high rates a thread that sleeps sleeps no shorter than this: each awakening costs more than the send does, and
/// the machine may be the server's too. Counted in the schedule lag as all else.
const SLACK_US: u64 = 250;

/// The plan of this thread's sends.
#[derive(Debug, Default)]
pub(super) struct Sends {
    schedule: Option<Schedule>,
    next: Option<Planned>,
    begin_us: u64,
    /// Wall clock at the begin, in milliseconds.
    wall_ms: u64,
    open: bool,
    /// When one was last written.
    last_us: u64,
}

impl Sends {
    pub(super) fn begin(schedule: Schedule, begin_us: u64, wall_ms: u64) -> Self {
        let mut sends =
            Self { schedule: Some(schedule), next: None, begin_us, wall_ms, open: true, last_us: 0 };
        sends.turn();
        sends
    }

    /// When the next one is due, on the run clock.
    pub(super) fn next_us(&self) -> Option<u64> {
        Some(self.begin_us + self.next?.at_us)
    }

    /// When to wake up for it.
    pub(super) fn wake_us(&self) -> Option<u64> {
        self.next_us().map(|next| next.max(self.last_us + SLACK_US))
    }

    /// No more of them.
    pub(super) fn stop(&mut self) {
        (self.schedule, self.next, self.open) = (None, None, false);
    }

    fn turn(&mut self) {
        self.next = self.schedule.as_mut().and_then(Iterator::next);
    }
}

impl Thread {
    /// Sends what is due, a bounded number at a time.
    pub(super) fn send_due(&mut self) {
        for _ in 0..STREAK {
            let (Some(planned), Some(due)) = (self.sends.next, self.sends.next_us()) else {
                return;
            };
            if due > self.now() {
                return;
            }
            self.sends.turn();
            self.send(planned);
        }
    }

    fn send(&mut self, planned: Planned) {
        let index = (planned.user - self.setup.own.start) as usize;
        match self.connections[index].step {
            // Who is away because the scenario says so does not write.
            Step::Away => return,
            Step::Ready if self.connections[index].deaf => return,
            Step::Ready => {}
            _ => return self.book.sent(planned, false, self.now()),
        }
        let written = self.write_message(planned);
        let now = self.now();
        self.book.sent(planned, written, now);
        self.sends.last_us = now;
        if written && !self.setup.plan.protocol.acknowledges() {
            self.think(index, now);
        }
    }

    /// Writes a message, or writes it again: the same bytes under the same client id.
    fn write_message(&mut self, planned: Planned) -> bool {
        let index = (planned.user - self.setup.own.start) as usize;
        let plan = &self.setup.plan;
        let message = Outgoing {
            payload: Payload {
                run: plan.run,
                sender: planned.user,
                sequence: planned.sequence,
                planned: planned.at_us,
            },
            bytes: plan.message_bytes as usize,
            client_id: client_id(plan.seed, self.sends.wall_ms, planned),
        };
        if self.calls.sends {
            return self.post(index, message);
        }
        self.out.clear();
        self.scratch.clear();
        let (me, driver) = (self.setup.me(index), &self.setup.driver);
        let mut out = Outbox::new(driver.framing(), &mut self.out);
        driver.send(me, &message, &mut self.connections[index].session, &mut self.scratch, &mut out);
        self.write(index)
    }

    /// Repeats each send that was not answered once, under the same client id, to learn what became of it.
    pub(super) fn repeat(&mut self) -> usize {
        let mut repeated = 0;
        for index in 0..self.connections.len() {
            let user = self.setup.user(index);
            for planned in self.book.unanswered(user) {
                if self.connections[index].step == Step::Ready && self.write_message(planned) {
                    self.book.harvest.ledger.repeated(user, planned.sequence);
                    repeated += 1;
                }
            }
        }
        repeated
    }

    /// Somebody is there again: what was not answered on his earlier connection never will be, so he repeats it.
    pub(super) fn repeat_of(&mut self, index: usize) {
        let user = self.setup.user(index);
        if self.calls.sends {
            return;
        }
        for planned in self.book.unanswered(user) {
            if self.connections[index].step == Step::Ready && self.write_message(planned) {
                self.book.harvest.ledger.repeated(user, planned.sequence);
            }
        }
    }

    fn thinking(&self) -> Option<u64> {
        match self.setup.plan.arrivals {
            Arrivals::Closed { think_us } if self.sends.open => Some(think_us),
            _ => None,
        }
    }

    /// In the closed model: the first send of each user, somewhere in his first pause.
    pub(super) fn think_first(&mut self) {
        let Some(think) = self.thinking() else {
            return;
        };
        for index in 0..self.connections.len() {
            if self.connections[index].step == Step::Ready {
                let user = u64::from(self.setup.user(index));
                let pause = mix(self.setup.plan.seed ^ mix(user + 1)) % think.max(1);
                self.set(index, self.sends.begin_us + pause, What::Think);
            }
        }
    }

    /// In the closed model: a user has come, or his send was answered, and he begins to think.
    pub(super) fn think(&mut self, index: usize, now: u64) {
        if let Some(think) = self.thinking() {
            self.set(index, now.max(self.sends.begin_us) + think, What::Think);
        }
    }

    pub(super) fn think_over(&mut self, index: usize) {
        let now = self.now();
        if self.thinking().is_some() && self.connections[index].step == Step::Ready {
            let at = now.saturating_sub(self.sends.begin_us);
            let planned = self.book.next_of(self.setup.user(index), at);
            self.send(planned);
        }
    }
}
