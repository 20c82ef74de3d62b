//! `chatctl user delete`.

use super::path;
use crate::cli::Globals;
use crate::client::Client;
use crate::output;
use clap::Args;
use schema::exit::{Exit, Failure};
use std::io::{BufRead as _, IsTerminal as _};

#[derive(Debug, Args)]
pub(crate) struct Delete {
    /// A user id, username or phone number.
    user: String,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
    /// Accept that there is no such user.
    #[arg(long)]
    if_exists: bool,
}

pub(crate) async fn run(args: &Delete, globals: &Globals) -> Result<Exit, Failure> {
    if !args.yes {
        confirm(&args.user)?;
    }
    match Client::new(globals)?.delete(&path(&args.user)).await {
        Err(failure) if args.if_exists && failure.exit == Exit::NotFound => Ok(Exit::Ok),
        result => result.map(|()| Exit::Ok),
    }
}

/// Asks for the name on a terminal; off one it is never asked for.
fn confirm(user: &str) -> Result<(), Failure> {
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        let message = format!("deleting {user} wants a confirmation, and there is no terminal to ask on");
        return Err(Failure::usage(message, "say --yes"));
    }
    output::remark(&format!(
        "This deletes {user}, ends the sessions and closes the sockets. Type the name to go on:"
    ));
    let mut typed = String::new();
    let read = std::io::stdin().lock().read_line(&mut typed);
    if read.is_ok() && typed.trim() == user {
        return Ok(());
    }
    Err(Failure::coded(
        Exit::Refused,
        "not-confirmed",
        "that is another name: nothing was deleted",
        "type the name as given",
    ))
}
