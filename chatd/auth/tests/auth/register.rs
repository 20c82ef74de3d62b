use crate::fixture::{Service, config, post};
use auth::Config;
use schema::Code;
use schema::api::Session;
use serde_json::json;

#[tokio::test]
async fn the_seeds_body_registers_and_signs_in() {
    let service = Service::start().await;
    let body = json!({"phoneNumber":"+1234567890","password":"password123","displayName":"John Doe"});
    let session: Session = service.call(post("/api/auth/register").json(body.clone())).await.expect(201);
    assert_eq!(session.phone_number.unwrap().as_str(), "+1234567890");
    assert_eq!(session.display_name.as_str(), "John Doe");
    assert_eq!((session.token_type.as_str(), session.expires_in), ("Bearer", 900));
    assert!(service.opens(&session.access_token).await);

    let login = json!({"phoneNumber":"+1234567890","password":"password123"});
    let again: Session = service.call(post("/api/auth/login").json(login)).await.expect(200);
    assert_eq!(again.user_id, session.user_id);
    assert_ne!(again.session_id, session.session_id);

    let problem = service.call(post("/api/auth/register").json(body)).await.problem(Code::UserAlreadyExists);
    assert_eq!(problem.errors[0].field, "phoneNumber");
}

#[tokio::test]
async fn a_taken_username_is_told() {
    let service = Service::start().await;
    let body =
        |phone| json!({"phoneNumber":phone,"password":"correct horse","displayName":"A","username":"User1"});
    service.call(post("/api/auth/register").json(body("+10000001"))).await.expect::<Session>(201);
    let answer = service.call(post("/api/auth/register").json(body("+10000002"))).await;
    assert_eq!(answer.problem(Code::UserAlreadyExists).errors[0].field, "username");
}

#[tokio::test]
async fn of_two_at_once_one_registers() {
    let service = Service::start().await;
    let body = json!({"phoneNumber":"+10000001","password":"correct horse","displayName":"A"});
    let one = || service.call(post("/api/auth/register").json(body.clone()));
    let (a, b) = tokio::join!(one(), one());
    let mut statuses = [a.status.as_u16(), b.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409]);
}

#[tokio::test]
async fn every_broken_field_is_named_with_its_bound() {
    let service = Service::start().await;
    let body =
        json!({"phoneNumber":"123","password":"short","displayName":" ","username":"1","deviceName":"\n"});
    let problem = service.call(post("/api/auth/register").json(body)).await.problem(Code::Invalid);
    let fields: Vec<_> = problem.errors.iter().map(|error| error.field.as_str()).collect();
    assert_eq!(fields, ["phoneNumber", "password", "displayName", "username", "deviceName"]);
    assert!(problem.errors.iter().all(|error| error.bound.is_some()), "{problem:?}");

    let problem = service.call(post("/api/auth/register").json(json!({}))).await.problem(Code::Invalid);
    assert_eq!(problem.errors.len(), 3);
    let body = json!({"phoneNumber":5});
    let problem = service.call(post("/api/auth/register").json(body)).await.problem(Code::Malformed);
    assert_eq!(problem.errors[0].field, "phoneNumber");
    service.call(post("/api/auth/register")).await.problem(Code::UnsupportedMediaType);
}

#[tokio::test]
async fn an_address_registers_only_so_many_a_minute() {
    let service = Service::with(Config { registrations_per_minute: 2, ..config() }).await;
    let body =
        |n: u32| json!({"phoneNumber":format!("+1000000{n}"),"password":"correct horse","displayName":"A"});
    for n in 0..2 {
        service.call(post("/api/auth/register").json(body(n))).await.expect::<Session>(201);
    }
    let answer = service.call(post("/api/auth/register").json(body(2))).await;
    answer.problem(Code::RateLimited);
    let seconds: u32 = answer.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=60).contains(&seconds));
    let elsewhere = post("/api/auth/register").json(body(2)).from("10.0.0.2");
    service.call(elsewhere).await.expect::<Session>(201);
}

#[tokio::test]
async fn a_full_hash_queue_is_503_with_a_time() {
    let service = Service::with(Config { hash_queue: 0, ..config() }).await;
    let body = json!({"phoneNumber":"+10000001","password":"correct horse","displayName":"A"});
    let answer = service.call(post("/api/auth/register").json(body)).await;
    answer.problem(Code::Unavailable);
    assert!(answer.headers.contains_key("retry-after"));
    let answer = service.login("+10000001").await;
    answer.problem(Code::Unavailable);
}
