//! Contacts: adding, naming, listing, removing.

use crate::fixture::Service;
use axum::http::Method;
use schema::api::{Contact, Contacts};
use schema::{Code, UserId};
use serde_json::{Value, json};
use std::sync::Arc;
use user::Config;

const PATH: &str = "/api/users/me/contacts";

async fn list(service: &Service, who: usize) -> Vec<(UserId, Option<String>)> {
    let page: Contacts = service.get(who, PATH).await.json(200);
    assert_eq!(page.next_cursor, None);
    let row = |one: Contact| (one.user.user_id, one.alias.map(|alias| alias.as_str().to_owned()));
    page.contacts.into_iter().map(row).collect()
}

#[tokio::test]
async fn a_contact_is_added_by_each_name_once() {
    let service = Service::start(5).await;
    for (body, whom) in [
        (json!({"userId": service.ids[1], "alias": "Ben"}), 1),
        (json!({"userId": "user3"}), 2),
        (json!({"username": "USER4", "alias": null}), 3),
        (json!({"phoneNumber": "+10000005"}), 4),
    ] {
        let answer: Contact = service.post(0, PATH, body.clone()).await.json(201);
        assert_eq!(answer.user.user_id, service.ids[whom]);
        assert_eq!(answer.user.phone_number.is_some(), body.get("phoneNumber").is_some(), "{body}");
        assert_eq!(service.heard(), [(service.ids[0], None)], "they may see more of the owner now");
    }
    let expected = [(1, Some("Ben")), (2, None), (3, None), (4, None)];
    let expected = expected.map(|(whom, alias)| (service.ids[whom], alias.map(str::to_owned)));
    assert_eq!(list(&service, 0).await, expected);
    for who in 1..5 {
        assert_eq!(list(&service, who).await, [], "whom one has is one's own affair");
    }
    let page: Value = service.get(0, PATH).await.json(200);
    assert_eq!(page["contacts"][3]["user"]["phoneNumber"], Value::Null, "a list is no look-up by number");
}

#[tokio::test]
async fn a_repeat_keeps_the_contact_and_takes_the_alias() {
    let service = Service::start(2).await;
    let first: Contact = service.post(0, PATH, json!({"userId": "user2", "alias": "Ben"})).await.json(201);
    let again: Contact = service.post(0, PATH, json!({"username": "user2"})).await.json(200);
    assert_eq!((again.alias, again.created_at), (first.alias, first.created_at));
    let renamed = service.post(0, PATH, json!({"phoneNumber": "+10000002", "alias": "Benjamin"})).await;
    let renamed: Contact = renamed.json(200);
    assert_eq!(renamed.alias.unwrap().as_str(), "Benjamin");
    assert_eq!(list(&service, 0).await, [(service.ids[1], Some("Benjamin".to_owned()))]);
}

#[tokio::test]
async fn an_alias_is_changed_and_taken_away() {
    let service = Service::start(3).await;
    service.befriend(0, 1).await;
    let id = service.ids[1];
    for (name, alias) in [("user2".to_owned(), json!("Ben")), (id.to_string(), Value::Null)] {
        let path = format!("{PATH}/{name}");
        let told: Value = service.put(0, &path, json!({"alias": alias})).await.json(200);
        assert_eq!((&told["alias"], &told["user"]["userId"]), (&alias, &json!(id)));
        assert_eq!(list(&service, 0).await, [(id, alias.as_str().map(str::to_owned))]);
    }
    // Somebody who is no contact is not made one, and who does not exist looks the same.
    for name in ["user3", "user1", "nobody", "me", &UserId::draw().to_string()] {
        service.put(0, &format!("{PATH}/{name}"), json!({"alias": "X"})).await.problem(Code::NotFound);
    }
    service.put(2, &format!("{PATH}/user2"), json!({"alias": "X"})).await.problem(Code::NotFound);
}

#[tokio::test]
async fn a_contact_is_removed_as_often_as_one_likes() {
    let service = Service::start(3).await;
    for friend in [1, 2] {
        service.befriend(0, friend).await;
    }
    service.heard();
    service.delete(0, &format!("{PATH}/user2")).await.done();
    assert_eq!(service.heard(), [(service.ids[0], None)]);
    service.delete(0, &format!("{PATH}/{}", service.ids[1])).await.done();
    assert_eq!(list(&service, 0).await, [(service.ids[2], None)]);
    for unknown in ["nobody", "-", &UserId::draw().to_string()] {
        service.delete(0, &format!("{PATH}/{unknown}")).await.problem(Code::NotFound);
    }
}

#[tokio::test]
async fn the_list_has_pages_that_only_the_caller_can_turn() {
    let service = Service::start(7).await;
    for friend in [5, 2, 6, 1, 4] {
        service.befriend(0, friend).await;
    }
    service.befriend(3, 0).await;
    let (mut met, mut path) = (Vec::new(), format!("{PATH}?limit=2"));
    loop {
        let page: Contacts = service.get(0, &path).await.json(200);
        assert!(page.contacts.len() <= 2);
        met.extend(page.contacts.into_iter().map(|contact| contact.user.user_id));
        let Some(cursor) = page.next_cursor else { break };
        path = format!("{PATH}?limit=2&cursor={cursor}");
        assert_eq!(service.get(3, &path).await.problem(Code::Invalid).errors[0].field, "cursor");
        assert!(met.len() <= 5, "somebody is listed twice");
    }
    let expected: Vec<UserId> = [1, 2, 4, 5, 6].map(|friend| service.ids[friend]).to_vec();
    assert_eq!(met, expected);
    let whole: Contacts = service.get(0, &format!("{PATH}?limit=5")).await.json(200);
    assert_eq!((whole.contacts.len(), whole.next_cursor), (5, None), "no page behind a full last one");
    for (query, field) in [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=-1", "limit"),
        ("limit=x", "limit"),
        ("cursor=", "cursor"),
        ("cursor=AAAA", "cursor"),
        ("cursor=%00", "cursor"),
        ("limit=1&limit=2", "limit"),
    ] {
        let answer = service.get(0, &format!("{PATH}?{query}")).await;
        assert_eq!(answer.status, 400, "{query}");
        let problem: schema::api::Problem = answer.json(400);
        assert_eq!(problem.errors[0].field, field, "{query}");
    }
}

#[tokio::test]
async fn contacts_are_bounded() {
    let config = Config { contacts: 3, ..Config::default() };
    let service = Service::with(5, |messages| Arc::new(messages), 0, config).await;
    for friend in 1..4 {
        service.befriend(0, friend).await;
    }
    let refused = service.post(0, PATH, json!({"username": "user5"})).await.problem(Code::Invalid);
    assert_eq!(refused.errors[0].field, "username");
    assert!(refused.errors[0].bound.as_deref().unwrap().contains("3 contacts"), "{refused:?}");
    service.post(0, PATH, json!({"userId": "user2", "alias": "X"})).await.json::<Contact>(200);
    service.befriend(1, 4).await;
    service.delete(0, &format!("{PATH}/user2")).await.done();
    service.befriend(0, 4).await;
}

#[tokio::test]
async fn oneself_and_nobody_are_no_contacts() {
    let service = Service::start(1).await;
    for (body, field) in [
        (json!({"userId": service.ids[0]}), "userId"),
        (json!({"userId": "user1"}), "userId"),
        (json!({"username": "user1"}), "username"),
        (json!({"phoneNumber": "+10000001"}), "phoneNumber"),
    ] {
        let problem = service.post(0, PATH, body).await.problem(Code::Invalid);
        assert_eq!(problem.errors[0].field, field);
    }
    for body in [
        json!({"userId": UserId::draw()}),
        json!({"userId": "nobody"}),
        json!({"username": "nobody"}),
        json!({"phoneNumber": "+19999999"}),
    ] {
        service.post(0, PATH, body).await.problem(Code::NotFound);
    }
    assert_eq!(list(&service, 0).await, []);
    let wrong = service.call(0, Method::POST, PATH, None).await;
    assert_eq!(wrong.status, 415);
}
