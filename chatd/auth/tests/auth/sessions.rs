use crate::fixture::{Service, delete, get, post};
use edge::Identify;
use schema::api::{Session, Sessions};
use schema::{Code, SessionId};

#[tokio::test]
async fn logout_ends_tokens_at_once_and_tells_the_sockets() {
    let service = Service::start().await;
    let session = service.register("+10000001").await;
    let other: Session = service.login("+10000001").await.expect(200);
    let mut ends = service.revocations.subscribe();
    let answer = service.call(post("/api/auth/logout").bearer(&session.access_token)).await;
    assert_eq!((answer.status.as_u16(), answer.body.len()), (204, 0));
    assert!(answer.cookie().contains("Max-Age=0"));
    assert_eq!(ends.try_recv().unwrap(), session.session_id);
    assert!(!service.opens(&session.access_token).await);
    service.refresh(&session.refresh_token).await.problem(Code::InvalidRefreshToken);
    assert!(service.opens(&other.access_token).await);
    service.call(post("/api/auth/logout").bearer(&session.access_token)).await.problem(Code::Unauthorized);
    service.call(post("/api/auth/logout")).await.problem(Code::Unauthorized);
}

#[tokio::test]
async fn sessions_are_listed_and_ended_one_or_all_others() {
    let service = Service::start().await;
    let stranger = service.register("+10000002").await;
    let first = service.register("+10000001").await;
    let second: Session = service.login("+10000001").await.expect(200);
    let third: Session = service.login("+10000001").await.expect(200);
    let list = async |token: &str| {
        let sessions: Sessions = service.call(get("/api/auth/sessions").bearer(token)).await.expect(200);
        sessions.sessions
    };
    let sessions = list(&second.access_token).await;
    assert_eq!(sessions.len(), 3);
    let current: Vec<_> = sessions.iter().filter(|session| session.current).collect();
    assert_eq!(current.len(), 1);
    assert_eq!(current[0].session_id, second.session_id);
    assert_eq!(current[0].device_name.as_deref(), Some("phone"));

    let end = |id: &str| delete(&format!("/api/auth/sessions/{id}")).bearer(&second.access_token);
    assert_eq!(service.call(end(&first.session_id.to_string())).await.status, 204);
    assert!(!service.opens(&first.access_token).await);
    for none in [first.session_id, stranger.session_id, SessionId::draw()] {
        service.call(end(&none.to_string())).await.problem(Code::NotFound);
    }
    service.call(end("x")).await.problem(Code::NotFound);
    assert!(service.opens(&stranger.access_token).await);

    let answer = service.call(delete("/api/auth/sessions").bearer(&second.access_token)).await;
    assert_eq!(answer.status, 204);
    assert!(!service.opens(&third.access_token).await);
    assert_eq!(list(&second.access_token).await.len(), 1);
    service.call(get("/api/auth/sessions")).await.problem(Code::Unauthorized);
    service.call(delete("/api/auth/sessions")).await.problem(Code::Unauthorized);
}

#[tokio::test]
async fn the_cookie_knows_its_caller_until_the_session_ends() {
    let service = Service::start().await;
    service.register("+10000001").await;
    let login = service.login("+10000001").await;
    let session: Session = login.expect(200);
    let mut headers = axum::http::HeaderMap::new();
    assert_eq!(service.auth.by_cookie(&headers).await.unwrap(), None);
    headers.insert("cookie", login.cookie().split(';').next().unwrap().parse().unwrap());
    let caller = service.auth.by_cookie(&headers).await.unwrap().unwrap();
    assert_eq!((caller.user, caller.session), (session.user_id, session.session_id));
    // The cookie opens the socket and a refresh, no other call.
    let call = get("/api/auth/sessions").header("cookie", headers["cookie"].to_str().unwrap());
    service.call(call).await.problem(Code::Unauthorized);
    service.auth.end_all_sessions(session.user_id).await.unwrap();
    assert_eq!(service.auth.by_cookie(&headers).await.unwrap(), None);
}
