//! Looking people up, and what administrators read.

use crate::fixture::Service;
use axum::body::Body;
use axum::http::Request;
use schema::{Code, User, UserId};
use serde_json::json;
use tower::ServiceExt;
use user::Config;

#[tokio::test]
async fn others_are_found_by_id_and_username_without_their_phone_number() {
    let service = Service::start(2).await;
    for name in [service.ids[1].to_string(), "user2".to_owned(), "USER2".to_owned()] {
        let user: User = service.get(0, &format!("/api/users/{name}")).await.json(200);
        assert_eq!((user.user_id, user.phone_number), (service.ids[1], None));
    }
    let user: User = service.get(0, "/api/users?username=user2").await.json(200);
    assert_eq!((user.user_id, user.phone_number), (service.ids[1], None));
    let own: User = service.get(0, "/api/users/user1").await.json(200);
    assert!(own.phone_number.is_some(), "one's own");
}

#[tokio::test]
async fn who_has_the_phone_number_sees_it() {
    let service = Service::start(2).await;
    // A plus that is not encoded is a space to every server; people write it so nevertheless.
    for query in ["%2B10000002", "+10000002"] {
        let user: User = service.get(0, &format!("/api/users?phoneNumber={query}")).await.json(200);
        assert_eq!(user.phone_number.unwrap().as_str(), "+10000002");
    }
}

#[tokio::test]
async fn unknown_people_are_404_and_bad_questions_400() {
    let service = Service::start(2).await;
    let unknown = UserId::draw().to_string();
    for name in [unknown.as_str(), "nobody", "-", "%F0%9F%98%80", "a%00b"] {
        service.get(0, &format!("/api/users/{name}")).await.problem(Code::NotFound);
    }
    service.get(0, "/api/users?phoneNumber=%2B19999999").await.problem(Code::NotFound);
    for (query, field) in [
        ("", "phoneNumber"),
        ("?phoneNumber=%2B10000002&username=user2", "username"),
        ("?phoneNumber=123", "phoneNumber"),
        ("?username=-", "username"),
        ("?username=user1&username=user2", "username"),
    ] {
        let problem = service.get(0, &format!("/api/users{query}")).await.problem(Code::Invalid);
        assert_eq!(problem.errors[0].field, field, "{query}");
    }
    service.get(0, "/api/users?name=x").await.problem(Code::Invalid);
    service.get(0, "/api/users/%ff").await.problem(Code::Malformed);
}

#[tokio::test]
async fn nobody_sees_anything_without_a_token() {
    let service = Service::start(2).await;
    for path in [
        "/api/users/me",
        "/api/users/user2",
        "/api/users?username=user2",
        "/api/users/me/contacts",
        "/api/users/me/privacy",
        "/api/users/me/export",
    ] {
        let request = Request::get(path).body(Body::empty()).unwrap();
        assert_eq!(service.app.clone().oneshot(request).await.unwrap().status(), 401);
    }
}

#[tokio::test]
async fn administrators_list_get_and_delete() {
    let service = Service::start(2).await;
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
    service.get(0, "/api/users/user2").await.problem(Code::NotFound);

    service.auth.delete_user(service.ids[0]).await.unwrap();
    service.get(0, "/api/users/me").await.problem(Code::Unauthorized);
}

#[tokio::test]
async fn look_ups_are_bounded_tightly() {
    let service = Service::with(3, |messages| std::sync::Arc::new(messages), 4, Config::default()).await;
    let unknown = "/api/users?phoneNumber=%2B19999999";
    service.get(0, unknown).await.problem(Code::NotFound);
    service.get(0, "/api/users?username=user2").await.json::<User>(200);
    let contact = |phone: &str| json!({"phoneNumber": phone});
    service.post(0, "/api/users/me/contacts", contact("+19999999")).await.problem(Code::NotFound);
    service.post(0, "/api/users/me/contacts", contact("123")).await.problem(Code::Invalid);
    for _ in 0..2 {
        let refused = service.get(0, unknown).await;
        assert!(refused.headers.contains_key("retry-after"));
        refused.problem(Code::RateLimited);
        service.post(0, "/api/users/me/contacts", contact("+10000002")).await.problem(Code::RateLimited);
    }
    service.get(0, "/api/users/user2").await.json::<User>(200);
    service.get(1, unknown).await.problem(Code::NotFound);
}
