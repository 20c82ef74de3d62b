//! One run of a search.

use super::bracket::{Found, Kind};
use report::model::{GateOutcome, Report, SearchStep, Verdict};
use schema::exit::{Exit, Failure};

/// What a report comes to.
pub(super) fn of(rate: f64, kind: Kind, report: &Report) -> SearchStep {
    let missed = report.gates.iter().filter(|gate| gate.outcome == GateOutcome::Fail);
    let gates = missed
        .map(|gate| format!("missed {}: {} {} {} {}", gate.id, gate.metric, gate.stat, gate.op, gate.limit));
    let said = report.reasons.iter().map(|reason| reason.what.clone());
    let said: Vec<String> = said.chain(report.findings.iter().map(|finding| finding.what.clone())).collect();
    // The gates' own words only where nothing else was said.
    let reasons = if said.is_empty() && report.verdict != Verdict::Pass { gates.collect() } else { said };
    SearchStep {
        rate,
        verdict: report.verdict,
        exit: report.exit,
        offered: report.rates.offered,
        delivered: report.rates.delivered,
        p50_ms: report.latency.delivery.p50_ms,
        p99_ms: report.latency.delivery.p99_ms,
        lag_p99_ms: report.latency.schedule_lag.p99_ms,
        server_us_per_message: report.server.and_then(|side| side.cpu_us_per_message),
        generator_us_per_message: report.generator.cpu_us_per_message,
        reasons,
        kind: kind.word(),
    }
}

/// A run that came to nothing, because the server could not be reached, or did not start.
pub(super) fn failed(rate: f64, kind: Kind, failure: &Failure) -> SearchStep {
    SearchStep {
        rate,
        verdict: Verdict::Fail,
        exit: failure.exit.into(),
        offered: 0.0,
        delivered: 0.0,
        p50_ms: 0.0,
        p99_ms: 0.0,
        lag_p99_ms: 0.0,
        server_us_per_message: None,
        generator_us_per_message: None,
        reasons: vec![failure.to_string()],
        kind: kind.word(),
    }
}

/// Whether a run came to nothing.
pub(super) fn is_failure(step: &SearchStep) -> bool {
    step.offered == 0.0 && step.verdict == Verdict::Fail
}

/// What it says about the rate; none where the search can't go on: interrupted, or correctness was violated.
pub(super) fn found(report: &Report) -> Option<Found> {
    match report.verdict {
        _ if report.exit == u8::from(Exit::Incorrect) => None,
        Verdict::Interrupted => None,
        Verdict::Pass => Some(Found::Held),
        Verdict::Invalid => Some(Found::Starved),
        Verdict::Fail => Some(Found::Missed),
    }
}

pub(super) fn exit(step: &SearchStep) -> Exit {
    Exit::ALL.iter().copied().find(|exit| u8::from(*exit) == step.exit).unwrap_or(Exit::Failed)
}

/// A line for a person.
pub(super) fn words(step: &SearchStep) -> String {
    let verdict = step.verdict.name();
    let reason = step.reasons.first().map_or_else(String::new, |reason| format!("  {reason}"));
    format!(
        "{verdict:7} {:>9.0} msg/s delivered  p50 {:.1} ms  p99 {:.1} ms  lag p99 {:.1} ms{reason}",
        step.delivered, step.p50_ms, step.p99_ms, step.lag_p99_ms
    )
}
