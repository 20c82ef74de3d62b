//! Who may see what, by flag and policy: the table of ARCHITECTURE.md, on every path that shows a person.
//!
//! `c test -p user --test it who_may_see_what -- --nocapture` prints it.

use crate::fixture::Service;
use serde_json::{Value, json};
use std::fmt::Write;
use store::Profiles;

/// Whoever looks at PERSON. Everybody has PERSON in their own contacts, which must not matter.
const VIEWERS: [(&str, usize); 6] = [
    ("owner", PERSON),
    ("contact", 1),
    ("stranger", 2),
    ("blocked by the person", 3),
    ("has blocked the person", 4),
    ("both", 5),
];
const PERSON: usize = 0;

/// Whether a thing is shown to each of the viewers, by flag and policy.
const RULE: [(bool, &str, [bool; 6]); 6] = [
    (true, "EVERYONE", [true, true, true, false, false, false]),
    (true, "CONTACTS", [true, true, false, false, false, false]),
    (true, "NOBODY", [true, false, false, false, false, false]),
    (false, "EVERYONE", [true, false, false, false, false, false]),
    (false, "CONTACTS", [true, false, false, false, false, false]),
    (false, "NOBODY", [true, false, false, false, false, false]),
];

/// The ways to see somebody.
const PATHS: [&str; 4] = ["by id", "by username", "by phone number", "in one's contacts"];

/// Who is blocked, or blocks, is also a contact of the person: a block outweighs that.
async fn service() -> Service {
    let service = Service::start(6).await;
    for (_, viewer) in VIEWERS.iter().skip(1) {
        service.befriend(*viewer, PERSON).await;
    }
    for friend in [1, 3, 4, 5] {
        service.befriend(PERSON, friend).await;
    }
    for (by, whom) in [(PERSON, 3), (4, PERSON), (5, PERSON), (PERSON, 5)] {
        service.set_block(by, whom, true).await;
    }
    service.patch(PERSON, json!({"avatarUrl": "/a.png"})).await.json::<Value>(200);
    let at = schema::Timestamp(1_701_424_800_000);
    service.people.set_last_seen(&[(service.ids[PERSON], at)]).await.unwrap();
    service
}

/// The person as a viewer finds them, on each of `PATHS`.
async fn looks(service: &Service, viewer: usize) -> Vec<Value> {
    let id = service.ids[PERSON];
    let mut found = Vec::new();
    for path in
        [format!("/api/users/{id}"), "/api/users/user1".into(), "/api/users?phoneNumber=%2B10000001".into()]
    {
        found.push(service.get(viewer, &path).await.json(200));
    }
    if viewer == PERSON {
        found.push(service.get(viewer, "/api/users/me").await.json(200));
    } else {
        let mut page: Value = service.get(viewer, "/api/users/me/contacts").await.json(200);
        found.push(page["contacts"][0]["user"].take());
    }
    found
}

#[tokio::test]
async fn who_may_see_what() {
    let service = service().await;
    let mut cases = 0;
    for (last_seen_flag, last_seen_policy, last_seen_rule) in RULE {
        for (photo_flag, photo_policy, photo_rule) in RULE {
            let settings = json!({
                "showLastSeen": last_seen_flag, "lastSeenPolicy": last_seen_policy,
                "showProfilePhoto": photo_flag, "profilePhotoPolicy": photo_policy,
            });
            service.put(PERSON, "/api/users/me/privacy", settings.clone()).await.json::<Value>(200);
            for (column, (name, viewer)) in VIEWERS.into_iter().enumerate() {
                for (path, user) in PATHS.iter().zip(looks(&service, viewer).await) {
                    let seen = (!user["lastSeen"].is_null(), !user["avatarUrl"].is_null());
                    let expected = (last_seen_rule[column], photo_rule[column]);
                    assert_eq!(seen, expected, "{name} {path} (last seen, photo), {settings}: {user}");
                    let own = viewer == PERSON;
                    let phone = own || *path == "by phone number";
                    assert_eq!(!user["phoneNumber"].is_null(), phone, "{name} {path}: {user}");
                    assert_eq!(!user["privacySettings"].is_null(), own, "{name} {path}: {user}");
                    cases += 1;
                }
            }
        }
    }
    print(&table(), cases);
}

/// What the test has checked, as Markdown.
fn table() -> String {
    let mut text = String::from("| flag | policy |");
    for (name, _) in VIEWERS {
        write!(text, " {name} |").unwrap();
    }
    text.push_str("\n|---|---|");
    text.push_str(&"---|".repeat(VIEWERS.len()));
    for (flag, policy, rule) in RULE {
        let flag = if flag { "on" } else { "off" };
        write!(text, "\n| {flag} | {policy} |").unwrap();
        for shown in rule {
            write!(text, " {} |", if shown { "sees" } else { "-" }).unwrap();
        }
    }
    text
}

#[expect(clippy::print_stdout, reason = "the table is for who runs the test with --nocapture")]
fn print(table: &str, cases: usize) {
    println!("{table}\n\n{cases} looks: last seen and photo, each flag and policy, on {}", PATHS.join(", "));
}

/// Whoever is blocked must not be able to tell: what they see of somebody with open settings is what a stranger
/// sees of the same person with closed ones, to the byte, wherever they look.
#[tokio::test]
async fn who_is_blocked_cannot_tell() {
    let service = service().await;
    let closed = json!({"lastSeenPolicy": "NOBODY", "profilePhotoPolicy": "NOBODY"});
    let open = json!({"lastSeenPolicy": "EVERYONE", "profilePhotoPolicy": "EVERYONE"});
    service.put(PERSON, "/api/users/me/privacy", closed).await.json::<Value>(200);
    let stranger = looks(&service, 2).await;
    service.put(PERSON, "/api/users/me/privacy", open).await.json::<Value>(200);
    assert_ne!(looks(&service, 2).await, stranger);
    for viewer in [3, 4, 5] {
        assert_eq!(looks(&service, viewer).await, stranger);
    }
    // Nor by trying to make a contact of the one who blocks.
    service.delete(3, "/api/users/me/contacts/user1").await.done();
    let answer = service.post(3, "/api/users/me/contacts", json!({"userId": "user1"})).await;
    assert_eq!(answer.json::<Value>(201)["user"], stranger[0]);
    let renamed = service.put(3, "/api/users/me/contacts/user1", json!({"alias": "X"})).await;
    assert_eq!(renamed.json::<Value>(200)["user"], stranger[0]);
    // When the block ends, everything is as before.
    service.set_block(PERSON, 3, false).await;
    assert_eq!(looks(&service, 3).await, looks(&service, 1).await);
}

/// Removing somebody from the contacts takes back at once what contacts are shown.
#[tokio::test]
async fn who_is_no_contact_any_more_sees_no_more() {
    let service = service().await;
    let settings = json!({"lastSeenPolicy": "CONTACTS"});
    service.put(PERSON, "/api/users/me/privacy", settings).await.json::<Value>(200);
    let sees = async || !looks(&service, 1).await[0]["lastSeen"].is_null();
    assert!(sees().await);
    service.delete(PERSON, "/api/users/me/contacts/user2").await.done();
    assert!(!sees().await);
    service.befriend(PERSON, 1).await;
    assert!(sees().await);
}
