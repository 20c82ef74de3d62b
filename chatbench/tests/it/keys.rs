//! Keys of the live view: they change the picture and end the run in order, and the terminal comes back as it was.

use crate::chatbench;
use crate::peer::{ADMIN_TOKEN, Fault, Peer};
use crate::terminal::Terminal;
use serde_json::Value;

/// Far longer than the test, the drain too: a run ends by a key.
const LONG: [&str; 15] = [
    "--users",
    "4",
    "--rate",
    "50",
    "--duration",
    "10m",
    "--warmup",
    "100ms",
    "--drain",
    "5m",
    "--workers",
    "2",
    "--no-latency-gate",
    "--reconcile=0",
    "-ojson",
];

/// What a terminal is told to leave the picture, and to show its cursor.
const LEFT: &str = "\x1b[?1049l";
const CURSOR: &str = "\x1b[?25h";

/// A run on a terminal until it holds; `keys` then plays, and its last keys end the run. What is on stdout.
fn played(fault: Fault, keys: impl FnOnce(&mut Terminal)) -> Vec<u8> {
    let peer = Peer::start(fault);
    let (mut command, _file) = chatbench(&peer, ADMIN_TOKEN);
    command.args(LONG);
    let mut terminal = Terminal::open();
    let before = terminal.modes();
    let run = terminal.start(&command);
    terminal.until("the hold", |text| text.contains("hold  measuring") && text.contains("q: end"));
    assert_ne!(terminal.modes(), before, "keys are read one by one");
    keys(&mut terminal);
    let output = run.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", String::from_utf8_lossy(&output.stdout));
    assert_eq!(terminal.modes(), before, "the keyboard is as it was");
    terminal.until_written("the picture is left, and the cursor back", |text| {
        text.rfind(LEFT).is_some_and(|left| text[left..].contains(CURSOR))
    });
    output.stdout
}

/// The report of a run that was ended in order.
fn report(stdout: &[u8]) -> Value {
    let report: Value = serde_json::from_slice(stdout).unwrap();
    assert_eq!((&report["verdict"], &report["interrupted"]), (&"INTERRUPTED".into(), &true.into()));
    report
}

/// What the picture says was sent so far.
fn sent(text: &str) -> u64 {
    let words: Vec<&str> = text.split_whitespace().collect();
    let before = words.windows(2).rfind(|pair| pair[1] == "sent").map(|pair| pair[0]);
    before.and_then(|count| count.replace(',', "").parse().ok()).unwrap_or(0)
}

#[test]
fn keys_change_the_picture_and_q_ends_the_run_in_order() {
    let stdout = played(Fault::None, |terminal| {
        terminal.press(b"?");
        terminal.until("help", |text| text.contains("No key changes the load"));
        terminal.press(b"?");
        terminal.until("the heat map", |text| text.contains("< 500 ms") && !text.contains("No key"));
        terminal.press(b"\t");
        terminal
            .until("workers", |text| text.contains("workers, page 2 of 2") && text.contains("2 of 2 users"));
        terminal.press(b"p");
        terminal.until("a still picture", |text| text.contains("held still, p: go on"));
        terminal.press(b"q");
        terminal.until("the end", |text| text.contains("interrupted: waiting for what is on its way"));
    });
    let report = report(&stdout);
    assert!(report["outcomes"]["sent"].as_u64().unwrap() > 0, "{report:#}");
    assert_eq!(report["outcomes"]["received"], report["outcomes"]["sent"], "drained");
}

#[test]
fn ctrl_c_ends_the_run_in_order_and_what_would_stop_it_half_way_does_nothing() {
    let stdout = played(Fault::None, |terminal| {
        // Ctrl-Z, Ctrl-\: then the picture still goes on.
        terminal.press(b"\x1a\x1c?");
        terminal.until("help", |text| text.contains("No key changes the load"));
        terminal.press(b"\x03");
    });
    report(&stdout);
}

#[test]
fn ctrl_c_behind_q_quits_at_once() {
    // A message that never comes keeps the drain waiting.
    let stdout = played(Fault::Lose, |terminal| {
        terminal.until("the message that is lost", |text| sent(text) > 60);
        terminal.press(b"q");
        terminal.until("the drain", |text| text.contains("interrupted: waiting for what is on its way"));
        terminal.press(b"\x03");
    });
    assert!(stdout.is_empty(), "{}", String::from_utf8_lossy(&stdout));
}
