//! The caller's own profile: reading, changing, ending it.

use crate::fixture::Service;
use schema::{Code, SessionId, Timestamp, User};
use serde_json::{Value, json};
use std::sync::Arc;
use store::Profiles;
use store::accounts::{Accounts, NewSession, SessionRow};

#[tokio::test]
async fn me_is_the_seeds_user_whole() {
    let service = Service::start(1).await;
    let me: Value = service.get(0, "/api/users/me").await.json(200);
    assert_eq!(me["userId"], service.ids[0].to_string());
    assert_eq!((&me["phoneNumber"], &me["displayName"]), (&"+10000001".into(), &"user1".into()));
    assert_eq!(me["privacySettings"]["lastSeenPolicy"], "EVERYONE");
    for field in ["avatarUrl", "lastSeen", "username", "createdAt"] {
        assert!(me.get(field).is_some(), "{field}");
    }
}

#[tokio::test]
async fn a_profile_changes_where_it_is_told_to() {
    let service = Service::start(2).await;
    let before: User = service.get(0, "/api/users/me").await.json(200);
    let change =
        json!({"displayName": "John Doe", "username": "John.Doe", "avatarUrl": "https://example.com/a.jpg"});
    let changed: User = service.patch(0, change).await.json(200);
    let expected = User {
        display_name: "John Doe".parse().unwrap(),
        username: Some("john.doe".parse().unwrap()),
        avatar_url: Some("https://example.com/a.jpg".to_owned()),
        ..before.clone()
    };
    assert_eq!(changed, expected);
    assert_eq!(service.get(0, "/api/users/me").await.json::<User>(200), expected);
    assert_eq!(service.heard(), [(service.ids[0], Some("user1".to_owned()))]);
    let seen: User = service.get(1, "/api/users/john.doe").await.json(200);
    assert_eq!((seen.user_id, seen.display_name.as_str()), (service.ids[0], "John Doe"));
    service.get(1, "/api/users/user1").await.problem(Code::NotFound);

    let taken_away: User = service.patch(0, json!({"username": null, "avatarUrl": null})).await.json(200);
    assert_eq!((taken_away.username, taken_away.avatar_url), (None, None));
    assert_eq!(taken_away.display_name.as_str(), "John Doe", "what is absent stays");
    assert_eq!(service.heard(), [(service.ids[0], Some("john.doe".to_owned()))]);
    let same: User = service.patch(0, json!({})).await.json(200);
    assert_eq!(same.display_name.as_str(), "John Doe");
    assert_eq!(service.heard(), [], "nothing changed");
}

#[tokio::test]
async fn a_username_has_one_owner() {
    let service = Service::start(2).await;
    let refused = service.patch(0, json!({"displayName": "X", "username": "USER2"})).await;
    let problem = refused.problem(Code::UserAlreadyExists);
    assert_eq!(problem.errors[0].field, "username");
    let me: User = service.get(0, "/api/users/me").await.json(200);
    assert_eq!(me.display_name.as_str(), "user1", "nothing is changed");
    service.patch(0, json!({"username": "user1"})).await.json::<User>(200);
    service.patch(1, json!({"username": "other"})).await.json::<User>(200);
    service.patch(0, json!({"username": "user2"})).await.json::<User>(200);
}

#[tokio::test]
async fn who_is_deleted_is_out_at_once_and_gone_for_others() {
    let service = Service::start(3).await;
    let mut ends = service.revocations.subscribe();
    // A second device, whose socket must close too.
    let now = Timestamp::now();
    let row = SessionRow {
        session_id: SessionId::draw(),
        user_id: service.ids[0],
        device_name: None,
        created_at: now,
        last_used_at: now,
        expires_at: now.plus_seconds(1000),
    };
    let other = row.session_id;
    let session = NewSession { row, refresh: Some([1; 32]), cookie: None };
    service.people.start_sessions(vec![session]).await.unwrap();
    service.befriend(1, 0).await;
    service.befriend(0, 1).await;
    service.heard();

    service.delete(0, "/api/users/me").await.done();
    let ended = [ends.try_recv().unwrap(), ends.try_recv().unwrap()];
    assert!(ended.contains(&other) && service.revocations.is_ended(other), "{ended:?}");
    assert_eq!(service.heard(), [(service.ids[0], Some("user1".to_owned()))]);
    for path in ["/api/users/me", "/api/users/user2", "/api/users/me/export"] {
        service.get(0, path).await.problem(Code::Unauthorized);
    }
    service.delete(0, "/api/users/me").await.problem(Code::Unauthorized);
    service.patch(0, json!({"displayName": "Ghost"})).await.problem(Code::Unauthorized);

    let unknown = service.get(1, "/api/users/nobody").await.problem(Code::NotFound);
    let id = service.ids[0];
    for path in
        [format!("/api/users/{id}"), "/api/users/user1".into(), "/api/users?phoneNumber=%2B10000001".into()]
    {
        let gone = service.get(1, &path).await.problem(Code::NotFound);
        assert_eq!((gone.detail, gone.title), (unknown.detail.clone(), unknown.title.clone()), "{path}");
    }
    let contacts: Value = service.get(1, "/api/users/me/contacts").await.json(200);
    assert_eq!(contacts["contacts"], json!([]));
    assert_eq!(service.people.unerased(9).await.unwrap(), [id], "what they wrote waits to be erased");
    service.patch(2, json!({"username": "user1"})).await.json::<User>(200);
}

/// The caller whose account goes while a call of theirs is on its way is told that the token is no good.
#[tokio::test]
async fn a_caller_who_is_gone_is_no_caller() {
    let service = Service::start(2).await;
    // Only the store knows: no session was ended.
    Arc::clone(&service.people).delete(service.ids[0]).await.unwrap();
    service.get(0, "/api/users/me").await.problem(Code::Unauthorized);
    service.get(0, "/api/users/me/privacy").await.problem(Code::Unauthorized);
    service.put(0, "/api/users/me/privacy", json!({"showLastSeen": false})).await.problem(Code::Unauthorized);
    service.patch(0, json!({"displayName": "Ghost"})).await.problem(Code::Unauthorized);
    service.get(0, "/api/users/me/export").await.problem(Code::Unauthorized);
    service.delete(0, "/api/users/me").await.problem(Code::Unauthorized);
}
