use crate::fixture::{Answer, Call, Service, config, post};
use auth::Config;
use edge::Identify;
use parking_lot::Mutex;
use schema::Code;
use schema::api::Session;
use serde_json::json;
use std::sync::Arc;

fn change(session: &Session, current: &str, new: &str) -> Call {
    let body = json!({"currentPassword": current, "newPassword": new});
    post("/api/auth/password").bearer(&session.access_token).json(body)
}

fn sign_in(password: &str) -> Call {
    post("/api/auth/login").json(json!({"phoneNumber": "+10000001", "password": password}))
}

#[track_caller]
fn done(answer: &Answer) {
    assert_eq!((answer.status.as_u16(), answer.body.len()), (204, 0), "{answer:?}");
}

#[tokio::test]
async fn a_new_password_ends_every_other_session_and_only_those() {
    let service = Service::start().await;
    let stranger = service.register("+10000002").await;
    let first = service.register("+10000001").await;
    let by_cookie = service.login("+10000001").await;
    let second: Session = by_cookie.expect(200);
    let mine: Session = service.login("+10000001").await.expect(200);
    let told = Arc::new(Mutex::new(Vec::new()));
    let heard = told.clone();
    service.changes.listen(Box::new(move |user, _| heard.lock().push(user)));
    let mut ends = service.revocations.subscribe();

    done(&service.call(change(&mine, "correct horse", "battery staple")).await);
    let mut ended = [ends.try_recv().unwrap(), ends.try_recv().unwrap()];
    ended.sort_unstable();
    let mut expected = [first.session_id, second.session_id];
    expected.sort_unstable();
    assert_eq!(ended, expected);
    assert!(ends.try_recv().is_err(), "and no other");
    assert_eq!(*told.lock(), [mine.user_id]);
    for gone in [&first, &second] {
        assert!(!service.opens(&gone.access_token).await);
        service.refresh(&gone.refresh_token).await.problem(Code::InvalidRefreshToken);
    }
    let headers = [("cookie".parse().unwrap(), by_cookie.cookie_pair().parse().unwrap())];
    assert_eq!(service.auth.by_cookie(&headers.into_iter().collect()).await.unwrap(), None);
    assert!(service.opens(&mine.access_token).await && service.opens(&stranger.access_token).await);
    service.refresh(&mine.refresh_token).await.expect::<Session>(200);

    service.call(sign_in("correct horse")).await.problem(Code::InvalidCredentials);
    service.call(sign_in("battery staple")).await.expect::<Session>(200);
    let service = service.restart().await;
    assert!(!service.opens(&first.access_token).await, "a restart forgets nothing");
    service.call(sign_in("battery staple")).await.expect::<Session>(200);
}

#[tokio::test]
async fn a_wrong_current_password_changes_nothing_and_counts_like_a_wrong_sign_in() {
    let service = Service::with(Config { login_failures_per_account: 3, ..config() }).await;
    let session = service.register("+10000001").await;
    let other: Session = service.login("+10000001").await.expect(200);
    for _ in 0..2 {
        let wrong = service.call(change(&session, "wrong horse", "battery staple")).await;
        assert_eq!(wrong.problem(Code::InvalidCredentials).detail, "the current password is wrong");
    }
    service.call(sign_in("wrong horse")).await.problem(Code::InvalidCredentials);
    // The third guess was the last, on either call and for whoever makes it.
    let refused = service.call(change(&session, "correct horse", "battery staple")).await;
    refused.problem(Code::RateLimited);
    assert!(refused.headers.contains_key("retry-after"));
    service.login("+10000001").await.problem(Code::RateLimited);
    assert!(service.opens(&other.access_token).await && service.opens(&session.access_token).await);
}

#[tokio::test]
async fn an_account_has_one_count_by_whichever_name_it_is_guessed_at() {
    let service = Service::with(Config { login_failures_per_account: 2, ..config() }).await;
    let body =
        json!({"phoneNumber":"+10000001","password":"correct horse","displayName":"A","username":"user1"});
    service.call(post("/api/auth/register").json(body)).await.expect::<Session>(201);
    service.call(sign_in("wrong horse")).await.problem(Code::InvalidCredentials);
    let by_name = || post("/api/auth/login").json(json!({"username": "user1", "password": "wrong horse"}));
    service.call(by_name()).await.problem(Code::InvalidCredentials);
    service.call(by_name()).await.problem(Code::RateLimited);
    service.login("+10000001").await.problem(Code::RateLimited);
}

#[tokio::test]
async fn the_right_current_password_makes_the_wrong_ones_forgotten() {
    let service = Service::with(Config { login_failures_per_account: 2, ..config() }).await;
    let session = service.register("+10000001").await;
    service.call(sign_in("wrong horse")).await.problem(Code::InvalidCredentials);
    done(&service.call(change(&session, "correct horse", "battery staple")).await);
    service.call(sign_in("wrong horse")).await.problem(Code::InvalidCredentials);
    service.call(sign_in("battery staple")).await.expect::<Session>(200);
}

#[tokio::test]
async fn of_two_changes_at_once_one_wins() {
    let service = Service::start().await;
    let first = service.register("+10000001").await;
    let second: Session = service.login("+10000001").await.expect(200);
    let (a, b) = tokio::join!(
        service.call(change(&first, "correct horse", "battery staple")),
        service.call(change(&second, "correct horse", "another staple")),
    );
    let (won, lost, password) =
        if a.status == 204 { (a, b, "battery staple") } else { (b, a, "another staple") };
    done(&won);
    assert!([401].contains(&lost.status.as_u16()), "{lost:?}");
    service.call(sign_in(password)).await.expect::<Session>(200);
    let live = usize::from(service.opens(&first.access_token).await)
        + usize::from(service.opens(&second.access_token).await);
    assert_eq!(live, 1, "the session that won goes on");
}

#[tokio::test]
async fn a_sign_in_with_the_old_password_does_not_outlive_the_change() {
    let service = Service::start().await;
    let mine = service.register("+10000001").await;
    let (changed, late) = tokio::join!(
        service.call(change(&mine, "correct horse", "battery staple")),
        service.login("+10000001"),
    );
    done(&changed);
    // Either it came before the change and was ended by it, or it finds the password changed.
    match late.status.as_u16() {
        200 => assert!(!service.opens(&late.expect::<Session>(200).access_token).await),
        _ => drop(late.problem(Code::InvalidCredentials)),
    }
    assert!(service.opens(&mine.access_token).await);
}

#[tokio::test]
async fn an_account_without_a_password_is_told_so() {
    let service = Service::start().await;
    let user = service.nameless("user1").await;
    let token = service.auth.mint(vec![user], None).await.unwrap().remove(0).access_token;
    let body = json!({"currentPassword": "correct horse", "newPassword": "battery staple"});
    let answer = service.call(post("/api/auth/password").bearer(&token).json(body)).await;
    let error = answer.field(Code::Invalid);
    assert_eq!(error.field, "currentPassword");
    assert!(error.reason.contains("has no password"), "{error:?}");
}
