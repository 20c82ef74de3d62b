//! The built chatbench against planted faults: each gives its class and its exit code.

#![expect(clippy::unwrap_used, reason = "what the tests and their peer need is there, or the test is red")]

mod broker;
mod faults;
mod interrupts;
mod keys;
mod peer;
mod proxy;
mod real;
mod server;
mod strangers;
mod terminal;
mod terminator;
mod tls;
mod verbs;
mod workers;

use peer::{ADMIN_TOKEN, Fault, Peer};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

const LOAD: [&str; 12] = [
    "--users",
    "4",
    "--rate",
    "100",
    "--duration",
    "700ms",
    "--warmup",
    "100ms",
    "--drain",
    "400ms",
    "--no-latency-gate",
    "-ojson",
];

fn chatbench(peer: &Peer, token: &str) -> (Command, tempfile::NamedTempFile) {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), token).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_chatbench"));
    command.arg("run").arg("--target").arg(format!("http://{}", peer.gateway));
    command.arg("--admin").arg(format!("http://{}", peer.admin)).arg("--token-file").arg(file.path());
    (command, file)
}

fn run(fault: Fault, more: &[&str]) -> (i32, Value) {
    let peer = Peer::start(fault);
    let (mut command, _file) = chatbench(&peer, ADMIN_TOKEN);
    let output = command.args(LOAD).args(more).output().unwrap();
    let exit = output.status.code().unwrap();
    let report = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!("{error}: exit {exit}: {}", String::from_utf8_lossy(&output.stderr));
    });
    (exit, report)
}

/// Exactly these classes were found, and the exit code says that correctness was violated.
fn violates(fault: Fault, live: &[(&str, u64)], history: &[(&str, u64)]) {
    let (exit, report) = run(fault, &[]);
    assert_eq!(exit, 9, "{fault:?}: {report:#}");
    assert_eq!(report["verdict"], "FAIL");
    assert_eq!(report["exit"], 9);
    for (place, expected) in [("live", live), ("history", history)] {
        for (class, count) in report["violations"][place].as_object().unwrap() {
            let wanted = expected.iter().find(|(name, _)| name == class).map_or(0, |(_, count)| *count);
            assert_eq!(count, wanted, "{fault:?}: {place} {class}: {:#}", report["violations"]);
        }
    }
    assert!(!report["violations"]["examples"].as_array().unwrap().is_empty());
}

/// A machine that is busy with other tests may be the limit: then the same comes as INVALID.
fn fails(exit: i32) -> bool {
    exit == 3 || exit == 8
}

#[test]
fn without_a_fault_there_is_no_violation() {
    let (exit, report) = run(Fault::None, &[]);
    assert_ne!(exit, 9, "{report:#}");
    assert_eq!(report["violations"]["total"], 0);
    assert_eq!(report["outcomes"]["sent"], 80);
    assert_eq!(report["outcomes"]["received"], 80);
    assert_eq!(report["outcomes"]["acknowledged"], 80);
    assert_eq!(report["reconciled"]["compared"], 2);
    assert_eq!(report["reconciled"]["messages"], 80);
    assert_eq!(report["latency"]["delivery"]["count"], 70);
    assert_eq!(report["latency"]["accept"]["count"], 70);
    // Scripts read these names: more may come, none may go.
    let names = report.as_object().unwrap();
    for name in [
        "version",
        "verdict",
        "exit",
        "reasons",
        "findings",
        "interrupted",
        "run",
        "seed",
        "line",
        "gate",
        "users",
        "connected",
        "durationS",
        "messageBytes",
        "rates",
        "latency",
        "outcomes",
        "violations",
        "reconciled",
        "sockets",
        "refusals",
        "server",
        "generator",
        "generatorBusy",
        "steal",
        "environment",
        "phases",
        "notes",
    ] {
        assert!(names.contains_key(name), "{name}");
    }
}

#[test]
fn tokens_go_to_no_proxy_of_the_environment() {
    let peer = Peer::start(Fault::None);
    let (mut command, _file) = chatbench(&peer, ADMIN_TOKEN);
    for name in ["http_proxy", "HTTP_PROXY", "all_proxy"] {
        command.env(name, "http://127.0.0.1:1");
    }
    let output = command.args(LOAD).output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    assert_eq!(report["outcomes"]["received"], 80, "{report:#}");
}

#[test]
fn an_acknowledged_message_that_is_nowhere_is_lost() {
    violates(Fault::Lose, &[], &[("lost", 1)]);
}

#[test]
fn a_message_that_comes_twice_is_duplicated() {
    violates(Fault::Duplicate, &[("duplicated", 1)], &[]);
    violates(Fault::DuplicateInHistory, &[], &[("duplicated", 1)]);
}

#[test]
fn two_messages_that_change_places_are_reordered() {
    violates(Fault::Swap, &[("reordered", 1)], &[]);
    violates(Fault::SwapInHistory, &[], &[("reordered", 1)]);
}

#[test]
fn a_changed_byte_is_corruption() {
    // Live it counts as changed and, since the message itself never came, as undelivered.
    violates(Fault::Corrupt, &[("corrupted", 1)], &[]);
    violates(Fault::CorruptInHistory, &[], &[("corrupted", 1), ("lost", 1)]);
}

#[test]
fn a_message_with_the_wrong_person_is_misdelivered() {
    violates(Fault::Misdeliver, &[("misdelivered", 1)], &[]);
}

#[test]
fn a_skipped_sequence_is_a_gap() {
    violates(Fault::SkipSequence, &[], &[("sequenceGaps", 1)]);
}

#[test]
fn a_refused_message_that_is_there_is_a_phantom() {
    violates(Fault::RefuseButStore, &[("phantom", 1)], &[("phantom", 1)]);
}

#[test]
fn a_message_that_is_only_in_history_is_lost_live_once_a_later_one_came() {
    violates(Fault::HoldBack, &[("lost", 1)], &[]);
}

#[test]
fn a_send_without_an_answer_is_settled_by_its_repeat() {
    let (exit, report) = run(Fault::NoReceipt, &[]);
    assert_ne!(exit, 9, "{report:#}");
    assert_eq!(report["outcomes"]["settledByRepeat"], 1);
    assert_eq!(report["outcomes"]["acknowledged"], 80);
    assert_eq!(report["violations"]["total"], 0);
}

#[test]
fn a_rate_limit_is_a_finding_and_no_loss() {
    let (exit, report) = run(Fault::RateLimit, &[]);
    assert_ne!(exit, 9, "{report:#}");
    assert_eq!(report["refusals"]["rate-limited"], 1);
    assert_eq!(report["outcomes"]["refused"], 1);
    let findings = report["findings"].to_string();
    assert!(findings.contains("429") && findings.contains("limits.messages_per_second"), "{findings}");
}

#[test]
fn slow_delivery_fails_the_gate_and_only_the_gate() {
    let gate = ["--users", "4", "--rate", "100", "--duration", "700ms", "--warmup", "100ms", "-ojson"];
    let peer = Peer::start(Fault::Slow(250));
    let (mut command, _file) = chatbench(&peer, ADMIN_TOKEN);
    let output = command.args(gate).args(["--p99", "200ms"]).output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(fails(output.status.code().unwrap()), "{report:#}");
    assert!(report["reasons"].to_string().contains("delivery p99"));
    assert!(report["latency"]["delivery"]["p50Ms"].as_f64().unwrap() >= 250.0);
    // Sends do not wait for deliveries: the plan went out as planned.
    assert_eq!(report["outcomes"]["sent"], 80);
    assert_eq!(report["violations"]["total"], 0);
}

#[test]
fn a_socket_that_closes_is_told_and_its_sends_are_not_called_lost() {
    let (exit, report) = run(Fault::Close, &[]);
    assert_eq!(exit, 3, "{report:#}");
    assert_eq!(report["sockets"]["disconnected"], 1);
    assert_eq!(report["violations"]["total"], 0, "{report:#}");
    assert!(report["sockets"]["unsent"].as_u64().unwrap() > 0);
}

#[test]
fn an_interrupted_run_still_says_what_it_has() {
    let peer = Peer::start(Fault::None);
    let (mut command, _file) = chatbench(&peer, ADMIN_TOKEN);
    command.args(["--users", "4", "--rate", "100", "--duration", "1h", "--no-latency-gate", "-ojson"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let stderr = child.stderr.take().unwrap();
    let mut lines = BufReader::new(stderr).lines();
    lines.find(|line| line.as_ref().unwrap().contains("load:")).unwrap().unwrap();
    let pid = rustix::process::Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(130));
    assert_eq!(report["verdict"], "INTERRUPTED");
    assert_eq!(report["interrupted"], true);
    assert_eq!(report["violations"]["total"], 0);
}

#[test]
fn text_has_the_verdict_first_and_the_line_that_repeats_it_last() {
    let peer = Peer::start(Fault::Lose);
    let (mut command, _file) = chatbench(&peer, ADMIN_TOKEN);
    let output = command.args(&LOAD[..11]).args(["--seed", "7"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with("FAIL (exit 9)\n"), "{text}");
    assert!(text.contains("lost 1 (live 0, history 1)"), "{text}");
    let last = text.lines().last().unwrap();
    assert!(last.contains("chatbench run --target") && last.ends_with("--seed 7"), "{text}");
}

#[test]
fn failures_before_the_run_have_their_codes_and_a_hint() {
    let peer = Peer::start(Fault::None);
    let failure = |command: &mut Command| {
        let output = command.output().unwrap();
        assert!(output.stdout.is_empty());
        let line = String::from_utf8(output.stderr).unwrap().lines().last().unwrap().to_owned();
        let error: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(error["exit"], output.status.code().unwrap());
        assert!(!error["hint"].as_str().unwrap().is_empty());
        output.status.code().unwrap()
    };
    let (mut odd, _file) = chatbench(&peer, ADMIN_TOKEN);
    assert_eq!(failure(odd.args(["--users", "3", "-ojson"])), 2);
    let (mut stranger, _file) = chatbench(&peer, "wrong");
    assert_eq!(failure(stranger.args(["-ojson"])), 4);
    let (mut many, _file) = chatbench(&peer, ADMIN_TOKEN);
    if rustix::process::getrlimit(rustix::process::Resource::Nofile)
        .maximum
        .is_some_and(|most| most < 1_000_000)
    {
        assert_eq!(failure(many.args(["--users", "1000000", "--workers", "1", "-ojson"])), 8);
    }
    let (mut nobody, _file) = chatbench(&peer, ADMIN_TOKEN);
    drop(peer);
    assert_eq!(failure(nobody.args(["-ojson"])), 7);
}
