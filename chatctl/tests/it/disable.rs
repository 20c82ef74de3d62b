//! `user disable`, `user enable` and `limits show`.

use crate::server::Server;
use crate::{chatctl, error, stdout};
use serde_json::{Value, json};

async fn login(server: &Server, username: &str) -> u16 {
    let body = json!({ "username": username, "password": "correct horse" });
    let login = reqwest::Client::new().post(server.api("/api/auth/login")).json(&body);
    login.send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn several_are_disabled_at_once_and_enabled_again() {
    let server = Server::start().await;
    for name in ["ann", "bob"] {
        server.administer("/admin/users", &json!({ "username": name, "password": "correct horse" })).await;
    }
    assert_eq!((login(&server, "ann").await, login(&server, "bob").await), (200, 200));
    let run = |line: &str| chatctl(&server, &line.split(' ').collect::<Vec<_>>());

    // Twice: what is done already is no failure.
    for _ in 0..2 {
        let table = run("user disable ann bob");
        assert_eq!(table.status.code(), Some(0), "{table:?}");
        let lines: Vec<&str> = stdout(&table).lines().collect();
        assert_eq!(lines.len(), 3);
        assert!(lines[1].starts_with("ann") && lines[1].ends_with("disabled"), "{lines:?}");
    }
    assert_eq!((login(&server, "ann").await, login(&server, "bob").await), (401, 401));
    assert!(stdout(&run("user get ann -o json")).contains("\"disabled\": true"));

    assert_eq!(run("user enable ann").status.code(), Some(0));
    assert_eq!((login(&server, "ann").await, login(&server, "bob").await), (200, 401));

    let some = run("user enable bob nobody -o json");
    assert_eq!(some.status.code(), Some(6));
    let results: Value = serde_json::from_str(stdout(&some)).unwrap();
    assert_eq!(results["results"][0]["disabled"], false);
    assert_eq!(results["results"][1]["error"]["code"], "not-found");
    assert_eq!(login(&server, "bob").await, 200);

    assert_eq!(run("user disable nobody nobodyelse").status.code(), Some(5));
    let one = run("user disable nobody -o json");
    assert_eq!((one.status.code(), error(&one)["code"].as_str()), (Some(5), Some("not-found")));
    assert_eq!(run("user disable").status.code(), Some(2));
}

#[tokio::test]
async fn limits_are_those_of_the_gateway() {
    let server = Server::start_with(&["limits.messages_burst=77"]).await;
    let limits: Value =
        serde_json::from_str(stdout(&chatctl(&server, &["limits", "show", "-o", "json"]))).unwrap();
    let public: Value = reqwest::get(server.api("/api/limits")).await.unwrap().json().await.unwrap();
    assert_eq!(limits, public);
    let table = chatctl(&server, &["limits", "show"]);
    let line = stdout(&table).lines().find(|line| line.starts_with("limits.messages_burst")).unwrap();
    assert_eq!(line.split_whitespace().collect::<Vec<_>>(), ["limits.messages_burst", "77", "messages"]);
}
