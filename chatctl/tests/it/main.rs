//! chatctl against a real chatd: its exit codes, its JSON and its speed with scripts.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod disable;
mod exit_codes;
mod golden;
mod greeting;
mod import;
#[path = "../../../chatd/engines/tests/schema/place.rs"]
mod place;
mod schema;
#[path = "../../../chatd/tests/it/server.rs"]
mod server;
mod token;
mod topic;

use serde_json::Value;
use server::Server;
use std::io::Write as _;
use std::process::{Command, Output, Stdio};

/// chatctl with these words, pointed at a server.
fn command(server: &Server, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chatctl"));
    command.args(words).arg("--server").arg(server.admin("")).arg("--data").arg(&server.data);
    command.env_remove("CHATCTL_SERVER").env_remove("CHATCTL_TOKEN_FILE").stdin(Stdio::null());
    command
}

fn chatctl(server: &Server, words: &[&str]) -> Output {
    command(server, words).output().unwrap()
}

/// chatctl with this text on stdin.
fn chatctl_reading(server: &Server, words: &[&str], text: &str) -> Output {
    let mut command = command(server, words);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

/// The object on stderr of a verb that failed under `-o json`.
fn error(output: &Output) -> Value {
    assert!(output.stdout.is_empty(), "a failure prints no data: {output:?}");
    let text = std::str::from_utf8(&output.stderr).unwrap();
    serde_json::from_str(text).unwrap_or_else(|_| panic!("stderr is no one object: {text}"))
}
