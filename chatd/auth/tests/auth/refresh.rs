use crate::fixture::{Service, config, post};
use auth::Config;
use schema::Code;
use schema::api::Session;
use serde_json::json;

#[tokio::test]
async fn a_refresh_rotates_in_the_same_session() {
    let service = Service::start().await;
    let first = service.register("+10000001").await;
    let second: Session = service.refresh(&first.refresh_token).await.expect(200);
    assert_eq!((second.session_id, second.user_id), (first.session_id, first.user_id));
    assert_ne!(second.refresh_token, first.refresh_token);
    assert!(service.opens(&second.access_token).await);
    let third: Session = service.refresh(&second.refresh_token).await.expect(200);
    assert!(service.opens(&third.access_token).await);
}

#[tokio::test]
async fn a_reuse_ends_the_session_its_tokens_and_its_sockets() {
    let service = Service::start().await;
    let first = service.register("+10000001").await;
    let second: Session = service.refresh(&first.refresh_token).await.expect(200);
    let mut ends = service.revocations.subscribe();
    service.refresh(&first.refresh_token).await.problem(Code::InvalidRefreshToken);
    assert_eq!(ends.try_recv().unwrap(), first.session_id);
    assert!(!service.opens(&second.access_token).await);
    service.refresh(&second.refresh_token).await.problem(Code::InvalidRefreshToken);
    service.login("+10000001").await.expect::<Session>(200);
}

#[tokio::test]
async fn of_two_refreshes_at_once_one_wins_and_the_session_ends() {
    let service = Service::start().await;
    let first = service.register("+10000001").await;
    let (a, b) = tokio::join!(service.refresh(&first.refresh_token), service.refresh(&first.refresh_token));
    let (won, lost) = if a.status == 200 { (a, b) } else { (b, a) };
    let won: Session = won.expect(200);
    lost.problem(Code::InvalidRefreshToken);
    assert!(!service.opens(&won.access_token).await);
}

#[tokio::test]
async fn the_token_may_come_in_the_header_or_by_the_cookie() {
    let service = Service::start().await;
    let first = service.register("+10000001").await;
    let call = post("/api/auth/refresh").bearer(&first.refresh_token);
    service.call(call).await.expect::<Session>(200);

    let login = service.login("+10000001").await;
    let session: Session = login.expect(200);
    let cookie = login.cookie_pair().to_owned();
    // A client that sends its access token everywhere does so here too.
    let call = post("/api/auth/refresh").header("cookie", &cookie).bearer(&session.access_token);
    let refreshed: Session = service.call(call).await.expect(200);
    assert_eq!(refreshed.session_id, session.session_id);
    service.refresh(&refreshed.refresh_token).await.expect::<Session>(200);

    let logout = post("/api/auth/logout").bearer(&session.access_token);
    assert_eq!(service.call(logout).await.status, 204);
    let call = post("/api/auth/refresh").header("cookie", &cookie);
    service.call(call).await.problem(Code::InvalidRefreshToken);
}

#[tokio::test]
async fn what_is_no_refresh_token_is_refused() {
    let service = Service::start().await;
    let session = service.register("+10000001").await;
    service.call(post("/api/auth/refresh")).await.problem(Code::InvalidRefreshToken);
    service.call(post("/api/auth/refresh").json(json!({}))).await.problem(Code::InvalidRefreshToken);
    for token in ["", "x", &session.access_token, &session.session_id.to_string(), &"x".repeat(10_000)] {
        service.refresh(token).await.problem(Code::InvalidRefreshToken);
    }
    service.call(post("/api/auth/refresh").json(json!({"refreshToken": 5}))).await.problem(Code::Malformed);
    let call = post("/api/auth/refresh").header("cookie", "chatd_session=guessed");
    service.call(call).await.problem(Code::InvalidRefreshToken);
    // Nor is a refresh token an access token.
    assert!(!service.opens(&session.refresh_token).await);
}

#[tokio::test]
async fn by_header_too_one_of_two_at_once_wins_and_the_session_ends() {
    let service = Service::start().await;
    let first = service.register("+10000001").await;
    let by_header = || service.call(post("/api/auth/refresh").bearer(&first.refresh_token));
    let (a, b) = tokio::join!(by_header(), service.refresh(&first.refresh_token));
    let (won, lost) = if a.status == 200 { (a, b) } else { (b, a) };
    let won: Session = won.expect(200);
    lost.problem(Code::InvalidRefreshToken);
    assert!(!service.opens(&won.access_token).await);
}

#[tokio::test]
async fn two_pages_that_refresh_by_cookie_at_once_both_go_on() {
    let service = Service::start().await;
    service.register("+10000001").await;
    let login = service.login("+10000001").await;
    let session: Session = login.expect(200);
    let by_cookie = || service.call(post("/api/auth/refresh").header("cookie", login.cookie_pair()));
    let (a, b) = tokio::join!(by_cookie(), by_cookie());
    for answer in [a, b] {
        let refreshed: Session = answer.expect(200);
        assert_eq!(refreshed.session_id, session.session_id);
        assert!(service.opens(&refreshed.access_token).await);
        // The same cookie, as long again as the session.
        assert!(answer.cookie().starts_with(login.cookie_pair()) && answer.cookie().contains("HttpOnly"));
    }
    by_cookie().await.expect::<Session>(200);
    // Of the refresh tokens that were handed out meanwhile only the last one is alive.
    service.refresh(&session.refresh_token).await.problem(Code::InvalidRefreshToken);
    by_cookie().await.problem(Code::InvalidRefreshToken);
}

#[tokio::test]
async fn the_body_comes_before_the_header_and_the_header_before_the_cookie() {
    let service = Service::start().await;
    let body = service.register("+10000001").await;
    let header = service.register("+10000002").await;
    let cookie = service.login("+10000001").await;
    let all = |token: Option<&str>| {
        let call = post("/api/auth/refresh").bearer(&header.refresh_token);
        call.header("cookie", cookie.cookie_pair()).json(json!({ "refreshToken": token }))
    };
    let refreshed: Session = service.call(all(Some(&body.refresh_token))).await.expect(200);
    assert_eq!(refreshed.session_id, body.session_id);
    let answer = service.call(all(None)).await;
    assert_eq!(answer.expect::<Session>(200).session_id, header.session_id);
    assert!(!answer.headers.contains_key("set-cookie"), "the cookie had no part in it");
}

#[tokio::test]
async fn the_cookie_refreshes_nothing_from_a_foreign_page() {
    let allowed_origins = vec!["https://chat.example".to_owned(), "*".to_owned()];
    let service = Service::with(Config { allowed_origins, ..config() }).await;
    let registered = service.register("+10000001").await;
    let login = service.login("+10000001").await;
    let from = |origin: &str| {
        let call = post("/api/auth/refresh").header("host", "localhost:8080");
        call.header("cookie", login.cookie_pair()).header("origin", origin)
    };
    for foreign in ["https://evil.example", "null", "http://localhost:3000", "https://chat.example.evil"] {
        let answer = service.call(from(foreign)).await;
        assert!(answer.problem(Code::Forbidden).detail.contains("cors.allowed_origins"));
        assert!(!answer.headers.contains_key("set-cookie"));
    }
    for own in ["http://localhost:8080", "https://chat.example"] {
        service.call(from(own)).await.expect::<Session>(200);
    }
    // A token says more than an Origin: no page has it that was not given it.
    let call = from("https://evil.example").json(json!({ "refreshToken": registered.refresh_token }));
    service.call(call).await.expect::<Session>(200);
}
