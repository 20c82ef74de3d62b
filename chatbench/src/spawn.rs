//! The server under test, when chatbench starts it: a chatd on free ports with a folder of its own.

use rustix::process::{Pid, Signal, kill_process};
use schema::exit::{Exit, Failure};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

/// Ports that chatd takes, counting on from the gateway's: eight services, and the admin listener behind.
const PORTS: u16 = 11;
/// The admin listener's distance from the gateway.
const ADMIN: u16 = 10;
/// Time until the ready line, and for an orderly end.
const START: Duration = Duration::from_secs(30);
const END: Duration = Duration::from_secs(20);
/// Lines of the server's log that a failure shows.
const LOG_LINES: usize = 15;

/// A running server.
pub(crate) struct Server {
    child: Child,
    pid: u32,
    folder: TempDir,
    port: u16,
    /// What the ready line said.
    pub(crate) ready: String,
}

impl Server {
    /// Starts chatd and waits for its ready line.
    pub(crate) async fn start(chatd: Option<&Path>, set: &[String]) -> Result<Self, Failure> {
        let chatd = find(chatd)?;
        let failed = |what: String| {
            Failure::new(Exit::Failed, what, "chatbench needs a temporary folder and free ports")
        };
        let folder = TempDir::with_prefix("chatbench-")
            .map_err(|error| failed(format!("temporary folder: {error}")))?;
        let port = free_ports().ok_or_else(|| failed(format!("no {PORTS} free ports in a row")))?;
        let log = std::fs::File::create(folder.path().join("log"))
            .map_err(|error| failed(format!("log: {error}")))?;
        let mut command = Command::new(&chatd);
        command.arg("--data").arg(folder.path().join("data")).arg("--port").arg(port.to_string());
        for setting in ["limits.requests_per_minute=1000000", "limits.messages_per_second=0"] {
            command.arg("--set").arg(setting);
        }
        for setting in set {
            command.arg("--set").arg(setting);
        }
        // Its own process group: Ctrl-C is for chatbench, which drains before it ends the server.
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).kill_on_drop(true).process_group(0);
        let mut child = command.spawn().map_err(|error| failed(format!("{}: {error}", chatd.display())))?;
        let pid = child.id().unwrap_or_default();
        let stdout = child.stdout.take();
        let mut server = Self { child, pid, folder, port, ready: String::new() };
        let Some(stdout) = stdout else {
            return Err(failed("chatd has no stdout".into()));
        };
        let mut lines = BufReader::new(stdout).lines();
        match timeout(START, ready_line(&mut lines)).await {
            Ok(Some(line)) => server.ready = line,
            Ok(None) => return Err(server.failure("ended before it was ready").await),
            Err(_) => return Err(server.failure("was not ready in 30 s").await),
        }
        // The rest of its words: read, so that it never waits for a full pipe.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Ok(server)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    pub(crate) fn target(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn admin(&self) -> String {
        format!("http://127.0.0.1:{}", self.port + ADMIN)
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Ends the server, by force if it does not end by itself; true when it ended well.
    pub(crate) async fn stop(mut self) -> bool {
        if let Some(pid) = i32::try_from(self.pid).ok().and_then(Pid::from_raw) {
            let _gone_already = kill_process(pid, Signal::TERM);
        }
        match timeout(END, self.child.wait()).await {
            Ok(Ok(status)) => status.success(),
            _ => {
                let _gone_already = self.child.kill().await;
                false
            }
        }
    }

    async fn failure(&mut self, what: &str) -> Failure {
        let _gone_already = self.child.kill().await;
        let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let tail = lines[lines.len().saturating_sub(LOG_LINES)..].join("\n  ");
        Failure::new(Exit::Failed, format!("chatd {what}"), format!("its last words:\n  {tail}"))
    }
}

async fn ready_line(lines: &mut Lines<BufReader<ChildStdout>>) -> Option<String> {
    while let Ok(Some(line)) = lines.next_line().await {
        if line.starts_with("chatd ready") {
            return Some(line);
        }
    }
    None
}

fn find(named: Option<&Path>) -> Result<PathBuf, Failure> {
    let path = match named {
        Some(path) => path.to_owned(),
        None => std::env::current_exe().unwrap_or_default().with_file_name("chatd"),
    };
    if path.is_file() {
        return Ok(path);
    }
    let hint =
        "build it beside chatbench with `cargo build --release -p chatd`, or name it with --chatd PATH";
    Err(Failure::usage(format!("there is no chatd at {}", path.display()), hint))
}

/// The first of enough free ports in a row, below the range from which outgoing connections take theirs.
fn free_ports() -> Option<u16> {
    let free = |port: u16| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok();
    let candidates = (0..200).map(|_| rand::random_range(18_000..32_000_u16));
    candidates.into_iter().find(|first| (*first..first + PORTS).all(free))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_ports_are_in_a_row() {
        let first = free_ports().unwrap();
        assert!((18_000..32_000).contains(&first));
    }

    #[tokio::test]
    async fn a_missing_chatd_is_named_with_the_fix() {
        let failure = Server::start(Some(Path::new("/nowhere/chatd")), &[]).await.err().unwrap();
        assert_eq!(failure.exit, Exit::Usage);
        assert!(failure.hint.contains("--chatd"));
    }

    #[tokio::test]
    async fn a_server_that_ends_at_once_is_reported_with_its_words() {
        let folder = tempfile::tempdir().unwrap();
        let script = folder.path().join("chatd");
        std::fs::write(&script, "#!/bin/sh\necho no such key >&2\nexit 78\n").unwrap();
        std::fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let failure = Server::start(Some(&script), &[]).await.err().unwrap();
        assert_eq!(failure.exit, Exit::Failed);
        assert!(failure.hint.contains("no such key"), "{failure}");
    }
}
