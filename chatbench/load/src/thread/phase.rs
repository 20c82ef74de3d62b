//! The parts of a run as a thread sees them: connect, load, drain, repeat what was not answered, linger, end.

use super::Thread;
use super::life::Life;
use crate::clock::thread_cpu_us;
use crate::thread::send::Sends;
use plan::Schedule;

/// How long the answers to repeated sends may take.
const REPEAT_US: u64 = 5_000_000;
/// How long sockets are listened to when everything is there, for what comes once too often.
const LINGER_US: u64 = 250_000;

/// Times are of the run clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// The begin was not told yet.
    Connect,
    /// Warm-up and hold.
    Load,
    Drain {
        until_us: u64,
    },
    Repeat {
        until_us: u64,
    },
    Linger {
        until_us: u64,
    },
}

/// What of a CPU the thread takes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Busy {
    /// CPU and run clock at the last look.
    last: (u64, u64),
    /// And at the begin of the hold.
    hold: Option<(u64, u64)>,
    held: bool,
}

impl Busy {
    /// The share since the last call.
    pub(super) fn since_last(&mut self, now_us: u64) -> f64 {
        let before = std::mem::replace(&mut self.last, (thread_cpu_us(), now_us));
        share(before, self.last)
    }
}

fn share(before: (u64, u64), after: (u64, u64)) -> f64 {
    after.0.saturating_sub(before.0) as f64 / after.1.saturating_sub(before.1).max(1) as f64
}

impl Thread {
    /// The plan begins at this time.
    pub(super) fn begin(&mut self, at_us: u64, wall_ms: u64) {
        if self.phase != Phase::Connect {
            return;
        }
        let schedule = Schedule::new(&self.setup.plan, self.setup.own.clone());
        self.sends = Sends::begin(schedule, at_us, wall_ms);
        let share = self.connections.len() as f64 / f64::from(self.setup.plan.users.max(1));
        self.life = Life::begin(&self.setup.plan, share, at_us);
        self.book.begin(at_us);
        self.phase = Phase::Load;
        self.think_first();
    }

    /// No more sends.
    pub(super) fn stop(&mut self) {
        let now = self.now();
        if self.phase == Phase::Connect {
            self.ramp.stop();
            self.phase = Phase::Linger { until_us: now };
        } else if self.phase == Phase::Load {
            self.drain(now);
        }
    }

    fn drain(&mut self, now: u64) {
        self.end_hold(now);
        self.sends.stop();
        self.life.stop();
        // Whoever ends the hold before its time wakes them: what nobody reads would look like lost.
        self.hear();
        self.come_late(now);
        self.phase = Phase::Drain { until_us: now + self.setup.plan.phases.drain_us };
    }

    fn end_hold(&mut self, now: u64) {
        if let Some(hold) = self.busy.hold.filter(|_| !self.busy.held) {
            self.busy.held = true;
            self.book.harvest.tally.busy = share(hold, (thread_cpu_us(), now));
        }
    }

    pub(super) fn phase_next(&self) -> Option<u64> {
        let phases = &self.setup.plan.phases;
        match self.phase {
            Phase::Connect => None,
            Phase::Load => {
                let begin = self.book.begun()?;
                let next = if self.busy.hold.is_none() { phases.warmup_us } else { phases.end_us() };
                Some(begin + next)
            }
            Phase::Drain { until_us } | Phase::Repeat { until_us } | Phase::Linger { until_us } => {
                Some(until_us)
            }
        }
    }

    /// Goes on to the next part when it is time; true at the end.
    pub(super) fn turn_phase(&mut self) -> bool {
        let now = self.now();
        match self.phase {
            Phase::Connect => {}
            Phase::Load => {
                let begin = self.book.begun().unwrap_or_default();
                let phases = self.setup.plan.phases;
                if self.busy.hold.is_none() && now >= begin + phases.warmup_us {
                    self.busy.hold = Some((thread_cpu_us(), now));
                }
                if now >= begin + phases.end_us() && self.sends.next_us().is_none() {
                    self.drain(now);
                }
            }
            Phase::Drain { .. } | Phase::Repeat { .. } if self.complete() => {
                self.phase = Phase::Linger { until_us: now + LINGER_US };
            }
            Phase::Drain { until_us } => {
                if now >= until_us {
                    if self.repeat() == 0 {
                        return true;
                    }
                    self.phase = Phase::Repeat { until_us: now + REPEAT_US };
                }
            }
            Phase::Repeat { until_us } | Phase::Linger { until_us } => return now >= until_us,
        }
        false
    }

    /// Whether each send was answered, where sends are answered, and each accepted message received.
    fn complete(&self) -> bool {
        let outcomes = &self.book.harvest.ledger.outcomes;
        let answered = outcomes.acknowledged + outcomes.refused >= outcomes.sent;
        (answered || !self.setup.plan.protocol.acknowledges())
            && outcomes.received + outcomes.refused >= outcomes.sent
    }
}
