//! What users ask by REST: to log in, to send, to read history. The calls are made on a thread beside, which wakes the loop.

use super::Thread;
use crate::driver::Outgoing;
use crate::rest::{Call, Done, Kind, Outcome, Rest, What};
use crate::socket::Step;
use mio::Waker;
use plan::{Plan, Protocol, Transport};
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

/// Calls of a thread whose results were not taken; what is due beyond it is not made, and counted.
const CALLS: usize = 16_384;

/// The calls of a thread.
#[derive(Debug, Default)]
pub(super) struct Calls {
    /// None where nobody asks anything by REST.
    rest: Option<Rest>,
    /// Sends go by REST too.
    pub(super) sends: bool,
    /// How far back a user has read: the sequence before which his next page ends.
    pages: BTreeMap<u32, u64>,
}

impl Calls {
    pub(super) fn start(plan: &Plan, waker: &Arc<Waker>) -> io::Result<Self> {
        let sends = matches!(plan.protocol, Protocol::Chatd { transport: Transport::Rest });
        if !(sends || plan.behaviour.login || plan.behaviour.history_rate > 0.0) {
            return Ok(Self::default());
        }
        let Some(api) = &plan.api else {
            return Err(io::Error::other("logins, history and sends by REST need the address of the API"));
        };
        let rest = Rest::start(api, plan.ca.as_deref(), waker.clone(), CALLS)?;
        Ok(Self { rest: Some(rest), sends, pages: BTreeMap::new() })
    }
}

impl Thread {
    /// Asks without waiting; false when too much has been asked already.
    fn call(&mut self, index: usize, kind: Kind) -> bool {
        let user = self.setup.user(index);
        let token = &self.setup.accounts[index].token;
        self.calls.rest.as_mut().is_some_and(|rest| rest.call(Call { user, token, kind }).is_ok())
    }

    /// Begins to log in.
    pub(super) fn log_in(&mut self, index: usize) -> bool {
        let plan = &self.setup.plan;
        let words = self.setup.accounts[index].password.as_deref().unwrap_or_default();
        let (name, password) = match words.split_once(':') {
            Some((name, password)) => (name.to_owned(), password.to_owned()),
            None => (format!("bench_{:08x}_{}", plan.run, self.setup.user(index)), words.to_owned()),
        };
        self.call(index, Kind::Login { name, password })
    }

    pub(super) fn post(&mut self, index: usize, message: Outgoing) -> bool {
        let recipient = self.setup.accounts[index ^ 1].id;
        self.call(index, Kind::Send { recipient, message })
    }

    /// Reads the newest page of the conversation with the peer, or the one before the last read.
    pub(super) fn read_history(&mut self, index: usize) {
        let before = self.calls.pages.get(&(index as u32)).copied();
        let peer = self.setup.accounts[index ^ 1].id;
        if !self.call(index, Kind::History { peer, before }) {
            self.book.doubtful("history: too many calls at a time");
        }
    }

    /// Takes what was answered.
    pub(super) fn answers(&mut self) {
        let results = self.calls.rest.as_mut().map(Rest::results).unwrap_or_default();
        for done in results {
            self.answer(done);
        }
    }

    fn answer(&mut self, done: Done) {
        let Done { user, outcome, began_us, ended_us } = done;
        let index = (user - self.setup.own.start) as usize;
        let took = u64::try_from(ended_us - began_us).unwrap_or_default();
        let at = u64::try_from(ended_us - self.setup.clock.zero_us).unwrap_or_default();
        let harvest = &mut self.book.harvest;
        match outcome {
            Outcome::LoggedIn { token } => {
                harvest.latencies.record(ledger::Kind::Login, took);
                harvest.tally.logins += 1;
                self.setup.accounts[index].token = token;
                self.connections[index].known = true;
                if self.connections[index].step == Step::LogIn {
                    self.dial(index);
                }
            }
            Outcome::Acknowledged { sequence } => {
                self.book.acknowledged(user, sequence, at);
                self.think(index, at);
            }
            Outcome::Page { oldest, more, .. } => {
                harvest.latencies.record(ledger::Kind::History, took);
                harvest.tally.pages += 1;
                match oldest.filter(|_| more) {
                    Some(oldest) => self.calls.pages.insert(index as u32, oldest),
                    None => self.calls.pages.remove(&(index as u32)),
                };
            }
            Outcome::Refused { what, code, limited } => self.failed(index, what, &code, limited, true, at),
            Outcome::Doubtful { what, code } => self.failed(index, what, &code, false, false, at),
        }
    }

    fn failed(&mut self, index: usize, what: What, code: &str, limited: bool, refused: bool, at: u64) {
        let user = self.setup.user(index);
        match what {
            What::Send { sequence } => {
                if refused {
                    self.book.refused(user, sequence, code, limited);
                } else {
                    self.book.doubtful(code);
                }
                return self.think(index, at);
            }
            What::History => self.book.doubtful(&format!("history: {code}")),
            What::Login => {
                if self.connections[index].step == Step::LogIn {
                    self.lost(index, format!("login: {code}").into());
                }
            }
        }
        self.book.harvest.tally.rate_limited += u64::from(limited);
    }
}
