//! The promises of `Profiles` about contacts, each as one function on empty stores.

#![expect(clippy::unwrap_used, reason = "these functions are the bodies of tests")]

use crate::contract::profiles::person;
use crate::profiles::{Contact, Profiles, Put};
use schema::{Timestamp, UserId};

const NOW: Timestamp = Timestamp(1_701_424_800_000);
const MOST: usize = 5;

/// This many people, in the order of their ids.
async fn people(profiles: &dyn Profiles, count: usize) -> Vec<UserId> {
    let people: Vec<_> = (0..count).map(|n| person(&format!("user{n}"))).collect();
    let mut ids: Vec<UserId> = people.iter().map(|person| person.account.user_id).collect();
    profiles.create(people).await.unwrap();
    ids.sort_unstable();
    ids
}

fn contact(user_id: UserId, alias: Option<&str>) -> Contact {
    Contact { user_id, alias: alias.map(|alias| alias.parse().unwrap()), created_at: NOW }
}

/// A contact is added once and keeps its first time; a repeat takes another alias and removes none.
pub async fn puts_contacts(profiles: &dyn Profiles) {
    let ids = people(profiles, 3).await;
    let (owner, friend) = (ids[0], ids[1]);
    let first = contact(friend, Some("Friend"));
    assert_eq!(profiles.put_contact(owner, first.clone(), MOST).await.unwrap(), Put::Added(first.clone()));
    let later = Contact { created_at: NOW.plus_seconds(9), ..contact(friend, None) };
    assert_eq!(profiles.put_contact(owner, later.clone(), MOST).await.unwrap(), Put::Changed(first.clone()));
    let other_name = Contact { alias: Some("Foe".parse().unwrap()), ..first.clone() };
    let later = Contact { alias: other_name.alias.clone(), ..later };
    assert_eq!(profiles.put_contact(owner, later, MOST).await.unwrap(), Put::Changed(other_name.clone()));
    assert_eq!(profiles.contacts(owner, None, 9).await.unwrap(), [other_name]);
    let bare = Contact { alias: None, ..first.clone() };
    assert_eq!(profiles.set_alias(owner, friend, None).await.unwrap(), Some(bare));
    let alias = "Old friend".parse().unwrap();
    let renamed = Contact { alias: Some(alias), ..first };
    let changed = profiles.set_alias(owner, friend, renamed.alias.as_ref()).await.unwrap();
    assert_eq!(changed, Some(renamed.clone()));
    assert_eq!(profiles.contacts(owner, None, 9).await.unwrap(), [renamed]);
    assert_eq!(profiles.set_alias(owner, ids[2], None).await.unwrap(), None, "not added by an alias");
    assert_eq!(profiles.contacts(friend, None, 9).await.unwrap(), [], "a contact is of its owner alone");
    assert_eq!(profiles.contacts(ids[2], None, 9).await.unwrap(), []);
}

/// An owner has a bounded number of contacts; a repeat is none more.
pub async fn contacts_are_bounded(profiles: &dyn Profiles) {
    let ids = people(profiles, MOST + 2).await;
    for friend in &ids[1..=MOST] {
        assert!(matches!(
            profiles.put_contact(ids[0], contact(*friend, None), MOST).await.unwrap(),
            Put::Added(_)
        ));
    }
    let one_more = contact(ids[MOST + 1], None);
    assert_eq!(profiles.put_contact(ids[0], one_more.clone(), MOST).await.unwrap(), Put::Full);
    let again = profiles.put_contact(ids[0], contact(ids[1], Some("x")), MOST).await.unwrap();
    assert!(matches!(again, Put::Changed(_)), "{again:?}");
    assert_eq!(profiles.contacts(ids[0], None, 99).await.unwrap().len(), MOST);
    let other = profiles.put_contact(ids[1], one_more.clone(), MOST).await.unwrap();
    assert!(matches!(other, Put::Added(_)), "another's bound: {other:?}");
    assert!(profiles.remove_contact(ids[0], ids[1]).await.unwrap());
    assert_eq!(profiles.put_contact(ids[0], one_more.clone(), MOST).await.unwrap(), Put::Added(one_more));
}

/// Nobody is a contact who is not there, nor has contacts.
pub async fn contacts_are_people(profiles: &dyn Profiles) {
    let ids = people(profiles, 2).await;
    let nobody = UserId::draw();
    assert_eq!(profiles.put_contact(ids[0], contact(nobody, None), MOST).await.unwrap(), Put::Unknown);
    assert_eq!(profiles.put_contact(nobody, contact(ids[0], None), MOST).await.unwrap(), Put::Unknown);
    assert!(!profiles.remove_contact(ids[0], ids[1]).await.unwrap());
    assert_eq!(profiles.contacts(ids[0], None, 9).await.unwrap(), []);
}

/// Both lists come in pages, in the order of ids, without gap or repeat.
pub async fn lists_contacts_in_pages(profiles: &dyn Profiles) {
    let ids = people(profiles, 12).await;
    for friend in ids[1..].iter().rev() {
        profiles.put_contact(ids[0], contact(*friend, None), 99).await.unwrap();
        profiles.put_contact(*friend, contact(ids[0], None), 99).await.unwrap();
    }
    let (mut met, mut after) = (Vec::new(), None);
    while let Some(last) = {
        let page = profiles.contacts(ids[0], after, 5).await.unwrap();
        assert!(page.len() <= 5);
        met.extend(page.iter().map(|contact| contact.user_id));
        page.last().map(|contact| contact.user_id)
    } {
        after = Some(last);
        assert!(met.len() <= 11, "somebody is listed twice");
    }
    assert_eq!(met, ids[1..]);
    let first = profiles.contacted_by(ids[0], None, 6).await.unwrap();
    let rest = profiles.contacted_by(ids[0], first.last().copied(), 99).await.unwrap();
    assert_eq!([first, rest].concat(), ids[1..]);
    assert_eq!(profiles.contacted_by(ids[1], None, 9).await.unwrap(), [ids[0]]);
    assert_eq!(profiles.contacted_by(ids[0], None, 0).await.unwrap(), []);
}

/// Many pairs are told at once, each in its own direction, repeats and strangers included.
pub async fn tells_contacts_in_bulk(profiles: &dyn Profiles) {
    let ids = people(profiles, 4).await;
    let (a, b, c, d) = (ids[0], ids[1], ids[2], ids[3]);
    for (owner, friend) in [(a, b), (b, c), (c, c)] {
        profiles.put_contact(owner, contact(friend, None), MOST).await.unwrap();
    }
    let pairs = [(a, b), (b, a), (b, c), (a, c), (c, c), (a, b), (d, UserId::draw())];
    let expected = [true, false, true, false, true, true, false];
    assert_eq!(profiles.are_contacts(&pairs).await.unwrap(), expected);
    assert_eq!(profiles.are_contacts(&[]).await.unwrap(), [false; 0]);
    let many: Vec<_> = (0..1201).map(|n| if n % 400 == 0 { (a, b) } else { (UserId::draw(), b) }).collect();
    let told = profiles.are_contacts(&many).await.unwrap();
    assert_eq!(told.iter().filter(|told| **told).count(), 4);
    assert!(told[0] && told[400] && told[1200], "not in the order asked");
}

/// Who is deleted is in nobody's contacts any more and leaves none behind.
pub async fn contacts_go_with_people(profiles: &dyn Profiles) {
    let ids = people(profiles, 3).await;
    for (owner, friend) in [(ids[0], ids[1]), (ids[1], ids[0]), (ids[2], ids[1]), (ids[2], ids[0])] {
        profiles.put_contact(owner, contact(friend, None), MOST).await.unwrap();
    }
    profiles.delete(ids[1]).await.unwrap();
    assert_eq!(profiles.contacts(ids[0], None, 9).await.unwrap(), []);
    assert_eq!(profiles.contacts(ids[1], None, 9).await.unwrap(), []);
    assert_eq!(profiles.contacts(ids[2], None, 9).await.unwrap(), [contact(ids[0], None)]);
    assert_eq!(profiles.contacted_by(ids[1], None, 9).await.unwrap(), []);
    assert_eq!(profiles.are_contacts(&[(ids[1], ids[0]), (ids[2], ids[1])]).await.unwrap(), [false, false]);
}
