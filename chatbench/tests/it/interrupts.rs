//! Ctrl-C wherever it comes: what was started ends, what was measured stays.

use crate::peer::{ADMIN_TOKEN, Fault, Peer};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Time for a process to begin, and between two looks whether it has.
const BEGIN: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(10);

fn interrupt(child: &Child) {
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    kill_process(pid, Signal::INT).unwrap();
}

/// The line that somebody writes into a file.
fn line(file: &Path) -> String {
    let until = Instant::now() + BEGIN;
    loop {
        match std::fs::read_to_string(file) {
            Ok(text) if text.ends_with('\n') => return text.trim().to_owned(),
            _ => assert!(Instant::now() < until, "{} was never written", file.display()),
        }
        std::thread::sleep(LOOK);
    }
}

#[test]
fn a_server_that_is_being_started_ends_with_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    let (script, told, temporary) =
        (folder.path().join("chatd"), folder.path().join("pid"), folder.path().join("tmp"));
    std::fs::create_dir(&temporary).unwrap();
    std::fs::write(&script, format!("#!/bin/sh\necho $$ > {}\nexec sleep 600\n", told.display())).unwrap();
    std::fs::set_permissions(&script, PermissionsExt::from_mode(0o755)).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_chatbench"));
    command.args(["run", "--spawn", "--users", "4", "--live", "off", "--chatd"]).arg(&script);
    let child = command.env("TMPDIR", &temporary).stderr(Stdio::piped()).spawn().unwrap();
    let pid = line(&told);
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(130), "{words}");
    assert!(words.contains("interrupted while chatd was started"), "{words}");
    assert!(!Path::new("/proc").join(&pid).exists(), "{pid} is still there");
    assert_eq!(std::fs::read_dir(&temporary).unwrap().count(), 0, "its folder is gone");
}

#[test]
fn a_search_that_is_left_keeps_its_steps() {
    let peer = Peer::start(Fault::None);
    let (folder, token) = (tempfile::tempdir().unwrap(), tempfile::NamedTempFile::new().unwrap());
    std::fs::write(token.path(), ADMIN_TOKEN).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_chatbench"));
    command.args(["search", "--target", &format!("http://{}", peer.gateway), "--users", "4", "--rate", "20"]);
    command.args(["--admin", &format!("http://{}", peer.admin), "--duration", "2s", "--warmup", "100ms"]);
    command.args(["--drain", "1s", "--no-latency-gate", "--no-ceiling", "--live", "off", "-ojson"]);
    command.arg("--token-file").arg(token.path()).arg("--report-dir").arg(folder.path());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
    let begins = |line: &String| ["up ", "down ", "again "].iter().any(|kind| line.starts_with(kind));
    let mut lines = lines.filter(begins);
    assert!(lines.next().is_some() && lines.next().is_some(), "two runs begin");
    interrupt(&child);
    assert_eq!(lines.next(), None, "and no more");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    let search: Value = serde_json::from_slice(&output.stdout).unwrap();
    let verdicts: Vec<&Value> = search["steps"].as_array().unwrap().iter().map(|s| &s["verdict"]).collect();
    assert_eq!((verdicts.len(), verdicts[1]), (2, &"INTERRUPTED".into()), "{search:#}");
    assert_ne!(verdicts[0], "INTERRUPTED");
    assert_eq!(search["left"], 130);
    for name in ["search.json", "search.txt", "search.md", "search.html"] {
        assert!(folder.path().join(name).is_file(), "{name}");
    }
}

#[test]
fn a_calibration_that_is_interrupted_is_no_calibration() {
    let temporary = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_chatbench"));
    command.args(["calibrate", "--idle-only", "--idle", "40"]).env("TMPDIR", temporary.path());
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // The null server, then the worker, which are of this process's own.
    let children = format!("/proc/{0}/task/{0}/children", child.id());
    let until = Instant::now() + BEGIN;
    while std::fs::read_to_string(&children).unwrap_or_default().split_whitespace().count() < 2 {
        assert!(Instant::now() < until, "no worker was started");
        std::thread::sleep(LOOK);
    }
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(130), 0), "{words}");
    assert_eq!(std::fs::read_dir(temporary.path()).unwrap().count(), 0, "its folder is gone");
}
