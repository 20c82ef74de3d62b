//! Against a real chatd: the one of `CHATBENCH_CHATD`, else the one that was built beside chatbench.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// None where only chatbench was built; a chatd that is named must be there.
#[expect(clippy::print_stderr, reason = "a test that did not run must say so")]
pub(crate) fn chatd() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("CHATBENCH_CHATD") {
        let named = PathBuf::from(named);
        assert!(named.is_file(), "CHATBENCH_CHATD names {}, which is no file", named.display());
        return Some(named);
    }
    let beside = Path::new(env!("CARGO_BIN_EXE_chatbench")).with_file_name("chatd");
    if !beside.is_file() {
        eprintln!(
            "not run: no chatd beside chatbench; `cargo build -p chatd`, or name one in CHATBENCH_CHATD"
        );
    }
    beside.is_file().then_some(beside)
}

#[test]
fn a_spawned_chatd_holds_what_it_acknowledges_and_leaves_nothing_behind() {
    let Some(chatd) = chatd() else { return };
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_chatbench"))
        .args(["run", "--spawn", "--users", "40", "--rate", "100", "--duration", "2s", "--warmup", "500ms"])
        .args(["--threads", "2", "--no-latency-gate", "-ojson", "--chatd"])
        .arg(chatd)
        .env("TMPDIR", folder.path())
        .output()
        .unwrap();
    let words = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{words}\n{}", String::from_utf8_lossy(&output.stdout));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["verdict"], "PASS");
    assert_eq!(report["connected"], 40);
    assert_eq!(report["violations"]["total"], 0);
    for outcome in ["sent", "acknowledged", "received"] {
        assert_eq!(report["outcomes"][outcome], 250, "{outcome}: {report:#}");
    }
    assert_eq!(report["reconciled"]["messages"], 250);
    assert_eq!(report["reconciled"]["rule"], "all");
    assert!(report["server"]["rssBytes"].as_u64().unwrap() > 0);
    assert!(!report["notes"].to_string().contains("did not end"), "chatd ended well: {:#}", report["notes"]);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "its folder is gone");
}

#[test]
fn socket_processes_beside_the_server_are_measured_each() {
    let Some(chatd) = chatd() else { return };
    let output = Command::new(env!("CARGO_BIN_EXE_chatbench"))
        .args([
            "run",
            "--spawn",
            "--websocket-processes",
            "2",
            "--workers",
            "2",
            "--users",
            "40",
            "--rate",
            "100",
        ])
        .args(["--duration", "1s", "--warmup", "500ms", "--no-latency-gate", "-ojson", "--chatd"])
        .arg(chatd)
        .output()
        .unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["outcomes"]["received"], 150, "{report:#}");
    assert_eq!(report["violations"]["total"], 0, "{report:#}");
    assert_eq!(report["load"]["targets"].as_array().unwrap().len(), 2);
    let names: Vec<&str> = (0..3).filter_map(|n| report["servers"][n]["name"].as_str()).collect();
    assert_eq!(names, ["chatd", "chatd websocket", "chatd websocket"]);
}

#[test]
fn prepared_users_serve_many_runs_and_are_deleted() {
    let Some(chatd) = chatd() else { return };
    let folder = tempfile::tempdir().unwrap();
    let port = {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        // Ports count on from the gateway's, and must not run over the highest.
        free.local_addr().unwrap().port() % 10_000 + 18_000
    };
    let mut server = Command::new(chatd)
        .arg("--data")
        .arg(folder.path().join("data"))
        .args(["--port", &port.to_string()])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let stdout = std::io::BufReader::new(server.stdout.take().unwrap());
    std::io::BufRead::lines(stdout)
        .map_while(Result::ok)
        .find(|line| line.starts_with("chatd ready"))
        .unwrap();
    let users = folder.path().join("users");
    let chatbench = |verb: &str, args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_chatbench"));
        command.arg(verb).args(["--target", &format!("http://127.0.0.1:{port}"), "--data"]);
        command.arg(folder.path().join("data")).args(args).output().unwrap()
    };
    let file = users.to_str().unwrap();
    let made = chatbench("prepare", &["--users", "20", "--out", file]);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    for _ in 0..2 {
        let load = ["--users", "20", "--rate", "100", "--duration", "500ms", "--warmup", "100ms"];
        let output =
            chatbench("run", &[&load[..], &["--users-file", file, "--no-latency-gate", "-ojson"]].concat());
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(report["outcomes"]["received"], 60, "{report:#}");
        // The second run finds the messages of the first in history: they are not its own, and no violation.
        assert_eq!(report["violations"]["total"], 0, "{:#}", report["violations"]);
        assert_eq!(output.status.code(), Some(0), "{report:#}");
    }
    let gone = chatbench("cleanup", &[file, "-ojson"]);
    assert_eq!(String::from_utf8_lossy(&gone.stdout), "{\"deleted\":20}\n");
    assert!(!users.exists());
    server.kill().unwrap();
    server.wait().unwrap();
}
