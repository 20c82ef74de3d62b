//! The command line: the nouns and what every verb takes.

use crate::output::Format;
use crate::{health, limits, schemas, token, topics, user};
use clap::{Args, Parser, Subcommand};
use schema::exit::TABLE;
use std::path::PathBuf;

/// Administers a chatd.
#[derive(Debug, Parser)]
#[command(name = "chatctl", version, after_help = TABLE)]
pub(crate) struct Cli {
    #[command(flatten, next_help_heading = "Options of every command")]
    pub(crate) globals: Globals,
    #[command(subcommand)]
    pub(crate) noun: Noun,
}

/// What every verb takes, anywhere on the line.
#[derive(Clone, Debug, Args)]
pub(crate) struct Globals {
    /// How the result is printed [default: table].
    #[arg(short = 'o', long, value_name = "FORMAT", global = true)]
    pub(crate) output: Option<Format>,
    /// The admin API.
    #[arg(
        long,
        value_name = "URL",
        env = "CHATCTL_SERVER",
        default_value = "http://127.0.0.1:8090",
        global = true,
        hide_env_values = true
    )]
    pub(crate) server: String,
    /// chatd's data folder, where the admin token is found [default: ~/.local/share/chatd].
    #[arg(long, value_name = "DIR", global = true)]
    pub(crate) data: Option<PathBuf>,
    /// The admin token's file; beats --data.
    #[arg(long, value_name = "FILE", env = "CHATCTL_TOKEN_FILE", global = true, hide_env_values = true)]
    pub(crate) token_file: Option<PathBuf>,
    /// How long to wait for an answer, such as 10s or 2m.
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = seconds, global = true)]
    pub(crate) timeout: u64,
}

impl Globals {
    pub(crate) fn format(&self) -> Option<Format> {
        self.output
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Noun {
    /// People: create, get, list, import, disable, enable, delete.
    #[command(subcommand)]
    User(user::Verb),
    /// Access tokens: mint.
    #[command(subcommand)]
    Token(token::Verb),
    /// What people may send, and how much of it: show.
    #[command(subcommand)]
    Limits(limits::Verb),
    /// Topics of Kafka: list, describe, create, lag, dlq, adopt.
    Topic(topics::Topic),
    /// What PostgreSQL, Cassandra and Kafka must hold: status, plan, apply, verify.
    Schema(schemas::Schema),
    /// Says whether chatd and each of its parts is up.
    Health(health::Health),
}

/// Reads a span of time, such as `90`, `30s`, `15m`, `24h` or `7d`, in seconds.
pub(crate) fn seconds(text: &str) -> Result<u64, String> {
    let (digits, unit) = match text.char_indices().find(|(_, c)| !c.is_ascii_digit()) {
        Some((at, _)) => text.split_at(at),
        None => (text, "s"),
    };
    let factor = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return Err("write a whole number and s, m, h or d, such as 24h".to_owned()),
    };
    let seconds = digits.parse::<u64>().ok().and_then(|n| n.checked_mul(factor)).filter(|n| *n > 0);
    seconds.ok_or_else(|| "write a whole number above 0 and s, m, h or d, such as 24h".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn spans_of_time() {
        for (text, expected) in [("90", 90), ("30s", 30), ("15m", 900), ("24h", 86_400), ("7d", 604_800)] {
            assert_eq!(seconds(text), Ok(expected));
        }
        for text in ["", "h", "0s", "1w", "-1s", "1.5h", "99999999999999999999d"] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }

    #[test]
    fn help_shows_every_exit_code() {
        let help = Cli::command().render_help().to_string();
        for code in ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "130"] {
            assert!(
                help.lines().any(|line| line.split_whitespace().next() == Some(code)),
                "{code} is missing"
            );
        }
    }
}
