//! People.

mod create;
mod delete;
mod disable;
mod get;
mod import;
mod list;

use crate::cli::Globals;
use clap::Subcommand;
use schema::exit::{Exit, Failure};
use std::io::Read as _;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Creates a user.
    Create(create::Create),
    /// Shows a user.
    Get(get::Get),
    /// Lists users in the order of their ids.
    List(list::List),
    /// Creates many users from CSV or NDJSON.
    Import(import::Import),
    /// Disables users: ends the sessions, closes the sockets, lets nobody sign in.
    Disable(disable::Names),
    /// Enables users who were disabled.
    Enable(disable::Names),
    /// Deletes a user, ends the sessions and closes the sockets.
    Delete(delete::Delete),
}

pub(crate) async fn run(verb: Verb, globals: &Globals) -> Result<Exit, Failure> {
    match verb {
        Verb::Create(args) => create::run(args, globals).await,
        Verb::Get(args) => get::run(&args, globals).await,
        Verb::List(args) => list::run(&args, globals).await,
        Verb::Import(args) => import::run(&args, globals).await,
        Verb::Disable(args) => disable::run(&args, true, globals).await,
        Verb::Enable(args) => disable::run(&args, false, globals).await,
        Verb::Delete(args) => delete::run(&args, globals).await,
    }
}

/// The admin API's path of a user, named by id, username or phone number.
fn path(user: &str) -> String {
    let mut path = "/admin/users/".to_owned();
    for byte in user.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.".contains(&byte) {
            path.push(char::from(byte));
        } else {
            path.push_str(&format!("%{byte:02X}"));
        }
    }
    path
}

/// A secret from a file, or from stdin for `-`; the line end is not part of it.
fn secret(file: &str) -> Result<String, Failure> {
    let mut text = String::new();
    let read = if file == "-" {
        std::io::stdin().read_to_string(&mut text).map(drop)
    } else {
        std::fs::read_to_string(file).map(|read| text = read)
    };
    read.map_err(|error| {
        let message = format!("cannot read the password from {file}: {error}");
        Failure::usage(message, "name a file that holds the password, or - for stdin")
    })?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    Ok(line.strip_suffix('\r').unwrap_or(line).to_owned())
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_name_cannot_leave_its_place_in_the_path() {
        assert_eq!(super::path("+1234567890"), "/admin/users/%2B1234567890");
        assert_eq!(super::path("../x?y#z"), "/admin/users/..%2Fx%3Fy%23z");
    }
}
