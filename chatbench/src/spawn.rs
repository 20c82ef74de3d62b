//! The server under test, when chatbench starts it: a chatd on free ports with a folder of its own, and as many socket
//! processes beside it as the users ask for.

mod member;

use crate::cli::{Processes, Spawn};
use crate::files;
use crate::interrupt::Ward;
use member::{Member, STEP, free_ports};
use report::{Process, Source, Where};
use schema::exit::{Exit, Failure};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;
use tokio::process::Command;

/// The admin listener's and the websocket service's distance from a process's first port.
const ADMIN: u16 = 10;
const WEBSOCKET: u16 = 5;
/// Time for an orderly end of all.
const END: Duration = Duration::from_secs(20);
/// What the load must not run into; `--set` comes after and overrides.
const SETTINGS: [&str; 2] = ["limits.requests_per_minute=1000000", "limits.messages_per_second=0"];

/// A running server.
#[derive(Debug)]
pub(crate) struct Server {
    /// The core first, then those that serve sockets only; none: the core does.
    members: Vec<Member>,
    folder: TempDir,
    port: u16,
    /// The last to go: until then all of it is in its care.
    ward: Ward,
}

impl Server {
    /// Starts what `users` sockets need and waits until all are ready. Dropped before that, it ends what it has started.
    pub(crate) async fn start(args: &Spawn, users: u32, ward: Ward) -> Result<Self, Failure> {
        let chatd = find(args.chatd.as_deref())?;
        let beside = match args.websocket_processes {
            Processes::Number(number) => number,
            Processes::Auto => match files::processes(users, files::hard()) {
                Some(1) => 0,
                Some(number) => number,
                None => return Err(failed("a process may not even open the files of one pair".into())),
            },
        };
        let folder = TempDir::with_prefix("chatbench-")
            .map_err(|error| failed(format!("temporary folder: {error}")))?;
        ward.folder(folder.path());
        let width = beside.saturating_add(1);
        let port = free_ports(width).ok_or_else(|| failed(format!("no free ports for {width} processes")))?;
        let mut server = Self { members: Vec::new(), folder, port, ward };
        let mut core = Command::new(&chatd);
        if beside > 0 {
            let sockets: Vec<String> = (1..=beside).map(|n| server.sockets(n)).collect();
            core.arg("--roles").arg("gateway,auth,user,presence,chat,media,notification");
            core.arg("--set").arg(format!("gateway.websocket={sockets:?}"));
        }
        server.add("chatd", core, port, &args.set).await?;
        for number in 1..=beside {
            let mut command = Command::new(&chatd);
            command.arg("websocket");
            server.add("chatd websocket", command, server.base(number), &args.set).await?;
        }
        Ok(server)
    }

    async fn add(
        &mut self,
        name: &'static str,
        mut command: Command,
        port: u16,
        set: &[String],
    ) -> Result<(), Failure> {
        command.arg("--data").arg(self.data()).arg("--port").arg(port.to_string());
        for setting in SETTINGS.into_iter().chain(set.iter().map(String::as_str)) {
            command.arg("--set").arg(setting);
        }
        let log = self.folder.path().join(format!("log-{}", self.members.len()));
        self.members.push(Member::start(name, command, log, &self.ward).await?);
        Ok(())
    }

    fn base(&self, number: u32) -> u16 {
        self.port.saturating_add(STEP.saturating_mul(u16::try_from(number).unwrap_or(u16::MAX)))
    }

    fn sockets(&self, number: u32) -> String {
        format!("http://127.0.0.1:{}", self.base(number).saturating_add(WEBSOCKET))
    }

    /// Where sockets go: the gateway, or the processes that serve nothing else.
    pub(crate) fn targets(&self) -> Vec<String> {
        match u32::try_from(self.members.len()).unwrap_or(u32::MAX) - 1 {
            0 => vec![self.api()],
            beside => (1..=beside).map(|number| self.sockets(number)).collect(),
        }
    }

    /// Where REST calls go.
    pub(crate) fn api(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn admin(&self) -> String {
        format!("http://127.0.0.1:{}", self.port.saturating_add(ADMIN))
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub(crate) fn processes(&self) -> Vec<Process> {
        let of = |member: &Member| Process {
            source: Source::Pid(member.pid()),
            name: member.name.to_owned(),
            side: Where::Server,
        };
        self.members.iter().map(of).collect()
    }

    /// What it said when it was ready.
    pub(crate) fn ready(&self) -> Vec<String> {
        let said = self.members.first().map(|core| core.ready.clone());
        let beside = self.members.len().saturating_sub(1);
        let sockets = (beside > 0).then(|| format!("{beside} processes beside it serve the sockets"));
        said.into_iter().chain(sockets).collect()
    }

    /// Ends all, those that serve sockets first, by force if one does not end by itself; true when all ended well.
    pub(crate) async fn stop(mut self) -> bool {
        let mut core = self.members.drain(..1).collect::<Vec<_>>();
        for member in &self.members {
            member.terminate();
        }
        let mut well = true;
        for member in &mut self.members {
            well &= member.ended(END).await;
        }
        for member in &mut core {
            member.terminate();
            well &= member.ended(END).await;
        }
        well
    }
}

fn failed(what: String) -> Failure {
    Failure::new(Exit::Failed, what, "chatbench needs a temporary folder, free ports and open files")
}

pub(crate) fn find(named: Option<&Path>) -> Result<PathBuf, Failure> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn spawn(chatd: &Path) -> Spawn {
        Spawn { spawn: true, chatd: Some(chatd.to_owned()), ..Spawn::default() }
    }

    fn ward() -> Ward {
        crate::interrupt::Interrupt::listen().unwrap().ward()
    }

    #[tokio::test]
    async fn a_missing_chatd_is_named_with_the_fix() {
        let failure = Server::start(&spawn(Path::new("/nowhere/chatd")), 2, ward()).await.unwrap_err();
        assert_eq!(failure.exit, Exit::Usage);
        assert!(failure.hint.contains("--chatd"));
    }

    #[tokio::test]
    async fn a_server_that_ends_at_once_is_reported_with_its_words() {
        let folder = tempfile::tempdir().unwrap();
        let script = folder.path().join("chatd");
        std::fs::write(&script, "#!/bin/sh\necho no such key >&2\nexit 78\n").unwrap();
        std::fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let failure = Server::start(&spawn(&script), 2, ward()).await.unwrap_err();
        assert_eq!(failure.exit, Exit::Failed);
        assert!(failure.hint.contains("no such key"), "{failure}");
    }
}
