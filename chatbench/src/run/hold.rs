//! The part of a run that is measured: warm-up, hold and drain.

use super::TICK;
use crate::cli::Run;
use crate::fleet::{Fleet, Harvest};
use crate::interrupt::Interrupt;
use crate::process::{Usage, steal, usage};
use crate::progress::Progress;
use crate::schedule::Schedule;
use schema::exit::Failure;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::time::sleep_until;

/// Time for the threads to get ready for the first send.
const LEAD: Duration = Duration::from_millis(50);

/// What was measured.
pub(super) struct Held {
    pub(super) harvest: Harvest,
    /// Both sides' use of the machine; none when the hold was cut short.
    pub(super) samples: Option<Samples>,
    pub(super) drain: Duration,
}

/// What the hold has cost.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Samples {
    pub(crate) server: Option<Usage>,
    pub(crate) generator: Usage,
    /// Share of the machine's time that other guests took.
    pub(crate) steal: f64,
}

pub(super) async fn hold(
    args: &Run,
    fleet: &mut Fleet,
    seed: u64,
    server: Option<u32>,
    interrupt: &mut Interrupt,
    progress: &mut Progress,
) -> Result<Held, Failure> {
    let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    let (warmup, duration) = (micros(args.warmup), micros(args.duration));
    let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default() + LEAD;
    let wall_ms = u64::try_from(wall.as_millis()).unwrap_or_default();
    let schedule = Arc::new(Schedule::new(args.users as usize, args.rate, warmup, duration, seed, wall_ms));
    let start = Instant::now() + LEAD;
    let (held, end) = (start + args.warmup, start + args.warmup + args.duration);
    let what = format!("{} msg/s: {:?} to warm up, {:?} measured", args.rate, args.warmup, args.duration);
    progress.phase("load", &what);
    fleet.begin(start, schedule);
    let sampling = tokio::spawn(sample(held, end, server));
    let mut finish = std::pin::pin!(fleet.finish());
    let mut ticks = tokio::time::interval(TICK);
    let mut phases = [(held, "hold", "measuring"), (end, "drain", "waiting for what is on its way")]
        .into_iter()
        .peekable();
    let mut stopped = None;
    let harvest = loop {
        tokio::select! {
            harvest = &mut finish => break harvest?,
            () = interrupt.wait(), if stopped.is_none() => {
                progress.phase("drain", "interrupted: waiting for what is on its way; again to quit at once");
                stopped = Some(Instant::now());
                fleet.stop();
            }
            _ = ticks.tick() => {
                if let Some((_, name, what)) = phases.next_if(|(at, ..)| Instant::now() >= *at && stopped.is_none()) {
                    progress.phase(name, what);
                }
                let passed = Instant::now().saturating_duration_since(start).as_secs_f64();
                progress.tick(passed / (end - start).as_secs_f64().max(0.001), fleet.seen());
            }
        }
    };
    let drain = Instant::now().saturating_duration_since(stopped.unwrap_or(end));
    // Everything may be there before the hold ends; its cost is known at its end.
    let samples = if stopped.is_none() { sampling.await.ok() } else { None };
    Ok(Held { harvest, samples, drain })
}

/// What both sides use between two moments.
async fn sample(from: Instant, to: Instant, server: Option<u32>) -> Samples {
    let look = || (server.and_then(usage), usage(std::process::id()).unwrap_or_default(), steal());
    sleep_until(from.into()).await;
    let (server_before, own_before, steal_before) = look();
    sleep_until(to.into()).await;
    let (server_after, own_after, steal_after) = look();
    let between = |before: Usage, after: Usage| Usage { cpu: after.cpu.saturating_sub(before.cpu), ..after };
    let ticks = steal_after.1.saturating_sub(steal_before.1).max(1) as f64;
    Samples {
        server: server_before.zip(server_after).map(|(before, after)| between(before, after)),
        generator: between(own_before, own_after),
        steal: steal_after.0.saturating_sub(steal_before.0) as f64 / ticks,
    }
}
