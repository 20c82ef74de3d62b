//! The runs of a calibration, as command lines of `chatbench run`.

use super::null::Null;
use crate::accounts::Accounts;
use crate::cli::{Adapter, Cli, Run, Threads, Verb, Workers};
use clap::Parser;
use schema::exit::{Exit, Failure};
use std::path::Path as Folder;
use std::time::Duration;
use tempfile::TempDir;

/// Time over which an idle user's connection is spread, and that of one who sends.
const IDLE_RAMP_US: u32 = 100;
const RAMP_US: u32 = 400;
/// How long idle users are held.
const IDLE_HOLD: &str = "3s";

/// How the null server is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Path {
    Relay,
    /// chatd's frames, with receipts.
    Stomp,
}

impl Path {
    pub(super) fn name(self) -> &'static str {
        match self {
            Path::Relay => "relay",
            Path::Stomp => "stomp",
        }
    }
}

/// What a ceiling depends on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Shape {
    pub(super) users: u32,
    pub(super) size: u32,
    pub(super) threads: Threads,
    pub(super) duration: Duration,
}

impl Shape {
    /// That of a run; none where its generator is elsewhere, or speaks something else than chatd's frames.
    pub(super) fn of(run: &Run) -> Option<Self> {
        let here = !matches!(run.workers, Workers::There(_));
        let chatd = matches!(run.adapter, None | Some(Adapter::Chatd)) && run.transport.is_none();
        let shape = Self {
            users: run.users.unwrap_or(1000),
            size: run.size.unwrap_or(128),
            threads: run.threads,
            duration: Duration::from_secs(3),
        };
        (here && chatd).then_some(shape)
    }
}

/// Where the accounts of a run are written; removed afterwards.
pub(super) fn folder() -> Result<TempDir, Failure> {
    TempDir::with_prefix("chatbench-").map_err(|error| {
        Failure::new(Exit::Failed, format!("temporary folder: {error}"), "is TMPDIR writable?")
    })
}

/// A run whose rate is varied.
pub(super) fn rate(path: Path, shape: Shape, nulls: &[&Null], folder: &Folder) -> Result<Run, Failure> {
    let Shape { users, size, threads, duration } = shape;
    let ramp = u64::from(users) * u64::from(RAMP_US) / 1000 + 1;
    let words = format!(
        "--users {users} --size {size} --threads {threads} --duration {}ms --warmup 1s --drain 5s --ramp {ramp}ms",
        duration.as_millis()
    );
    line(path, users, &words, nulls, folder)
}

/// A run in which nobody sends.
pub(super) fn idle(users: u32, threads: Threads, nulls: &[&Null], folder: &Folder) -> Result<Run, Failure> {
    let ramp = u64::from(users) * u64::from(IDLE_RAMP_US) / 1000 + 1;
    let words = format!(
        "--users {users} --threads {threads} --arrivals none --duration {IDLE_HOLD} --warmup 1s --drain 1s --ramp {ramp}ms"
    );
    line(Path::Stomp, users, &words, nulls, folder)
}

fn line(path: Path, users: u32, words: &str, nulls: &[&Null], folder: &Folder) -> Result<Run, Failure> {
    let mut args: Vec<String> = ["chatbench", "run", "--live", "off"].map(str::to_owned).to_vec();
    args.extend(words.split(' ').map(str::to_owned));
    for null in nulls {
        args.push(format!("--target=http://{}", null.address));
        args.push(format!("--server-pid={}", null.pid));
    }
    match path {
        Path::Relay => args.push("--adapter=relay".to_owned()),
        Path::Stomp => {
            let file = folder.join("users");
            let api = nulls.first().map(|null| format!("http://{}", null.address)).unwrap_or_default();
            let accounts = (0..users).map(load::relay::account).collect();
            Accounts::new(api, u64::MAX, accounts).write(&file)?;
            args.push(format!("--users-file={}", file.display()));
            args.push("--reconcile=0".to_owned());
        }
    }
    match Cli::try_parse_from(args).map(|cli| cli.verb) {
        Ok(Verb::Run(run)) => Ok(*run),
        other => {
            Err(Failure::new(Exit::Failed, format!("{other:?}"), "this is a defect of chatbench: report it"))
        }
    }
}
