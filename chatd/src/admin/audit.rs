//! The audit log: one JSON line for each act of an administrator, whether it succeeded or not.

use edge::{Problem, TraceId};
use parking_lot::Mutex;
use schema::Timestamp;
use serde::Serialize;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;

pub(super) struct Audit(Arc<Mutex<File>>);

/// One act. Secrets have no field here.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    time: Timestamp,
    action: &'a str,
    target: &'a str,
    /// `ok`, a count, or the problem's code.
    outcome: &'a str,
    trace_id: &'a str,
}

impl Audit {
    pub(super) fn in_folder(data: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(data.join("audit.log"))?;
        Ok(Self(Arc::new(Mutex::new(file))))
    }

    /// Writes down how an act ended. The act is done by then, so a full disk is logged and not answered.
    pub(super) async fn note(&self, trace: &TraceId, action: &str, target: &str, outcome: &str) {
        let line = Line { time: Timestamp::now(), action, target, outcome, trace_id: &trace.0 };
        let mut text = serde_json::to_vec(&line).unwrap_or_default();
        text.push(b'\n');
        let file = Arc::clone(&self.0);
        let written = tokio::task::spawn_blocking(move || {
            let mut file = file.lock();
            file.write_all(&text).and_then(|()| file.sync_data())
        });
        if let Err(error) = written.await.unwrap_or_else(|error| Err(io::Error::other(error))) {
            tracing::error!(%error, action, target, outcome, "the audit log cannot be written");
        }
    }
}

/// How an act ended, in one word.
pub(super) fn outcome<T>(result: &Result<T, Problem>) -> &'static str {
    result.as_ref().map_or_else(|problem| problem.code().as_str(), |_| "ok")
}
