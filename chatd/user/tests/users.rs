//! The calls of the user service, through the door, on the embedded stores.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use auth::{Auth, Config};
use axum::Router;
use axum::body::Body;
use axum::http::Request;
use edge::{Limiter, Metrics, Revocations, door};
use schema::api::{NewUser, OnConflict, Problem};
use schema::{Code, User, UserId};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::sync::Arc;
use tower::ServiceExt;
use user::Users;

struct Service {
    app: Router,
    users: Users,
    auth: Auth,
    ids: Vec<UserId>,
    /// Of the first user.
    token: String,
    _folder: tempfile::TempDir,
}

impl Service {
    /// With user1 (+10000001) and user2 (+10000002).
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let people = embedded::People::open(&folder.path().join("people.sqlite")).await.unwrap();
        let people = Arc::new(people);
        let config = Config { bcrypt_cost: 4, ..Config::default() };
        let (keys, metrics) = (folder.path().join("keys"), Metrics::new());
        let revocations = Arc::new(Revocations::new());
        let opened = Auth::open(people.clone(), people.clone(), &keys, config, revocations, &metrics);
        let auth = opened.await.unwrap();
        let rows: Vec<NewUser> = (1..=2)
            .map(|n| json!({"username": format!("user{n}"), "phoneNumber": format!("+1000000{n}")}))
            .map(|row| serde_json::from_value(row).unwrap())
            .collect();
        let created = auth.create_users(rows, OnConflict::Fail).await;
        let ids: Vec<_> = created.iter().map(|result| result.user_id.unwrap()).collect();
        let token = auth.mint(ids[..1].to_vec(), None).await.unwrap().remove(0).access_token;
        let users = Users::open(people);
        let (routes, _) = users.routes().split_for_parts();
        let app = door(routes, auth.verifier(), Arc::new(Limiter::new(0)));
        Self { app, users, auth, ids, token, _folder: folder }
    }

    async fn get<T: DeserializeOwned>(&self, path: &str, status: u16) -> T {
        let request = Request::get(path).header("authorization", format!("Bearer {}", self.token));
        let response = self.app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let found = response.status().as_u16();
        let body = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
        assert_eq!(found, status, "{path}: {}", String::from_utf8_lossy(&body));
        serde_json::from_slice(&body).unwrap()
    }

    async fn problem(&self, path: &str, code: Code) -> Problem {
        let problem: Problem = self.get(path, code.status()).await;
        assert_eq!(problem.code, code, "{path}");
        problem
    }
}

#[tokio::test]
async fn me_is_the_seeds_user_whole() {
    let service = Service::start().await;
    let me: Value = service.get("/api/users/me", 200).await;
    assert_eq!(me["userId"], service.ids[0].to_string());
    assert_eq!((&me["phoneNumber"], &me["displayName"]), (&"+10000001".into(), &"user1".into()));
    assert_eq!(me["privacySettings"]["lastSeenPolicy"], "EVERYONE");
    for field in ["avatarUrl", "lastSeen", "username", "createdAt"] {
        assert!(me.get(field).is_some(), "{field}");
    }
}

#[tokio::test]
async fn others_are_found_by_id_and_username_without_their_phone_number() {
    let service = Service::start().await;
    for name in [service.ids[1].to_string(), "user2".to_owned(), "USER2".to_owned()] {
        let user: User = service.get(&format!("/api/users/{name}"), 200).await;
        assert_eq!((user.user_id, user.phone_number), (service.ids[1], None));
    }
    let user: User = service.get("/api/users?username=user2", 200).await;
    assert_eq!((user.user_id, user.phone_number), (service.ids[1], None));
    let own: User = service.get("/api/users/user1", 200).await;
    assert!(own.phone_number.is_some(), "one's own");
}

#[tokio::test]
async fn who_has_the_phone_number_sees_it() {
    let service = Service::start().await;
    // A plus that is not encoded is a space to every server; people write it so nevertheless.
    for query in ["%2B10000002", "+10000002"] {
        let user: User = service.get(&format!("/api/users?phoneNumber={query}"), 200).await;
        assert_eq!(user.phone_number.unwrap().as_str(), "+10000002");
    }
}

#[tokio::test]
async fn unknown_people_are_404_and_bad_questions_400() {
    let service = Service::start().await;
    let unknown = UserId::draw().to_string();
    for name in [unknown.as_str(), "nobody", "-", "%F0%9F%98%80", "a%00b"] {
        service.problem(&format!("/api/users/{name}"), Code::NotFound).await;
    }
    service.problem("/api/users?phoneNumber=%2B19999999", Code::NotFound).await;
    for (query, field) in [
        ("", "phoneNumber"),
        ("?phoneNumber=%2B10000002&username=user2", "username"),
        ("?phoneNumber=123", "phoneNumber"),
        ("?username=-", "username"),
        ("?username=user1&username=user2", "username"),
    ] {
        let problem = service.problem(&format!("/api/users{query}"), Code::Invalid).await;
        assert_eq!(problem.errors[0].field, field, "{query}");
    }
    service.problem("/api/users?name=x", Code::Invalid).await;
    service.problem("/api/users/%ff", Code::Malformed).await;
}

#[tokio::test]
async fn strangers_see_nobody_and_what_is_not_built_is_not_there() {
    let service = Service::start().await;
    for path in ["/api/users/me", "/api/users/user2", "/api/users?username=user2"] {
        let request = Request::get(path).body(Body::empty()).unwrap();
        assert_eq!(service.app.clone().oneshot(request).await.unwrap().status(), 401);
    }
    for later in ["/api/users/me/contacts", "/api/users/me/privacy", "/api/users/me/export"] {
        service.problem(later, Code::NotFound).await;
    }
    let api = service.users.routes().into_openapi();
    let paths: Vec<_> = api.paths.paths.keys().map(String::as_str).collect();
    assert_eq!(paths, ["/api/users", "/api/users/me", "/api/users/{user}"]);
}

#[tokio::test]
async fn administrators_list_get_and_delete() {
    let service = Service::start().await;
    let (page, next) = service.users.list(None, 1).await.unwrap();
    assert_eq!((page[0].user.user_id, next), (service.ids[0], Some(service.ids[0])));
    let (page, next) = service.users.list(next, 10).await.unwrap();
    assert_eq!((page.len(), page[0].user.user_id, next), (1, service.ids[1], None));
    assert!(!page[0].has_password && !page[0].disabled);

    for name in ["user1", "+10000001", &service.ids[0].to_string()] {
        let found = service.users.get(name).await.unwrap();
        assert_eq!(found.user.user_id, service.ids[0]);
        assert!(found.user.phone_number.is_some());
    }
    assert_eq!(service.users.get("nobody").await.unwrap_err().code(), Code::NotFound);

    service.auth.delete_user(service.ids[1]).await.unwrap();
    assert_eq!(service.auth.delete_user(service.ids[1]).await.unwrap_err().code(), Code::NotFound);
    service.problem("/api/users/user2", Code::NotFound).await;

    service.auth.delete_user(service.ids[0]).await.unwrap();
    service.problem("/api/users/me", Code::Unauthorized).await;
}
