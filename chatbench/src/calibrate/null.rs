//! The null servers of a calibration: processes of this same program.

use crate::null_server::READY;
use schema::exit::{Exit, Failure};
use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// Time until one is ready, and until it has ended.
const START: Duration = Duration::from_secs(10);
const END: Duration = Duration::from_secs(5);

/// A running null server; it ends with this value, and with this process.
#[derive(Debug)]
pub(super) struct Null {
    child: Child,
    pub(super) address: SocketAddr,
    pub(super) pid: u32,
}

impl Null {
    pub(super) async fn start() -> Result<Self, Failure> {
        let failed = |why: String| {
            Failure::new(
                Exit::Failed,
                format!("null server: {why}"),
                "chatbench starts itself; is its file still there?",
            )
        };
        let own = std::env::current_exe().map_err(|error| failed(error.to_string()))?;
        let mut command = Command::new(own);
        command.args(["null-server", "--port", "0", "--until-stdin-ends"]);
        // Its own process group: Ctrl-C is for chatbench, which ends it.
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true).process_group(0);
        let mut child = command.spawn().map_err(|error| failed(error.to_string()))?;
        let pid = child.id().unwrap_or_default();
        let stdout = child.stdout.take().ok_or_else(|| failed("no stdout".into()))?;
        let mut lines = BufReader::new(stdout).lines();
        let line = match timeout(START, lines.next_line()).await {
            Ok(Ok(Some(line))) => line,
            Ok(_) => return Err(failed("it ended at once".into())),
            Err(_) => return Err(failed(format!("not ready in {} s", START.as_secs()))),
        };
        let address = line.strip_prefix(READY).and_then(|address| address.parse().ok());
        let address = address.ok_or_else(|| failed(format!("it said '{line}'")))?;
        Ok(Self { child, address, pid })
    }

    pub(super) async fn several(count: u32) -> Result<Vec<Self>, Failure> {
        let mut all = Vec::new();
        for _ in 0..count {
            all.push(Self::start().await?);
        }
        Ok(all)
    }

    /// Closes its stdin, by which it ends; by force when it does not.
    pub(super) async fn stop(mut self) {
        drop(self.child.stdin.take());
        if timeout(END, self.child.wait()).await.is_err() {
            let _gone_already = self.child.kill().await;
        }
    }
}
