//! `chatctl user import`: rows in, chunks out, one chunk in memory.

mod rows;

use crate::cli::Globals;
use crate::client::Client;
use crate::output::{self, Format, Show};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use rows::{Row, Rows};
use schema::api::{Imported, NewUser, OnConflict};
use schema::exit::{Exit, Failure};
use schema::limits;
use serde::Serialize;
use std::io::IsTerminal as _;

#[derive(Debug, Args)]
pub(crate) struct Import {
    /// CSV with a heading (username, phone_number, display_name, password, password_hash) or NDJSON; - for stdin.
    file: String,
    /// What to do with a row whose username or phone number is taken.
    #[arg(long, value_enum, default_value = "fail")]
    on_conflict: Conflict,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Conflict {
    /// Report the row as failed.
    Fail,
    /// Keep the user that is there.
    Skip,
}

/// Passwords in clear of one request: each costs the server a hash of a quarter of a second.
const PASSWORDS: usize = 32;
/// Room in a request for what surrounds the rows.
const ENVELOPE_BYTES: usize = 1024;
/// Failed rows that the JSON summary names; the count is always whole.
const FAILURES: usize = 1000;

/// What came of it.
#[derive(Default, Serialize)]
struct Summary {
    rows: u64,
    created: u64,
    skipped: u64,
    failed: u64,
    failures: Vec<FailedRow>,
}

#[derive(Serialize)]
struct FailedRow {
    line: u64,
    error: String,
}

pub(crate) async fn run(args: &Import, globals: &Globals) -> Result<Exit, Failure> {
    let client = Client::new(globals)?;
    let mut job = Job {
        client,
        on_conflict: match args.on_conflict {
            Conflict::Fail => OnConflict::Fail,
            Conflict::Skip => OnConflict::Skip,
        },
        summary: Summary::default(),
        progress: progress(),
        json: globals.output == Some(Format::Json),
    };
    let mut chunk = Chunk::default();
    for row in Rows::open(&args.file)? {
        let Row { line, user } = row?;
        job.summary.rows += 1;
        let user = match user {
            Ok(user) => user,
            Err(error) => {
                job.fail(line, error);
                continue;
            }
        };
        let bytes = output::line(&user).len() + 1;
        if chunk.is_full(bytes, &user) {
            job.send(std::mem::take(&mut chunk)).await?;
        }
        chunk.add(line, bytes, user);
    }
    job.send(chunk).await?;
    job.progress.finish_and_clear();
    output::show(&job.summary, globals.output)?;
    Ok(match &job.summary {
        Summary { failed: 0, .. } => Exit::Ok,
        Summary { created: 0, skipped: 0, .. } => Exit::Failed,
        _ => Exit::Partial,
    })
}

/// The rows of one request.
#[derive(Default)]
struct Chunk {
    lines: Vec<u64>,
    users: Vec<NewUser>,
    bytes: usize,
    passwords: usize,
}

impl Chunk {
    fn is_full(&self, bytes: usize, next: &NewUser) -> bool {
        self.users.len() >= limits::BULK_MAX
            || self.bytes + bytes > limits::BULK_BYTES - ENVELOPE_BYTES
            || (next.password.is_some() && self.passwords >= PASSWORDS)
    }

    fn add(&mut self, line: u64, bytes: usize, user: NewUser) {
        self.bytes += bytes;
        self.passwords += usize::from(user.password.is_some());
        self.lines.push(line);
        self.users.push(user);
    }
}

struct Job {
    client: Client,
    on_conflict: OnConflict,
    summary: Summary,
    progress: ProgressBar,
    json: bool,
}

impl Job {
    async fn send(&mut self, chunk: Chunk) -> Result<(), Failure> {
        let (Some(first), Some(last)) = (chunk.lines.first(), chunk.lines.last()) else { return Ok(()) };
        let body = schema::api::Import { users: chunk.users, on_conflict: self.on_conflict };
        let imported: Imported = self.client.post("/admin/users/import", &body).await.map_err(|failure| {
            let message = format!(
                "lines {first} to {last}: {} (before them: {} created, {} kept, {} failed)",
                failure.message, self.summary.created, self.summary.skipped, self.summary.failed
            );
            let hint = format!("{}; then run it again with --on-conflict skip", failure.hint);
            Failure { message, hint, ..failure }
        })?;
        for (line, result) in chunk.lines.into_iter().zip(imported.results) {
            match result.error {
                Some(error) => self.fail(line, error),
                None if result.created => self.summary.created += 1,
                None => self.summary.skipped += 1,
            }
        }
        self.progress.set_position(self.summary.rows);
        Ok(())
    }

    fn fail(&mut self, line: u64, error: String) {
        self.summary.failed += 1;
        if !self.json {
            self.progress.suspend(|| output::remark(&format!("line {line}: {error}")));
        } else if self.summary.failures.len() < FAILURES {
            self.summary.failures.push(FailedRow { line, error });
        }
    }
}

/// Shown on a terminal only.
fn progress() -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{spinner} {human_pos} rows, {per_sec}, {elapsed}");
    ProgressBar::new_spinner().with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()))
}

impl Show for Summary {
    fn rows(&self) -> Vec<Vec<String>> {
        let counts = [self.rows, self.created, self.skipped, self.failed];
        vec![
            ["ROWS", "CREATED", "KEPT", "FAILED"].map(str::to_owned).to_vec(),
            counts.map(|count| count.to_string()).to_vec(),
        ]
    }
}
