//! How the process starts, refuses to, and ends: its exit codes.

use crate::server::{Server, binary, clustered, command, free_ports};
use crate::stomp::Client;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

#[tokio::test]
async fn sigterm_ends_with_0_and_a_taken_port_with_69() {
    let mut server = Server::start().await;
    let folder = tempfile::tempdir().unwrap();
    let second = command(&folder.path().join("data"), server.port()).output().unwrap();
    assert_eq!(second.status.code(), Some(69));
    let words = String::from_utf8(second.stderr).unwrap();
    assert!(words.contains(&server.port().to_string()) && words.contains("--port"), "{words}");
    assert!(!folder.path().join("data").exists(), "nothing is opened before the ports are bound");

    assert_eq!(server.terminate().code(), Some(0));
}

#[tokio::test]
async fn a_folder_has_one_chatd() {
    if clustered() {
        return; // what it holds of its own, several may read
    }
    let server = Server::start().await;
    let second = command(&server.data, free_ports()).output().unwrap();
    assert_eq!(second.status.code(), Some(73));
    let words = String::from_utf8(second.stderr).unwrap();
    assert!(words.contains("another chatd holds"), "{words}");
}

#[test]
fn single_services_are_refused_with_64() {
    for words in [vec!["gateway"], vec!["--roles", "auth"], vec!["--nothing"], vec!["confg"]] {
        let output = Command::new(binary()).args(&words).output().unwrap();
        assert_eq!(output.status.code(), Some(64), "{words:?}");
        assert!(!output.stderr.is_empty());
    }
}

/// Starts chatd where it must not start; its exit code and last words.
fn refusal(data: &Path) -> (Option<i32>, String) {
    let output = command(data, free_ports()).output().unwrap();
    assert!(output.stdout.is_empty(), "it never was ready");
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn a_folder_that_cannot_be_made_is_73() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let (code, words) = refusal(&file.path().join("data"));
    assert_eq!(code, Some(73), "{words}");
    assert!(words.contains("--data"), "{words}");
}

#[tokio::test]
async fn a_secret_that_others_may_read_is_77() {
    let mut server = Server::start().await;
    assert_eq!(server.terminate().code(), Some(0));
    fs::set_permissions(server.data.join("admin.token"), Permissions::from_mode(0o644)).unwrap();
    let (code, words) = refusal(&server.data);
    assert_eq!(code, Some(77), "{words}");
    assert!(words.contains("chmod 600") && words.contains("admin.token"), "{words}");
}

#[tokio::test]
async fn data_that_is_not_what_was_written_is_74() {
    if clustered() {
        return; // the log is Kafka's
    }
    let mut server = Server::start().await;
    server.people(&["user1"]).await;
    assert_eq!(server.terminate().code(), Some(0));
    fs::write(server.data.join("log/meta"), "no log").unwrap();
    let (code, words) = refusal(&server.data);
    assert_eq!(code, Some(74), "{words}");
    assert!(words.contains("meta"), "{words}");
}

#[tokio::test]
async fn secrets_and_cursors_survive_a_restart() {
    let mut server = Server::start().await;
    let token = server.people(&["user1"]).await.remove(0);
    let admin = server.admin_token();
    assert_eq!(server.terminate().code(), Some(0));
    server.restart().await;
    assert_eq!(server.admin_token(), admin);
    let me = reqwest::Client::new().get(server.api("/api/users/me")).bearer_auth(token).send().await.unwrap();
    assert_eq!(me.status(), 200);
    assert!(server.greeting.starts_with("chatd ready in "));
}

#[tokio::test]
async fn a_draining_chatd_is_alive_but_not_ready_and_a_second_signal_ends_it_at_once() {
    let mut server = Server::start().await;
    let token = server.people(&["user1"]).await.remove(0);
    // A client that does not read does not answer the close either, so the drain has to wait for it.
    let _deaf = Client::connect(server.port(), &token).await.unwrap();
    let status = async |path: &str| reqwest::get(server.at(1, path)).await.unwrap().status().as_u16();
    assert_eq!(status("/actuator/health/readiness").await, 200);
    server.send_sigterm();
    while status("/actuator/health/readiness").await != 503 {}
    assert_eq!(status("/actuator/health/liveness").await, 200);
    assert_eq!(server.terminate().code(), Some(143));
}
