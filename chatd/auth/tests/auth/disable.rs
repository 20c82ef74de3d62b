//! Disabled and enabled accounts.

use crate::fixture::{Answer, Service, post};
use parking_lot::Mutex;
use schema::api::Session;
use schema::{Code, UserId};
use serde_json::json;
use std::sync::Arc;

async fn attempt(service: &Service, phone: &str, password: &str) -> Answer {
    let body = json!({"phoneNumber": phone, "password": password});
    service.call(post("/api/auth/login").json(body)).await
}

#[tokio::test]
async fn a_disabled_user_is_signed_out_and_looks_like_one_who_is_not_there() {
    let service = Service::start().await;
    let user = service.register("+10000001").await;
    let other: Session = service.login("+10000001").await.expect(200);
    let told = Arc::new(Mutex::new(Vec::new()));
    let heard = told.clone();
    service.changes.listen(Box::new(move |user, _| heard.lock().push(user)));
    service.auth.set_disabled(user.user_id, true).await.unwrap();
    assert_eq!(*told.lock(), [user.user_id], "who remembers the person looks again");
    service.auth.set_disabled(user.user_id, true).await.unwrap();
    for session in [&user, &other] {
        assert!(!service.opens(&session.access_token).await);
        service.refresh(&session.refresh_token).await.problem(Code::InvalidRefreshToken);
    }
    assert_eq!(service.auth.mint(vec![user.user_id], None).await.err().unwrap().code(), Code::Invalid);
    let mut problems = Vec::new();
    for (phone, password) in
        [("+10000001", "correct horse"), ("+10000001", "wrong horse"), ("+10000002", "correct horse")]
    {
        let before = service.figure("chatd_auth_hashes_checked_total");
        let mut problem = attempt(&service, phone, password).await.problem(Code::InvalidCredentials);
        // The same time for each is the same work for each: one hash.
        assert_eq!(service.figure("chatd_auth_hashes_checked_total"), before + 1, "{phone} {password}");
        problem.trace_id.clear();
        problems.push(problem);
    }
    assert!(problems.iter().all(|problem| *problem == problems[0]), "{problems:?}");

    let service = service.restart().await;
    assert!(!service.opens(&user.access_token).await);
    attempt(&service, "+10000001", "correct horse").await.problem(Code::InvalidCredentials);
    service.auth.set_disabled(user.user_id, false).await.unwrap();
    service.auth.set_disabled(user.user_id, false).await.unwrap();
    attempt(&service, "+10000001", "correct horse").await.expect::<Session>(200);
    assert!(!service.opens(&user.access_token).await, "what was ended stays ended");
    let nobody = service.auth.set_disabled(UserId::draw(), true).await.err().unwrap();
    assert_eq!(nobody.code(), Code::NotFound);
}

#[tokio::test]
async fn nobody_signs_in_while_being_disabled() {
    let service = Service::start().await;
    let user = service.register("+10000001").await.user_id;
    let (late, disabled) =
        tokio::join!(attempt(&service, "+10000001", "correct horse"), service.auth.set_disabled(user, true));
    disabled.unwrap();
    match late.status.as_u16() {
        200 => assert!(!service.opens(&late.expect::<Session>(200).access_token).await),
        _ => drop(late.problem(Code::InvalidCredentials)),
    }
}

#[tokio::test]
async fn who_has_no_password_costs_a_hash_too() {
    let service = Service::start().await;
    service.nameless("user1").await;
    let body = json!({"username": "user1", "password": "correct horse"});
    service.call(post("/api/auth/login").json(body)).await.problem(Code::InvalidCredentials);
    assert_eq!(service.figure("chatd_auth_hashes_checked_total"), 1);
}

#[tokio::test]
async fn a_session_that_reaches_its_own_end_is_told_to_its_sockets() {
    let service = Service::start().await;
    let user = service.register("+10000001").await;
    let mut ends = service.revocations.subscribe();
    let minted = service.auth.mint(vec![user.user_id], Some(1)).await.unwrap().remove(0);
    // The service itself looks for it; awaited, whenever it comes.
    let ended = tokio::time::timeout(std::time::Duration::from_secs(60), ends.recv()).await.unwrap();
    assert_eq!(ended.unwrap(), minted.session_id);
    assert!(!service.opens(&minted.access_token).await);
    assert!(service.opens(&user.access_token).await);
    assert_eq!(service.auth.end_expired().await.unwrap(), 0, "once");
}
