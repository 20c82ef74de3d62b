//! The seed's "Send Message", and that it is there afterwards.

use crate::server::Server;
use serde_json::{Value, json};
use std::time::Duration;

/// Repeats of a send before a 503 is taken for the last word.
const REPEATS: usize = 30;

async fn send(server: &Server, token: &str, body: &Value) -> (u16, Value) {
    let request = reqwest::Client::new().post(server.api("/api/chat/messages")).bearer_auth(token).json(body);
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

async fn get(server: &Server, token: &str, path: &str) -> (u16, Value) {
    let response = reqwest::Client::new().get(server.api(path)).bearer_auth(token).send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

fn hello() -> Value {
    json!({ "senderId": "user1", "recipientId": "user2", "content": "Hello!", "messageType": "TEXT" })
}

#[tokio::test]
async fn the_seeds_message_is_sent_with_the_seeds_fields_and_read_by_both() {
    let server = Server::start().await;
    let tokens = server.people(&["user1", "user2"]).await;
    let (status, message) = send(&server, &tokens[0], &hello()).await;
    assert_eq!(status, 201, "{message}");
    for field in ["messageId", "senderId", "recipientId", "timestamp"] {
        assert!(message[field].is_string(), "{field} is missing: {message}");
    }
    assert_eq!(message["content"], "Hello!");
    assert_eq!(message["messageType"], "TEXT");
    assert_eq!(message["status"], "SENT");
    assert_eq!(message["sequence"], 1);
    for (token, peer) in [(&tokens[0], "user2"), (&tokens[1], "user1")] {
        let (status, page) = get(&server, token, &format!("/api/chat/conversations/{peer}/messages")).await;
        assert_eq!(status, 200, "{page}");
        assert_eq!(page["messages"][0]["messageId"], message["messageId"]);
    }
}

/// Sends as a client does: again under the same id while the answer is a 503, after the time that it names.
async fn settle(server: &Server, token: &str, body: &Value) -> (u16, Value) {
    let mut answer = send(server, token, body).await;
    for _ in 0..REPEATS {
        if answer.0 != 503 {
            break;
        }
        let wait_s = answer.1["retryAfter"].as_u64().unwrap();
        tokio::time::sleep(Duration::from_secs(wait_s)).await;
        answer = send(server, token, body).await;
    }
    answer
}

#[tokio::test]
async fn an_acknowledged_message_survives_kill_9_and_a_repeat_is_the_same_message() {
    let mut server = Server::start().await;
    let tokens = server.people(&["user1", "user2"]).await;
    let mut body = hello();
    body["clientMessageId"] = "c-1".into();
    let (status, first) = send(&server, &tokens[0], &body).await;
    assert_eq!(status, 201, "{first}");
    server.kill_minus_9();
    server.restart().await;
    let (status, repeat) = settle(&server, &tokens[0], &body).await;
    assert_eq!((status, &repeat["messageId"]), (200, &first["messageId"]), "{repeat}");
    body["content"] = "Another".into();
    let (status, problem) = settle(&server, &tokens[0], &body).await;
    assert_eq!((status, &problem["code"]), (409, &"client-message-id-reused".into()));
    let (_, page) = get(&server, &tokens[1], "/api/chat/conversations/user1/messages").await;
    assert_eq!(page["messages"].as_array().unwrap().len(), 1, "{page}");
}

#[tokio::test]
async fn nobody_sends_as_another_or_without_a_token() {
    let server = Server::start().await;
    let tokens = server.people(&["user1", "user2"]).await;
    let (status, problem) = send(&server, &tokens[1], &hello()).await;
    assert_eq!((status, &problem["code"]), (403, &"forbidden".into()));
    let (status, problem) = send(&server, "no-token", &hello()).await;
    assert_eq!((status, &problem["code"]), (401, &"unauthorized".into()));
}
