//! The built chatbench over TLS: a terminator in front of a real chatd, and of the server that does nothing.

use crate::server::Server;
use crate::terminator::{Authority, Terminator};
use crate::workers::{Listening, null_server};
use serde_json::Value;
use std::process::{Command, Output};
use tempfile::TempDir;

/// A year that is far away, and one that is over.
const LATER: i32 = 2200;
const OVER: i32 = 2021;
/// Where terminators stand here.
const HERE: &str = "127.0.0.1";
const SMALL: [&str; 9] =
    ["--users", "20", "--rate", "100", "--warmup", "200ms", "--duration", "1s", "--no-latency-gate"];

/// A private authority with its file for `--ca`.
struct Trusted {
    authority: Authority,
    folder: TempDir,
}

impl Trusted {
    fn new(name: &str) -> Self {
        let (authority, folder) = (Authority::new(name), tempfile::tempdir().unwrap());
        authority.write(&folder.path().join("ca.pem"));
        Self { authority, folder }
    }

    fn ca(&self) -> String {
        self.folder.path().join("ca.pem").to_str().unwrap().to_owned()
    }
}

fn chatbench() -> Command {
    Command::new(env!("CARGO_BIN_EXE_chatbench"))
}

/// The null server behind TLS.
fn sealed(trusted: &Trusted, name: &str, until: i32) -> (Listening, Terminator, String) {
    let server = null_server();
    let terminator = Terminator::start(&trusted.authority, name, until, server.address.parse().unwrap());
    let target = format!("https://{}", terminator.address);
    (server, terminator, target)
}

fn words(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_real_chatd_holds_what_it_acknowledges_over_tls() {
    let Some(server) = Server::start() else { return };
    let trusted = Trusted::new("one");
    let terminator = Terminator::start(&trusted.authority, HERE, LATER, server.gateway());
    let (ca, target) = (trusted.ca(), format!("https://{}", terminator.address));
    for transport in ["websocket", "sockjs", "rest"] {
        let load = [&SMALL[..], &["-ojson", "--ca", &ca, "--transport", transport]].concat();
        let (exit, report) = server.load_at(chatbench(), &target, &load);
        assert_ne!(exit, 9, "{report:#}");
        assert_eq!(report["violations"]["total"], 0, "{report:#}");
        for outcome in ["sent", "acknowledged", "received"] {
            assert_eq!(report["outcomes"][outcome], 120, "{transport}: {report:#}");
        }
        assert_eq!(report["reconciled"]["messages"], 120, "history comes over TLS too");
        assert_eq!(report["load"]["targets"][0], format!("{} (TLS)", terminator.address));
        let line = report["line"].as_str().unwrap();
        assert!(
            line.contains(&format!("--target {target}")) && line.contains(&format!("--ca {ca}")),
            "{line}"
        );
    }
}

#[test]
fn other_protocols_and_many_processes_go_over_tls_too() {
    let trusted = Trusted::new("one");
    let (_server, terminator, target) = sealed(&trusted, HERE, LATER);
    let mut command = chatbench();
    command.args(["run", "--adapter", "relay", "--workers", "2", "--target", &target, "-ojson"]);
    let output = command.args(SMALL).args(["--size", "4096", "--ca", &trusted.ca()]).output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["outcomes"]["received"], 120, "{report:#}");
    assert_eq!(report["violations"]["total"], 0, "{report:#}");
    assert_eq!(report["sockets"]["disconnected"], 0, "{report:#}");
    assert_eq!(terminator.polite(20), 20, "all have said good-bye");
}

#[test]
fn a_broker_of_mqtt_is_loaded_plain_and_over_tls() {
    let trusted = Trusted::new("one");
    let broker = crate::broker::start();
    let terminator = Terminator::start(&trusted.authority, HERE, LATER, broker);
    let (plain, sealed) = (format!("mqtt://{broker}"), format!("mqtts://{}", terminator.address));
    let (open, ca) = ([].as_slice(), trusted.ca());
    for (target, trust) in [(plain, open), (sealed, &["--ca", &ca])] {
        let mut command = chatbench();
        command.args(["run", "--adapter", "mqtt", "--target", &target, "-ojson"]).args(trust);
        let output = command.args(SMALL).output().unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(report["outcomes"]["acknowledged"], 120, "{report:#}");
        assert_eq!(report["outcomes"]["received"], 120, "{report:#}");
        assert_eq!(report["violations"]["total"], 0, "{report:#}");
    }
}

#[test]
fn a_server_that_can_not_be_trusted_is_refused_with_the_reason() {
    let (trusted, other) = (Trusted::new("one"), Trusted::new("two"));
    for (ca, name, until, reason) in [
        (&other, HERE, LATER, "no known authority has signed"),
        (&trusted, "chat.example", LATER, "is for chat.example, not for 127.0.0.1"),
        (&trusted, HERE, OVER, "has expired"),
    ] {
        let (_server, _terminator, target) = sealed(&trusted, name, until);
        let relay = ["--adapter", "relay", "--target", &target, "--ca", &ca.ca()];
        let run = chatbench().arg("run").args(relay).args(["--users", "2"]).output().unwrap();
        assert_eq!(run.status.code(), Some(7), "{}", words(&run));
        assert!(words(&run).contains("nobody could connect: TLS: "), "{}", words(&run));
        assert!(words(&run).contains(reason), "{}", words(&run));
        assert!(words(&run).contains("no switch"), "the hint: {}", words(&run));
        let check = chatbench().arg("check").args(relay).output().unwrap();
        assert_eq!(check.status.code(), Some(7), "{}", words(&check));
        let said = String::from_utf8_lossy(&check.stdout);
        assert!(said.contains(reason) && said.contains("no switch"), "{said}");
        // By REST, before anybody connects.
        let token = trusted.folder.path().join("token");
        std::fs::write(&token, "secret").unwrap();
        let rest = ["--target", &target, "--admin", &target, "--ca", &ca.ca(), "--token-file"];
        let run = chatbench().arg("run").args(rest).arg(&token).output().unwrap();
        assert_eq!(run.status.code(), Some(7), "{}", words(&run));
        assert!(words(&run).contains(reason) && words(&run).contains("no switch"), "{}", words(&run));
    }
}

#[test]
fn who_was_cut_shakes_hands_again() {
    let trusted = Trusted::new("one");
    let (_server, _terminator, target) = sealed(&trusted, HERE, LATER);
    let storm = trusted.folder.path().join("storm.toml");
    let text = "version = 1\narrivals = \"none\"\n[behaviour.storm]\nat = \"100ms\"\nshare = 1.0\nwithin = \"200ms\"\n";
    std::fs::write(&storm, text).unwrap();
    let mut command = chatbench();
    command.arg("run").arg(&storm).args(["--adapter", "relay", "--target", &target, "--ca", &trusted.ca()]);
    command.args(["--users", "40", "--duration", "2s", "--warmup", "100ms", "-ojson"]);
    let output = command.output().unwrap();
    let report: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", words(&output)));
    assert_eq!(report["sockets"]["reconnected"], 40, "{report:#}");
    assert_eq!(report["sockets"]["reconnectFailures"], 0, "{report:#}");
    assert_eq!(report["latency"]["connect"]["count"], 80, "{report:#}");
}

#[test]
fn a_chatd_without_tls_is_told_apart() {
    let Some(server) = Server::start() else { return };
    let (trusted, target) = (Trusted::new("one"), format!("https://{}", server.gateway()));
    let mut command = chatbench();
    command.args(["run", "--users", "2", "--adapter", "relay", "--target", &target, "--ca", &trusted.ca()]);
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(7));
    assert!(words(&output).contains("does not answer in TLS"), "{}", words(&output));
}

#[test]
fn an_authority_that_is_none_is_refused_before_anything_runs() {
    let trusted = Trusted::new("one");
    let nothing = trusted.folder.path().join("nothing.pem");
    std::fs::write(&nothing, "").unwrap();
    for (target, ca, reason) in [
        ("https://127.0.0.1:1", nothing.to_str().unwrap(), "no certificate in PEM"),
        ("https://127.0.0.1:1", "/nowhere/ca.pem", "No such file"),
        ("http://127.0.0.1:1", &trusted.ca(), "all addresses are plain"),
        ("https://a..b", &trusted.ca(), "no certificate can be for this name"),
    ] {
        let output = chatbench().args(["run", "--target", target, "--ca", ca]).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", words(&output));
        assert!(words(&output).contains(reason), "{}", words(&output));
    }
}
