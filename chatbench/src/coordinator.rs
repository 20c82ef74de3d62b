//! A run from the first connection to the last word of the last worker: ramp, warm-up, hold, drain.

mod hold;
mod watch;

use crate::cli::Threads;
use crate::clock::Clock;
use crate::interrupt::Interrupt;
use crate::live::Live;
use crate::sampling::Sampler;
use crate::workers::{Workers, shares};
use ledger::{Connecting, Harvest, Seconds};
use load::control::{Order, Part, Word};
use plan::scenario::Chaos;
use plan::{Account, Plan};
use report::model::Mark;
use report::threshold::Missed;
use report::{Process, Sample, Source, Thresholds, Where, Worker};
use reqwest::Client;
use schema::exit::{Exit, Failure};
use std::net::IpAddr;
use std::time::{Duration, Instant};
use tokio::time::{MissedTickBehavior, interval};
use watch::Watch;

/// Time for the workers to take their parts in: a little, and more for each account.
const LEAD: Duration = Duration::from_millis(50);
const LEAD_ACCOUNT: Duration = Duration::from_micros(5);
/// Time between two looks of the live view, and of the sampler.
const TICK: Duration = Duration::from_millis(200);
const SAMPLE: Duration = Duration::from_secs(1);

/// What is to be carried out.
#[derive(Debug)]
pub(crate) struct Job<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) accounts: &'a [Account],
    pub(crate) threads: Threads,
    /// Whether the server runs on the machine of whoever calls it.
    pub(crate) with_server: bool,
    pub(crate) connecting: u32,
    /// Local addresses, spread over the workers of this machine; none: the kernel's choice.
    pub(crate) sources: &'a [IpAddr],
    pub(crate) chaos: &'a [Chaos],
    /// Processes of the server whose use is measured.
    pub(crate) servers: Vec<Process>,
    /// For those whose metrics are read.
    pub(crate) client: Client,
    /// Gates that may end the run before its time.
    pub(crate) asked: &'a Thresholds,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Carried {
    pub(crate) harvest: Harvest,
    pub(crate) seconds: Seconds,
    pub(crate) begin_us: u64,
    /// Wall clock at the begin of the hold, in milliseconds.
    pub(crate) hold_wall_ms: u64,
    pub(crate) processes: Vec<Process>,
    pub(crate) samples: Vec<Sample>,
    pub(crate) workers: Vec<Worker>,
    pub(crate) marks: Vec<Mark>,
    pub(crate) notes: Vec<String>,
    /// The gate that has ended the run before its time.
    pub(crate) cut: Option<Missed>,
    pub(crate) connect: Duration,
    /// How long the hold has lasted, and the drain.
    pub(crate) held: Duration,
    pub(crate) drain: Duration,
}

/// Carries a plan out.
///
/// # Errors
/// Nobody could connect, a worker has ended before its time, or an interrupt came before anything was measured.
pub(crate) async fn carry(
    job: Job<'_>,
    workers: Workers,
    interrupt: &mut Interrupt,
    live: &mut Live,
) -> Result<Carried, Failure> {
    let shares = shares(job.plan.users, count(workers.list.len()));
    let largest = count(shares.first().map_or(0, ExactSizeIterator::len));
    let clock = Clock::starting_in(LEAD + LEAD_ACCOUNT * largest);
    let called = workers.list.iter().map(|worker| format!("{} {}", worker.host, worker.pid));
    let watch = Watch::new(job.plan, called.zip(shares.iter().map(|share| count(share.len()))));
    let sampler = Sampler::new(processes(&job.servers, &workers), &job.client, clock);
    let mut course = Course { job, workers, watch, sampler, clock };
    course.sampler.look(0);
    for (place, share) in shares.into_iter().enumerate() {
        course.workers.tell(place, Order::Start(Box::new(course.part(place, share))));
    }
    let begun = Instant::now();
    let connecting = course.ramp(interrupt, live).await?;
    let connect = begun.elapsed();
    somebody(&connecting, course.job.plan)?;
    course.sampler.look(clock.now_us());
    let held = course.hold(interrupt, live).await?;
    let interrupted = interrupt.is_set();
    tokio::select! {
        () = course.workers.read_again() => {}
        () = interrupt.wait(), if !interrupted => {}
    }
    let workers = course.uses();
    let Course { workers: processes, watch, sampler, job, .. } = course;
    processes.end().await;
    let (marks, mut notes) = held.chaos;
    notes.extend(sampler.gaps());
    Ok(Carried {
        harvest: watch.harvest.unwrap_or_else(|| Harvest::new(job.plan.run, 0..job.plan.users)),
        seconds: watch.seconds,
        begin_us: held.begin_us,
        hold_wall_ms: held.hold_wall_ms,
        processes: sampler.processes,
        samples: sampler.samples,
        workers,
        marks,
        notes,
        cut: held.cut,
        connect,
        held: held.held,
        drain: held.drain,
    })
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// The server's, this one, and the workers of this machine.
fn processes(servers: &[Process], workers: &Workers) -> Vec<Process> {
    let process =
        |pid, name: &str| Process { source: Source::Pid(pid), name: name.to_owned(), side: Where::Generator };
    let mut all = servers.to_vec();
    all.push(process(std::process::id(), "chatbench"));
    let here = workers.list.iter().filter(|worker| worker.is_here());
    all.extend(here.map(|worker| process(worker.pid, "chatbench worker")));
    all
}

/// A run under way.
struct Course<'a> {
    job: Job<'a>,
    workers: Workers,
    watch: Watch,
    sampler: Sampler,
    clock: Clock,
}

impl Course<'_> {
    fn part(&self, place: usize, own: std::ops::Range<u32>) -> Part {
        let (job, workers) = (&self.job, &self.workers.list);
        let here = workers.iter().filter(|worker| worker.is_here()).count().max(1);
        // Each gets addresses of its own as far as they reach: their ports are then nobody else's.
        let sources: Vec<IpAddr> = match job.sources.len() {
            many if many >= here => job.sources.iter().copied().skip(place % here).step_by(here).collect(),
            _ => job.sources.to_vec(),
        };
        let worker = &workers[place];
        // A target on loopback is on each worker's own machine.
        let threads = job.threads.of(worker.cpus, job.with_server, self.workers.on_the_machine_of(place));
        Part {
            plan: job.plan.clone(),
            first: own.start,
            accounts: job.accounts[own.start as usize..own.end as usize].to_vec(),
            threads,
            sources,
            connecting: job.connecting.div_ceil(threads),
            clock_zero_us: self.clock.zero_us() + worker.offset.us,
        }
    }

    /// Waits until every user is connected or given up.
    async fn ramp(&mut self, interrupt: &mut Interrupt, live: &mut Live) -> Result<Connecting, Failure> {
        let mut all = Connecting::default();
        let mut missing = self.workers.list.len();
        let (mut ticks, mut samples) = (ticking(TICK), ticking(SAMPLE));
        while missing > 0 {
            tokio::select! {
                heard = self.workers.next() => match heard? {
                    (place, Word::Connected(one)) => {
                        self.watch.connected[place] = one.connected;
                        all.merge(one);
                        missing -= 1;
                    }
                    (place, word) => self.watch.enter(place, word),
                },
                () = interrupt.wait() => {
                    self.workers.tell_all(&Order::Stop);
                    let what = "interrupted while connecting";
                    return Err(Failure::new(Exit::Interrupted, what, "nothing was measured"));
                }
                _ = ticks.tick() => live.tick(&self.watch.state(&self.sampler, self.clock)),
                _ = samples.tick() => self.sampler.look(self.clock.now_us()),
            }
        }
        Ok(all)
    }

    /// Each worker as the report tells it.
    fn uses(&self) -> Vec<Worker> {
        let place = |pid| self.sampler.processes.iter().position(|process| process.pid() == Some(pid));
        let tell = |(n, worker): (usize, &crate::workers::Worker)| Worker {
            host: worker.host.clone(),
            pid: worker.pid,
            users: self.watch.workers[n].users,
            connected: self.watch.connected[n],
            clock_bound_us: worker.clock_bound_us(),
            clock_drift_us: worker.drift.map(|drift| drift.us),
            process: if worker.is_here() { place(worker.pid) } else { None },
        };
        self.workers.list.iter().enumerate().map(tell).collect()
    }
}

fn ticking(every: Duration) -> tokio::time::Interval {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    ticks
}

/// Refuses to go on when nobody is there and somebody should be.
fn somebody(connecting: &Connecting, plan: &Plan) -> Result<(), Failure> {
    let wanted = plan.behaviour.offline.is_none_or(|offline| offline.share < 1.0);
    if connecting.connected > 0 || !wanted {
        return Ok(());
    }
    let first = connecting.errors.first().map_or("no reason given", String::as_str);
    let hint = "is --target the gateway of a running server, and does it take the tokens of --admin?";
    let exit = if connecting.local_failures > 0 { Exit::INVALID } else { Exit::Unreachable };
    Err(Failure::new(exit, format!("nobody could connect: {first}"), crate::trust::hint(first, hint)))
}
