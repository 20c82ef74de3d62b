use crate::fixture::{Service, config, post};
use auth::Config;
use schema::Code;
use schema::api::Session;
use serde_json::json;

fn attempt(phone: &str, password: &str) -> crate::fixture::Call {
    post("/api/auth/login").json(json!({"phoneNumber": phone, "password": password}))
}

#[tokio::test]
async fn a_username_signs_in_and_the_cookie_is_for_the_server_alone() {
    let service = Service::start().await;
    let body =
        json!({"phoneNumber":"+10000001","password":"correct horse","displayName":"A","username":"user1"});
    service.call(post("/api/auth/register").json(body)).await.expect::<Session>(201);
    let body = json!({"username":"USER1","password":"correct horse"});
    let answer = service.call(post("/api/auth/login").json(body)).await;
    let session: Session = answer.expect(200);
    let cookie = answer.cookie();
    assert!(
        cookie.starts_with("chatd_session=")
            && cookie.contains("HttpOnly")
            && cookie.contains("SameSite=Lax")
    );
    assert!(!cookie.contains(&session.session_id.to_string()), "a secret of its own");
    assert!(!cookie.contains(&session.refresh_token));
}

#[tokio::test]
async fn an_unknown_user_and_a_wrong_password_get_the_same_answer() {
    let service = Service::start().await;
    service.register("+10000001").await;
    let mut known = service.call(attempt("+10000001", "wrong horse")).await.problem(Code::InvalidCredentials);
    let mut unknown =
        service.call(attempt("+10000002", "wrong horse")).await.problem(Code::InvalidCredentials);
    assert_eq!(service.figure("chatd_auth_hashes_checked_total"), 2, "the same work, so the same time");
    known.trace_id.clear();
    unknown.trace_id.clear();
    assert_eq!(known, unknown);
    service.call(attempt("+10000001", &"x".repeat(200))).await.problem(Code::InvalidCredentials);
}

#[tokio::test]
async fn exactly_one_name_is_needed() {
    let service = Service::start().await;
    for body in [
        json!({"password":"x"}),
        json!({"phoneNumber":"+10000001","username":"user1","password":"x"}),
        json!({"phoneNumber":"123","password":"x"}),
        json!({"username":"-","password":"x"}),
        json!({"phoneNumber":"+10000001"}),
        json!({"phoneNumber":"+10000001","password":"x","deviceName":"x".repeat(101)}),
    ] {
        let problem = service.call(post("/api/auth/login").json(body.clone())).await.problem(Code::Invalid);
        assert_eq!(problem.errors.len(), 1, "{body}");
    }
}

#[tokio::test]
async fn wrong_passwords_close_an_account_for_a_while_even_to_the_right_one() {
    let service = Service::with(Config { login_failures_per_account: 3, ..config() }).await;
    let session = service.register("+10000001").await;
    service.register("+10000002").await;
    for _ in 0..3 {
        service.call(attempt("+10000001", "wrong horse")).await.problem(Code::InvalidCredentials);
    }
    let answer = service.login("+10000001").await;
    answer.problem(Code::RateLimited);
    assert!(answer.headers.contains_key("retry-after"));
    service.login("+10000002").await.expect::<Session>(200);
    service.refresh(&session.refresh_token).await.expect::<Session>(200);
}

#[tokio::test]
async fn the_right_password_makes_the_wrong_ones_forgotten() {
    let service = Service::with(Config { login_failures_per_account: 2, ..config() }).await;
    service.register("+10000001").await;
    for _ in 0..3 {
        service.call(attempt("+10000001", "wrong horse")).await.problem(Code::InvalidCredentials);
        service.login("+10000001").await.expect::<Session>(200);
    }
}

#[tokio::test]
async fn wrong_passwords_close_an_address_for_all_accounts() {
    let service = Service::with(Config { login_failures_per_address: 2, ..config() }).await;
    service.register("+10000003").await;
    for phone in ["+10000001", "+10000002"] {
        service.call(attempt(phone, "wrong horse")).await.problem(Code::InvalidCredentials);
    }
    service.login("+10000003").await.problem(Code::RateLimited);
    let elsewhere = attempt("+10000003", "correct horse").from("10.0.0.2");
    service.call(elsewhere).await.expect::<Session>(200);
}

#[tokio::test]
async fn guesses_at_once_count_like_guesses_in_a_row() {
    let service = Service::with(Config { login_failures_per_account: 1, ..config() }).await;
    service.register("+10000001").await;
    let one = || service.call(attempt("+10000001", "wrong horse"));
    let (a, b, c) = tokio::join!(one(), one(), one());
    let tried = [a, b, c].iter().filter(|answer| answer.status == 401).count();
    assert_eq!(tried, 1);
}

#[tokio::test]
async fn the_cookie_is_secure_when_the_connection_is_and_gone_at_logout() {
    let service = Service::start().await;
    service.register("+10000001").await;
    let body = || json!({"phoneNumber": "+10000001", "password": "correct horse"});
    let plain = service.call(post("/api/auth/login").json(body())).await;
    assert!(!plain.cookie().contains("Secure"), "{}", plain.cookie());
    let tls = service.call(post("/api/auth/login").json(body()).secure()).await;
    assert!(tls.cookie().ends_with("; Secure"), "{}", tls.cookie());
    let session: Session = tls.expect(200);
    let logout = post("/api/auth/logout").bearer(&session.access_token).secure();
    let gone = service.call(logout).await;
    for part in ["chatd_session=;", "Max-Age=0", "HttpOnly", "SameSite=Lax", "Path=/", "; Secure"] {
        assert!(gone.cookie().contains(part), "{}", gone.cookie());
    }
    let body = json!({"phoneNumber": "+10000003", "password": "correct horse", "displayName": "A"});
    let answer = service.call(post("/api/auth/register").json(body)).await;
    assert!(answer.status == 201 && !answer.headers.contains_key("set-cookie"), "registering sets none");
}
