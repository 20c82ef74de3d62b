//! Gates while a run lasts: how they stand, and whether to go on.

use super::{Gate, Thresholds, evaluate};
use crate::metric::Source;
use crate::model::GateResult;
use crate::value::{by_second, latency_of};
use ledger::{Kind, Latency, Second, Seconds};
use std::collections::BTreeMap;

/// Seconds after which all workers have told what they saw.
const TOLD_S: u64 = 2;

/// Follows the seconds of a run. Each is seen once, ascending, whole (all workers' together).
#[derive(Debug)]
pub struct Watch {
    gates: Vec<Gate>,
    /// First second that was not taken yet.
    next: u32,
    /// Run clock at which the hold begins and ends, in whole seconds.
    hold: (u32, u32),
    /// Seconds of the hold seen.
    seen: u64,
    /// Latency of the hold so far, by kind.
    latencies: BTreeMap<Kind, Latency>,
    /// Counts and lowest level of the hold so far, by gate.
    counts: Vec<f64>,
    /// Seconds in a row in which each gate was missed.
    missed: Vec<u32>,
}

impl Watch {
    /// `begin_us`: run clock at which the plan began.
    #[must_use]
    pub fn new(thresholds: &Thresholds, phases: &plan::Phases, begin_us: u64) -> Self {
        let second = |us: u64| u32::try_from(us / 1_000_000).unwrap_or(u32::MAX);
        let hold =
            (second(begin_us + phases.warmup_us + 999_999), second(begin_us.saturating_add(phases.end_us())));
        let gates = thresholds.gates.clone();
        let (counts, missed) = (vec![0.0; gates.len()], vec![0; gates.len()]);
        Self { gates, next: 0, hold, seen: 0, latencies: BTreeMap::new(), counts, missed }
    }

    /// Takes every second of the run so far that is old enough to be whole and was not taken before; why the run should end now,
    /// if it should. May be called at any time with all seconds of the run.
    pub fn follow(&mut self, seconds: &Seconds, now_us: u64) -> Option<String> {
        let whole = u32::try_from((now_us / 1_000_000).saturating_sub(TOLD_S)).unwrap_or(u32::MAX);
        let mut stop = None;
        for second in seconds.range(self.next, whole) {
            self.next = second.at_s + 1;
            stop = stop.or(self.see(&second));
        }
        stop
    }

    /// Takes a second; why the run should end now, if a gate was missed for so long as it allows.
    pub fn see(&mut self, second: &Second) -> Option<String> {
        if !(self.hold.0..self.hold.1).contains(&second.at_s) {
            return None;
        }
        self.seen += 1;
        for kind in [Kind::Delivery, Kind::Accept, Kind::ScheduleLag] {
            if let Some(select) = by_second(kind) {
                self.latencies.entry(kind).or_insert_with(Latency::coarse).merge(select(second));
            }
        }
        let mut stop = None;
        for (n, gate) in self.gates.iter().enumerate() {
            let value = of_second(gate, second);
            match gate.metric.source {
                Source::Rate { .. } => self.counts[n] += value.unwrap_or_default(),
                Source::Level(_) if self.seen == 1 => self.counts[n] = value.unwrap_or_default(),
                Source::Level(_) => self.counts[n] = self.counts[n].min(value.unwrap_or_default()),
                _ => {}
            }
            let Some(limit) = evaluate::limit(gate, None) else { continue };
            let held = value.is_none_or(|value| gate.op.holds(value, limit));
            self.missed[n] = if held { 0 } else { self.missed[n] + 1 };
            let Some(most) = gate.abort_after_s.filter(|most| self.missed[n] >= *most) else { continue };
            let (name, stat, op) = (gate.metric.name, gate.stat.name(), gate.op.name());
            let unit = gate.metric.unit.name();
            stop.get_or_insert_with(|| {
                format!("gate '{}' was missed for {most} s: {name} {stat} {op} {limit} {unit}", gate.id)
            });
        }
        stop
    }

    /// How the gates stand so far; unknown what is known only at the end.
    #[must_use]
    pub fn standing(&self) -> Vec<GateResult> {
        let results = self.gates.iter().zip(&self.counts).map(|(gate, count)| {
            let limit = evaluate::limit(gate, None);
            match gate.metric.source {
                Source::Latency(kind) => {
                    let latency = self.latencies.get(&kind);
                    let value = latency.and_then(|latency| latency_of(latency, gate.stat));
                    gate.result(limit, value, latency.map_or(0, |latency| latency.histogram().len()))
                }
                Source::Rate { .. } => {
                    let mean = (self.seen > 0).then(|| count / self.seen as f64);
                    gate.result(limit, mean, *count as u64)
                }
                Source::Level(_) if gate.metric.name == "connected" => {
                    gate.result(limit, (self.seen > 0).then_some(*count), self.seen)
                }
                Source::Level(_) | Source::Scalar(_) => gate.result(limit, None, 0),
            }
        });
        results.collect()
    }
}

/// What one second says; none where it says nothing of the metric.
fn of_second(gate: &Gate, second: &Second) -> Option<f64> {
    match gate.metric.source {
        Source::Latency(kind) => latency_of(by_second(kind)?(second), gate.stat),
        Source::Rate { .. } => match gate.metric.name {
            "planned.rate" => Some(second.planned as f64),
            "offered.rate" => Some(second.offered as f64),
            "accepted.rate" => Some(second.accepted as f64),
            "delivered.rate" => Some(second.delivered as f64),
            _ => None,
        },
        Source::Level(_) => (gate.metric.name == "connected").then_some(second.connected as f64),
        Source::Scalar(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::GateOutcome;

    fn watch() -> Watch {
        let text = "version = 1\n[[gate]]\nid = 'fast'\nmetric = 'delivery.latency'\nop = '<'\nvalue = '100ms'\nabort_after = '3s'\n[[gate]]\nid = 'rate'\nmetric = 'delivered.rate'\nop = '>='\nvalue = 10";
        let phases = plan::Phases { ramp_us: 0, warmup_us: 2_000_000, hold_us: 10_000_000, drain_us: 0 };
        Watch::new(&Thresholds::parse("f", text).unwrap(), &phases, 1_000_000)
    }

    fn second(at_s: u32, delivered: u64, micros: u64) -> Second {
        let mut second = Second { delivered, ..Second::new(at_s) };
        (0..delivered).for_each(|_| second.delivery.record(micros));
        second
    }

    #[test]
    fn a_gate_that_is_missed_too_long_ends_the_run_and_a_good_second_starts_anew() {
        let mut watch = watch();
        // The warm-up does not count.
        assert!((0..3).all(|at| watch.see(&second(at, 10, 500_000)).is_none()));
        assert!((3..5).all(|at| watch.see(&second(at, 10, 500_000)).is_none()));
        assert!(watch.see(&second(5, 10, 5_000)).is_none());
        assert!((6..8).all(|at| watch.see(&second(at, 10, 500_000)).is_none()));
        let why = watch.see(&second(8, 10, 500_000)).unwrap();
        assert!(why.contains("gate 'fast' was missed for 3 s"), "{why}");
    }

    #[test]
    fn following_takes_each_whole_second_once() {
        let mut watch = watch();
        let seconds: Seconds = (3..9).map(|at| second(at, 10, 500_000)).collect();
        assert_eq!(watch.follow(&seconds, 6_900_000), None);
        assert_eq!(watch.standing()[0].samples, 10, "second 3 is whole, 4 may not be");
        assert_eq!(watch.follow(&seconds, 7_000_000), None);
        assert!(watch.follow(&seconds, 8_000_000).is_some());
        assert_eq!(watch.standing()[0].samples, 30);
    }

    #[test]
    fn gates_stand_as_the_hold_has_been_so_far() {
        let mut watch = watch();
        assert!(watch.standing().iter().all(|gate| gate.outcome == GateOutcome::Unknown));
        watch.see(&second(3, 8, 5_000));
        watch.see(&second(4, 14, 5_000));
        let standing = watch.standing();
        assert_eq!((standing[0].samples, standing[0].outcome), (22, GateOutcome::Pass));
        assert_eq!((standing[1].value, standing[1].outcome), (Some(11.0), GateOutcome::Pass));
        watch.see(&second(5, 0, 0));
        assert_eq!(watch.standing()[1].outcome, GateOutcome::Fail);
    }
}
