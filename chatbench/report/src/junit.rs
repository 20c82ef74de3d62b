//! The report as JUnit XML, which every CI shows: one case for each gate, one for each of what speaks against the run.

use crate::model::{GateClass, GateOutcome, GateResult, Reason, Report, Verdict};
use crate::verdict::{bound, measured, reason};
use quick_junit::{
    NonSuccessKind, Property, Report as Junit, SerializeError, TestCase, TestCaseStatus, TestSuite,
};
use std::time::Duration;

/// # Errors
/// None that a report can cause.
pub fn render(report: &Report) -> Result<String, SerializeError> {
    let name = report.scenario.as_deref().unwrap_or("run");
    let mut suite = TestSuite::new(format!("chatbench {name}"));
    let properties = [
        ("verdict", report.verdict.name().to_owned()),
        ("exit", report.exit.to_string()),
        ("users", report.users.to_string()),
        ("line", report.line.clone()),
    ];
    suite.add_properties(properties.into_iter().map(|(name, value)| Property::new(name, value)));
    suite.set_time(Duration::try_from_secs_f64(report.duration_s).unwrap_or_default());
    if let Ok(started) = chrono::DateTime::parse_from_rfc3339(&report.started) {
        suite.set_timestamp(started);
    }
    suite.add_test_cases(report.gates.iter().map(|gate| case(report, gate)));
    suite.add_test_case(validity(report));
    let mut junit = Junit::new("chatbench");
    junit.add_test_suite(suite);
    junit.to_string()
}

fn case(report: &Report, gate: &GateResult) -> TestCase {
    let invalid = report.verdict == Verdict::Invalid;
    let advisory = gate.class == GateClass::Advisory;
    let why = reason(gate);
    let mut status = match gate.outcome {
        GateOutcome::Pass => TestCaseStatus::success(),
        // Neither is the server's failure: one only tells, the other can't be believed.
        GateOutcome::Fail if advisory => TestCaseStatus::skipped(),
        GateOutcome::Fail if invalid => TestCaseStatus::non_success(NonSuccessKind::Error),
        GateOutcome::Fail => TestCaseStatus::non_success(NonSuccessKind::Failure),
        GateOutcome::Unknown if advisory => TestCaseStatus::skipped(),
        GateOutcome::Unknown => TestCaseStatus::non_success(NonSuccessKind::Error),
    };
    if gate.outcome != GateOutcome::Pass {
        status
            .set_message(why.what)
            .set_type(if invalid { "invalid" } else { "gate" })
            .set_description(why.fix);
    }
    let mut case = TestCase::new(gate.id.clone(), status);
    case.set_classname(format!("chatbench.{}", gate.metric));
    let margin = gate.margin.map_or("-".to_owned(), |share| format!("{:+.1} %", share * 100.0));
    for (name, value) in [
        ("value", measured(gate)),
        ("limit", bound(gate)),
        ("margin", margin.clone()),
        ("stat", gate.stat.clone()),
        ("window", gate.window.clone()),
        ("samples", gate.samples.to_string()),
    ] {
        case.add_property(Property::new(name, value));
    }
    let samples = gate.samples;
    case.set_system_out(format!(
        "{}, asked for {}, margin {margin}, {samples} samples",
        measured(gate),
        bound(gate)
    ));
    case
}

/// Whether the measurement can be believed: a case of its own, so that a doubt is seen beside a PASS too.
fn validity(report: &Report) -> TestCase {
    let words = |reason: &Reason| format!("{}; fix: {}", reason.what, reason.fix);
    let findings: Vec<String> = report.findings.iter().map(words).collect();
    let mut status = match report.verdict {
        Verdict::Invalid | Verdict::Interrupted => TestCaseStatus::non_success(NonSuccessKind::Error),
        Verdict::Pass | Verdict::Fail => TestCaseStatus::success(),
    };
    if !matches!(status, TestCaseStatus::Success { .. }) {
        status.set_message(format!("{}: {}", report.verdict.name(), findings.join("; "))).set_type("invalid");
    }
    let mut case = TestCase::new("validity", status);
    case.set_classname("chatbench.validity");
    if !findings.is_empty() {
        case.set_system_out(findings.join("\n"));
    }
    case
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assemble::tests::{measured as run, report};
    use ledger::Kind;

    #[test]
    fn each_gate_is_a_case_with_its_value_and_limit() {
        let report = report(&run());
        let xml = render(&report).unwrap();
        assert_eq!(xml.matches("<testcase ").count(), report.gates.len() + 1);
        assert!(xml.contains(r#"failures="0""#) && xml.contains(r#"errors="0""#), "{xml}");
        assert!(xml.contains(r#"name="delivery-p99""#) && xml.contains("asked for &lt; 100 ms"), "{xml}");
    }

    #[test]
    fn a_missed_gate_is_a_failure_and_of_an_invalid_run_an_error() {
        let mut slow = run();
        (0..100).for_each(|_| slow.harvest.latencies.record(Kind::Delivery, 150_000));
        let xml = render(&report(&slow)).unwrap();
        assert!(xml.contains(r#"failures="1""#) && xml.contains(r#"errors="0""#), "{xml}");
        slow.harvest.tally.busy = 0.99;
        let xml = render(&report(&slow)).unwrap();
        assert!(xml.contains(r#"failures="0""#) && xml.contains(r#"errors="2""#), "{xml}");
    }
}
