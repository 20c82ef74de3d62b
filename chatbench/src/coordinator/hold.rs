//! The part that is measured: from the first planned send to the last word of the last worker.

use super::{Course, SAMPLE, TICK, ticking};
use crate::chaos::Running;
use crate::interrupt::Interrupt;
use crate::live::Live;
use load::control::Order;
use plan::duration::micros;
use report::Process;
use report::model::Mark;
use report::threshold::{self, Missed};
use schema::exit::Failure;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::sleep;

/// Time for the workers to get ready for the first send.
const BEGIN: Duration = Duration::from_millis(50);

/// What it leaves beside the harvest.
pub(super) struct Held {
    pub(super) begin_us: u64,
    pub(super) hold_wall_ms: u64,
    pub(super) held: Duration,
    pub(super) drain: Duration,
    /// The gate that has ended it before its time.
    pub(super) cut: Option<Missed>,
    pub(super) chaos: (Vec<Mark>, Vec<String>),
}

/// Something that is due at a time of the run clock.
enum Moment {
    Phase(&'static str, &'static str),
    Chaos(usize),
}

impl Course<'_> {
    pub(super) async fn hold(&mut self, interrupt: &mut Interrupt, live: &mut Live) -> Result<Held, Failure> {
        let (plan, clock) = (self.job.plan, self.clock);
        let begin_us = clock.now_us() + micros(BEGIN);
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default() + BEGIN;
        let wall_ms = u64::try_from(wall.as_millis()).unwrap_or_default();
        self.workers.tell_all(&Order::Begin { at_us: begin_us, wall_ms });
        self.watch.begin_us = Some(begin_us);
        live.phase("load", &self.watch.what(plan));
        let mut gates = threshold::Watch::new(self.job.asked, &plan.phases, begin_us);
        let mut moments = self.moments(begin_us).into_iter().peekable();
        let (mut running, mut stopped, mut cut) = (Running::default(), None, None);
        let (mut ticks, mut samples) = (ticking(TICK), ticking(SAMPLE));
        while self.watch.harvests < self.workers.list.len() {
            let next = moments.peek().filter(|_| stopped.is_none()).map(|(at, _)| *at);
            tokio::select! {
                heard = self.workers.next() => {
                    let (place, word) = heard?;
                    self.watch.enter(place, word);
                }
                () = interrupt.wait(), if stopped.is_none() => {
                    live.phase("drain", "interrupted: waiting for what is on its way; again to quit at once");
                    stopped = Some(self.stop());
                }
                () = sleep(clock.until(next.unwrap_or_default())), if next.is_some() => {
                    if let Some((_, moment)) = moments.next() {
                        self.come(&moment, &mut running, live);
                    }
                }
                _ = ticks.tick() => live.tick(&self.watch.state(&self.sampler, clock)),
                _ = samples.tick() => {
                    self.sampler.look(clock.now_us());
                    let missed = gates.follow(&self.watch.seconds, clock.now_us());
                    // Whose hold is over is judged by all of it.
                    let holds = stopped.is_none() && clock.now_us() < begin_us + plan.phases.end_us();
                    if let Some(missed) = missed.filter(|_| holds) {
                        live.phase("drain", &missed.why);
                        cut = Some(missed);
                        stopped = Some(self.stop());
                    }
                }
            }
        }
        let drained = clock.now_us();
        // Everything may be there before the hold has ended; what it costs is known at its end.
        while let Some((at, _)) = moments.next_if(|_| stopped.is_none()) {
            sleep(clock.until(at)).await;
            self.sampler.look(clock.now_us());
        }
        self.sampler.finish(clock).await;
        let (hold_us, end_us) = (begin_us + plan.phases.warmup_us, begin_us + plan.phases.end_us());
        let ended = stopped.unwrap_or(end_us).min(end_us);
        Ok(Held {
            begin_us,
            hold_wall_ms: wall_ms + plan.phases.warmup_us / 1000,
            held: Duration::from_micros(ended.saturating_sub(hold_us)),
            drain: Duration::from_micros(drained.saturating_sub(ended)),
            cut,
            chaos: running.end(),
        })
    }

    /// What is due when, ascending.
    fn moments(&self, begin_us: u64) -> Vec<(u64, Moment)> {
        let phases = &self.job.plan.phases;
        let (hold_us, end_us) = (begin_us + phases.warmup_us, begin_us + phases.end_us());
        let mut moments = vec![
            (hold_us, Moment::Phase("hold", "measuring")),
            (end_us, Moment::Phase("drain", "waiting for what is on its way")),
        ];
        let chaos = self.job.chaos.iter().enumerate();
        moments.extend(chaos.map(|(n, chaos)| (hold_us + micros(chaos.at), Moment::Chaos(n))));
        moments.sort_by_key(|(at, _)| *at);
        moments
    }

    fn come(&mut self, moment: &Moment, running: &mut Running, live: &mut Live) {
        match moment {
            Moment::Phase(name, what) => {
                self.sampler.look_at_all(self.clock.now_us());
                live.phase(name, what);
            }
            Moment::Chaos(n) => {
                let servers: Vec<u32> = self.job.servers.iter().filter_map(Process::pid).collect();
                running.start(&self.job.chaos[*n], self.clock.now_us(), &servers);
            }
        }
    }

    /// No more sends; answers when that was.
    fn stop(&mut self) -> u64 {
        self.workers.tell_all(&Order::Stop);
        let now_us = self.clock.now_us();
        self.sampler.look_at_all(now_us);
        now_us
    }
}
