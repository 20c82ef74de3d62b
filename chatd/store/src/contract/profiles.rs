//! The promises of `Profiles`, each as one function on empty stores.

#![expect(clippy::unwrap_used, reason = "these functions are the bodies of tests")]

use crate::Error;
use crate::accounts::{Account, Accounts, NewSession, Role, Rotation, SessionRow};
use crate::profiles::{Name, NewPerson, Profiles};
use schema::{SessionId, Timestamp, UserId};

/// Somebody with this username and a phone number of their own.
pub fn person(name: &str) -> NewPerson {
    let user_id = UserId::draw();
    let number = user_id.0.as_u128() % 100_000_000_000;
    NewPerson {
        account: Account {
            user_id,
            phone_number: Some(format!("+1{number:011}").parse().unwrap()),
            username: Some(name.parse().unwrap()),
            password_hash: Some(format!("hash of {name}")),
            role: Role::User,
            disabled: false,
            created_at: Timestamp(1_701_424_800_000),
        },
        display_name: format!("The {name}").parse().unwrap(),
    }
}

/// A profile is found by every name of the person, as it was created.
pub async fn finds_people(profiles: &dyn Profiles) {
    let (somebody, mut nameless) = (person("user1"), person("user2"));
    nameless.account.username = None;
    nameless.account.password_hash = None;
    profiles.create(vec![somebody.clone(), nameless.clone()]).await.unwrap();
    let account = &somebody.account;
    let names = [
        Name::Id(account.user_id),
        Name::Username(account.username.clone().unwrap()),
        Name::Phone(account.phone_number.clone().unwrap()),
    ];
    for name in names {
        let found = profiles.find(&name).await.unwrap().unwrap();
        assert_eq!(found.user_id, account.user_id);
        assert_eq!(found.display_name, somebody.display_name);
        assert_eq!((&found.phone_number, &found.username), (&account.phone_number, &account.username));
        assert_eq!(found.created_at, account.created_at);
        assert_eq!(found.privacy, schema::user::PrivacySettings::default());
        assert!(found.has_password && !found.disabled && found.last_seen.is_none());
    }
    let found = profiles.find(&Name::Id(nameless.account.user_id)).await.unwrap().unwrap();
    assert!(found.username.is_none() && !found.has_password);
    assert_eq!(profiles.find(&Name::Id(UserId::draw())).await.unwrap(), None);
    assert_eq!(profiles.find(&Name::Username("user2".parse().unwrap())).await.unwrap(), None);
}

/// A taken value names its field and fails its row alone, also against rows of the same call; people without
/// a phone number or a username are in nobody's way.
pub async fn a_conflict_names_its_field(profiles: &dyn Profiles) {
    let first = person("first");
    assert_eq!(profiles.create(vec![first.clone()]).await.unwrap(), [Ok(())]);
    let mut same_phone = person("second");
    same_phone.account.phone_number = first.account.phone_number.clone();
    let same_name = person("first");
    let mut twin = person("third");
    let third = twin.clone();
    twin.account.user_id = UserId::draw();
    twin.account.phone_number = None;
    let mut bare = [person("fourth"), person("fifth")];
    for person in &mut bare {
        person.account.phone_number = None;
        person.account.username = None;
    }
    let [bare, bare_too] = bare;
    let mut people = vec![same_phone, third.clone(), same_name, bare, twin, bare_too];
    people.push(person("second"));
    let results = profiles.create(people).await.unwrap();
    let expected = [
        Err(Error::Conflict("phoneNumber")),
        Ok(()),
        Err(Error::Conflict("username")),
        Ok(()),
        Err(Error::Conflict("username")),
        Ok(()),
        Ok(()),
    ];
    assert_eq!(results, expected);
    let found = profiles.find(&Name::Username("third".parse().unwrap())).await.unwrap().unwrap();
    assert_eq!(found.user_id, third.account.user_id);
    assert_eq!(profiles.list(None, 100).await.unwrap().len(), 5);
}

/// Pages of people are in the order of ids, without gap or repeat.
pub async fn lists_people_in_pages(profiles: &dyn Profiles) {
    let people: Vec<NewPerson> = (0..23).map(|n| person(&format!("user{n}"))).collect();
    let mut expected: Vec<UserId> = people.iter().map(|person| person.account.user_id).collect();
    expected.sort_unstable();
    profiles.create(people).await.unwrap();
    let (mut met, mut after) = (Vec::new(), None);
    loop {
        let page = profiles.list(after, 5).await.unwrap();
        assert!(page.len() <= 5);
        let Some(last) = page.last() else { break };
        after = Some(last.user_id);
        met.extend(page.into_iter().map(|profile| profile.user_id));
        assert!(met.len() <= expected.len(), "somebody is listed twice");
    }
    assert_eq!(met, expected);
}

/// A deleted person is gone with credentials and sessions, and the names are free again.
pub async fn deletes_people(profiles: &dyn Profiles, accounts: &dyn Accounts) {
    let (gone, stays) = (person("gone"), person("stays"));
    profiles.create(vec![gone.clone(), stays.clone()]).await.unwrap();
    let user = gone.account.user_id;
    let now = Timestamp::now();
    let session_id = SessionId::draw();
    let row = SessionRow {
        session_id,
        user_id: user,
        device_name: None,
        created_at: now,
        last_used_at: now,
        expires_at: now.plus_seconds(1000),
    };
    let session = NewSession { row: row.clone(), refresh: Some([1; 32]), cookie: Some([2; 32]) };
    accounts.start_sessions(vec![session]).await.unwrap();
    assert_eq!(profiles.delete(user).await.unwrap(), Some(vec![session_id]));
    assert_eq!(profiles.delete(user).await.unwrap(), None);
    let late = SessionRow { session_id: SessionId::draw(), ..row };
    let late = NewSession { row: late, refresh: Some([4; 32]), cookie: None };
    assert!(!accounts.start_sessions(vec![late]).await.unwrap(), "a sign-in comes too late");
    assert_eq!(profiles.find(&Name::Id(user)).await.unwrap(), None);
    assert_eq!(accounts.by_id(user).await.unwrap(), None);
    assert_eq!(accounts.rotate([1; 32], [3; 32], now).await.unwrap(), Rotation::Refused);
    assert_eq!(accounts.by_cookie([2; 32], now).await.unwrap(), None);
    assert_eq!(accounts.sessions(user, now, 9).await.unwrap(), []);
    assert_eq!(accounts.ended_since(now).await.unwrap(), [session_id], "its access tokens still live");
    assert!(profiles.find(&Name::Id(stays.account.user_id)).await.unwrap().is_some());
    assert_eq!(profiles.create(vec![person("gone")]).await.unwrap(), [Ok(())]);
}
