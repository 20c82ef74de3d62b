//! Who may give orders to a worker that listens: with the secret, without it, and several at once.

use crate::workers::{Listening, command, null_server, report};
use load::control::greeting::{self, Secret};
use load::control::{self, Word};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output, Stdio};
use std::time::Duration;
use tempfile::NamedTempFile;

/// Enough for anything that comes at all.
const LONG: Duration = Duration::from_secs(30);
const SECRET: &str = "of the load machines' own";
/// How far the clock of [`drifting`] moves over a run, in microseconds.
const DRIFT_US: i64 = 50_000;

fn secret(words: &str) -> NamedTempFile {
    let file = NamedTempFile::new().unwrap();
    std::fs::write(file.path(), words).unwrap();
    std::fs::set_permissions(file.path(), PermissionsExt::from_mode(0o600)).unwrap();
    file
}

fn path(file: &NamedTempFile) -> &str {
    file.path().to_str().unwrap()
}

/// A worker with the secret of a file.
fn worker(file: &NamedTempFile) -> Listening {
    Listening::start(&["worker", "--listen", "127.0.0.1:0", "--secret", path(file)])
}

/// A run on this worker.
fn run(server: &Listening, worker: &str, more: &[&str]) -> Output {
    let mut command = command(server, &["--duration", "500ms", "--workers", worker]);
    command.args(more).output().unwrap()
}

/// It was carried out wholly.
#[track_caller]
fn carried_out(output: &Output) {
    let report = report(output);
    assert_eq!(report["outcomes"]["received"], 120, "{report:#}");
    assert_eq!(report["violations"]["total"], 0, "{report:#}");
}

/// It was refused, in words.
#[track_caller]
fn refused(output: &Output, exit: i32, words: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(exit), "{said}");
    assert!(said.contains(words), "{said}");
}

/// Waits until the worker has hung up on this stranger.
fn hung_up(mut stranger: &TcpStream) {
    stranger.set_read_timeout(Some(LONG)).unwrap();
    match stranger.read_to_end(&mut Vec::new()) {
        Ok(_) => {}
        // Bytes that it did not read make it a reset.
        Err(error) => assert_eq!(error.kind(), io::ErrorKind::ConnectionReset),
    }
}

#[test]
fn the_same_secret_lets_in_and_any_other_does_not() {
    let (server, right, wrong) = (null_server(), secret(SECRET), secret("of somebody else's making"));
    let worker = worker(&right);
    let hint = "give the same --secret FILE";
    refused(&run(&server, &worker.address, &["--secret", path(&wrong)]), 8, hint);
    refused(&run(&server, &worker.address, &[]), 8, "asks for the proof of a secret");
    // The worker is none the worse for it; an editor's line end is no part of a secret.
    let same = secret(&format!("{SECRET}\n"));
    carried_out(&run(&server, &worker.address, &["--secret", path(&same)]));
    let mut by_name = command(&server, &["--duration", "500ms", "--workers", &worker.address]);
    carried_out(&by_name.env("CHATBENCH_SECRET_FILE", right.path()).output().unwrap());
    let open = Listening::start(&["worker", "--listen", "127.0.0.1:0"]);
    refused(&run(&server, &open.address, &["--secret", path(&right)]), 8, "it proves no secret");
    carried_out(&run(&server, &open.address, &[]));
}

#[test]
fn strangers_end_neither_a_worker_nor_its_run() {
    let (server, file) = (null_server(), secret(SECRET));
    let worker = worker(&file);
    // These say nothing, or begin and do not go on.
    let silent = TcpStream::connect(&worker.address).unwrap();
    let slow = TcpStream::connect(&worker.address).unwrap();
    (&slow).write_all(&[100, 0, 0, 0, 2]).unwrap();
    let mut run = command(&server, &["--duration", "1500ms", "--workers", &worker.address]);
    run.args(["--secret", path(&file)]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut run = run.spawn().unwrap();
    let mut lines = BufReader::new(run.stderr.take().unwrap()).lines().map_while(Result::ok);
    lines.find(|line| line.contains("load:")).unwrap();
    for garbage in [&b"POST / HTTP/1.1\r\nHost: localhost\r\n\r\n"[..], &[0xff; 4096], &[1, 0, 0, 0, 9]] {
        let stranger = TcpStream::connect(&worker.address).unwrap();
        (&stranger).write_all(garbage).unwrap();
        hung_up(&stranger);
    }
    let wrong =
        greeting::call(&TcpStream::connect(&worker.address).unwrap(), Some(&Secret::new(b"wrong")), LONG);
    assert!(matches!(wrong, Err(greeting::Unwelcome::Wrong)), "{wrong:?}");
    hung_up(&silent);
    hung_up(&slow);
    lines.for_each(drop);
    let report = report(&run.wait_with_output().unwrap());
    assert_eq!(report["outcomes"]["received"], 240, "{report:#}");
    assert_eq!(report["sockets"]["disconnected"], 0, "{report:#}");
}

#[test]
fn a_second_coordinator_is_told_that_the_worker_is_busy() {
    let (server, file) = (null_server(), secret(SECRET));
    let worker = worker(&file);
    let first = TcpStream::connect(&worker.address).unwrap();
    greeting::call(&first, Some(&Secret::new(SECRET.as_bytes())), LONG).unwrap();
    let second = run(&server, &worker.address, &["--secret", path(&file)]);
    let words = format!("serves another coordinator, at {}", first.local_addr().unwrap());
    refused(&second, 7, &words);
    drop(first);
    carried_out(&run(&server, &worker.address, &["--secret", path(&file)]));
}

#[test]
fn off_loopback_nobody_is_trusted_without_a_secret() {
    let worker = |more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_chatbench"));
        command.env_remove("CHATBENCH_SECRET_FILE").args(["worker", "--listen"]).args(more).output().unwrap()
    };
    refused(&worker(&["0.0.0.0:0"]), 2, "--listen 0.0.0.0:0 is open to other machines");
    refused(&worker(&["[::]:0"]), 2, "give --secret FILE");
    let open = secret(SECRET);
    std::fs::set_permissions(open.path(), PermissionsExt::from_mode(0o644)).unwrap();
    refused(&worker(&["127.0.0.1:0", "--secret", path(&open)]), 2, "chmod 600");
    let server = null_server();
    refused(&run(&server, "192.0.2.1:7000", &[]), 2, "is not on loopback, and there is no --secret");
    refused(&run(&server, "127.0.0.1:1", &["--secret", path(&open)]), 2, "chmod 600");
}

/// A way to a worker whose clock runs ahead by [`DRIFT_US`] while it is under load: the words of the greeting pass as they
/// are, and what its clock says after the harvest is altered.
fn drifting(worker: &str) -> String {
    let (listener, worker) = (TcpListener::bind("127.0.0.1:0").unwrap(), worker.to_owned());
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        let mut caller = listener.accept().unwrap().0;
        let mut worker = TcpStream::connect(worker).unwrap();
        let (mut orders, mut obeys) = (caller.try_clone().unwrap(), worker.try_clone().unwrap());
        std::thread::spawn(move || {
            let _either_is_gone = io::copy(&mut orders, &mut obeys);
            obeys.shutdown(std::net::Shutdown::Write)
        });
        for _ in 0..2 {
            let mut head = [0; 4];
            worker.read_exact(&mut head).unwrap();
            let mut frame = vec![0; u32::from_le_bytes(head) as usize];
            worker.read_exact(&mut frame).unwrap();
            caller.write_all(&[&head[..], &frame].concat()).unwrap();
        }
        let mut over = false;
        while let Ok(Some(mut word)) = control::read::<Word>(&mut worker) {
            over |= matches!(word, Word::Harvest(_));
            if let Word::Clock { now_us } = &mut word
                && over
            {
                *now_us += DRIFT_US;
            }
            control::write(&mut caller, &word).unwrap();
        }
    });
    address
}

#[test]
fn a_clock_that_drifts_over_the_run_is_a_finding() {
    let (server, file) = (null_server(), secret(SECRET));
    let worker = worker(&file);
    let output = run(&server, &drifting(&worker.address), &["--secret", path(&file)]);
    carried_out(&output);
    let report = report(&output);
    let use_of = &report["workers"][0];
    let (bound, drift) = (use_of["clockBoundUs"].as_i64().unwrap(), use_of["clockDriftUs"].as_i64().unwrap());
    assert!((drift - DRIFT_US).abs() < DRIFT_US / 2 && bound > drift, "{drift} ± {bound}");
    let told = |name: &str, words: &str| report[name].to_string().contains(words);
    assert!(told("findings", "drifted by +"), "{report:#}");
    assert!(told("notes", "no latency spans two clocks"), "{report:#}");
}
