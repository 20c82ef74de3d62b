use crate::fixture::{Service, post};
use schema::api::{NewUser, OnConflict, Session};
use schema::limits::{BULK_MAX, MINTED_TOKEN_S_MAX};
use schema::{Code, UserId};
use serde_json::{Value, json};
use store::profiles::{Name, Profiles};

fn rows(rows: Value) -> Vec<NewUser> {
    serde_json::from_value(rows).unwrap()
}

#[tokio::test]
async fn rows_are_created_each_for_itself() {
    let service = Service::start().await;
    let hash = service.auth.hash("correct horse".to_owned()).await.unwrap();
    let users = rows(json!([
        {"username":"user1","password":"correct horse"},
        {"phoneNumber":"+10000002","passwordHash":hash,"displayName":"Two"},
        {"username":"user1"},
        {"displayName":"Nobody"},
        {"username":"user5","password":"short"},
        {"username":"user6","passwordHash":"$2b$31$x"},
        {"username":"user7","password":"correct horse","passwordHash":hash},
        {"username":"user8"},
    ]));
    let results = service.auth.create_users(users, OnConflict::Fail).await;
    let created: Vec<_> = results.iter().map(|result| result.created).collect();
    assert_eq!(created, [true, true, false, false, false, false, false, true]);
    assert!(results.iter().all(|result| result.created == result.error.is_none()), "{results:?}");

    let profile = service.people.find(&Name::Id(results[0].user_id.unwrap())).await.unwrap().unwrap();
    assert_eq!(profile.display_name.as_str(), "user1");
    let body = json!({"username":"user1","password":"correct horse"});
    service.call(post("/api/auth/login").json(body)).await.expect::<Session>(200);
    service.login("+10000002").await.expect::<Session>(200);
    let body = json!({"username":"user8","password":"correct horse"});
    service.call(post("/api/auth/login").json(body)).await.problem(Code::InvalidCredentials);

    let again = service.auth.create_users(rows(json!([{"username":"user1"}])), OnConflict::Skip).await;
    assert_eq!((again[0].user_id, again[0].created), (results[0].user_id, false));
    assert_eq!(again[0].error, None);
}

#[tokio::test]
async fn minted_tokens_open_calls_until_their_session_ends() {
    let service = Service::start().await;
    let users = (0..300).map(|n| json!({"username": format!("user{n}")})).collect();
    let created = service.auth.create_users(rows(users), OnConflict::Fail).await;
    let ids: Vec<_> = created.iter().map(|result| result.user_id.unwrap()).collect();
    let tokens = service.auth.mint(ids.clone(), Some(3600)).await.unwrap();
    assert_eq!(tokens.iter().map(|token| token.user_id).collect::<Vec<_>>(), ids);
    assert!(tokens.iter().all(|token| token.expires_in == 3600));
    assert!(service.opens(&tokens[299].access_token).await);
    assert_eq!(service.auth.end_all_sessions(ids[299]).await.unwrap(), [tokens[299].session_id]);
    assert!(!service.opens(&tokens[299].access_token).await);
    assert!(service.opens(&tokens[0].access_token).await);
    let service = service.restart().await;
    assert!(!service.opens(&tokens[299].access_token).await);
    assert_eq!(service.auth.mint(ids[..1].to_vec(), None).await.unwrap()[0].expires_in, 900);
}

#[tokio::test]
async fn minting_has_bounds() {
    let service = Service::start().await;
    let user = service.register("+10000001").await.user_id;
    for seconds in [0, -1, MINTED_TOKEN_S_MAX + 1, i64::MAX] {
        let refused = service.auth.mint(vec![user], Some(seconds)).await.err().unwrap();
        assert_eq!(refused.code(), Code::Invalid);
    }
    let refused = service.auth.mint(vec![user; BULK_MAX + 1], None).await.err().unwrap();
    assert_eq!(refused.code(), Code::Invalid);
    let refused = service.auth.mint(vec![user, UserId::draw()], None).await.err().unwrap();
    assert_eq!(refused.code(), Code::NotFound);
    assert!(refused.detail().contains("users[1]"), "{refused:?}");
    assert_eq!(service.auth.hash("short".to_owned()).await.err().unwrap().code(), Code::Invalid);
}
