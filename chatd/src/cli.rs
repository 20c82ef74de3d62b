//! The command line of `chatd`.

use crate::exit::{Exit, Failure, TABLE};
use crate::ports::Service;
use crate::roles::Roles;
use clap::{Parser, Subcommand};
use std::ffi::OsString;
use std::net::IpAddr;
use std::path::PathBuf;
use std::process::ExitCode;

/// One-to-one chat over REST and STOMP: all eight services in one process and nothing else to install, or each
/// service in processes of its own on Kafka, Cassandra, PostgreSQL and Redis.
#[derive(Debug, Parser)]
#[command(name = "chatd", version, after_help = TABLE)]
pub(crate) struct Cli {
    /// The data folder [default: ~/.local/share/chatd].
    #[arg(long, value_name = "DIR", global = true)]
    pub(crate) data: Option<PathBuf>,
    /// A configuration file in TOML.
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) config: Option<PathBuf>,
    /// The gateway's port; the other services count on from it, the admin API is 10 above [default: 8080].
    #[arg(long, value_name = "N", global = true)]
    pub(crate) port: Option<u16>,
    /// The address that the services listen on; the admin API stays on loopback [default: 127.0.0.1].
    #[arg(long, value_name = "ADDR", global = true)]
    pub(crate) bind: Option<IpAddr>,
    /// Sets any configuration key to a TOML value; may be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE", global = true)]
    pub(crate) set: Vec<String>,
    /// human or json [default: human on a terminal, else json].
    #[arg(long, value_name = "FORMAT", global = true)]
    pub(crate) log_format: Option<String>,
    /// The services that this process runs, such as chat,websocket [default: all eight].
    #[arg(long, value_name = "A,B", global = true)]
    pub(crate) roles: Option<String>,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Shows, checks or documents the configuration.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Runs the gateway alone: the one address that clients know, in front of the other services.
    Gateway,
    /// Runs the auth service alone.
    Auth,
    /// Runs the user service alone.
    User,
    /// Runs the presence service alone.
    Presence,
    /// Runs the chat service alone.
    Chat,
    /// Runs the websocket service alone, beside a chatd that holds the data folder, or on the engines.
    Websocket,
    /// Runs the media service alone; in this build it answers health only.
    Media,
    /// Runs the notification service alone; in this build it answers health only.
    Notification,
    #[command(external_subcommand)]
    Other(Vec<OsString>),
}

#[derive(Clone, Copy, Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Prints the effective configuration: every key, wherever its value came from.
    Show,
    /// Reads the configuration and says whether chatd would start with it.
    Check,
    /// Prints a sample file with every key, its meaning, unit, bound and default.
    Doc,
}

/// What the command line asks for.
pub(crate) enum Task {
    Serve(Roles),
    Config(ConfigCommand),
}

impl Cli {
    /// Reads the command line; help and version are printed here, and so is what does not parse.
    pub(crate) fn read() -> Result<Self, ExitCode> {
        Self::try_parse().map_err(|error| {
            let _ = error.print();
            if error.use_stderr() { ExitCode::from(Exit::Usage as u8) } else { ExitCode::SUCCESS }
        })
    }

    /// The task, or why there is none.
    pub(crate) fn task(&self) -> Result<Task, Failure> {
        let role = match &self.command {
            None => None,
            Some(Command::Config(command)) => return Ok(Task::Config(*command)),
            Some(Command::Gateway) => Some(Service::Gateway),
            Some(Command::Auth) => Some(Service::Auth),
            Some(Command::User) => Some(Service::User),
            Some(Command::Presence) => Some(Service::Presence),
            Some(Command::Chat) => Some(Service::Chat),
            Some(Command::Websocket) => Some(Service::Websocket),
            Some(Command::Media) => Some(Service::Media),
            Some(Command::Notification) => Some(Service::Notification),
            Some(Command::Other(words)) => return Err(unknown(words)),
        };
        match (role, &self.roles) {
            (None, None) => Ok(Task::Serve(Roles::all())),
            (Some(role), None) => Ok(Task::Serve(Roles::one(role))),
            (None, Some(names)) => Ok(Task::Serve(Roles::read(names)?)),
            (Some(role), Some(_)) => {
                let hint = "name all of them with --roles, or one as a command";
                let message = format!("`chatd {}` and --roles say two things", role.name());
                Err(Failure::new(Exit::Usage, message, hint))
            }
        }
    }
}

fn unknown(words: &[OsString]) -> Failure {
    let word = words.first().map(|word| word.to_string_lossy().into_owned()).unwrap_or_default();
    let known = Service::ALL.iter().map(|service| service.name()).chain(["config"]);
    let hint = match crate::config::nearest(&word, known) {
        Some(near) => format!("did you mean `chatd {near}`? `chatd --help` lists what there is"),
        None => "`chatd --help` lists what there is".to_owned(),
    };
    Failure::new(Exit::Usage, format!("there is no command {word:?}"), hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(words: &[&str]) -> Result<Task, Failure> {
        Cli::try_parse_from([&["chatd"], words].concat()).unwrap().task()
    }

    #[test]
    fn roles_are_named_by_command_or_by_list() {
        let roles = |words: &[&str]| match task(words) {
            Ok(Task::Serve(roles)) => roles,
            _ => panic!("{words:?}"),
        };
        assert_eq!(roles(&[]), Roles::all());
        assert_eq!(roles(&["websocket", "--port", "1"]), Roles::one(Service::Websocket));
        let both = roles(&["--roles", "user, auth"]);
        assert!(both.has(Service::Auth) && both.has(Service::User) && !both.has(Service::Chat));
        for bad in [&["--roles", "auth,usr"][..], &["--roles", ""], &["chat", "--roles", "auth"], &["confg"]]
        {
            assert_eq!(task(bad).err().unwrap().exit, Exit::Usage, "{bad:?}");
        }
        assert!(task(&["--roles", "usr"]).err().unwrap().hint.contains("user"));
        assert!(task(&["confg"]).err().unwrap().hint.contains("chatd config"));
    }

    #[test]
    fn flags_go_before_and_behind_the_command() {
        for words in [["--port", "9000", "config", "show"], ["config", "show", "--port", "9000"]] {
            let cli = Cli::try_parse_from([&["chatd"], words.as_slice()].concat()).unwrap();
            assert_eq!(cli.port, Some(9000));
            assert!(matches!(cli.task(), Ok(Task::Config(ConfigCommand::Show))));
        }
    }
}
