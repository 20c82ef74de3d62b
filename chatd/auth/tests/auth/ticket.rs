use crate::fixture::{Answer, Service, post};
use edge::Identify;
use schema::Code;
use schema::api::{Session, Ticket};
use schema::limits::{TICKET_S, TICKETS_PER_USER};

async fn ask(service: &Service, session: &Session) -> Answer {
    service.call(post("/api/auth/ticket").bearer(&session.access_token)).await
}

#[tokio::test]
async fn a_ticket_names_its_session_once() {
    let service = Service::start().await;
    let session = service.register("+10000001").await;
    let answer = ask(&service, &session).await;
    let ticket: Ticket = answer.expect(201);
    assert_eq!(
        (ticket.expires_in, answer.headers["cache-control"].to_str().unwrap()),
        (TICKET_S, "no-store")
    );
    assert!(
        ticket.ticket.len() >= 43
            && ticket.ticket.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
    );
    for nothing in ["", "x", &session.access_token, &session.refresh_token, &"x".repeat(100_000)] {
        assert_eq!(service.auth.by_ticket(nothing).await.unwrap(), None, "{nothing}");
    }
    let caller = service.auth.by_ticket(&ticket.ticket).await.unwrap().unwrap();
    assert_eq!(
        (caller.user, caller.session, caller.role.as_str()),
        (session.user_id, session.session_id, "USER")
    );
    assert_eq!(service.auth.by_ticket(&ticket.ticket).await.unwrap(), None);
    // It opens a socket, nothing else.
    assert!(!service.opens(&ticket.ticket).await);
    service.refresh(&ticket.ticket).await.problem(Code::InvalidRefreshToken);
}

#[tokio::test]
async fn a_ticket_ends_with_its_session() {
    let service = Service::start().await;
    let session = service.register("+10000001").await;
    let other: Session = service.login("+10000001").await.expect(200);
    let ended: Ticket = ask(&service, &session).await.expect(201);
    let live: Ticket = ask(&service, &other).await.expect(201);
    assert_eq!(service.call(post("/api/auth/logout").bearer(&session.access_token)).await.status, 204);
    assert_eq!(service.auth.by_ticket(&ended.ticket).await.unwrap(), None);
    let caller = service.auth.by_ticket(&live.ticket).await.unwrap().unwrap();
    assert_eq!(caller.session, other.session_id);
    let late: Ticket = ask(&service, &other).await.expect(201);
    service.auth.set_disabled(session.user_id, true).await.unwrap();
    assert_eq!(service.auth.by_ticket(&late.ticket).await.unwrap(), None);
    ask(&service, &other).await.problem(Code::Unauthorized);
    service.call(post("/api/auth/ticket")).await.problem(Code::Unauthorized);
}

#[tokio::test]
async fn a_user_has_so_many_tickets_at_once() {
    let service = Service::start().await;
    let session = service.register("+10000001").await;
    let stranger = service.register("+10000002").await;
    let mut last = None;
    for _ in 0..TICKETS_PER_USER {
        last = Some(ask(&service, &session).await.expect::<Ticket>(201));
    }
    let refused = ask(&service, &session).await;
    assert!(refused.problem(Code::RateLimited).detail.contains("16 tickets"));
    let seconds: i64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=TICKET_S + 1).contains(&seconds), "{seconds}");
    for (name, value) in [("ratelimit-limit", "16"), ("ratelimit-remaining", "0")] {
        assert_eq!(refused.headers[name], value);
    }
    ask(&service, &stranger).await.expect::<Ticket>(201);
    service.auth.by_ticket(&last.unwrap().ticket).await.unwrap().unwrap();
    ask(&service, &session).await.expect::<Ticket>(201);
}
