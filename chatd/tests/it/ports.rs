//! Nine ports, and what each answers.

use crate::server::Server;
use serde_json::Value;

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
    let wrong = reqwest::Client::new().delete(server.api("/api/limits")).send().await.unwrap();
    assert_eq!((wrong.status().as_u16(), &wrong.headers()["allow"]), (405, &"GET,HEAD".parse().unwrap()));
    assert_eq!(wrong.json::<Value>().await.unwrap()["code"], "method-not-allowed");
    let hint = reqwest::get(server.api("/")).await.unwrap();
    assert_eq!(hint.status(), 200);
    assert!(hint.text().await.unwrap().contains("/openapi.json"));
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
