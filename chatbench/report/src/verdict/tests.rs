use crate::assemble::tests::{measured, report};
use crate::measured::Measured;
use crate::model::{GateClass, Mark, MarkKind, Report, Verdict};
use crate::threshold::Thresholds;
use ledger::{Class, Kind, Second};

type Change = fn(&mut Measured);

fn judged(changes: &[Change]) -> Report {
    let mut run = measured();
    changes.iter().for_each(|change| change(&mut run));
    let report = report(&run);
    assert!(report.reasons.iter().chain(&report.findings).all(|reason| !reason.fix.is_empty()));
    report
}

fn ends(changes: &[Change]) -> (Verdict, u8) {
    let report = judged(changes);
    (report.verdict, report.exit)
}

const SLOW: Change = |run| (0..100).for_each(|_| run.harvest.latencies.record(Kind::Delivery, 150_000));
const LATE: Change = |run| (0..100).for_each(|_| run.harvest.latencies.record(Kind::ScheduleLag, 10_000));
const STARVED: Change =
    |run| (0..100).for_each(|_| run.harvest.latencies.record(Kind::ScheduleLag, 4_000_000));
const BUSY: Change = |run| run.harvest.tally.busy = 0.9;
const STEAL: Change = |run| run.samples.iter_mut().for_each(|sample| sample.steal.0 = sample.steal.1 / 20);
const UNOFFERED: Change = |run| (run.harvest.tally.offered, run.harvest.tally.delivered) = (900, 900);
const SHORT: Change = |run| run.harvest.connecting.connected = 3;
const CLOSED: Change = |run| run.harvest.tally.disconnected = 1;

#[test]
fn the_table_of_verdicts() {
    assert_eq!(ends(&[]), (Verdict::Pass, 0));
    assert_eq!(ends(&[SLOW]), (Verdict::Fail, 3));
    assert_eq!(ends(&[|run| run.harvest.tally.delivered = 988]), (Verdict::Fail, 3));
    assert_eq!(ends(&[|run| run.harvest.tally.delivered = 989]), (Verdict::Pass, 0));
    assert_eq!(ends(&[|run| run.harvest.ledger.outcomes.undelivered = 1]), (Verdict::Fail, 3));
    assert_eq!(ends(&[|run| run.harvest.ledger.outcomes.acknowledged -= 1]), (Verdict::Fail, 3));
    assert_eq!(ends(&[CLOSED]), (Verdict::Fail, 3));
    assert_eq!(ends(&[|run| run.reconciled.unread = 1]), (Verdict::Fail, 3));
    assert_eq!(ends(&[SHORT]), (Verdict::Fail, 3));
    assert_eq!(ends(&[SLOW, LATE]), (Verdict::Invalid, 8));
    assert_eq!(ends(&[SLOW, BUSY]), (Verdict::Invalid, 8));
    assert_eq!(ends(&[SLOW, STEAL]), (Verdict::Invalid, 8));
    assert_eq!(ends(&[SLOW, |run| run.clock_step_us = 5_000_000]), (Verdict::Invalid, 8));
    assert_eq!(ends(&[UNOFFERED]), (Verdict::Invalid, 8));
    assert_eq!(ends(&[SHORT, |run| run.harvest.connecting.local_failures = 1]), (Verdict::Invalid, 8));
    assert_eq!(ends(&[SLOW, |run| run.interrupted = true]), (Verdict::Interrupted, 130));
}

#[test]
fn a_rate_limit_explains_what_it_refused_and_no_more() {
    let limited: Change = |run| {
        let tally = &mut run.harvest.tally;
        (tally.rate_limited, tally.sends_limited, run.harvest.ledger.outcomes.refused) = (20, 20, 20);
        (run.harvest.tally.delivered, run.harvest.ledger.outcomes.acknowledged) = (980, 1080);
    };
    assert_eq!(ends(&[limited]), (Verdict::Invalid, 8));
    assert_eq!(
        ends(&[limited, |run| {
            (run.harvest.ledger.outcomes.refused, run.harvest.ledger.outcomes.acknowledged) = (21, 1079)
        }]),
        (Verdict::Fail, 3)
    );
    // Logins and pages of history that were limited excuse no send.
    let pages: Change = |run| {
        (run.harvest.tally.rate_limited, run.reconciled.rate_limited) = (10, 10);
        run.harvest.ledger.outcomes.refused = 5;
    };
    assert_eq!(ends(&[pages]), (Verdict::Fail, 3));
}

#[test]
fn a_server_that_goes_away_fails_whatever_the_generator_did() {
    let gone: Change = |run| {
        let tally = &mut run.harvest.tally;
        (tally.disconnected, tally.offered, tally.unsent_in_hold, tally.delivered) = (4, 100, 900, 100);
    };
    assert_eq!(judged(&[gone]).findings, []);
    assert_eq!(ends(&[gone, LATE]), (Verdict::Fail, 3));
    assert_eq!(ends(&[gone, STARVED]), (Verdict::Invalid, 8));
}

#[test]
fn a_generator_without_a_cpu_excuses_who_could_not_connect_and_what_came_at_once() {
    const RAMP: Change = |run| run.harvest.connecting.lag_us = 1_200_000;
    assert_eq!(ends(&[SHORT, LATE]), (Verdict::Fail, 3));
    assert_eq!(ends(&[SHORT, STARVED]), (Verdict::Invalid, 8));
    assert_eq!(ends(&[SHORT, RAMP]), (Verdict::Invalid, 8));
    // The ramp says nothing of the hold.
    assert_eq!(ends(&[SLOW, RAMP]), (Verdict::Fail, 3));
    assert_eq!(judged(&[RAMP]).findings.len(), 1);
    let refused: Change = |run| run.harvest.ledger.outcomes.refused = 5;
    assert_eq!(ends(&[refused]), (Verdict::Fail, 3));
    assert_eq!(ends(&[refused, LATE]), (Verdict::Invalid, 8));
    assert_eq!(ends(&[CLOSED, LATE]), (Verdict::Fail, 3));
}

#[test]
fn a_pass_stays_a_pass_and_lists_the_findings() {
    let report = judged(&[LATE]);
    assert_eq!((report.verdict, report.findings.len()), (Verdict::Pass, 1));
}

#[test]
fn broken_correctness_rules_over_everything() {
    let broken: Change = |run| run.harvest.ledger.violations.live(Class::Lost, || "one".to_owned());
    let report = judged(&[broken, SLOW, LATE, |run| run.interrupted = true]);
    assert_eq!((report.verdict, report.exit), (Verdict::Fail, 9));
    assert!(report.reasons[0].what.contains("violations of correctness: 1"), "{:?}", report.reasons);
}

#[test]
fn broken_correctness_is_told_whatever_gates_there_are() {
    let mut run = measured();
    run.harvest.ledger.violations.live(Class::Duplicated, || "one".to_owned());
    let none = Thresholds::parse("f", "version = 1").unwrap();
    let report = crate::assemble(&run, &none, None);
    assert_eq!((report.exit, report.reasons.len()), (9, 1));
}

#[test]
fn without_a_latency_gate_latency_never_blocks() {
    let mut run = measured();
    SLOW(&mut run);
    let asked = Thresholds::standard(&run.plan, None, false);
    assert_eq!(crate::assemble(&run, &asked, None).verdict, Verdict::Pass);
}

#[test]
fn an_advisory_gate_is_told_and_excuses_nothing() {
    let text = "version = 1\n[[gate]]\nid = 'cost'\nmetric = 'server.cpu_us_per_msg'\nop = '<='\nvalue = '40us'\nclass = 'advisory'";
    let mut run = measured();
    let more = Thresholds::parse("f", text).unwrap();
    let asked = Thresholds::standard(&run.plan, Some(100.0), false).with(more).unwrap();
    let report = crate::assemble(&run, &asked, None);
    assert_eq!((report.verdict, report.findings.len()), (Verdict::Pass, 1));
    assert_eq!(report.gates.last().unwrap().class, GateClass::Advisory);
    SLOW(&mut run);
    assert_eq!(crate::assemble(&run, &asked, None).verdict, Verdict::Fail);
}

#[test]
fn a_clock_that_drifts_is_told_and_excuses_nothing() {
    const DRIFTED: Change = |run| {
        run.workers[0].process = None;
        (run.workers[0].clock_bound_us, run.workers[0].clock_drift_us) = (1_400, Some(-1_300));
    };
    let report = judged(&[DRIFTED]);
    assert_eq!((report.verdict, report.findings.len()), (Verdict::Pass, 1));
    assert!(report.findings[0].what.contains("-1.3 ms"), "{:?}", report.findings);
    assert!(report.findings[0].what.contains("no latency spans two clocks"));
    assert!(report.notes.iter().any(|note| note.contains("known to 1400 µs")), "{:?}", report.notes);
    assert_eq!(ends(&[DRIFTED, SLOW]), (Verdict::Fail, 3));
    // What two inexact readings differ by is no drift.
    let unsure: Change = |run| run.workers[0].clock_bound_us = 1_500;
    assert_eq!(judged(&[DRIFTED, unsure]).findings, []);
    let unread: Change = |run| run.workers[0].clock_drift_us = None;
    let report = judged(&[DRIFTED, unread]);
    assert_eq!(report.findings, []);
    assert!(report.notes.iter().any(|note| note.contains("could not be read at the end")));
}

#[test]
fn a_hold_that_begins_before_it_is_steady_is_in_doubt() {
    let unsteady: Change = |run| {
        for at_s in 3..5 {
            let mut slow = Second::new(at_s);
            (0..900).for_each(|_| slow.delivery.record(50_000));
            run.seconds.add(slow);
        }
    };
    let report = judged(&[unsteady]);
    assert_eq!((report.verdict, report.findings.len()), (Verdict::Pass, 1));
    assert!(report.findings[0].fix.contains("--warmup"), "{:?}", report.findings);
    // What the scenario itself stirs up is no doubt.
    let stirred: Change = |run| {
        run.marks.push(Mark { at_s: 4, name: "cut".to_owned(), kind: MarkKind::Scenario });
    };
    assert_eq!(judged(&[unsteady, stirred]).findings, []);
}
