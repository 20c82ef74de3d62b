//! What the gateway answers itself.

use crate::fixture::{Front, Process, all_at, at};
use gateway::{Place, Table};
use utoipa_axum::router::OpenApiRouter;

#[tokio::test]
async fn without_any_service_here_the_descriptions_are_the_checked_in_ones() {
    let process = Process::start("all");
    let front = Front::open(all_at(&process));
    for (path, file) in [
        ("/openapi.json", include_str!("../../../../schema/openapi.json")),
        ("/asyncapi.json", include_str!("../../../../schema/asyncapi.json")),
    ] {
        // The same files are compared with what a whole process makes of its routes (chatd/tests/it/openapi.rs).
        assert_eq!(front.get(path).await.unwrap().text().await.unwrap(), file, "{path}");
    }
    for path in ["/", "/docs", "/api/limits", "/actuator/info", "/metrics"] {
        assert_eq!(front.get(path).await.unwrap().status(), 200, "{path}");
    }
    assert_eq!(process.arrived(), 0);
}

#[tokio::test]
async fn services_may_be_here_and_elsewhere() {
    async fn login() -> &'static str {
        "here"
    }
    let routes: OpenApiRouter =
        axum::Router::new().route("/api/auth/login", axum::routing::post(login)).into();
    let chat = Process::start("chat");
    let table = Table { auth: Place::here(routes), chat: at(&[&chat]), ..Table::default() };
    let front = Front::open(table);
    let client = &front.client;
    let answer = client.post(front.url("/api/auth/login")).send().await.unwrap();
    assert_eq!(answer.text().await.unwrap(), "here");
    assert_eq!(client.get(front.url("/api/chat/sync")).send().await.unwrap().headers()["x-who"], "chat");
    // This process knows tokens, so it decides itself who is a stranger.
    for path in ["/api/none", "/api/auth/sessions", "/api/users/me"] {
        assert_eq!(client.get(front.url(path)).send().await.unwrap().status(), 401, "{path}");
    }
    assert_eq!(chat.arrived(), 1);
}
