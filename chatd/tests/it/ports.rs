//! Nine ports, what each answers, and how the process ends.

use crate::server::{Server, binary, command, free_ports};
use serde_json::Value;
use std::process::Command;

#[tokio::test]
async fn every_service_has_a_port_with_health_and_answers_problems_for_the_rest() {
    let server = Server::start().await;
    for offset in 0..8 {
        for path in
            ["/actuator/health", "/actuator/health/liveness", "/actuator/health/readiness", "/actuator/info"]
        {
            let response = reqwest::get(server.at(offset, path)).await.unwrap();
            assert_eq!(response.status(), 200, "{path} at {offset}");
        }
        let metrics =
            reqwest::get(server.at(offset, "/actuator/prometheus")).await.unwrap().text().await.unwrap();
        assert!(metrics.contains("chatd_"), "{metrics}");
        let response = reqwest::get(server.at(offset, "/nothing")).await.unwrap();
        assert_eq!(response.status(), 404);
        assert_eq!(response.headers()["content-type"], "application/problem+json");
        let problem: Value = response.json().await.unwrap();
        assert_eq!(problem["code"], "not-found");
        assert_eq!(reqwest::get(server.at(offset, "/api/nothing")).await.unwrap().status(), 401);
    }
    let wrong = reqwest::Client::new().delete(server.api("/api/auth/login")).send().await.unwrap();
    assert!([401, 405].contains(&wrong.status().as_u16()), "{}", wrong.status());
}

#[tokio::test]
async fn each_service_serves_its_own_routes_only() {
    let server = Server::start().await;
    let token = server.people(&["user1"]).await.remove(0);
    let homes = [("/api/auth/sessions", 1), ("/api/users/me", 2), ("/api/chat/conversations", 4)];
    for (path, home) in homes {
        for offset in 0..8 {
            let status = reqwest::Client::new()
                .get(server.at(offset, path))
                .bearer_auth(&token)
                .send()
                .await
                .unwrap()
                .status();
            let expected = if offset == 0 || offset == home { 200 } else { 404 };
            assert_eq!(status, expected, "{path} at {offset}");
        }
    }
    let limits: Value = reqwest::get(server.api("/api/limits")).await.unwrap().json().await.unwrap();
    let limits = limits["limits"].as_array().unwrap();
    assert!(limits.iter().any(|limit| limit["key"] == "limits.content_chars" && limit["value"] == 4096));
}

#[tokio::test]
async fn calls_beyond_the_limit_are_429_with_the_time_to_come_back() {
    let server = Server::start_with(&["limits.requests_per_minute=3"]).await;
    let token = server.people(&["user1"]).await.remove(0);
    let call = || reqwest::Client::new().get(server.api("/api/users/me")).bearer_auth(&token).send();
    for _ in 0..3 {
        assert_eq!(call().await.unwrap().status(), 200);
    }
    let refused = call().await.unwrap();
    assert_eq!(refused.status(), 429);
    assert!(refused.headers().contains_key("retry-after"));
    assert_eq!(reqwest::get(server.api("/actuator/health")).await.unwrap().status(), 200);
}

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
