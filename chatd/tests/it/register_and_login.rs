//! The seed's register and login, unchanged.

use crate::server::Server;
use serde_json::Value;

const REGISTER: &str = r#"{"phoneNumber":"+1234567890","password":"password123","displayName":"John Doe"}"#;
const LOGIN: &str = r#"{"phoneNumber":"+1234567890","password":"password123"}"#;

async fn post(url: &str, body: &'static str) -> (u16, Value) {
    let request = reqwest::Client::new().post(url).header("Content-Type", "application/json").body(body);
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

#[tokio::test]
async fn the_seeds_curls_register_and_log_in_and_the_token_opens_the_api() {
    let server = Server::start().await;
    let (status, session) = post(&server.api("/api/auth/register"), REGISTER).await;
    assert_eq!(status, 201, "{session}");
    for field in ["accessToken", "refreshToken", "sessionId", "userId"] {
        assert!(session[field].is_string(), "{field} is missing: {session}");
    }
    assert_eq!(session["tokenType"], "Bearer");
    assert_eq!(session["displayName"], "John Doe");

    let (status, again) = post(&server.api("/api/auth/register"), REGISTER).await;
    assert_eq!((status, &again["code"]), (409, &"user-already-exists".into()));

    let (status, login) = post(&server.api("/api/auth/login"), LOGIN).await;
    assert_eq!(status, 200, "{login}");
    let me = reqwest::Client::new()
        .get(server.api("/api/users/me"))
        .bearer_auth(login["accessToken"].as_str().unwrap());
    let me: Value = me.send().await.unwrap().json().await.unwrap();
    assert_eq!(me["userId"], session["userId"]);
}

#[tokio::test]
async fn accounts_and_tokens_survive_kill_9() {
    let mut server = Server::start().await;
    let (_, session) = post(&server.api("/api/auth/register"), REGISTER).await;
    server.kill_minus_9();
    server.restart().await;
    let me = reqwest::Client::new()
        .get(server.api("/api/users/me"))
        .bearer_auth(session["accessToken"].as_str().unwrap());
    assert_eq!(me.send().await.unwrap().status(), 200, "a token from before must still be good");
    let (status, login) = post(&server.api("/api/auth/login"), LOGIN).await;
    assert_eq!(status, 200, "{login}");
}
