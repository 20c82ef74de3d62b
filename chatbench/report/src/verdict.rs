//! The verdict: PASS, FAIL or INVALID, each reason with its fix, and the exit code.
//!
//! Broken correctness rules over everything. A FAIL whose cause may be the generator or the machine becomes
//! INVALID; a PASS stays a PASS and lists what was odd. Everything here is read off the report, so that a stored one is
//! judged as it was on its day.

use crate::metric::{self, Excuse};
use crate::model::{GateClass, GateOutcome, GateResult, Reason, Report, Verdict};
use crate::validity;
use schema::exit::Exit;

/// Judges a report by its gates and by what puts it in doubt: sets the verdict, the exit, the reasons and the findings.
pub(crate) fn settle(report: &mut Report) {
    let doubts = validity::doubts(report);
    let missed: Vec<&GateResult> = of(report, GateOutcome::Fail).collect();
    let (advisory, blocking): (Vec<&GateResult>, Vec<&GateResult>) =
        missed.into_iter().partition(|gate| gate.class == GateClass::Advisory);
    let unknown: Vec<&GateResult> = of(report, GateOutcome::Unknown).collect();
    let unsure = unknown.iter().any(|gate| gate.class != GateClass::Advisory);
    let broken = blocking.iter().any(|gate| gate.class == GateClass::Correctness);
    let excused = blocking.iter().all(|gate| excused(report, gate, !doubts.is_empty()));
    let (verdict, exit) = if broken || report.violations.total > 0 {
        (Verdict::Fail, Exit::Incorrect)
    } else if report.interrupted {
        (Verdict::Interrupted, Exit::Interrupted)
    } else if !blocking.is_empty() {
        if excused { (Verdict::Invalid, Exit::INVALID) } else { (Verdict::Fail, Exit::GATE_FAILED) }
    } else if unsure {
        (Verdict::Invalid, Exit::INVALID)
    } else {
        (Verdict::Pass, Exit::Ok)
    };
    // Whoever judges by gates of his own is told of broken promises all the same.
    let silent =
        report.violations.total > 0 && !blocking.iter().any(|gate| gate.metric.starts_with("ledger."));
    let promise = silent.then(|| Reason {
        what: format!("violations of correctness: {}, asked for == 0", report.violations.total),
        fix: metric::LEDGER.to_owned(),
    });
    let reasons: Vec<Reason> = promise.into_iter().chain(blocking.into_iter().map(missed_gate)).collect();
    let told = advisory.into_iter().map(missed_gate).chain(unknown.into_iter().map(unknown_gate));
    let ramp = validity::late_ramp(report);
    report.findings = doubts.into_iter().chain(ramp).chain(told).chain(validity::oddities(report)).collect();
    (report.verdict, report.exit, report.reasons) = (verdict, exit.into(), reasons);
}

fn of(report: &Report, outcome: GateOutcome) -> impl Iterator<Item = &GateResult> {
    report.gates.iter().filter(move |gate| gate.outcome == outcome)
}

/// Whether the generator or the machine may be why a gate was missed; `doubted`: something puts the hold in doubt.
fn excused(report: &Report, gate: &GateResult, doubted: bool) -> bool {
    let excuse = metric::find(&gate.metric).map_or(Excuse::Doubt, |metric| metric.excuse);
    gate.class != GateClass::Correctness
        && match excuse {
            Excuse::Never => false,
            Excuse::Doubt => doubted,
            Excuse::Connecting => {
                let late = validity::starved(report) || validity::late_ramp(report).is_some();
                late || report.sockets.local_failures > 0
            }
            Excuse::Starved => validity::starved(report),
            Excuse::Late => validity::late(report) || validity::starved(report),
            Excuse::RateLimited => report.rate_limited > 0,
        }
}

/// A number as people read it.
pub(crate) fn plain(number: f64) -> String {
    if number.fract() == 0.0 || number.abs() >= 1000.0 {
        format!("{number:.0}")
    } else if number.abs() < 1.0 {
        format!("{number:.3}")
    } else {
        format!("{number:.1}")
    }
}

/// A gate's bound: `< 100 ms`.
pub(crate) fn bound(gate: &GateResult) -> String {
    format!("{} {} {}", gate.op, plain(gate.limit), gate.unit).trim_end().to_owned()
}

/// A gate's value with its unit.
pub(crate) fn measured(gate: &GateResult) -> String {
    gate.value.map_or("-".to_owned(), |value| format!("{} {}", plain(value), gate.unit).trim_end().to_owned())
}

/// Why a gate did not pass, and what to do.
pub(crate) fn reason(gate: &GateResult) -> Reason {
    match gate.outcome {
        GateOutcome::Unknown => unknown_gate(gate),
        GateOutcome::Pass | GateOutcome::Fail => missed_gate(gate),
    }
}

fn missed_gate(gate: &GateResult) -> Reason {
    let known = metric::find(&gate.metric).ok();
    let label = known.map_or(gate.metric.as_str(), |metric| metric.label);
    let what = match gate.stat.as_str() {
        "value" => label.to_owned(),
        stat => format!("{label} {stat}"),
    };
    // Only a gate that ended the run is missed by what did not come.
    let value = if gate.value.is_some() { measured(gate) } else { "nothing arrived".to_owned() };
    let place = if gate.window == "hold" { String::new() } else { format!(" ({})", gate.window) };
    Reason {
        what: format!("{what}{place}: {value}, asked for {}", bound(gate)),
        fix: known.map_or("see the report", |metric| metric.fix).to_owned(),
    }
}

fn unknown_gate(gate: &GateResult) -> Reason {
    let what = match (gate.value, gate.samples) {
        (None, _) => {
            format!("gate '{}' could not be judged: nothing was measured of {}", gate.id, gate.metric)
        }
        (Some(_), samples) => format!("gate '{}' rests on {samples} samples: too few", gate.id),
    };
    Reason { what, fix: "a longer --duration or a higher --rate, or a lower min_samples".to_owned() }
}

#[cfg(test)]
mod tests;
