//! The users of a run, behind one door: connect them, let a plan of sends run, take what was measured.
//!
//! Each thread has a runtime of its own, serves whole pairs, and shares nothing with the others but a few
//! counters for the progress line; ledgers and histograms are local and merged at the end. A socket is a task
//! without a buffer: reads go through one buffer of the thread, and only a frame that has not arrived wholly
//! is kept. Nothing here waits for an answer before the next planned send.

mod socket;
mod stomp;
mod wire;
mod worker;

use crate::latency::Latency;
use crate::ledger::Ledger;
use crate::provision::Account;
use crate::schedule::Schedule;
use schema::exit::{Exit, Failure};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{oneshot, watch};

/// What the fleet needs to know before it connects.
#[derive(Debug)]
pub(crate) struct Setup {
    pub(crate) run: u32,
    pub(crate) target: SocketAddr,
    /// Host and port for the upgrade request.
    pub(crate) authority: String,
    pub(crate) accounts: Vec<Account>,
    /// Bytes of a message's content.
    pub(crate) size: usize,
    pub(crate) threads: usize,
    /// Connections that a thread makes at a time.
    pub(crate) connecting: usize,
    pub(crate) drain: Duration,
}

/// When the plan starts, and the plan.
#[derive(Clone, Debug)]
struct Begin {
    start: Instant,
    schedule: Arc<Schedule>,
}

/// Counters that can be read while the fleet runs.
#[derive(Debug, Default)]
pub(crate) struct Live {
    connected: AtomicU64,
    sent: AtomicU64,
    acknowledged: AtomicU64,
    received: AtomicU64,
}

/// What the counters say now.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) connected: u64,
    pub(crate) sent: u64,
    pub(crate) acknowledged: u64,
    pub(crate) received: u64,
}

/// How connecting went.
#[derive(Clone, Debug, Default)]
pub(crate) struct Connecting {
    pub(crate) connected: usize,
    /// Failed for a reason of this machine.
    pub(crate) local_failures: usize,
    /// The first errors, in words.
    pub(crate) errors: Vec<String>,
}

/// What was counted beside the ledger.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    /// During the hold: written, acknowledged and received.
    pub(crate) offered: u64,
    pub(crate) accepted: u64,
    pub(crate) delivered: u64,
    /// Planned sends whose socket was gone.
    pub(crate) unsent: u64,
    /// Those of them that were planned in the hold.
    pub(crate) unsent_in_hold: u64,
    pub(crate) disconnected: u64,
    pub(crate) rate_limited: u64,
    /// Codes of refused sends, with their counts.
    pub(crate) refusals: Vec<(String, u64)>,
    /// Why sockets closed, the first few.
    pub(crate) closes: Vec<String>,
    /// Share of the hold that the busiest thread was on a CPU.
    pub(crate) busy: f64,
}

/// Everything that a run has measured.
#[derive(Debug)]
pub(crate) struct Harvest {
    pub(crate) ledger: Ledger,
    /// Planned send to receipt by the recipient, planned to acknowledged, planned to written.
    pub(crate) delivery: Latency,
    pub(crate) accept: Latency,
    pub(crate) lag: Latency,
    pub(crate) tally: Tally,
}

impl Harvest {
    fn new(run: u32, users: usize) -> Self {
        let ledger = Ledger::new(run, users);
        let (delivery, accept, lag) = (Latency::new(), Latency::new(), Latency::new());
        Self { ledger, delivery, accept, lag, tally: Tally::default() }
    }

    fn merge(&mut self, other: Harvest) {
        self.ledger.merge(other.ledger);
        self.delivery.merge(&other.delivery);
        self.accept.merge(&other.accept);
        self.lag.merge(&other.lag);
        let (mine, theirs) = (&mut self.tally, other.tally);
        mine.offered += theirs.offered;
        mine.accepted += theirs.accepted;
        mine.delivered += theirs.delivered;
        mine.unsent += theirs.unsent;
        mine.unsent_in_hold += theirs.unsent_in_hold;
        mine.disconnected += theirs.disconnected;
        mine.rate_limited += theirs.rate_limited;
        for (code, count) in theirs.refusals {
            mine.refuse(&code, count);
        }
        mine.closes.extend(theirs.closes);
        mine.closes.truncate(ERRORS);
        mine.busy = mine.busy.max(theirs.busy);
    }
}

impl Tally {
    fn refuse(&mut self, code: &str, count: u64) {
        match self.refusals.iter_mut().find(|(known, _)| known == code) {
            Some((_, known)) => *known += count,
            None => self.refusals.push((code.to_owned(), count)),
        }
    }
}

/// Errors kept in words.
const ERRORS: usize = 5;

/// Connected users.
pub(crate) struct Fleet {
    live: Arc<Live>,
    begin: watch::Sender<Option<Begin>>,
    stop: watch::Sender<bool>,
    harvests: Vec<oneshot::Receiver<Harvest>>,
    reports: Vec<oneshot::Receiver<Connecting>>,
    setup: Arc<Setup>,
}

impl Fleet {
    /// Starts the threads, which begin to connect at once.
    pub(crate) fn start(setup: Arc<Setup>) -> Result<Self, Failure> {
        let live = Arc::new(Live::default());
        let (begin, begins) = watch::channel(None);
        let (stop, stops) = watch::channel(false);
        let (mut harvests, mut reports) = (Vec::new(), Vec::new());
        for thread in 0..setup.threads {
            let (report, reported) = oneshot::channel();
            let (harvest, harvested) = oneshot::channel();
            let orders = worker::Orders { begin: begins.clone(), stop: stops.clone(), report };
            let (setup, live) = (setup.clone(), live.clone());
            let work = move || {
                if let Some(result) = worker::run(thread, setup, live, orders) {
                    let _nobody_waits = harvest.send(result);
                }
            };
            std::thread::Builder::new().name(format!("fleet-{thread}")).spawn(work).map_err(|error| {
                Failure::new(Exit::Failed, format!("fleet thread: {error}"), "use fewer --threads")
            })?;
            harvests.push(harvested);
            reports.push(reported);
        }
        Ok(Self { live, begin, stop, harvests, reports, setup })
    }

    /// Ends when each user was connected and subscribed, or has failed to.
    pub(crate) fn connected(&mut self) -> impl Future<Output = Result<Connecting, Failure>> + use<> {
        let reports = std::mem::take(&mut self.reports);
        async move {
            let mut all = Connecting::default();
            for report in reports {
                let one = report.await.map_err(|_| died())?;
                all.connected += one.connected;
                all.local_failures += one.local_failures;
                all.errors.extend(one.errors);
            }
            all.errors.truncate(ERRORS);
            Ok(all)
        }
    }

    /// Lets the plan run from `start` on.
    pub(crate) fn begin(&self, start: Instant, schedule: Arc<Schedule>) {
        self.begin.send_replace(Some(Begin { start, schedule }));
    }

    /// Ends the sends, so that only the drain is left.
    pub(crate) fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// What the counters say now.
    pub(crate) fn seen(&self) -> Seen {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Seen {
            connected: read(&self.live.connected),
            sent: read(&self.live.sent),
            acknowledged: read(&self.live.acknowledged),
            received: read(&self.live.received),
        }
    }

    /// Ends when the plan has run, everything was drained and the sockets are closed.
    pub(crate) fn finish(&mut self) -> impl Future<Output = Result<Harvest, Failure>> + use<> {
        let harvests = std::mem::take(&mut self.harvests);
        let mut all = Harvest::new(self.setup.run, self.setup.accounts.len());
        async move {
            for harvest in harvests {
                all.merge(harvest.await.map_err(|_| died())?);
            }
            Ok(all)
        }
    }
}

fn died() -> Failure {
    Failure::new(
        Exit::Failed,
        "a thread of the generator ended unexpectedly",
        "this is a defect of chatbench: report it",
    )
}
