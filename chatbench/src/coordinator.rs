//! A run from the first connection to the last word of the last worker: ramp, warm-up, hold, drain.

mod watch;

use crate::chaos;
use crate::clock::Clock;
use crate::interrupt::Interrupt;
use crate::live::Live;
use crate::sampling::Sampler;
use crate::workers::{Workers, shares};
use ledger::{Connecting, Harvest, Second};
use load::control::{Order, Part, Word};
use plan::scenario::Chaos;
use plan::duration::micros;
use plan::{Account, Plan};
use report::model::Mark;
use report::{Process, Sample, Where, Worker};
use schema::exit::{Exit, Failure};
use std::net::IpAddr;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::time::{MissedTickBehavior, interval, sleep};
use watch::Watch;

/// Time for the workers to take their parts in: a little, and more for each account.
const LEAD: Duration = Duration::from_millis(50);
const LEAD_ACCOUNT: Duration = Duration::from_micros(5);
/// Time for the workers to get ready for the first send.
const BEGIN: Duration = Duration::from_millis(50);
/// Time between two looks of the live view, and of the sampler.
const TICK: Duration = Duration::from_millis(200);
const SAMPLE: Duration = Duration::from_secs(1);

/// What is to be carried out.
#[derive(Debug)]
pub(crate) struct Job<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) accounts: &'a [Account],
    pub(crate) threads: u32,
    pub(crate) connecting: u32,
    /// Local addresses, spread over the workers of this machine; none: the kernel's choice.
    pub(crate) sources: &'a [IpAddr],
    pub(crate) chaos: &'a [Chaos],
    /// Processes of the server whose use is measured.
    pub(crate) servers: Vec<Process>,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Carried {
    pub(crate) harvest: Harvest,
    pub(crate) seconds: Vec<Second>,
    pub(crate) begin_us: u64,
    /// Wall clock at the begin of the hold, in milliseconds.
    pub(crate) hold_wall_ms: u64,
    pub(crate) processes: Vec<Process>,
    pub(crate) samples: Vec<Sample>,
    pub(crate) workers: Vec<Worker>,
    pub(crate) marks: Vec<Mark>,
    pub(crate) notes: Vec<String>,
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
    mut workers: Workers,
    interrupt: &mut Interrupt,
    live: &mut Live,
) -> Result<Carried, Failure> {
    let shares = shares(job.plan.users, count(workers.list.len()));
    let largest = count(shares.first().map_or(0, ExactSizeIterator::len));
    let clock = Clock::starting_in(LEAD + LEAD_ACCOUNT * largest);
    let mut sampler = Sampler::new(processes(&job.servers, &workers));
    sampler.look(0);
    for (place, share) in shares.iter().enumerate() {
        workers.tell(place, Order::Start(Box::new(part(&job, &workers, place, share.clone(), clock))));
    }
    let begun = Instant::now();
    let mut watch = Watch::new(job.plan, shares.iter().map(|share| count(share.len())).collect());
    let connecting = ramp(&mut workers, &mut watch, &mut sampler, clock, interrupt, live).await?;
    let connect = begun.elapsed();
    somebody(&connecting, job.plan)?;
    sampler.look(clock.now_us());
    let held = hold(&job, &mut workers, &mut watch, &mut sampler, clock, interrupt, live).await?;
    let uses = uses(&workers, &watch, &sampler.processes);
    workers.end().await;
    let (marks, notes) = held.chaos;
    Ok(Carried {
        harvest: watch.harvest.unwrap_or_else(|| Harvest::new(job.plan.run, 0..job.plan.users)),
        seconds: watch.seconds.into_values().collect(),
        begin_us: held.begin_us,
        hold_wall_ms: held.hold_wall_ms,
        processes: sampler.processes,
        samples: sampler.samples,
        workers: uses,
        marks,
        notes,
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
    let process = |pid, name: &str| Process { pid, name: name.to_owned(), side: Where::Generator };
    let mut all = servers.to_vec();
    all.push(process(std::process::id(), "chatbench"));
    let here = workers.list.iter().filter(|worker| worker.is_here());
    all.extend(here.map(|worker| process(worker.pid, "chatbench worker")));
    all
}

fn part(job: &Job<'_>, workers: &Workers, place: usize, own: std::ops::Range<u32>, clock: Clock) -> Part {
    let here = workers.list.iter().filter(|worker| worker.is_here()).count().max(1);
    // Each gets addresses of its own as far as they reach: their ports are then nobody else's.
    let sources: Vec<IpAddr> = match job.sources.len() {
        many if many >= here => job.sources.iter().copied().skip(place % here).step_by(here).collect(),
        _ => job.sources.to_vec(),
    };
    Part {
        plan: job.plan.clone(),
        first: own.start,
        accounts: job.accounts[own.start as usize..own.end as usize].to_vec(),
        threads: job.threads,
        sources,
        connecting: job.connecting.div_ceil(job.threads),
        clock_zero_us: clock.zero_us() + workers.list[place].offset.us,
    }
}

/// Waits until every user is connected or given up.
async fn ramp(
    workers: &mut Workers,
    watch: &mut Watch,
    sampler: &mut Sampler,
    clock: Clock,
    interrupt: &mut Interrupt,
    live: &mut Live,
) -> Result<Connecting, Failure> {
    let mut all = Connecting::default();
    let mut missing = workers.list.len();
    let (mut ticks, mut samples) = (ticking(TICK), ticking(SAMPLE));
    while missing > 0 {
        tokio::select! {
            heard = workers.next() => match heard? {
                (place, Word::Connected(one)) => {
                    watch.connected[place] = one.connected;
                    all.merge(one);
                    missing -= 1;
                }
                (place, word) => watch.enter(place, word),
            },
            () = interrupt.wait() => {
                workers.tell_all(&Order::Stop);
                let what = "interrupted while connecting";
                return Err(Failure::new(Exit::Interrupted, what, "nothing was measured"));
            }
            _ = ticks.tick() => live.tick(&watch.state(sampler, clock)),
            _ = samples.tick() => sampler.look(clock.now_us()),
        }
    }
    Ok(all)
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
    Err(Failure::new(exit, format!("nobody could connect: {first}"), hint))
}

/// What the part after the ramp leaves beside the harvest.
struct Held {
    begin_us: u64,
    hold_wall_ms: u64,
    held: Duration,
    drain: Duration,
    chaos: (Vec<Mark>, Vec<String>),
}

/// Something that is due at a time of the run clock.
enum Moment {
    Phase(&'static str, &'static str),
    Chaos(usize),
}

/// From the first planned send to the last harvest.
async fn hold(
    job: &Job<'_>,
    workers: &mut Workers,
    watch: &mut Watch,
    sampler: &mut Sampler,
    clock: Clock,
    interrupt: &mut Interrupt,
    live: &mut Live,
) -> Result<Held, Failure> {
    let begin_us = clock.now_us() + micros(BEGIN);
    let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default() + BEGIN;
    let wall_ms = u64::try_from(wall.as_millis()).unwrap_or_default();
    workers.tell_all(&Order::Begin { at_us: begin_us, wall_ms });
    watch.begin_us = Some(begin_us);
    let (hold_us, end_us) = (begin_us + job.plan.phases.warmup_us, begin_us + job.plan.phases.end_us());
    let servers: Vec<u32> = job.servers.iter().map(|process| process.pid).collect();
    let mut moments = vec![
        (hold_us, Moment::Phase("hold", "measuring")),
        (end_us, Moment::Phase("drain", "waiting for what is on its way")),
    ];
    moments.extend(job.chaos.iter().enumerate().map(|(n, chaos)| (hold_us + micros(chaos.at), Moment::Chaos(n))));
    moments.sort_by_key(|(at, _)| *at);
    let mut moments = moments.into_iter().peekable();
    let mut running = chaos::Running::default();
    let mut stopped = None;
    let (mut ticks, mut samples) = (ticking(TICK), ticking(SAMPLE));
    live.phase("load", &watch.what(job.plan));
    while watch.harvests < workers.list.len() {
        let next = moments.peek().filter(|_| stopped.is_none()).map(|(at, _)| *at);
        tokio::select! {
            heard = workers.next() => {
                let (place, word) = heard?;
                watch.enter(place, word);
            }
            () = interrupt.wait(), if stopped.is_none() => {
                live.phase("drain", "interrupted: waiting for what is on its way; again to quit at once");
                stopped = Some(clock.now_us());
                workers.tell_all(&Order::Stop);
            }
            () = sleep(clock.until(next.unwrap_or_default())), if next.is_some() => {
                match moments.next() {
                    Some((_, Moment::Phase(name, what))) => {
                        sampler.look(clock.now_us());
                        live.phase(name, what);
                    }
                    Some((_, Moment::Chaos(n))) => running.start(&job.chaos[n], clock.now_us(), &servers),
                    None => {}
                }
            }
            _ = ticks.tick() => live.tick(&watch.state(sampler, clock)),
            _ = samples.tick() => sampler.look(clock.now_us()),
        }
    }
    // Everything may be there before the hold has ended; what it costs is known at its end.
    let drained = clock.now_us();
    while let Some((at, _)) = moments.next_if(|_| stopped.is_none()) {
        sleep(clock.until(at)).await;
        sampler.look(clock.now_us());
    }
    let ended = stopped.unwrap_or(end_us).min(end_us);
    let held = Duration::from_micros(ended.saturating_sub(hold_us));
    let drain = Duration::from_micros(drained.saturating_sub(ended));
    let hold_wall_ms = wall_ms + job.plan.phases.warmup_us / 1000;
    Ok(Held { begin_us, hold_wall_ms, held, drain, chaos: running.end() })
}

/// Each worker as the report tells it.
fn uses(workers: &Workers, watch: &Watch, processes: &[Process]) -> Vec<Worker> {
    let tell = |(place, worker): (usize, &crate::workers::Worker)| Worker {
        host: worker.host.clone(),
        pid: worker.pid,
        users: watch.users[place],
        connected: watch.connected[place],
        clock_bound_us: worker.offset.bound_us,
        process: worker
            .is_here()
            .then(|| processes.iter().position(|process| process.pid == worker.pid))
            .flatten(),
    };
    workers.list.iter().enumerate().map(tell).collect()
}
