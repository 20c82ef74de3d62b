//! The built chatbench against a real chatd behind a proxy that plants faults: each gives its class and its exit code.

use crate::proxy::{Fault, Hits, Proxy};
use crate::server::Server;
use serde_json::Value;
use std::process::{Child, Command};
use std::time::Duration;

/// 700 messages among twenty.
const SMALL: [&str; 12] = [
    "--users",
    "20",
    "--rate",
    "200",
    "--warmup",
    "500ms",
    "--duration",
    "3s",
    "--drain",
    "3s",
    "--no-latency-gate",
    "-ojson",
];

/// What came of a run through the proxy.
struct Outcome {
    exit: i32,
    report: Value,
    planted: u64,
    seen: u64,
}

impl Outcome {
    /// Exactly these violations were found, and all on the sockets.
    fn finds(&self, classes: &[(&str, u64)]) {
        assert!(self.planted > 0, "nothing was planted: {} messages passed", self.seen);
        for (class, count) in self.report["violations"]["live"].as_object().unwrap() {
            let wanted = classes.iter().find(|(name, _)| name == class).map_or(0, |(_, count)| *count);
            assert_eq!(count, wanted, "{class}: {:#}", self.report["violations"]);
        }
        let all: u64 = classes.iter().map(|(_, count)| count).sum();
        assert_eq!(self.report["violations"]["total"], all, "{:#}", self.report["violations"]);
    }

    /// A broken promise is exit 9, whatever the machine was doing.
    fn violates(&self, classes: &[(&str, u64)]) {
        self.finds(classes);
        assert_eq!(
            (self.exit, &self.report["exit"], &self.report["verdict"]),
            (9, &9.into(), &"FAIL".into())
        );
    }

    /// The latency gate failed, and no promise was broken. On a machine that was too busy to say so, that may be INVALID.
    fn fails_by_latency(&self) {
        self.finds(&[]);
        let doubt = !self.report["findings"].as_array().unwrap().is_empty();
        let ends = (self.exit, self.report["verdict"].as_str().unwrap());
        let right = ends == (3, "FAIL") || doubt && ends == (8, "INVALID");
        assert!(right, "{ends:?}: {:#} {:#}", self.report["reasons"], self.report["findings"]);
        assert!(self.report["reasons"].to_string().contains("delivery"), "{:#}", self.report["reasons"]);
    }
}

/// None where there is no chatd.
fn run(fault: Fault, hits: Hits, load: &[&str]) -> Option<Outcome> {
    let server = Server::start()?;
    let proxy = Proxy::start(server.gateway(), fault, hits);
    let command = Command::new(env!("CARGO_BIN_EXE_chatbench"));
    let (exit, report) = server.load(command, proxy.address, load);
    Some(Outcome { exit, report, planted: proxy.planted(), seen: proxy.seen() })
}

#[test]
fn through_a_proxy_that_does_nothing_nothing_is_found() {
    let Some(outcome) = run(Fault::None, Hits::once(300), &SMALL) else { return };
    outcome.finds(&[]);
    assert_eq!(outcome.seen, 700);
    for count in ["sent", "acknowledged", "received"] {
        assert_eq!(outcome.report["outcomes"][count], 700, "{count}: {:#}", outcome.report["outcomes"]);
    }
    assert_eq!(outcome.report["outcomes"]["undelivered"], 0);
}

#[test]
fn one_of_ten_thousand_that_is_dropped_is_lost_live() {
    let mut load = SMALL;
    (load[1], load[3], load[7]) = ("200", "2500", "5s");
    let Some(outcome) = run(Fault::Drop, Hits { at: 1000, every: 10_000 }, &load) else { return };
    assert!(outcome.seen > 11_000, "{}", outcome.seen);
    assert_eq!(outcome.planted, 2);
    outcome.violates(&[("lost", 2)]);
    assert_eq!(outcome.report["outcomes"]["undelivered"], 0);
    let example = outcome.report["violations"]["examples"][0].as_str().unwrap();
    assert!(example.starts_with("lost (live): message "), "{example}");
}

#[test]
fn one_that_comes_twice_is_duplicated() {
    let Some(outcome) = run(Fault::Duplicate, Hits::once(300), &SMALL) else { return };
    outcome.violates(&[("duplicated", 1)]);
}

#[test]
fn two_of_a_conversation_that_change_places_are_reordered() {
    let Some(outcome) = run(Fault::Swap, Hits::once(300), &SMALL) else { return };
    outcome.violates(&[("reordered", 1)]);
    assert_eq!(outcome.report["outcomes"]["received"], 700);
}

#[test]
fn a_flipped_bit_is_corruption_and_not_a_loss_too() {
    let Some(outcome) = run(Fault::Flip, Hits::once(300), &SMALL) else { return };
    outcome.violates(&[("corrupted", 1)]);
    assert_eq!(outcome.report["outcomes"]["undelivered"], 1);
}

#[test]
fn one_that_reaches_somebody_else_is_misdelivered_and_not_lost_too() {
    let Some(outcome) = run(Fault::Misdeliver, Hits::once(300), &SMALL) else { return };
    outcome.violates(&[("misdelivered", 1)]);
    assert_eq!(outcome.report["outcomes"]["undelivered"], 1);
}

#[test]
fn a_delay_of_150_ms_on_two_of_a_hundred_fails_the_latency_gate() {
    let load = ["--users", "200", "--rate", "400", "--duration", "5s", "--p99", "100ms", "-ojson"];
    let fault = Fault::Delay(Duration::from_millis(150));
    let Some(outcome) = run(fault, Hits { at: 20, every: 50 }, &load) else { return };
    outcome.fails_by_latency();
    let delivery = &outcome.report["latency"]["delivery"];
    assert!(delivery["p99Ms"].as_f64().unwrap() >= 149.0, "{delivery}");
    assert!(delivery["p50Ms"].as_f64().unwrap() < delivery["p99Ms"].as_f64().unwrap() / 2.0, "{delivery}");
}

#[test]
fn a_stall_of_three_seconds_shows_although_the_mean_hardly_moves() {
    let load = ["--users", "20", "--rate", "200", "--duration", "8s", "--p99", "500ms", "-ojson"];
    let fault = Fault::Stall(Duration::from_secs(3));
    let Some(outcome) = run(fault, Hits::once(700), &load) else { return };
    outcome.fails_by_latency();
    // From planned times all that was due meanwhile has waited, not just the message that was under way.
    let delivery = &outcome.report["latency"]["delivery"];
    assert!(delivery["p99Ms"].as_f64().unwrap() > 2500.0, "{delivery}");
    assert!(delivery["maxMs"].as_f64().unwrap() > 2900.0, "{delivery}");
    assert_eq!(outcome.report["outcomes"]["sent"], outcome.report["outcomes"]["received"]);
}

/// A loop that never ends, on one CPU; it ends with the value.
struct Burner(Child);

impl Burner {
    fn start(cpu: &str) -> Self {
        Self(Command::new("taskset").args(["-c", cpu, "sh", "-c", "while :; do :; done"]).spawn().unwrap())
    }
}

impl Drop for Burner {
    fn drop(&mut self) {
        let _gone_already = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// One CPU of those that this process may use.
fn cpu() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let allowed = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).unwrap();
    allowed.trim().split([',', '-']).next().unwrap().to_owned()
}

/// The generator has a tenth of one CPU, and gets it late: the server, which could hold this rate, gets no blame.
#[test]
fn a_starved_generator_is_invalid_and_never_a_fail() {
    let Some(server) = Server::start() else { return };
    let cpu = cpu();
    let _burner = Burner::start(&cpu);
    let mut command = Command::new("nice");
    command.args(["-n", "10", "taskset", "-c", &cpu, env!("CARGO_BIN_EXE_chatbench")]);
    let load = ["--users", "100", "--rate", "3000", "--warmup", "500ms", "--duration", "3s", "--drain", "5s"];
    let load = [&load[..], &["--p99", "10ms", "-ojson"]].concat();
    let (exit, report) = server.load(command, server.gateway(), &load);
    assert_eq!(report["violations"]["total"], 0, "{:#}", report["violations"]);
    assert_eq!(exit, 8, "{:#} {:#}", report["reasons"], report["findings"]);
    assert_eq!(report["verdict"], "INVALID");
    let findings = report["findings"].as_array().unwrap();
    assert!(!findings.is_empty() && findings.iter().all(|finding| finding["fix"].as_str().unwrap() != ""));
    assert!(report["latency"]["scheduleLag"]["p99Ms"].as_f64().unwrap() > 5.0, "{:#}", report["latency"]);
}
