//! Gates while a run lasts: how they stand, and whether to go on.

use super::{Gate, Thresholds, evaluate};
use crate::metric::{Metric, Source};
use crate::model::{GateOutcome, GateResult};
use crate::value::{Stat, Window, by_second, latency_of};
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
    /// Latency of the hold so far, by kind.
    latencies: BTreeMap<Kind, Latency>,
    /// What is known of each gate.
    known: Vec<Known>,
}

/// The seconds of the hold so far as a gate sees them.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    /// Of a rate or a level: seconds that told of it, and what they told.
    seconds: u64,
    sum: f64,
    min: f64,
    max: f64,
    last: f64,
    /// Of a latency: planned sends, of which nothing was heard yet.
    owed: u64,
    /// Seconds in a row in which the gate was missed.
    missed: u32,
}

/// A gate that was missed for so long that it has ended the run.
#[derive(Clone, Debug, PartialEq)]
pub struct Missed {
    /// Its id.
    pub gate: String,
    /// Seconds in a row.
    pub seconds: u32,
    /// In the last of them; none: nothing arrived.
    pub value: Option<f64>,
    /// In words.
    pub why: String,
}

impl Known {
    fn add(&mut self, value: f64) {
        let first = self.seconds == 0;
        self.min = if first { value } else { self.min.min(value) };
        self.max = if first { value } else { self.max.max(value) };
        self.sum += value;
        self.last = value;
        self.seconds += 1;
    }

    /// None where the seconds so far do not tell it.
    fn stat(&self, stat: Stat) -> Option<f64> {
        let value = match stat {
            Stat::Mean => self.sum / self.seconds as f64,
            Stat::Min => self.min,
            Stat::Max => self.max,
            Stat::Last => self.last,
            Stat::Quantile(_) | Stat::Value => return None,
        };
        (self.seconds > 0).then_some(value)
    }

    /// Whether nothing was heard in a second, although there was something to hear before it began and more was planned.
    fn silent(&mut self, planned: u64, heard: u64) -> bool {
        let before = self.owed;
        self.owed = (before + planned).saturating_sub(heard);
        before > 0 && planned > 0 && heard == 0
    }
}

impl Watch {
    /// `begin_us`: run clock at which the plan began.
    #[must_use]
    pub fn new(thresholds: &Thresholds, phases: &plan::Phases, begin_us: u64) -> Self {
        let second = |us: u64| u32::try_from(us / 1_000_000).unwrap_or(u32::MAX);
        let hold =
            (second(begin_us + phases.warmup_us + 999_999), second(begin_us.saturating_add(phases.end_us())));
        let gates = thresholds.gates.clone();
        let known = vec![Known::default(); gates.len()];
        Self { gates, next: 0, hold, latencies: BTreeMap::new(), known }
    }

    /// Takes every second of the run so far that is old enough to be whole and was not taken before; which gate should end the
    /// run now, if one should. May be called at any time with all seconds of the run.
    pub fn follow(&mut self, seconds: &Seconds, now_us: u64) -> Option<Missed> {
        let whole = u32::try_from((now_us / 1_000_000).saturating_sub(TOLD_S)).unwrap_or(u32::MAX);
        let mut stop = None;
        for second in seconds.range(self.next, whole) {
            self.next = second.at_s + 1;
            stop = stop.or(self.see(&second));
        }
        stop
    }

    /// Takes a second; which gate should end the run now, if one was missed for so long as it allows.
    pub fn see(&mut self, second: &Second) -> Option<Missed> {
        if !(self.hold.0..self.hold.1).contains(&second.at_s) {
            return None;
        }
        for kind in [Kind::Delivery, Kind::Accept, Kind::ScheduleLag] {
            if let Some(select) = by_second(kind) {
                self.latencies.entry(kind).or_insert_with(Latency::coarse).merge(select(second));
            }
        }
        let mut stop = None;
        for (gate, known) in self.gates.iter().zip(&mut self.known) {
            let value = of_second(gate, second);
            let silent = match gate.metric.source {
                Source::Latency(kind) => known.silent(second.planned, heard(kind, second)),
                Source::Rate { .. } | Source::Level(_) => {
                    value.into_iter().for_each(|value| known.add(value));
                    false
                }
                Source::Scalar(_) => false,
            };
            let Some(limit) = evaluate::limit(gate, None) else { continue };
            let held = value.map_or(!silent, |value| gate.op.holds(value, limit));
            known.missed = if held { 0 } else { known.missed + 1 };
            if gate.abort_after_s.is_some_and(|most| known.missed >= most) {
                stop.get_or_insert_with(|| missed(gate, limit, value, known.missed));
            }
        }
        stop
    }

    /// How the gates stand so far; unknown what is known only at the end.
    #[must_use]
    pub fn standing(&self) -> Vec<GateResult> {
        let results = self.gates.iter().zip(&self.known).map(|(gate, known)| {
            let (value, samples) = match gate.metric.source {
                _ if gate.window != Window::Hold => (None, 0),
                Source::Latency(kind) => {
                    let latency = self.latencies.get(&kind);
                    let value = latency.and_then(|latency| latency_of(latency, gate.stat));
                    (value, latency.map_or(0, |latency| latency.histogram().len()))
                }
                Source::Rate { .. } => (known.stat(gate.stat), known.sum as u64),
                Source::Level(_) => (known.stat(gate.stat), known.seconds),
                Source::Scalar(_) => (None, 0),
            };
            let mut result = gate.result(evaluate::limit(gate, None), value, samples);
            // What holds over all may not hold in each stretch of it.
            if gate.sustained_s.is_some() && result.outcome == GateOutcome::Pass {
                result.outcome = GateOutcome::Unknown;
            }
            result
        });
        results.collect()
    }
}

/// Whether seconds tell of a metric while a run lasts.
pub(super) fn sees(metric: &Metric) -> bool {
    match metric.source {
        Source::Latency(kind) => by_second(kind).is_some(),
        Source::Rate { .. } => true,
        Source::Level(_) => metric.name == "connected",
        Source::Scalar(_) => false,
    }
}

fn missed(gate: &Gate, limit: f64, value: Option<f64>, seconds: u32) -> Missed {
    let (name, stat, op) = (gate.metric.name, gate.stat.name(), gate.op.name());
    let unit = gate.metric.unit.name();
    let nothing = if value.is_none() { "; nothing arrived" } else { "" };
    let why =
        format!("gate '{}' was missed for {seconds} s: {name} {stat} {op} {limit} {unit}{nothing}", gate.id);
    Missed { gate: gate.id.clone(), seconds, value, why }
}

/// What a second's latency of a kind is counted of.
fn heard(kind: Kind, second: &Second) -> u64 {
    match kind {
        Kind::Accept => second.accepted + second.refused,
        Kind::ScheduleLag => second.offered,
        _ => second.delivered,
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
        Source::Level(_) => sees(gate.metric).then_some(second.connected as f64),
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
        let missed = watch.see(&second(8, 10, 500_000)).unwrap();
        assert!(missed.why.contains("gate 'fast' was missed for 3 s"), "{missed:?}");
        assert_eq!((missed.gate.as_str(), missed.seconds), ("fast", 3));
        assert!(missed.value.unwrap() > 499.0);
    }

    #[test]
    fn a_server_that_hangs_misses_its_latency_and_a_pause_of_the_plan_does_not() {
        let mut watch = watch();
        let planned = |at_s, planned, delivered| Second { planned, ..second(at_s, delivered, 5_000) };
        // What is planned at a second's end may arrive in the next one.
        assert!((3..5).all(|at| watch.see(&planned(at, 2, u64::from(at == 4) * 4)).is_none()));
        // Nothing is planned.
        assert!((5..7).all(|at| watch.see(&planned(at, 0, 0)).is_none()));
        assert!((7..10).all(|at| watch.see(&planned(at, 10, 0)).is_none()), "one second owes nothing yet");
        let missed = watch.see(&planned(10, 10, 0)).unwrap();
        assert_eq!((missed.seconds, missed.value), (3, None));
        assert!(missed.why.contains("nothing arrived"), "{missed:?}");
    }

    #[test]
    fn the_live_view_judges_by_the_statistic_and_the_window_that_are_asked_for() {
        let gate = |id: &str, lines: &str| {
            format!("[[gate]]\nid = '{id}'\nmetric = 'delivered.rate'\nop = '>='\nvalue = 10\n{lines}\n")
        };
        let text = [
            "version = 1\n".to_owned(),
            gate("min", "stat = 'min'"),
            gate("quantile", "stat = 'p05'"),
            gate("all", "window = 'all'"),
            gate("worst", "sustained = '2s'"),
            "[[gate]]\nid = 'last'\nmetric = 'connected'\nstat = 'last'\nop = '>='\nvalue = 4\n".to_owned(),
        ];
        let phases = plan::Phases { ramp_us: 0, warmup_us: 0, hold_us: 10_000_000, drain_us: 0 };
        let mut watch = Watch::new(&Thresholds::parse("f", &text.concat()).unwrap(), &phases, 0);
        for (at, delivered, connected) in [(0, 30, 1), (1, 5, 3), (2, 20, 4)] {
            watch.see(&Second { connected, ..second(at, delivered, 5_000) });
        }
        let found = watch.standing().into_iter().map(|gate| (gate.id, gate.value, gate.outcome));
        let found: Vec<(String, Option<f64>, GateOutcome)> = found.collect();
        let expected = [
            ("min", Some(5.0), GateOutcome::Fail),
            ("quantile", None, GateOutcome::Unknown),
            ("all", None, GateOutcome::Unknown),
            ("worst", Some(18.333), GateOutcome::Unknown),
            ("last", Some(4.0), GateOutcome::Pass),
        ];
        assert_eq!(found, expected.map(|(id, value, outcome)| (id.to_owned(), value, outcome)));
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
