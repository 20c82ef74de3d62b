//! Presence of a whole server: on its own port and the gateway, through a drain and a kill.

use crate::server::Server;
use crate::stomp::Client;
use reqwest::Method;
use serde_json::{Value, json};

/// Port 8083, counted from the gateway's.
const PRESENCE: u16 = 3;

/// Status and body of a call.
async fn call(token: &str, method: Method, url: String, body: Option<Value>) -> (u16, Value) {
    let mut request = reqwest::Client::new().request(method, url).bearer_auth(token);
    if let Some(body) = body {
        request = request.json(&body);
    }
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap_or(Value::Null))
}

async fn see(server: &Server, token: &str, name: &str) -> Value {
    let (status, shown) = call(token, Method::GET, server.api(&format!("/api/presence/{name}")), None).await;
    assert_eq!(status, 200, "{shown}");
    shown
}

#[tokio::test]
async fn presence_survives_a_drain_and_a_kill_as_far_as_it_must() {
    let mut server = Server::start().await;
    let tokens = server.people(&["ann", "bob"]).await;
    let (ann, bob) = (&tokens[0], &tokens[1]);
    for port in [0, PRESENCE] {
        let path = server.at(port, "/api/presence/ann");
        assert_eq!(call(bob, Method::GET, path.clone(), None).await.1["status"], "OFFLINE");
        assert_eq!(reqwest::get(path).await.unwrap().status(), 401);
        let (status, shown) = call(
            bob,
            Method::POST,
            server.at(port, "/api/presence/query"),
            Some(json!({"userIds": ["ann"]})),
        )
        .await;
        assert_eq!((status, shown["presences"].as_array().unwrap().len()), (200, 1));
    }
    let sockets = [
        Client::connect(server.port(), ann).await.unwrap(),
        Client::connect(server.port(), bob).await.unwrap(),
    ];
    assert_eq!(see(&server, bob, "ann").await["status"], "ONLINE");
    let metrics =
        reqwest::get(server.at(PRESENCE, "/actuator/prometheus")).await.unwrap().text().await.unwrap();
    assert!(metrics.contains("chatd_presence_online_users "), "{metrics}");

    // Whoever is there when the process ends was there until then.
    assert!(server.terminate().success());
    drop(sockets);
    server.restart().await;
    let gone = see(&server, bob, "ann").await;
    assert!(gone["status"] == "OFFLINE" && gone["lastSeen"].is_string(), "{gone}");

    // A choice is durable when it is answered.
    let choice = json!({"status": "INVISIBLE"});
    let put = call(bob, Method::PUT, server.at(PRESENCE, "/api/presence/me"), Some(choice)).await;
    assert_eq!(put.0, 204);
    server.kill_minus_9();
    server.restart().await;
    let _socket = Client::connect(server.port(), bob).await.unwrap();
    let hidden = see(&server, ann, "bob").await;
    assert!(hidden["status"] == "OFFLINE" && hidden.get("lastSeen").is_none(), "{hidden}");
    assert_eq!(see(&server, bob, "bob").await["status"], "INVISIBLE");
    assert_eq!(see(&server, bob, "ann").await, gone);
}
