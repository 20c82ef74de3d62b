//! The command line of `chatd`.

use crate::exit::{Exit, Failure, TABLE};
use clap::{Parser, Subcommand};
use std::ffi::OsString;
use std::net::IpAddr;
use std::path::PathBuf;
use std::process::ExitCode;

/// One-to-one chat over REST and STOMP: all eight services in one process, nothing else to install.
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
    /// Not in this build: it runs all eight services.
    #[arg(long, value_name = "A,B", hide = true)]
    pub(crate) roles: Option<String>,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Shows, checks or documents the configuration.
    #[command(subcommand)]
    Config(ConfigCommand),
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
    Serve,
    Config(ConfigCommand),
}

const ROLES: [&str; 8] =
    ["gateway", "auth", "user", "presence", "chat", "websocket", "media", "notification"];

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
        if let Some(roles) = &self.roles {
            return Err(refused(&format!("--roles {roles}")));
        }
        match &self.command {
            None => Ok(Task::Serve),
            Some(Command::Config(command)) => Ok(Task::Config(*command)),
            Some(Command::Other(words)) => {
                let word = words.first().map(|w| w.to_string_lossy().into_owned()).unwrap_or_default();
                if ROLES.contains(&word.as_str()) {
                    return Err(refused(&word));
                }
                let known = ROLES.iter().copied().chain(["config"]);
                let hint = match crate::config::nearest(&word, known) {
                    Some(near) => format!("did you mean `chatd {near}`? `chatd --help` lists what there is"),
                    None => "`chatd --help` lists what there is".to_owned(),
                };
                Err(Failure::new(Exit::Usage, format!("there is no command {word:?}"), hint))
            }
        }
    }
}

fn refused(what: &str) -> Failure {
    Failure::new(
        Exit::Usage,
        format!("`chatd {what}`: single services are not in this build"),
        "run `chatd` without it: one process runs all eight services, each on its own port",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(words: &[&str]) -> Result<Task, Failure> {
        Cli::try_parse_from([&["chatd"], words].concat()).unwrap().task()
    }

    #[test]
    fn single_roles_are_refused_with_usage() {
        for words in [vec!["gateway"], vec!["websocket", "--port", "1"], vec!["--roles", "auth,user"]] {
            let failure = task(&words).err().unwrap();
            assert_eq!(failure.exit, Exit::Usage);
            assert!(failure.message.contains("not in this build"), "{failure}");
        }
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
