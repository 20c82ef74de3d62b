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

/// A run that came to nothing.
pub(super) fn failed(rate: f64, kind: Kind, failure: &Failure) -> SearchStep {
    let verdict = match failure.exit {
        Exit::Interrupted => Verdict::Interrupted,
        Exit::Unreachable => Verdict::Fail,
        // Whatever it was, the server did not do it.
        _ => Verdict::Invalid,
    };
    let nothing = SearchStep::nothing(rate, verdict, failure.exit, failure.message.clone());
    let reasons =
        nothing.reasons.into_iter().chain(Some(failure.hint.clone()).filter(|hint| !hint.is_empty()));
    let (reasons, kind) = (reasons.collect(), kind.word());
    SearchStep { reasons, kind, ..nothing }
}

/// What a run that came to nothing says about the rate; none where it says nothing at all, and the search can't go on.
pub(super) fn came_to(failure: &Failure) -> Option<Found> {
    match failure.exit {
        // It was there at the lower rates.
        Exit::Unreachable => Some(Found::Missed),
        Exit::INVALID => Some(Found::Starved),
        _ => None,
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_server_that_is_gone_has_missed() {
        for (exit, found, verdict) in [
            (Exit::Unreachable, Some(Found::Missed), Verdict::Fail),
            (Exit::INVALID, Some(Found::Starved), Verdict::Invalid),
            (Exit::Interrupted, None, Verdict::Interrupted),
            (Exit::Failed, None, Verdict::Invalid),
            (Exit::Auth, None, Verdict::Invalid),
        ] {
            let failure = Failure::new(exit, "worker 7 ended", "its last words:\n  disk full");
            let step = failed(500.0, Kind::Up, &failure);
            assert_eq!((came_to(&failure), step.verdict, super::exit(&step)), (found, verdict, exit));
            assert_eq!(step.reasons, ["worker 7 ended", "its last words:\n  disk full"]);
        }
    }
}
