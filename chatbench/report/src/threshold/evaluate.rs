//! How gates went.

use super::{Gate, Limit, Missed, Op, Thresholds};
use crate::assemble::round;
use crate::metric::Source;
use crate::model::{GateOutcome, GateResult};
use crate::value::{Stat, View, Window};

/// What a gate asks for in the metric's unit; none without the baseline that it needs.
pub(super) fn limit(gate: &Gate, baseline: Option<View<'_>>) -> Option<f64> {
    match gate.limit {
        Limit::Value(value) => Some(value),
        Limit::Baseline(share) => {
            let there = baseline?.value(gate.metric, gate.stat, gate.window)?;
            Some(there.value * (1.0 + share))
        }
    }
}

impl Gate {
    /// Judges a value: none, or too few samples, is unknown, never passed.
    pub(crate) fn result(&self, limit: Option<f64>, value: Option<f64>, samples: u64) -> GateResult {
        let enough = !self.counts_messages() || samples >= self.min_samples;
        let judged = value.zip(limit).filter(|_| enough);
        let outcome = match judged {
            None => GateOutcome::Unknown,
            Some((value, limit)) if self.op.holds(value, limit) => GateOutcome::Pass,
            Some(_) => GateOutcome::Fail,
        };
        let margin = judged.filter(|(_, limit)| *limit != 0.0).map(|(value, limit)| {
            let left = if self.op.bounds_above() { limit - value } else { value - limit };
            round(left / limit)
        });
        GateResult {
            id: self.id.clone(),
            metric: self.metric.name.to_owned(),
            stat: self.stat.name(),
            op: self.op.name().to_owned(),
            limit: limit.unwrap_or_default(),
            value: value.map(round),
            unit: self.metric.unit.name().to_owned(),
            margin,
            window: match self.sustained_s {
                Some(seconds) => format!("{}, worst {seconds} s", self.window.name()),
                None => self.window.name().to_owned(),
            },
            samples,
            class: self.class,
            outcome,
        }
    }

    /// Ended the run before its time: that it did is its failure, whatever the hold says so far.
    pub(crate) fn cut(&self, missed: &Missed, samples: u64) -> GateResult {
        let result = self.result(limit(self, None), missed.value, samples);
        let window = format!("last {} s of the hold", missed.seconds);
        GateResult { window, outcome: GateOutcome::Fail, ..result }
    }

    fn counts_messages(&self) -> bool {
        matches!(self.metric.source, Source::Latency(_) | Source::Rate { .. })
    }

    fn evaluate(&self, view: View<'_>, baseline: Option<View<'_>>) -> GateResult {
        let found = view.value(self.metric, self.stat, self.window);
        let mut value = found.map(|found| found.value);
        if let Some(seconds) = self.sustained_s {
            let stretches = view.stretches(self.metric, self.stat, self.window, seconds as usize);
            let worse = |a: f64, b: f64| if self.op.bounds_above() { a.max(b) } else { a.min(b) };
            value = stretches.into_iter().chain(value).reduce(worse);
        }
        let mut result = self.result(limit(self, baseline), value, found.map_or(0, |found| found.samples));
        if result.outcome == GateOutcome::Fail && self.within_one_message(view, &result) {
            result.outcome = GateOutcome::Pass;
        }
        result
    }

    /// A rate over the hold is a count over a time: known to one message.
    fn within_one_message(&self, view: View<'_>, result: &GateResult) -> bool {
        let rate = matches!(self.metric.source, Source::Rate { .. }) || self.metric.name == "completed.rate";
        let whole = matches!(self.stat, Stat::Mean | Stat::Value) && self.window == Window::Hold;
        let one = 1.0 / view.report.duration_s.max(0.001);
        rate && whole
            && self.sustained_s.is_none()
            && self.op == Op::AtLeast
            && result.value.is_some_and(|value| value + one >= result.limit)
    }
}

impl Thresholds {
    /// Every gate's result.
    #[must_use]
    pub fn evaluate(&self, view: View<'_>, baseline: Option<View<'_>>) -> Vec<GateResult> {
        self.gates.iter().map(|gate| gate.evaluate(view, baseline)).collect()
    }
}
