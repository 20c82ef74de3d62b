//! The gates: what was asked for, what was measured, and how much is left.

use super::chart::percent;
use super::words;
use crate::model::{GateClass, GateOutcome, GateResult};
use serde::Serialize;

/// The bar's end, as a multiple of the limit, at least and at most.
const LEAST: f64 = 1.25;
const MOST: f64 = 3.0;

#[derive(Debug, Serialize)]
pub(super) struct Gate {
    id: String,
    /// `pass`, `fail` or `unknown`: a word and a class.
    outcome: &'static str,
    what: String,
    value: String,
    limit: String,
    margin: String,
    /// Only where it is not what most gates are.
    class: Option<&'static str>,
    /// Where the samples are few, that is why nothing is known.
    samples: Option<String>,
    bar: Option<Bar>,
}

/// Measured and asked for, in per cent of the bar.
#[derive(Debug, PartialEq, Serialize)]
struct Bar {
    value: f64,
    limit: f64,
    /// The value is beyond the end.
    cut: bool,
}

/// All gates; those that ask for none of something, and had none, need only be named.
#[derive(Debug, Serialize)]
pub(super) struct Gates {
    rows: Vec<Gate>,
    nones: Vec<String>,
}

/// Those that failed first, then in the order in which they were asked for.
pub(super) fn of(gates: &[GateResult]) -> Gates {
    let order = |gate: &&GateResult| match (gate.outcome, gate.class) {
        (GateOutcome::Fail, GateClass::Correctness) => 0,
        (GateOutcome::Fail, GateClass::Performance) => 1,
        (GateOutcome::Unknown, _) => 2,
        (GateOutcome::Fail, GateClass::Advisory) => 3,
        (GateOutcome::Pass, _) => 4,
    };
    let (nones, mut sorted): (Vec<_>, Vec<_>) = gates.iter().partition(|gate| is_none(gate));
    sorted.sort_by_key(order);
    let nones = nones.into_iter().map(|gate| gate.id.clone()).collect();
    Gates { rows: sorted.into_iter().map(gate).collect(), nones }
}

fn is_none(gate: &GateResult) -> bool {
    let asked = gate.op == "==" && gate.limit == 0.0 && gate.class == GateClass::Performance;
    asked && gate.outcome == GateOutcome::Pass
}

fn gate(gate: &GateResult) -> Gate {
    let (value, limit) = words(gate);
    Gate {
        id: gate.id.clone(),
        outcome: match gate.outcome {
            GateOutcome::Pass => "pass",
            GateOutcome::Fail => "fail",
            GateOutcome::Unknown => "unknown",
        },
        what: what(gate),
        value,
        limit: format!("{} {limit}", sign(&gate.op)),
        margin: margin(gate),
        class: match gate.class {
            GateClass::Correctness => Some("correctness"),
            GateClass::Performance => None,
            GateClass::Advisory => Some("advisory"),
        },
        samples: (gate.outcome == GateOutcome::Unknown).then(|| words::count(gate.samples)),
        bar: bar(gate),
    }
}

fn what(gate: &GateResult) -> String {
    let stat =
        if gate.stat.is_empty() || gate.stat == "value" { String::new() } else { format!(" {}", gate.stat) };
    let window = if gate.window.is_empty() { String::new() } else { format!(", {}", gate.window) };
    format!("{}{stat}{window}", gate.metric)
}

fn sign(op: &str) -> &str {
    match op {
        "<=" => "≤",
        ">=" => "≥",
        "==" => "must be",
        other => other,
    }
}

/// Value and limit; never the same words for what differs.
fn words(gate: &GateResult) -> (String, String) {
    let Some(value) = gate.value else { return ("–".to_owned(), unit(gate.limit, &gate.unit)) };
    match gate.unit.as_str() {
        "bytes" => (words::bytes(value), words::bytes(gate.limit)),
        unit => {
            let (value, limit) = words::apart(value, gate.limit);
            (words::with_unit(&value, unit), limit)
        }
    }
}

fn unit(value: f64, unit: &str) -> String {
    match unit {
        "bytes" => words::bytes(value),
        unit => words::with_unit(&words::number(value), unit),
    }
}

fn margin(gate: &GateResult) -> String {
    match gate.margin {
        Some(margin) if margin < 0.0 => {
            let way = if gate.op.starts_with('>') { "short" } else { "over" };
            format!("{} {way}", words::percent(-margin))
        }
        Some(0.0) => "none left".to_owned(),
        Some(margin) => format!("{} left", words::percent(margin)),
        None => String::new(),
    }
}

fn bar(gate: &GateResult) -> Option<Bar> {
    let value = gate.value.filter(|value| value.is_finite() && *value >= 0.0)?;
    if gate.limit <= 0.0 || !gate.limit.is_finite() {
        return None;
    }
    let end = gate.limit * (value / gate.limit * 1.05).clamp(LEAST, MOST);
    Some(Bar { value: percent((value / end).min(1.0)), limit: percent(gate.limit / end), cut: value > end })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::html::fixture;

    fn latency(value: f64) -> GateResult {
        let gates = fixture::passed().gates;
        let gate = gates.into_iter().find(|gate| gate.unit == "ms").unwrap();
        GateResult { value: Some(value), margin: Some(1.0 - value / gate.limit), ..gate }
    }

    #[test]
    fn a_bar_shows_which_side_of_the_limit() {
        let inside = bar(&latency(41.2)).unwrap();
        assert!(inside.value < inside.limit && !inside.cut);
        let outside = bar(&latency(140.0)).unwrap();
        assert!(outside.value > outside.limit && !outside.cut);
        let far = bar(&latency(100_000.0)).unwrap();
        assert!(far.cut && far.value == 100.0 && far.limit > 30.0);
        assert_eq!(bar(&GateResult { limit: 0.0, ..latency(1.0) }), None);
    }

    #[test]
    fn what_must_be_none_and_is_takes_one_line() {
        let zero = |id: &str, value: f64, class, outcome| {
            let id = id.to_owned();
            GateResult {
                id,
                op: "==".to_owned(),
                limit: 0.0,
                value: Some(value),
                class,
                outcome,
                ..latency(0.0)
            }
        };
        let gates = [
            zero("refused", 0.0, GateClass::Performance, GateOutcome::Pass),
            zero("violations", 0.0, GateClass::Correctness, GateOutcome::Pass),
            zero("unread", 3.0, GateClass::Performance, GateOutcome::Fail),
        ];
        let gates = of(&gates);
        assert_eq!(gates.nones, ["refused"]);
        assert_eq!([&gates.rows[0].id, &gates.rows[1].id], ["unread", "violations"]);
    }

    #[test]
    fn margins_say_which_way() {
        assert_eq!(margin(&latency(75.0)), "25 % left");
        assert_eq!(margin(&latency(120.0)), "20 % over");
        assert_eq!(margin(&GateResult { op: ">=".to_owned(), ..latency(120.0) }), "20 % short");
    }

    #[test]
    fn failures_come_first() {
        let mut gates = fixture::passed().gates;
        gates.last_mut().unwrap().outcome = GateOutcome::Fail;
        gates.last_mut().unwrap().class = GateClass::Performance;
        assert_eq!(of(&gates).rows[0].id, gates.last().unwrap().id);
    }
}
