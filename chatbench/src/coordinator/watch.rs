//! What the workers have said so far, put together.

use crate::clock::Clock;
use crate::live::{State, Worker};
use crate::sampling::Sampler;
use ledger::{Harvest, Seconds};
use load::control::{Tick, Word};
use plan::{Arrivals, Plan};
use report::Where;

/// Everything, with each worker's latest figures.
#[derive(Debug)]
pub(super) struct Watch {
    pub(super) workers: Vec<Worker>,
    /// At the end of the ramp.
    pub(super) connected: Vec<u64>,
    pub(super) seconds: Seconds,
    pub(super) harvest: Option<Harvest>,
    pub(super) harvests: usize,
    /// When the plan began, once it did.
    pub(super) begin_us: Option<u64>,
    end_us: u64,
}

impl Watch {
    /// `workers`: what each is called, and its users.
    pub(super) fn new(plan: &Plan, workers: impl Iterator<Item = (String, u32)>) -> Self {
        let worker = |(name, users)| Worker { name, users, last: Tick::default() };
        let workers: Vec<Worker> = workers.map(worker).collect();
        Self {
            connected: vec![0; workers.len()],
            workers,
            seconds: Seconds::default(),
            harvest: None,
            harvests: 0,
            begin_us: None,
            end_us: plan.phases.end_us(),
        }
    }

    pub(super) fn enter(&mut self, place: usize, word: Word) {
        match word {
            Word::Tick(mut tick) => {
                std::mem::take(&mut tick.seconds).into_iter().for_each(|second| self.seconds.add(second));
                self.workers[place].last = tick;
            }
            Word::Harvest(harvest) => {
                self.harvests += 1;
                match &mut self.harvest {
                    Some(all) => all.merge(*harvest),
                    none => *none = Some(*harvest),
                }
            }
            // Late answers about clocks.
            _ => {}
        }
    }

    /// What the live view shows.
    pub(super) fn state<'a>(&'a self, sampler: &Sampler, clock: Clock) -> State<'a> {
        let sum = |of: fn(&Tick) -> u64| self.workers.iter().map(|worker| of(&worker.last)).sum::<u64>();
        let now_us = clock.now_us();
        let share = self.begin_us.map_or_else(
            || {
                sum(|tick| tick.connected) as f64
                    / self.workers.iter().map(|worker| f64::from(worker.users)).sum::<f64>()
            },
            |begin| now_us.saturating_sub(begin) as f64 / self.end_us.max(1) as f64,
        );
        State {
            now_us,
            begin_us: self.begin_us,
            share,
            connected: sum(|tick| tick.connected),
            sent: sum(|tick| tick.sent),
            acknowledged: sum(|tick| tick.acknowledged),
            received: sum(|tick| tick.received),
            violations: sum(|tick| tick.violations),
            busy: self.workers.iter().map(|worker| worker.last.busy).fold(0.0, f64::max),
            seconds: &self.seconds,
            workers: &self.workers,
            server_cpus: sampler.cpus(Where::Server),
            generator_cpus: sampler.cpus(Where::Generator),
        }
    }

    /// The load in words.
    pub(super) fn what(&self, plan: &Plan) -> String {
        let load = match &plan.arrivals {
            Arrivals::None => "no messages".to_owned(),
            Arrivals::Constant { rate } => format!("{rate} msg/s"),
            Arrivals::Poisson { rate } => format!("{rate} msg/s at random"),
            Arrivals::Trace { steps } => format!("a trace of {} steps", steps.len()),
            Arrivals::Closed { think_us } => format!("closed, {} ms apart", think_us / 1000),
        };
        let seconds = |us: u64| us as f64 / 1e6;
        let (warmup, hold) = (seconds(plan.phases.warmup_us), seconds(plan.phases.hold_us));
        format!("{load}: {warmup} s to warm up, {hold} s measured")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ledger::Second;

    #[test]
    fn seconds_of_several_workers_are_added_up() {
        let worker = || Worker { name: "here".into(), users: 2, last: Tick::default() };
        let mut watch = Watch {
            workers: vec![worker(), worker()],
            connected: vec![0; 2],
            seconds: Seconds::default(),
            harvest: None,
            harvests: 0,
            begin_us: None,
            end_us: 1,
        };
        for place in [0, 1, 0] {
            let second = Second { delivered: 5, ..Second::new(7) };
            watch.enter(place, Word::Tick(Tick { sent: 3, seconds: vec![second], ..Tick::default() }));
        }
        assert_eq!(watch.seconds.until(7).unwrap().delivered, 15);
        let sent: u64 = watch.workers.iter().map(|worker| worker.last.sent).sum();
        assert_eq!(sent, 6, "the latest of each");
    }
}
