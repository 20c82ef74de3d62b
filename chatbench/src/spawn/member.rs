//! One process of the server under test.

use crate::interrupt::Ward;
use rustix::process::{Pid, Signal, kill_process};
use schema::exit::{Exit, Failure};
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

/// Distance between the first ports of two processes of an installation.
pub(super) const STEP: u16 = 40;
/// Ports that a process may take, counting on from its first: eight services, the admin listeners, the link.
const PORTS: [u16; 11] = [0, 1, 2, 3, 4, 5, 6, 7, 10, 15, 20];
/// Where the ports are looked for: below the range from which outgoing connections take theirs.
const LOOKED: std::ops::Range<u16> = 18_000..30_000;
/// Time until the ready line.
const START: Duration = Duration::from_secs(30);
/// Time for one to be gone that was ended by force, and between two looks whether it is.
const GONE: Duration = Duration::from_secs(2);
const LOOK: Duration = Duration::from_millis(1);
/// Lines of the server's log that a failure shows.
const LOG_LINES: usize = 15;

/// A process that is ready.
#[derive(Debug)]
pub(super) struct Member {
    child: Child,
    pid: u32,
    log: PathBuf,
    pub(super) name: &'static str,
    /// What the ready line said.
    pub(super) ready: String,
}

impl Member {
    /// Starts it and waits for its ready line.
    pub(super) async fn start(
        name: &'static str,
        mut command: Command,
        log: PathBuf,
        ward: &Ward,
    ) -> Result<Self, Failure> {
        let failed = |what: String| Failure::new(Exit::Failed, format!("{name}: {what}"), "see --chatd");
        let file = std::fs::File::create(&log).map_err(|error| failed(format!("log: {error}")))?;
        // Its own process group: Ctrl-C is for chatbench, which drains before it ends the server.
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(file).kill_on_drop(true).process_group(0);
        let mut child = command.spawn().map_err(|error| failed(error.to_string()))?;
        let pid = child.id().unwrap_or_default();
        ward.process(pid);
        let stdout = child.stdout.take();
        let mut member = Self { child, pid, log, name, ready: String::new() };
        let Some(stdout) = stdout else {
            return Err(failed("it has no stdout".into()));
        };
        let mut lines = BufReader::new(stdout).lines();
        match timeout(START, ready_line(&mut lines)).await {
            Ok(Some(line)) => member.ready = line,
            Ok(None) => return Err(member.failure("ended before it was ready").await),
            Err(_) => return Err(member.failure("was not ready in 30 s").await),
        }
        // The rest of its words: read, so that it never waits for a full pipe.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Ok(member)
    }

    pub(super) fn pid(&self) -> u32 {
        self.pid
    }

    /// Asks it to end.
    pub(super) fn terminate(&self) {
        if let Some(pid) = i32::try_from(self.pid).ok().and_then(Pid::from_raw) {
            let _gone_already = kill_process(pid, Signal::TERM);
        }
    }

    /// Waits until it has ended, and ends it by force if that takes longer; true when it ended well.
    pub(super) async fn ended(&mut self, within: Duration) -> bool {
        match timeout(within, self.child.wait()).await {
            Ok(Ok(status)) => status.success(),
            _ => {
                let _gone_already = self.child.kill().await;
                false
            }
        }
    }

    async fn failure(&mut self, what: &str) -> Failure {
        let _gone_already = self.child.kill().await;
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let tail = lines[lines.len().saturating_sub(LOG_LINES)..].join("\n  ");
        Failure::new(Exit::Failed, format!("{} {what}", self.name), format!("its last words:\n  {tail}"))
    }
}

impl Drop for Member {
    /// By force, and waits until it is gone: its folder is removed next, and must not be written to meanwhile.
    fn drop(&mut self) {
        let _gone_already = self.child.start_kill();
        let until = Instant::now() + GONE;
        while Instant::now() < until && matches!(self.child.try_wait(), Ok(None)) {
            std::thread::sleep(LOOK);
        }
    }
}

async fn ready_line(lines: &mut Lines<BufReader<ChildStdout>>) -> Option<String> {
    while let Ok(Some(line)) = lines.next_line().await {
        if line.contains(" ready") && line.starts_with("chatd") {
            return Some(line);
        }
    }
    None
}

/// The first of enough free ports for as many processes.
pub(super) fn free_ports(processes: u32) -> Option<u16> {
    let width = STEP.checked_mul(u16::try_from(processes).ok()?)?;
    let last = LOOKED.end.checked_sub(width).filter(|last| *last > LOOKED.start)?;
    let free = |port: u16| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok();
    let candidates = (0..200).map(|_| rand::random_range(LOOKED.start..last));
    candidates.into_iter().find(|first| {
        let mut bases = (*first..first + width).step_by(usize::from(STEP));
        bases.all(|base| PORTS.iter().all(|port| free(base + port)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_ports_leave_room_for_all() {
        assert!(LOOKED.contains(&free_ports(1).unwrap()));
        assert!(free_ports(7).unwrap() + 7 * STEP <= LOOKED.end);
        assert_eq!(free_ports(10_000), None);
    }
}
