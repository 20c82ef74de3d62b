//! The table of exit codes: each code met once, with the one object on stderr that scripts read.

use crate::server::Server;
use crate::{chatctl, chatctl_reading, command, error};
use std::net::TcpListener;
use std::process::{Command, Output, Stdio};

#[track_caller]
fn failed(output: &Output, exit: i32, code: &str) {
    let error = error(output);
    assert_eq!((output.status.code(), error["code"].as_str()), (Some(exit), Some(code)), "{error}");
    assert_eq!(error["exit"], exit);
    assert_eq!(error["retriable"], exit == 7);
    for field in ["message", "hint"] {
        assert!(!error[field].as_str().unwrap().is_empty(), "{field} is empty: {error}");
    }
}

#[tokio::test]
async fn each_class_of_failure_has_its_code() {
    let server = Server::start().await;
    let run = |line: &str| chatctl(&server, &line.split(' ').collect::<Vec<_>>());

    assert_eq!(run("user create --username user1 --display-name One").status.code(), Some(0));
    assert_eq!(run("health -o json").status.code(), Some(0));

    failed(&run("user create -o json"), 2, "usage");
    failed(&run("user create --username 1bad -o json"), 2, "usage");
    failed(&run("user create --username user2 --password-file /nothing -o json"), 2, "usage");
    failed(&run("user create --nothing -o json"), 2, "usage");
    failed(&run("token mint user1 --expires-in 31d -o json"), 2, "invalid");
    failed(&run("user delete user1 -o json"), 2, "usage");

    assert_eq!(run("user create --username user1 --if-not-exists").status.code(), Some(0));
    failed(&run("user create --username user1 --display-name Two --if-not-exists -o json"), 3, "differs");

    failed(&run("user get nobody -o json"), 5, "not-found");
    failed(&run("user delete nobody --yes -o json"), 5, "not-found");
    failed(&run("token mint nobody -o json"), 5, "not-found");
    assert_eq!(run("user delete nobody --yes --if-exists").status.code(), Some(0));

    failed(&run("user create --username user1 -o json"), 8, "user-already-exists");
    assert_eq!(run("user delete user1 --yes").status.code(), Some(0));
}

#[tokio::test]
async fn a_missing_or_wrong_token_is_4() {
    let server = Server::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    let run = || {
        let mut command = command(&server, &["user", "list", "-o", "json"]);
        command.env("CHATCTL_TOKEN_FILE", &file).output().unwrap()
    };
    failed(&run(), 4, "no-token");
    std::fs::write(&file, "wrong\n").unwrap();
    failed(&run(), 4, "unauthorized");
    std::fs::copy(server.data.join("admin.token"), &file).unwrap();
    assert_eq!(run().status.code(), Some(0));
}

#[tokio::test]
async fn some_failed_rows_are_6_and_only_failed_rows_are_1() {
    let server = Server::start().await;
    let import = ["user", "import", "-", "-o", "json"];
    assert_eq!(chatctl_reading(&server, &import, "username\nok1\n1bad\n").status.code(), Some(6));
    assert_eq!(chatctl_reading(&server, &import, "username\nok1\n1bad\n").status.code(), Some(1));
}

/// A server that accepts and says nothing.
fn silent() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (listener, url)
}

fn to(url: &str) -> Command {
    let token = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(token.path(), "token").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_chatctl"));
    let (_, path) = token.keep().unwrap();
    command.args(["health", "-o", "json", "--server", url, "--token-file"]).arg(path);
    command
}

#[test]
fn no_answer_is_7_whether_nobody_listens_or_nobody_speaks() {
    let (listener, url) = silent();
    failed(&to(&url).args(["--timeout", "1s"]).output().unwrap(), 7, "timeout");
    drop(listener);
    failed(&to(&url).output().unwrap(), 7, "unreachable");
}

#[test]
fn ctrl_c_is_130() {
    let (listener, url) = silent();
    let child = to(&url).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // Once it has connected it listens for signals, too.
    let connection = listener.accept().unwrap();
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    failed(&child.wait_with_output().unwrap(), 130, "interrupted");
    drop(connection);
}

#[test]
fn help_shows_the_table() {
    let help = Command::new(env!("CARGO_BIN_EXE_chatctl")).arg("--help").output().unwrap();
    assert_eq!(help.status.code(), Some(0));
    let text = String::from_utf8(help.stdout).unwrap();
    for line in ["Exit codes:", "130", "unreachable"] {
        assert!(text.contains(line), "{line} is missing:\n{text}");
    }
}
