use super::*;
use crate::measured::{Process, Sample, Source, Where, Worker};
use crate::model::{Environment, GateOutcome, Phases, Reconciled};
use crate::process::Usage;
use crate::threshold::Missed;
use ledger::{Harvest, Latency, Second};
use plan::{Behaviour, Target};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

/// 4 users, 100 messages a second: 1 s to warm up, 10 s held; the plan begins 2 s after the ramp.
pub(crate) fn plan() -> Plan {
    let target =
        Target { address: "127.0.0.1:1".parse().unwrap(), authority: "127.0.0.1:1".to_owned(), tls: None };
    Plan {
        run: 7,
        reused: false,
        seed: 7,
        users: 4,
        pairing: Pairing::Uniform,
        arrivals: Arrivals::Constant { rate: 100.0 },
        phases: plan::Phases {
            ramp_us: 2_000_000,
            warmup_us: 1_000_000,
            hold_us: 10_000_000,
            drain_us: 1_000_000,
        },
        message_bytes: 128,
        protocol: Protocol::Chatd { transport: Transport::Websocket },
        targets: vec![target],
        api: None,
        ca: None,
        behaviour: Behaviour::default(),
    }
}

/// A run in which every message took 5 ms, and nothing went wrong.
pub(crate) fn measured() -> Measured {
    let plan = plan();
    let mut harvest = Harvest::new(plan.run, 0..plan.users);
    harvest.connecting.connected = 4;
    for _ in 0..1000 {
        harvest.latencies.record(Kind::Delivery, 5000);
        harvest.latencies.record(Kind::Accept, 3000);
        harvest.latencies.record(Kind::ScheduleLag, 100);
    }
    let tally = &mut harvest.tally;
    (tally.planned, tally.offered, tally.accepted, tally.delivered) = (1000, 1000, 1000, 1000);
    tally.busy = 0.2;
    let outcomes = &mut harvest.ledger.outcomes;
    (outcomes.sent, outcomes.acknowledged, outcomes.received) = (1100, 1100, 1100);
    let second = |at_s: u32| {
        let mut second = Second { connected: 4, ..Second::new(at_s) };
        if (2..13).contains(&at_s) {
            (second.planned, second.offered, second.accepted, second.delivered) = (100, 100, 100, 100);
            (0..100).for_each(|_| second.delivery.record(5000));
            (0..100).for_each(|_| second.lag.record(100));
        }
        second
    };
    Measured {
        plan,
        line: "chatbench run --seed 7".to_owned(),
        scenario: None,
        labels: BTreeMap::new(),
        started: "2026-11-23T10:00:00Z".to_owned(),
        harvest,
        seconds: (0..14).map(second).collect(),
        begin_us: 2_000_000,
        processes: vec![
            process(10, Where::Server),
            process(11, Where::Server),
            process(12, Where::Generator),
        ],
        samples: (0..=14).map(sample).collect(),
        workers: vec![Worker {
            host: "here".to_owned(),
            pid: 12,
            users: 4,
            connected: 4,
            clock_bound_us: 0,
            clock_drift_us: None,
            process: Some(2),
        }],
        reconciled: Reconciled {
            rule: "all".to_owned(),
            conversations: 2,
            compared: 2,
            ..Reconciled::default()
        },
        environment: Environment::default(),
        phases: Phases { warmup_s: 1.0, hold_s: 10.0, ..Phases::default() },
        marks: Vec::new(),
        notes: Vec::new(),
        clock_step_us: 0,
        interrupted: false,
        cut: None,
    }
}

fn process(pid: u32, side: Where) -> Process {
    Process { source: Source::Pid(pid), name: "chatd".to_owned(), side }
}

/// Each process uses a tenth of a CPU; each server process takes 8 KiB for each user of the ramp.
fn sample(at: u64) -> Sample {
    let users = (at * 2).min(4);
    let usage = Usage {
        cpu: Duration::from_millis(at * 100),
        rss_bytes: (1 << 20) + users * 8192,
        rss_peak_bytes: 2 << 20,
    };
    Sample { at_us: at * 1_000_000, used: (0..3).map(|n| (n, usage)).collect(), steal: (0, at * 200) }
}

pub(crate) fn report(measured: &Measured) -> Report {
    assemble(measured, &Thresholds::standard(&measured.plan, Some(100.0), false), None)
}

#[test]
fn a_good_run_passes_with_its_figures() {
    let report = report(&measured());
    assert_eq!(
        (report.verdict, report.exit),
        (Verdict::Pass, 0),
        "{:?} {:?}",
        report.reasons,
        report.findings
    );
    assert_eq!((report.gate.p99_ms, report.gate.rate), (Some(100.0), 100.0));
    assert_eq!((report.rates.planned, report.rates.delivered), (100.0, 100.0));
    assert_eq!(report.timeline.len(), 14);
    assert_eq!((report.timeline[1].delivered, report.timeline[5].delivered), (0, 100));
    assert!(report.gates.iter().all(|gate| gate.outcome == GateOutcome::Pass), "{:?}", report.gates);
    assert!(report.percentiles.last().unwrap().percent >= 100.0);
    assert_eq!(
        report.marks.iter().map(|mark| (mark.at_s, mark.name.as_str())).collect::<Vec<_>>(),
        [(2, "warm-up"), (3, "hold"), (13, "drain")]
    );
}

#[test]
fn cost_is_what_the_samples_around_the_hold_say() {
    let report = report(&measured());
    let server = report.server.unwrap();
    // Two processes, a second of CPU each over the hold, and 1,000 messages.
    assert_eq!(server.cpu_us_per_message, Some(2000.0));
    assert_eq!((server.cpus, server.rss_per_user_bytes), (0.2, Some(16_384.0)));
    assert_eq!((report.servers.len(), report.generator.cpus, report.workers[0].used.cpus), (2, 0.1, 0.1));
    assert_eq!(report.timeline[4].server_cpus, Some(0.2));
    let mut gone = measured();
    gone.processes.clear();
    gone.samples.clear();
    let report = self::report(&gone);
    assert_eq!((report.server, report.verdict), (None, Verdict::Pass));
}

#[test]
fn the_heat_map_has_each_delivery_in_its_row() {
    let heat = report(&measured()).heat;
    assert_eq!(heat.columns.len(), 14);
    let row = heat.bounds_ms.iter().position(|bound| *bound == 5.0).unwrap();
    let column = &heat.columns[5];
    assert_eq!(column.iter().sum::<u64>(), 100);
    // Two digits: 5 ms may count as a little more.
    assert_eq!(column[row] + column[row + 1], 100);
}

#[test]
fn a_missed_second_is_an_empty_one() {
    let mut measured = measured();
    measured.seconds =
        measured.seconds.iter().filter(|second| second.at_s != 6).map(Cow::into_owned).collect();
    let report = report(&measured);
    assert_eq!(
        (report.timeline.len(), report.timeline[6].delivered, report.timeline[6].connected),
        (14, 0, 4)
    );
    assert_eq!((report.timeline[7].at_s, report.timeline[7].delivered), (7, 100));
}

#[test]
fn gates_look_at_their_window_and_its_worst_stretch() {
    let mut measured = measured();
    // Three slow seconds: too few for the p99 of the hold's histogram, but the worst stretch has them.
    for at in 6..9 {
        let mut late = Second::new(at);
        (0..100).for_each(|_| late.delivery.record(400_000));
        measured.seconds.add(late);
    }
    let gates = |lines: &str| {
        let text = format!(
            "version = 1\n[[gate]]\nid = 'g'\nmetric = 'delivery.latency'\nop = '<'\nvalue = '100ms'\n{lines}"
        );
        assemble(&measured, &Thresholds::parse("f", &text).unwrap(), None)
    };
    assert_eq!(gates("").verdict, Verdict::Pass);
    let worst = gates("sustained = '3s'");
    assert_eq!(worst.verdict, Verdict::Fail);
    assert!(worst.gates[0].value.unwrap() > 390.0 && worst.reasons[0].what.contains("worst 3 s"));
    assert_eq!(gates("window = 'all'").verdict, Verdict::Fail);
    assert_eq!(gates("window = 'warmup'").verdict, Verdict::Pass);
}

/// Longer than what is kept ready, with ever slower and then faster seconds: each stretch is as if it alone had been measured.
#[test]
fn a_stretch_is_the_sum_of_its_seconds() {
    let mut run = measured();
    let second = |at_s: u32| {
        let mut second = Second::new(at_s);
        (1..50).for_each(|n| second.delivery.record(u64::from(at_s % 23) * 900 * n));
        second
    };
    run.seconds = (0..60).filter(|at| at % 7 != 3).map(second).collect();
    let all: Vec<Second> = run.seconds.iter().map(Cow::into_owned).collect();
    let metric = crate::metric::find("delivery.latency").unwrap();
    let report = report(&run);
    let view = View { report: &report, measured: Some(&run) };
    for (stat, seconds) in [(Stat::Quantile(0.99), 5), (Stat::Mean, 1), (Stat::Max, 20), (Stat::Min, 51)] {
        let sums = all.windows(seconds).map(|stretch| {
            let mut sum = Latency::coarse();
            stretch.iter().for_each(|second| sum.merge(&second.delivery));
            crate::value::latency_of(&sum, stat).unwrap()
        });
        let sums: Vec<f64> = sums.collect();
        assert_eq!(view.stretches(metric, stat, Window::All, seconds), sums, "{stat:?} over {seconds} s");
    }
}

#[test]
fn too_few_samples_are_invalid_and_never_a_pass() {
    let text = "version = 1\n[[gate]]\nid = 'g'\nmetric = 'delivery.latency'\nop = '<'\nvalue = '100ms'\nmin_samples = 1001";
    let asked = Thresholds::parse("f", text).unwrap();
    let report = assemble(&measured(), &asked, None);
    assert_eq!((report.verdict, report.exit), (Verdict::Invalid, 8));
    assert!(report.findings[0].what.contains("1000 samples"));
    let nothing = Thresholds::parse(
        "f",
        "version = 1\n[[gate]]\nid = 'g'\nmetric = 'login.latency'\nop = '<'\nvalue = '1s'",
    );
    assert_eq!(assemble(&measured(), &nothing.unwrap(), None).verdict, Verdict::Invalid);
}

#[test]
fn a_baseline_is_another_run() {
    let text =
        "version = 1\n[[gate]]\nid = 'g'\nmetric = 'server.cpu_us_per_msg'\nop = '<='\nbaseline = '+5%'";
    let asked = Thresholds::parse("f", text).unwrap();
    let before = report(&measured());
    let same = assemble(&measured(), &asked, Some(&before));
    assert_eq!((same.verdict, same.gates[0].limit), (Verdict::Pass, 2100.0));
    let mut dearer = measured();
    dearer.harvest.tally.delivered = 900;
    assert_eq!(assemble(&dearer, &asked, Some(&before)).verdict, Verdict::Fail);
    assert_eq!(assemble(&measured(), &asked, None).verdict, Verdict::Invalid);
}

#[test]
fn an_interrupted_run_has_rates_of_what_was_held() {
    let mut cut = measured();
    (cut.interrupted, cut.phases.hold_s) = (true, 5.0);
    cut.harvest.tally.delivered = 500;
    let report = report(&cut);
    assert_eq!((report.verdict, report.exit), (Verdict::Interrupted, 130));
    assert_eq!((report.duration_s, report.rates.delivered), (5.0, 100.0));
}

#[test]
fn a_run_that_a_gate_ended_is_judged_by_what_was_held() {
    let mut ended = measured();
    ended.phases.hold_s = 5.0;
    ended.harvest.tally.delivered = 500;
    ended.harvest.tally.offered = 500;
    let report = report(&ended);
    assert_eq!((report.verdict, report.duration_s, report.rates.delivered), (Verdict::Pass, 5.0, 100.0));
    // Whatever the hold says in all, the gate that has ended it was missed.
    let cut = |value| Missed { gate: "delivery-p99".to_owned(), seconds: 3, value, why: "w".to_owned() };
    ended.cut = Some(cut(Some(500.0)));
    let report = self::report(&ended);
    assert_eq!((report.verdict, report.exit), (Verdict::Fail, 3));
    let gate = report.gates.iter().find(|gate| gate.id == "delivery-p99").unwrap();
    assert_eq!((gate.outcome, gate.value), (GateOutcome::Fail, Some(500.0)));
    assert!(report.reasons[0].what.contains("(last 3 s of the hold): 500 ms"), "{:?}", report.reasons);
    assert!(report.notes.contains(&"ended before its time: w".to_owned()));
    ended.cut = Some(cut(None));
    let report = self::report(&ended);
    assert_eq!(report.verdict, Verdict::Fail);
    assert!(report.reasons[0].what.contains("nothing arrived"), "{:?}", report.reasons);
}

/// 40 messages a second, then 160: the first half is asked for 40.
#[test]
fn a_trace_that_is_cut_short_is_judged_by_its_part() {
    let mut ended = measured();
    let step = |at_us, rate| plan::Step { at_us, rate };
    ended.plan.arrivals = Arrivals::Trace { steps: vec![step(0, 40.0), step(6_000_000, 160.0)] };
    assert_eq!(report(&ended).rates.planned, 100.0);
    ended.phases.hold_s = 5.0;
    (ended.harvest.tally.planned, ended.harvest.tally.offered, ended.harvest.tally.delivered) =
        (200, 200, 150);
    let report = report(&ended);
    assert_eq!((report.rates.planned, report.rates.offered), (40.0, 40.0));
    let gate = report.gates.iter().find(|gate| gate.id == "rate").unwrap();
    assert_eq!((gate.limit, gate.outcome), (40.0 * 0.99, GateOutcome::Fail));
    assert_eq!((report.verdict, report.exit), (Verdict::Fail, 3), "{:?}", report.findings);
}

#[test]
fn a_generator_that_stands_still_can_not_lower_a_random_plan() {
    let mut still = measured();
    still.plan.arrivals = Arrivals::Poisson { rate: 100.0 };
    assert_eq!(report(&still).rates.planned, 100.0);
    still.harvest.tally.planned = 500;
    assert!(report(&still).rates.planned > 85.0);
}

#[test]
fn the_report_survives_json() {
    let report = report(&measured());
    let text = crate::json::render(&report).unwrap();
    assert_eq!(serde_json::from_str::<Report>(&text).unwrap(), report);
}
