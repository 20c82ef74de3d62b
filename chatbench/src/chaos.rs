//! Commands that a run gives the shell at set times: to kill, to stop, to take a network away.

use plan::scenario::Chaos;
use report::model::{Mark, MarkKind};
use std::process::Stdio;
use tokio::process::{Child, Command};

/// Characters of a command that name its mark, when nothing else does.
const NAME: usize = 40;

/// What was started, and what is to be said about it.
#[derive(Debug, Default)]
pub(crate) struct Running {
    children: Vec<(String, Child)>,
    pub(crate) marks: Vec<Mark>,
    pub(crate) notes: Vec<String>,
}

impl Running {
    /// Starts a command with the pids of the servers in `CHATBENCH_SERVER_PIDS`, at this time of the run clock.
    pub(crate) fn start(&mut self, chaos: &Chaos, at_us: u64, servers: &[u32]) {
        let name = || chaos.command.chars().take(NAME).collect();
        let name: String = chaos.name.clone().unwrap_or_else(name);
        let at_s = u32::try_from(at_us / 1_000_000).unwrap_or(u32::MAX);
        self.marks.push(Mark { at_s, name: name.clone(), kind: MarkKind::Chaos });
        let pids: Vec<String> = servers.iter().map(ToString::to_string).collect();
        let mut command = Command::new("sh");
        command.arg("-c").arg(&chaos.command).env("CHATBENCH_SERVER_PIDS", pids.join(" "));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        match command.spawn() {
            Ok(child) => self.children.push((name, child)),
            Err(error) => self.notes.push(format!("chaos '{name}': {error}")),
        }
    }

    /// Ends what still runs, and says how each has ended.
    pub(crate) fn end(mut self) -> (Vec<Mark>, Vec<String>) {
        for (name, child) in &mut self.children {
            match child.try_wait() {
                Ok(Some(status)) if status.success() => {}
                Ok(Some(status)) => self.notes.push(format!("chaos '{name}' ended with {status}")),
                Ok(None) => self.notes.push(format!("chaos '{name}' still ran at the end and was ended")),
                Err(error) => self.notes.push(format!("chaos '{name}': {error}")),
            }
        }
        (self.marks, self.notes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_command_runs_with_the_servers_pids_and_is_marked() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("told");
        let command = format!("echo $CHATBENCH_SERVER_PIDS > {}; exit 3", file.display());
        let chaos = Chaos { at: std::time::Duration::ZERO, command, name: Some("node dies".into()) };
        let mut running = Running::default();
        running.start(&chaos, 7_400_000, &[41, 42]);
        let _status = running.children[0].1.wait().await;
        assert_eq!(std::fs::read_to_string(file).unwrap(), "41 42\n");
        let (marks, notes) = running.end();
        assert_eq!((marks[0].at_s, marks[0].name.as_str()), (7, "node dies"));
        assert!(notes[0].contains("node dies") && notes[0].contains('3'), "{notes:?}");
    }
}
