//! What all tasks of one thread share: sockets by user, the ledger, the histograms.

use crate::fleet::socket::Socket;
use crate::fleet::stomp::{self, Frame};
use crate::fleet::wire::{CLOSE, TEXT};
use crate::fleet::{Begin, ERRORS, Harvest, Live, Setup};
use crate::payload::Payload;
use crate::schedule::Planned;
use schema::Code;
use schema::api::Problem;
use std::cell::{Cell, OnceCell, RefCell, RefMut};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::Notify;

/// Bytes that one read may take.
const READ_BYTES: usize = 64 << 10;

pub(super) struct World {
    thread: usize,
    pub(super) setup: Arc<Setup>,
    live: Arc<Live>,
    plan: OnceCell<Begin>,
    sockets: RefCell<Vec<Option<Rc<Socket>>>>,
    harvest: RefCell<Harvest>,
    /// Reads of all sockets go through it.
    pub(super) buffer: RefCell<Vec<u8>>,
    /// Where a frame is put together before it is written.
    scratch: RefCell<Vec<u8>>,
    frame: RefCell<Vec<u8>>,
    /// Somebody waits until everything is there.
    waiting: Cell<bool>,
    completed: Notify,
}

impl World {
    pub(super) fn new(thread: usize, setup: Arc<Setup>, live: Arc<Live>) -> Self {
        let users = setup.accounts.len();
        Self {
            thread,
            live,
            plan: OnceCell::new(),
            sockets: RefCell::new(vec![None; users]),
            harvest: RefCell::new(Harvest::new(setup.run, users)),
            buffer: RefCell::new(vec![0; READ_BYTES]),
            scratch: RefCell::default(),
            frame: RefCell::default(),
            waiting: Cell::new(false),
            completed: Notify::new(),
            setup,
        }
    }

    /// Whether a user is this thread's; both of a pair always are.
    pub(super) fn serves(&self, user: u32) -> bool {
        (user / 2) as usize % self.setup.threads == self.thread
    }

    pub(super) fn users(&self) -> Vec<u32> {
        let all = u32::try_from(self.setup.accounts.len()).unwrap_or(u32::MAX);
        (0..all).filter(|user| self.serves(*user)).collect()
    }

    pub(super) fn plan(&self) -> Option<&Begin> {
        self.plan.get()
    }

    pub(super) fn begin(&self, plan: Begin) {
        let _only_once = self.plan.set(plan);
    }

    pub(super) fn scratch(&self) -> RefMut<'_, Vec<u8>> {
        self.scratch.borrow_mut()
    }

    /// A user is connected and subscribed.
    pub(super) fn enter(&self, user: u32, socket: Rc<Socket>) {
        self.sockets.borrow_mut()[user as usize] = Some(socket);
        count(&self.live.connected);
    }

    /// A user's socket is gone; not expected before the end.
    pub(super) fn left(&self, user: u32, why: &str) {
        self.sockets.borrow_mut()[user as usize] = None;
        self.live.connected.fetch_sub(1, Ordering::Relaxed);
        let tally = &mut self.harvest.borrow_mut().tally;
        tally.disconnected += 1;
        if tally.closes.len() < ERRORS {
            tally.closes.push(format!("user {user}: {why}"));
        }
    }

    /// Sends what is due now.
    pub(super) fn send(&self, planned: Planned) {
        let Some(plan) = self.plan.get() else {
            return;
        };
        let written = self.write(planned);
        let now = micros(plan);
        let harvest = &mut *self.harvest.borrow_mut();
        if !written {
            harvest.tally.unsent += 1;
            harvest.tally.unsent_in_hold += u64::from(plan.schedule.counts(planned.at));
            return;
        }
        harvest.ledger.sent(planned.user, planned.sequence);
        count(&self.live.sent);
        if plan.schedule.counts(planned.at) {
            harvest.lag.record(now.saturating_sub(planned.at));
        }
        harvest.tally.offered += u64::from(plan.schedule.counts(now));
    }

    /// Writes a planned message, or writes it again: the same bytes under the same client id.
    fn write(&self, planned: Planned) -> bool {
        let socket = self.sockets.borrow()[planned.user as usize].clone();
        let (Some(plan), Some(socket)) = (self.plan.get(), socket) else {
            return false;
        };
        let Planned { user, sequence, at } = planned;
        let payload = Payload { run: self.setup.run, sender: user, sequence, planned: at };
        let recipient = self.setup.accounts[(user ^ 1) as usize].id;
        let mut frame = self.frame.borrow_mut();
        stomp::send(
            &payload,
            self.setup.size,
            recipient,
            plan.schedule.client_id(user, sequence),
            &mut frame,
        );
        socket.write(TEXT, &frame, &mut self.scratch())
    }

    /// Takes a frame that the server sent to a user.
    pub(super) fn take(&self, user: u32, frame: Frame<'_>) {
        let Some(plan) = self.plan.get() else {
            // Before the plan nobody has sent anything.
            if frame.command == b"MESSAGE" {
                self.harvest.borrow_mut().ledger.received(user, Payload::find(frame.body));
            }
            return;
        };
        let now = micros(plan);
        match frame.command {
            b"MESSAGE" if frame.header(b"subscription") == Some(stomp::ERRORS) => {
                self.refused(user, frame.body)
            }
            b"MESSAGE" => {
                let harvest = &mut *self.harvest.borrow_mut();
                if let Some(payload) = harvest.ledger.received(user, Payload::find(frame.body)) {
                    count(&self.live.received);
                    if plan.schedule.counts(payload.planned) {
                        harvest.delivery.record(now.saturating_sub(payload.planned));
                    }
                    harvest.tally.delivered += u64::from(plan.schedule.counts(now));
                }
            }
            b"RECEIPT" => {
                let harvest = &mut *self.harvest.borrow_mut();
                let sequence =
                    frame.sequence().filter(|sequence| harvest.ledger.acknowledged(user, *sequence));
                if let Some(sequence) = sequence {
                    count(&self.live.acknowledged);
                    let planned = plan.schedule.planned(user, sequence);
                    if plan.schedule.counts(planned) {
                        harvest.accept.record(now.saturating_sub(planned));
                    }
                    harvest.tally.accepted += u64::from(plan.schedule.counts(now));
                }
            }
            _ => {}
        }
        self.check();
    }

    /// A problem on the error queue: what may have been stored all the same stays unanswered.
    fn refused(&self, user: u32, body: &[u8]) {
        let harvest = &mut *self.harvest.borrow_mut();
        let problem = serde_json::from_slice::<Problem>(body);
        let code = problem.as_ref().map_or("unreadable", |problem| problem.code.as_str());
        harvest.tally.refuse(code, 1);
        let Ok(problem) = problem else {
            return;
        };
        harvest.tally.rate_limited += u64::from(problem.code == Code::RateLimited);
        let sequence = problem.receipt.and_then(|receipt| receipt.parse().ok());
        if let Some(sequence) =
            sequence.filter(|_| !matches!(problem.code, Code::OutcomeUnknown | Code::Internal))
        {
            harvest.ledger.refused(user, sequence);
        }
    }

    /// Writes each unanswered send again, where the socket lives; answers how many.
    pub(super) fn repeat(&self) -> usize {
        let Some(plan) = self.plan.get() else {
            return 0;
        };
        let mut repeated = 0;
        for user in self.users() {
            let unanswered = self.harvest.borrow().ledger.unanswered(user);
            for sequence in unanswered {
                let at = plan.schedule.planned(user, sequence);
                if self.write(Planned { user, sequence, at }) {
                    self.harvest.borrow_mut().ledger.repeated(user, sequence);
                    repeated += 1;
                }
            }
        }
        repeated
    }

    /// Returns when each send was answered and each accepted message received.
    pub(super) async fn complete(&self) {
        self.waiting.set(true);
        self.check();
        self.completed.notified().await;
    }

    fn check(&self) {
        if self.waiting.get() && self.harvest.borrow().ledger.complete() {
            self.completed.notify_one();
        }
    }

    /// Says good-bye to all and gives what was measured.
    pub(super) fn end(&self, busy: f64) -> Harvest {
        for socket in self.sockets.borrow_mut().drain(..).flatten() {
            socket.write(CLOSE, &1000_u16.to_be_bytes(), &mut self.scratch());
        }
        let mut harvest = self.harvest.replace(Harvest::new(self.setup.run, 0));
        harvest.tally.busy = busy;
        harvest
    }
}

/// Microseconds of the plan that have passed.
fn micros(plan: &Begin) -> u64 {
    u64::try_from(plan.start.elapsed().as_micros()).unwrap_or_default()
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
