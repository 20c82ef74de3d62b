//! Making connections: an open model too. Each has a time at which it is to begin, whatever became of the others.

use super::{Thread, What};
use crate::driver::{Outbox, Wire};
use crate::socket::{Step, Why};
use crate::upgrade;
use mio::Token;
use plan::payload::mix;
use std::collections::VecDeque;
use std::net::IpAddr;

/// Attempts of a user who has never been there, and the time of each.
const ATTEMPTS: u8 = 3;
const ATTEMPT_US: u64 = 30_000_000;
/// The pause before the second attempt; it doubles, up to a bound. Who was there before is tried on and on.
const PAUSE_US: u64 = 200_000;
const PAUSE_US_MAX: u64 = 5_000_000;
/// Connections begun between two looks at the sockets.
const STREAK: usize = 16;

#[derive(Debug, Default)]
pub(super) struct Ramp {
    /// The first user whose time has not come.
    next: usize,
    /// Whose time has come; at most all users.
    queue: VecDeque<u32>,
    /// Being made.
    making: u32,
    stopped: bool,
}

impl Ramp {
    pub(super) fn enqueue(&mut self, index: usize) {
        self.queue.push_back(index as u32);
    }

    /// Nobody else is to come.
    pub(super) fn stop(&mut self) {
        self.stopped = true;
        self.queue.clear();
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stopped
    }
}

impl Thread {
    /// When a user's connection is to begin. Each thread spreads its own over the whole ramp.
    fn ramp_us(&self, index: usize) -> u64 {
        self.setup.plan.phases.ramp_us * index as u64 / self.connections.len().max(1) as u64
    }

    pub(super) fn ramp_next(&self) -> Option<u64> {
        if self.ramp.stopped {
            return None;
        }
        if !self.ramp.queue.is_empty() && self.ramp.making < self.setup.connecting {
            return Some(0);
        }
        (self.ramp.next < self.connections.len()).then(|| self.ramp_us(self.ramp.next))
    }

    /// Everybody who was to come has come, or was given up.
    pub(super) fn all_came(&self) -> bool {
        self.ramp.next >= self.connections.len() && self.book.expected == 0
    }

    /// Begins the connections whose time has come, as many as may be made at once.
    pub(super) fn connect_due(&mut self) {
        let now = self.now();
        while self.ramp.next < self.connections.len()
            && !self.ramp.stopped
            && self.ramp_us(self.ramp.next) <= now
        {
            let index = self.ramp.next;
            self.ramp.next += 1;
            if self.is_offline(index) {
                self.book.expected -= 1;
                continue;
            }
            let planned = self.ramp_us(index);
            // All at once is no plan that anybody could be behind.
            if self.setup.plan.phases.ramp_us > 0 {
                let lag = &mut self.book.harvest.connecting.lag_us;
                *lag = (*lag).max(now - planned);
            }
            self.come(index, planned);
        }
        for _ in 0..STREAK {
            if self.ramp.making >= self.setup.connecting {
                return;
            }
            let Some(index) = self.ramp.queue.pop_front() else {
                return;
            };
            self.attempt(index as usize);
        }
    }

    /// Somebody is to come, at this planned time.
    pub(super) fn come(&mut self, index: usize, planned_us: u64) {
        let connection = &mut self.connections[index];
        connection.planned_us = planned_us;
        connection.attempts = 0;
        connection.step = Step::Waiting;
        self.ramp.enqueue(index);
    }

    fn attempt(&mut self, index: usize) {
        let now = self.now();
        let connection = &mut self.connections[index];
        if connection.step != Step::Waiting {
            return;
        }
        if self.setup.plan.phases.ramp_us == 0 && connection.planned_us == 0 {
            // All at once has no plan but the bound on how many are made at a time.
            connection.planned_us = now;
        }
        let known = connection.known || !self.setup.plan.behaviour.login;
        connection.step = Step::LogIn;
        self.ramp.making += 1;
        self.set(index, now + ATTEMPT_US, What::GiveUp);
        if known {
            self.dial(index);
        } else if !self.log_in(index) {
            self.lost(index, "login: too many calls at a time".to_owned().into());
        }
    }

    /// Begins the connection itself.
    pub(super) fn dial(&mut self, index: usize) {
        let user = self.setup.user(index);
        let target = self.setup.plan.target(user).address;
        let from = self.source(user, self.connections[index].attempts, target.is_ipv4());
        let connection = &mut self.connections[index];
        connection.step = Step::Connecting;
        let begun = connection.connect(target, from, &self.registry, Token(index));
        if let Err(error) = begun {
            self.lost(index, error.into());
        }
    }

    /// The local address of a user's socket: all of them in turn with each target, another with each attempt.
    fn source(&self, user: u32, attempts: u8, v4: bool) -> Option<IpAddr> {
        let turn = user as usize / self.setup.plan.targets.len() + usize::from(attempts);
        let sources = &self.setup.sources;
        let from = sources.get(turn % sources.len().max(1)).copied();
        from.filter(|from| from.is_ipv4() == v4)
    }

    /// A socket became ready to write while it was connecting.
    pub(super) fn connected(&mut self, index: usize) {
        match self.connections[index].connected() {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => return self.lost(index, error.into()),
        }
        let user = self.setup.user(index);
        let Some(session) = self.setup.tls.as_ref().and_then(|tls| tls.session(user)) else {
            return self.stands(index);
        };
        let connection = &mut self.connections[index];
        connection.step = Step::Securing;
        let begun = session.map_err(Why::from).and_then(|session| connection.secure(Box::new(session)));
        if let Err(why) = begun {
            self.lost(index, why);
        }
    }

    /// The connection stands, encrypted where it is to be.
    pub(super) fn stands(&mut self, index: usize) {
        let me = self.setup.me(index);
        let Wire::WebSocket { path, headers } = self.setup.driver.wire(me) else {
            return self.open(index);
        };
        self.out.clear();
        upgrade::request(&path, me.authority, &headers, &mut self.out);
        self.connections[index].step = Step::Upgrading;
        self.write(index);
    }

    /// The first words of the protocol.
    pub(super) fn open(&mut self, index: usize) {
        let connection = &mut self.connections[index];
        connection.step = Step::Opening;
        self.out.clear();
        self.scratch.clear();
        let mut out = Outbox::new(self.setup.driver.framing(), &mut self.out);
        self.setup.driver.open(self.setup.me(index), &mut connection.session, &mut self.scratch, &mut out);
        self.write(index);
    }

    /// A connection stands.
    pub(super) fn made(&mut self, index: usize, now: u64) {
        let connection = &mut self.connections[index];
        connection.step = Step::Ready;
        connection.attempts = 0;
        connection.cut = false;
        self.ramp.making -= 1;
        if let Some((seconds, _)) = self.setup.driver.heartbeat() {
            self.set(index, now + u64::from(seconds) * 1_000_000, What::Heartbeat);
        }
        self.think(index, now);
    }

    pub(super) fn give_up(&mut self, index: usize) {
        let words = match self.connections[index].step {
            Step::Securing => "TLS: no handshake in 30 s: is the server a plain http:// one?",
            step if step.is_making() => "not connected in 30 s",
            _ => return,
        };
        self.lost(index, words.to_owned().into());
    }

    /// A connection has ended, or could not be made: it is tried again, but for who was never there and had his attempts.
    pub(super) fn lost(&mut self, index: usize, why: Why) {
        let user = self.setup.user(index);
        let now = self.now();
        let connection = &mut self.connections[index];
        let before = connection.step;
        connection.shut();
        if before == Step::Ready {
            connection.planned_us = now;
            self.book.left(user, Some(why.words));
        } else if before.is_making() {
            self.ramp.making -= 1;
            connection.attempts = connection.attempts.saturating_add(1);
            if self.book.came(user) {
                self.book.harvest.tally.reconnect_failures += 1;
            } else if connection.attempts >= ATTEMPTS {
                connection.step = Step::Lost;
                return self.book.given_up(why.local, why.words);
            }
        } else {
            return;
        }
        self.connections[index].step = Step::Waiting;
        let attempts = u32::from(self.connections[index].attempts);
        let pause = PAUSE_US.saturating_mul(1 << attempts.min(16)).min(PAUSE_US_MAX);
        // Not all at the same moment, who were cut at the same moment.
        let jitter = mix(u64::from(user) << 8 | u64::from(attempts)) % (pause / 2);
        if !self.ramp.stopped {
            self.set(index, now + pause / 2 + jitter, What::Connect);
        }
    }
}
