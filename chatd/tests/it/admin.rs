//! The admin API.

use crate::server::Server;
use crate::stomp::Client;
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;
use tokio::time::timeout;

async fn call(server: &Server, method: reqwest::Method, path: &str) -> (u16, Value) {
    let request =
        reqwest::Client::new().request(method, server.admin(path)).bearer_auth(server.admin_token());
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap_or(Value::Null))
}

#[tokio::test]
async fn nothing_is_answered_without_the_token() {
    let server = Server::start().await;
    for token in ["", "wrong", &server.admin_token()[1..]] {
        for path in ["/admin/users", "/admin/health", "/admin/nothing"] {
            let response =
                reqwest::Client::new().get(server.admin(path)).bearer_auth(token).send().await.unwrap();
            assert_eq!(response.status(), 401, "{path} with {token:?}");
        }
    }
    let (status, health) = call(&server, reqwest::Method::GET, "/admin/health").await;
    assert_eq!((status, &health["status"]), (200, &"UP".into()));
    assert_eq!(call(&server, reqwest::Method::GET, "/admin/nothing").await.0, 404);
    // A user's token opens nothing here, and the admin token nothing on the gateway.
    let token = server.people(&["user1"]).await.remove(0);
    let response =
        reqwest::Client::new().get(server.admin("/admin/users")).bearer_auth(token).send().await.unwrap();
    assert_eq!(response.status(), 401);
    let response = reqwest::Client::new()
        .get(server.api("/api/users/me"))
        .bearer_auth(server.admin_token())
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 401);
}

#[tokio::test]
async fn users_are_created_listed_found_by_each_name_and_deleted() {
    let server = Server::start().await;
    let body = json!({ "username": "Ann", "phoneNumber": "+4915112345678", "displayName": "Ann A." });
    let ann = server.administer("/admin/users", &body).await;
    assert_eq!((&ann["username"], &ann["hasPassword"]), (&"ann".into(), &false.into()));
    let bob = server.administer("/admin/users", &json!({ "username": "bob" })).await;
    assert_eq!(bob["displayName"], "bob");

    let id = ann["userId"].as_str().unwrap();
    for name in [id, "ann", "ANN", "+4915112345678", "%2B4915112345678"] {
        let (status, found) = call(&server, reqwest::Method::GET, &format!("/admin/users/{name}")).await;
        assert_eq!((status, &found["userId"]), (200, &ann["userId"]), "{name}");
    }
    let (_, page) = call(&server, reqwest::Method::GET, "/admin/users?limit=1").await;
    assert_eq!(page["users"][0]["userId"], ann["userId"]);
    let next = format!("/admin/users?limit=1&cursor={}", page["nextCursor"].as_str().unwrap());
    let (_, page) = call(&server, reqwest::Method::GET, &next).await;
    assert_eq!((&page["users"][0]["userId"], &page["nextCursor"]), (&bob["userId"], &Value::Null));
    assert_eq!(call(&server, reqwest::Method::GET, "/admin/users?limit=201").await.0, 400);
    assert_eq!(call(&server, reqwest::Method::GET, "/admin/users?cursor=x").await.0, 400);

    assert_eq!(call(&server, reqwest::Method::DELETE, "/admin/users/ann").await.0, 204);
    assert_eq!(call(&server, reqwest::Method::DELETE, "/admin/users/ann").await.0, 404);
    assert_eq!(call(&server, reqwest::Method::GET, &format!("/admin/users/{id}")).await.0, 404);
}

#[tokio::test]
async fn a_deleted_users_token_is_dead_at_once_and_the_sockets_close() {
    let server = Server::start().await;
    let token = server.people(&["user1"]).await.remove(0);
    let mut socket = Client::connect(server.port(), &token).await.unwrap();
    let list =
        || reqwest::Client::new().get(server.api("/api/chat/conversations")).bearer_auth(&token).send();
    assert_eq!(list().await.unwrap().status(), 200);
    assert_eq!(call(&server, reqwest::Method::DELETE, "/admin/users/user1").await.0, 204);
    assert_eq!(list().await.unwrap().status(), 401);
    let closed = timeout(Duration::from_secs(10), socket.next()).await.unwrap();
    assert!(closed.is_err(), "the socket must end, not go on with {closed:?}");
    assert!(Client::connect(server.port(), &token).await.is_err());
}

#[tokio::test]
async fn an_import_reports_each_row_and_a_ready_hash_opens_the_account() {
    let server = Server::start().await;
    // `password123` at cost 10.
    let hash = bcrypt::hash("password123", 10).unwrap();
    let rows = json!([{ "username": "user1", "passwordHash": hash }, { "username": "user2" }, { "username": "user1" }]);
    let first = server.administer("/admin/users/import", &json!({ "users": rows })).await;
    let results = first["results"].as_array().unwrap();
    assert_eq!(results.iter().map(|row| row["created"] == true).collect::<Vec<_>>(), [true, true, false]);
    assert!(results[2]["error"].is_string(), "{first}");
    let again =
        server.administer("/admin/users/import", &json!({ "users": rows, "onConflict": "skip" })).await;
    for row in 0..2 {
        assert_eq!(again["results"][row]["userId"], results[row]["userId"]);
        assert_eq!(again["results"][row]["error"], Value::Null);
    }
    let login = json!({ "username": "user1", "password": "password123" });
    let login = reqwest::Client::new().post(server.api("/api/auth/login")).json(&login).send().await.unwrap();
    assert_eq!(login.status(), 200);

    let many: Vec<Value> = (0..5001).map(|n| json!({ "username": format!("many{n}") })).collect();
    let request =
        reqwest::Client::new().post(server.admin("/admin/users/import")).bearer_auth(server.admin_token());
    assert_eq!(request.json(&json!({ "users": many })).send().await.unwrap().status(), 400);
    let full = server.administer("/admin/users/import", &json!({ "users": many[..5000] })).await;
    assert!(full["results"].as_array().unwrap().iter().all(|row| row["created"] == true));
}

#[tokio::test]
async fn a_disabled_user_signs_in_and_mints_nowhere() {
    let server = Server::start().await;
    let created = json!({ "username": "user1", "password": "a secret of mine" });
    server.administer("/admin/users", &created).await;
    let login = async |password: &str| {
        let body = json!({ "username": "user1", "password": password });
        let login =
            reqwest::Client::new().post(server.api("/api/auth/login")).json(&body).send().await.unwrap();
        let (status, mut body) = (login.status().as_u16(), login.json::<Value>().await.unwrap());
        body["traceId"] = Value::Null;
        (status, body)
    };
    let wrong = login("another secret").await;
    assert_eq!(wrong.0, 401);
    assert_eq!(login("a secret of mine").await.0, 200);
    assert_eq!(call(&server, reqwest::Method::POST, "/admin/users/user1/disable").await.0, 200);
    assert_eq!(login("a secret of mine").await, wrong, "no word of it to who tries");
    let mint = reqwest::Client::new().post(server.admin("/admin/tokens")).bearer_auth(server.admin_token());
    let refused = mint.json(&json!({ "users": ["user1"] })).send().await.unwrap();
    assert_eq!(refused.status(), 400);
    for anonymous in ["disable", "enable"] {
        let path = server.admin(&format!("/admin/users/user1/{anonymous}"));
        assert_eq!(reqwest::Client::new().post(path).send().await.unwrap().status(), 401);
    }
    assert_eq!(call(&server, reqwest::Method::POST, "/admin/users/user1/enable").await.0, 200);
    assert_eq!(login("a secret of mine").await.0, 200);
}

#[tokio::test]
async fn acts_are_audited_without_secrets_and_secret_files_are_private() {
    let server = Server::start().await;
    let created = json!({ "username": "user1", "password": "a secret of mine" });
    server.administer("/admin/users", &created).await;
    let token = server.administer("/admin/tokens", &json!({ "users": ["user1"] })).await;
    let repeat = reqwest::Client::new().post(server.admin("/admin/users")).bearer_auth(server.admin_token());
    assert_eq!(repeat.json(&created).send().await.unwrap().status(), 409);
    for verb in ["disable", "disable", "enable"] {
        let (status, user) =
            call(&server, reqwest::Method::POST, &format!("/admin/users/user1/{verb}")).await;
        assert_eq!((status, &user["disabled"]), (200, &(verb == "disable").into()), "{verb}");
        let (_, user) = call(&server, reqwest::Method::GET, "/admin/users/user1").await;
        assert_eq!(user["disabled"], verb == "disable");
    }
    call(&server, reqwest::Method::DELETE, "/admin/users/user1").await;
    assert_eq!(call(&server, reqwest::Method::POST, "/admin/users/user1/disable").await.0, 404);

    let text = std::fs::read_to_string(server.data.join("audit.log")).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let acts: Vec<_> = lines
        .iter()
        .map(|line| (line["action"].as_str().unwrap(), line["outcome"].as_str().unwrap()))
        .collect();
    let expected = [
        ("user.create", "ok"),
        ("token.mint", "ok"),
        ("user.create", "user-already-exists"),
        ("user.disable", "ok"),
        ("user.disable", "ok"),
        ("user.enable", "ok"),
        ("user.delete", "ok"),
        ("user.disable", "not-found"),
    ];
    assert_eq!(acts, expected);
    assert!(lines.iter().all(|line| line["target"] == "user1" && line["traceId"].is_string()));
    let secret = token["tokens"][0]["accessToken"].as_str().unwrap();
    assert!(!text.contains("a secret of mine") && !text.contains(secret));

    let mode = |name: &str| std::fs::metadata(server.data.join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(
        (mode(""), mode("keys"), mode("admin.token"), mode("audit.log")),
        (0o700, 0o700, 0o600, 0o600)
    );
}
