//! Several generator processes, here and over TCP, against the server that does nothing.

use serde_json::Value;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Output, Stdio};

/// A chatbench that says where it listens, and ends with the value.
pub(crate) struct Listening {
    child: Child,
    pub(crate) address: String,
}

impl Listening {
    pub(crate) fn start(args: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_chatbench"));
        command.env_remove("CHATBENCH_SECRET_FILE");
        let mut child = command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().rsplit(' ').next().unwrap().to_owned();
        assert!(line.contains("ready on"), "{line}");
        Self { child, address }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let _gone_already = self.child.kill();
        let _status = self.child.wait();
    }
}

pub(crate) fn null_server() -> Listening {
    Listening::start(&["null-server", "--port", "0", "--until-stdin-ends"])
}

pub(crate) fn command(server: &Listening, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chatbench"));
    command.env_remove("CHATBENCH_SECRET_FILE");
    command.args(["run", "--adapter", "relay", "--target"]).arg(format!("http://{}", server.address));
    command.args(["--users", "12", "--rate", "120", "--warmup", "500ms", "--no-latency-gate", "-ojson"]);
    command.args(more);
    command
}

pub(crate) fn report(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!("{error}: {}: {}", output.status, String::from_utf8_lossy(&output.stderr));
    })
}

#[test]
fn three_processes_send_what_one_would_have_sent() {
    let server = null_server();
    for workers in ["1", "3"] {
        let output = command(&server, &["--duration", "1s", "--workers", workers]).output().unwrap();
        let report = report(&output);
        assert_eq!(report["workers"].as_array().unwrap().len().to_string(), workers);
        assert_eq!(report["outcomes"]["sent"], 180, "{workers}: {report:#}");
        assert_eq!(report["outcomes"]["received"], 180, "{workers}: {report:#}");
        assert_eq!(report["violations"]["total"], 0);
        assert_eq!(report["reconciled"]["rule"], "none");
        assert_ne!(output.status.code(), Some(9));
    }
}

#[test]
fn workers_that_listen_serve_one_coordinator_after_another() {
    let server = null_server();
    let (one, two) = (
        Listening::start(&["worker", "--listen", "127.0.0.1:0"]),
        Listening::start(&["worker", "--listen", "127.0.0.1:0"]),
    );
    let workers = format!("{},{}", one.address, two.address);
    for _ in 0..2 {
        let output = command(&server, &["--duration", "1s", "--workers", &workers]).output().unwrap();
        let report = report(&output);
        assert_eq!(report["outcomes"]["received"], 180, "{report:#}");
        let clocks: Vec<u64> = (0..2).filter_map(|n| report["workers"][n]["clockBoundUs"].as_u64()).collect();
        assert!(clocks.len() == 2 && clocks.iter().all(|bound| *bound > 0), "{clocks:?}");
        let drifts = (0..2).filter_map(|n| report["workers"][n]["clockDriftUs"].as_i64());
        assert_eq!(drifts.count(), 2, "both clocks were read again: {report:#}");
    }
}

#[test]
fn a_worker_that_dies_is_told_and_ends_the_run() {
    let server = null_server();
    let mut command = command(&server, &["--duration", "1h", "--workers", "2"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
    lines.find(|line| line.contains("load:")).unwrap();
    let pid = child.id();
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
    let first = children.split_ascii_whitespace().next().unwrap().parse::<i32>().unwrap();
    let first = rustix::process::Pid::from_raw(first).unwrap();
    rustix::process::kill_process(first, rustix::process::Signal::KILL).unwrap();
    let said = lines.last().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1), "{said}");
    assert!(said.contains("ended before its time"), "{said}");
    for pid in children.split_ascii_whitespace() {
        assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists(), "worker {pid} outlived the run");
    }
}

#[test]
fn nobody_at_the_address_of_a_worker_is_unreachable() {
    let server = null_server();
    let output = command(&server, &["--workers", "127.0.0.1:1"]).output().unwrap();
    assert_eq!(output.status.code(), Some(7));
    assert!(String::from_utf8_lossy(&output.stderr).contains("worker --listen"));
}

#[test]
fn an_interrupt_while_a_worker_says_nothing_ends_the_run() {
    let server = null_server();
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap().to_string();
    let mut command = command(&server, &["--workers", &address]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // It is called, and the caller waits for a greeting.
    let (_called, _) = silent.accept().unwrap();
    let pid = rustix::process::Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{said}");
    assert!(said.contains("interrupted while workers were started"), "{said}");
}

#[test]
fn a_machine_that_trusts_no_authority_can_load_a_plain_server() {
    let (server, nothing) = (null_server(), tempfile::tempdir().unwrap());
    let mut command = command(&server, &["--duration", "500ms"]);
    command.env("SSL_CERT_FILE", "/dev/null").env("SSL_CERT_DIR", nothing.path());
    let report = report(&command.output().unwrap());
    assert_eq!(report["outcomes"]["received"], 120, "{report:#}");
}

#[test]
fn a_worker_that_serves_once_is_gone_after_it() {
    let server = null_server();
    let mut worker = Listening::start(&["worker", "--listen", "127.0.0.1:0", "--once"]);
    let output = command(&server, &["--duration", "500ms", "--workers", &worker.address]).output().unwrap();
    assert_eq!(report(&output)["outcomes"]["received"], 120);
    assert_eq!(worker.child.wait().unwrap().code(), Some(0));
}
