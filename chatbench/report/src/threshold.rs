//! What is asked of a run: gates, each a bound of one statistic of one metric over one part of the run.
//!
//! Every run has the gates of [`Thresholds::standard`]; a profile, a file or a scenario adds its own, and one with the same
//! id takes the place of the standard one. Names are known before the run begins: a typo never passes.

mod evaluate;
mod file;
mod limit;
mod profile;
mod watch;

pub(crate) use file::File;
pub use watch::{Missed, Watch};

use crate::metric::{self, Metric};
use crate::model::{GateClass, GateResult};
use crate::value::{Stat, Window};
use plan::{Arrivals, Plan};

/// Share of the planned rate that must be delivered.
pub const RATE_SHARE: f64 = 0.99;
/// The gate that no file may replace: a broken promise is exit 9 whatever else was asked.
pub const VIOLATIONS: &str = "violations";

/// The standard gate of what arrives.
const RATE: &str = "rate";

/// Every gate of a run.
#[derive(Clone, Debug)]
pub struct Thresholds {
    /// Where they come from: `standard`, a profile's name, a file.
    pub name: String,
    pub gates: Vec<Gate>,
}

/// One bound.
#[derive(Clone, Debug)]
pub struct Gate {
    pub id: String,
    pub metric: &'static Metric,
    pub stat: Stat,
    pub op: Op,
    pub limit: Limit,
    pub window: Window,
    /// Fewer messages say nothing; only of what counts messages.
    pub min_samples: u64,
    /// The worst stretch of so many seconds must hold too.
    pub sustained_s: Option<u32>,
    /// Missed in so many seconds of the hold in a row, the run ends at once, and the gate has failed.
    pub abort_after_s: Option<u32>,
    pub class: GateClass,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    Less,
    AtMost,
    More,
    AtLeast,
    Equal,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Limit {
    /// In the metric's unit.
    Value(f64),
    /// This share above (below 0: below) what the baseline has.
    Baseline(f64),
}

impl Op {
    pub(crate) const ALL: [(&'static str, Op); 5] =
        [("<", Op::Less), ("<=", Op::AtMost), (">", Op::More), (">=", Op::AtLeast), ("==", Op::Equal)];

    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, op)| *op == self).map_or("", |(name, _)| name)
    }

    /// Whether more is worse.
    #[must_use]
    pub fn bounds_above(self) -> bool {
        matches!(self, Self::Less | Self::AtMost | Self::Equal)
    }

    fn holds(self, value: f64, limit: f64) -> bool {
        match self {
            Self::Less => value < limit,
            Self::AtMost => value <= limit,
            Self::More => value > limit,
            Self::AtLeast => value >= limit,
            Self::Equal => (value - limit).abs() < 1e-9,
        }
    }
}

impl Gate {
    /// A gate over the hold, as most are.
    fn new(id: &str, metric: &'static Metric, op: Op, limit: f64) -> Self {
        Self {
            id: id.to_owned(),
            metric,
            stat: file::usual(metric),
            op,
            limit: Limit::Value(limit),
            window: Window::Hold,
            min_samples: 1,
            sustained_s: None,
            abort_after_s: None,
            class: GateClass::Performance,
        }
    }
}

impl Thresholds {
    /// What every run is asked for. `p99_ms`: bound of the delivery latency; none: late is as good as in time. `chaos`: the server
    /// is disturbed on purpose, so that closed sockets and unanswered sends are no failure by themselves.
    #[must_use]
    pub fn standard(plan: &Plan, p99_ms: Option<f64>, chaos: bool) -> Self {
        let mut gates = Vec::new();
        let mut add = |id: &str, name: &str, op: Op, limit: f64, class: GateClass| {
            // Every name here is in the catalogue: a test makes all of them.
            gates.extend(metric::find(name).ok().map(|m| Gate { class, ..Gate::new(id, m, op, limit) }));
        };
        let behaviour = &plan.behaviour;
        let hard = GateClass::Performance;
        let soft = if chaos { GateClass::Advisory } else { hard };
        add(VIOLATIONS, "ledger.violations", Op::Equal, 0.0, GateClass::Correctness);
        add("connected", "connected.total", Op::AtLeast, f64::from(plan.users), hard);
        let slow = if behaviour.slow.is_some() { GateClass::Advisory } else { soft };
        add("disconnected", "sockets.disconnected", Op::Equal, 0.0, slow);
        let away = behaviour.churn.is_some() || behaviour.storm.is_some() || behaviour.offline.is_some();
        let late = away || behaviour.slow.is_some() || chaos;
        let planned = plan.arrivals.rate(plan.phases.warmup_us, plan.phases.end_us());
        match planned {
            Some(rate) if rate > 0.0 && late => add(RATE, "completed.share", Op::AtLeast, 99.0, hard),
            Some(rate) if rate > 0.0 => {
                let name = if p99_ms.is_some() { "delivered.rate" } else { "completed.rate" };
                add(RATE, name, Op::AtLeast, rate * RATE_SHARE, hard);
            }
            Some(_) => {}
            None => add(RATE, "completed.share", Op::AtLeast, 99.0, hard),
        }
        if let Some(bound) = p99_ms.filter(|_| plan.arrivals != Arrivals::None) {
            add("delivery-p99", "delivery.latency", Op::Less, bound, hard);
        }
        add("undelivered", "ledger.undelivered", Op::Equal, 0.0, hard);
        if plan.protocol.acknowledges() {
            add("unanswered", "ledger.unanswered", Op::Equal, 0.0, soft);
            add("refused", "sends.refused", Op::Equal, 0.0, soft);
        }
        if plan.protocol.has_history() {
            add("history-unread", "history.unread", Op::Equal, 0.0, hard);
        }
        Self { name: "standard".to_owned(), gates }
    }

    /// These and more; of two with the same id the later one counts.
    ///
    /// # Errors
    /// A sentence, when the gate of correctness would be replaced.
    pub fn with(mut self, more: Self) -> Result<Self, String> {
        if more.gates.iter().any(|gate| gate.id == VIOLATIONS) {
            return Err(format!("the gate '{VIOLATIONS}' can't be replaced; give yours another id"));
        }
        for gate in more.gates {
            match self.gates.iter_mut().find(|known| known.id == gate.id) {
                Some(known) => *known = gate,
                None => self.gates.push(gate),
            }
        }
        self.name = more.name;
        Ok(self)
    }

    /// Scales what grows with the load, such as rates and users, and keeps the limits that do not.
    #[must_use]
    pub fn scale(mut self, factor: f64) -> Self {
        for gate in &mut self.gates {
            if let Limit::Value(value) = &mut gate.limit
                && gate.metric.scales
            {
                *value *= factor;
            }
            gate.min_samples = ((gate.min_samples as f64 * factor) as u64).max(1);
        }
        self
    }

    /// These for a run of which only so much was held: where the plan's rate is not the same all the time, the standard gate
    /// asks for the mean of that part.
    pub(crate) fn held(mut self, plan: &Plan, held_us: u64) -> Self {
        let from = plan.phases.warmup_us;
        let means =
            plan.arrivals.rate(from, plan.phases.end_us()).zip(plan.arrivals.rate(from, from + held_us));
        let Some((whole, part)) = means else { return self };
        for gate in self.gates.iter_mut().filter(|gate| gate.id == RATE) {
            if gate.limit == Limit::Value(whole * RATE_SHARE) {
                gate.limit = Limit::Value(part * RATE_SHARE);
            }
        }
        self
    }

    /// Whether a gate is asked for relative to another run.
    #[must_use]
    pub fn needs_baseline(&self) -> bool {
        self.gates.iter().any(|gate| matches!(gate.limit, Limit::Baseline(_)))
    }

    /// The gates before a run: what is asked for, and no value yet.
    #[must_use]
    pub fn asked(&self) -> Vec<GateResult> {
        self.gates.iter().map(|gate| gate.result(evaluate::limit(gate, None), None, 0)).collect()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::assemble::tests::plan;
    use plan::Behaviour;
    use plan::behaviour::{Churn, Slow};

    #[test]
    fn every_kind_of_run_has_its_standard_gates() {
        let ids = |plan: &Plan, p99: Option<f64>| -> Vec<String> {
            Thresholds::standard(plan, p99, false).gates.into_iter().map(|gate| gate.id).collect()
        };
        let all = [
            "violations",
            "connected",
            "disconnected",
            "rate",
            "delivery-p99",
            "undelivered",
            "unanswered",
            "refused",
            "history-unread",
        ];
        assert_eq!(ids(&plan(), Some(100.0)), all);
        let idle = Plan { arrivals: Arrivals::None, ..plan() };
        assert!(!ids(&idle, Some(100.0)).iter().any(|id| id == "rate" || id == "delivery-p99"));
        let relay = Plan { protocol: plan::Protocol::Relay, ..plan() };
        assert!(!ids(&relay, None).iter().any(|id| id == "unanswered" || id == "history-unread"));
        // Late is as good as in time where nothing bounds latency.
        let rate = |p99| {
            let gates = Thresholds::standard(&plan(), p99, false).gates;
            gates.into_iter().find(|gate| gate.id == "rate").unwrap().metric.name
        };
        assert_eq!((rate(None), rate(Some(1.0))), ("completed.rate", "delivered.rate"));
    }

    #[test]
    fn who_is_disturbed_on_purpose_is_not_asked_to_be_in_time() {
        let gate = |plan: &Plan, chaos: bool, id: &str| {
            let gates = Thresholds::standard(plan, Some(100.0), chaos).gates;
            gates.into_iter().find(|gate| gate.id == id).unwrap()
        };
        let churn = Behaviour { churn: Some(Churn { rate: 1.0, away_us: 1 }), ..Behaviour::default() };
        let churn = Plan { behaviour: churn, ..plan() };
        assert_eq!(gate(&churn, false, "rate").metric.name, "completed.share");
        assert_eq!(gate(&churn, false, "disconnected").class, GateClass::Performance);
        let slow = Behaviour { slow: Some(Slow { share: 0.1, pause_us: 1 }), ..Behaviour::default() };
        assert_eq!(
            gate(&Plan { behaviour: slow, ..plan() }, false, "disconnected").class,
            GateClass::Advisory
        );
        for id in ["disconnected", "unanswered", "refused"] {
            assert_eq!(gate(&plan(), true, id).class, GateClass::Advisory, "{id}");
        }
        assert_eq!(gate(&plan(), true, "violations").class, GateClass::Correctness);
        let closed = Plan { arrivals: Arrivals::Closed { think_us: 1 }, ..plan() };
        assert_eq!(gate(&closed, false, "rate").metric.name, "completed.share");
    }

    #[test]
    fn what_the_shipped_scenarios_ask_for_is_there() {
        let scenarios = plan::scenario::Scenario::shipped();
        assert!(scenarios.len() > 10);
        for scenario in scenarios {
            if let Some(gate) = &scenario.gate {
                let asked = Thresholds::from_value(&scenario.name, gate).unwrap();
                let plan = scenario.plan(1, 1, plan().targets, None);
                assert!(Thresholds::standard(&plan, None, false).with(asked).is_ok(), "{}", scenario.name);
            }
        }
    }

    #[test]
    fn a_gate_of_the_same_id_takes_the_place_but_never_that_of_correctness() {
        let file = |id: &str| {
            let text = format!(
                "version = 1\n[[gate]]\nid = '{id}'\nmetric = 'sockets.disconnected'\nop = '<='\nvalue = 5"
            );
            Thresholds::parse("file", &text).unwrap()
        };
        let standard = Thresholds::standard(&plan(), None, false);
        let count = standard.gates.len();
        let both = standard.clone().with(file("disconnected")).unwrap();
        assert_eq!(both.gates.len(), count);
        assert_eq!(both.gates[2].op, Op::AtMost);
        assert!(standard.with(file("violations")).unwrap_err().contains("can't be replaced"));
    }

    #[test]
    fn scaling_keeps_what_does_not_grow_with_the_load() {
        let profile = Thresholds::profile("seed").unwrap().scale(0.02);
        let limit = |name: &str| {
            let gate = profile.gates.iter().find(|gate| gate.metric.name == name).unwrap();
            gate.limit
        };
        assert_eq!(limit("connected"), Limit::Value(2000.0));
        assert_eq!(limit("delivery.latency"), Limit::Value(100.0));
    }
}
