//! `token mint`, and the accounts that can only be entered by it.

use crate::server::Server;
use crate::{chatctl, chatctl_reading, stdout};

#[tokio::test]
async fn one_token_is_printed_alone_and_opens_the_api() {
    let server = Server::start().await;
    for name in ["user1", "user2"] {
        assert_eq!(chatctl(&server, &["user", "create", "--username", name]).status.code(), Some(0));
    }
    let output = chatctl(&server, &["token", "mint", "user1", "--expires-in", "24h"]);
    let token = stdout(&output).strip_suffix('\n').unwrap();
    assert_eq!(token.split('.').count(), 3, "one token and nothing else: {output:?}");
    let body = serde_json::json!({ "senderId": "user1", "recipientId": "user2", "content": "Hello!", "messageType": "TEXT" });
    let request =
        reqwest::Client::new().post(server.api("/api/chat/messages")).bearer_auth(token).json(&body);
    assert_eq!(request.send().await.unwrap().status(), 201);

    let many = chatctl(&server, &["token", "mint", "user1", "user2"]);
    let many: serde_json::Value = serde_json::from_str(stdout(&many)).unwrap();
    assert_eq!(many["tokens"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_password_from_stdin_opens_the_account() {
    let server = Server::start().await;
    let words = ["user", "create", "--username", "ann", "--password-file", "-"];
    assert_eq!(chatctl_reading(&server, &words, "correct horse\n").status.code(), Some(0));
    let login = serde_json::json!({ "username": "ann", "password": "correct horse" });
    let login = reqwest::Client::new().post(server.api("/api/auth/login")).json(&login).send().await.unwrap();
    assert_eq!(login.status(), 200);
}
