//! The promises of `Profiles` about what changes of a person, and what is left of who is gone, each as one
//! function on empty stores.

#![expect(clippy::unwrap_used, reason = "these functions are the bodies of tests")]

use crate::Error;
use crate::contract::profiles::person;
use crate::profiles::{Name, Profile, ProfileChange, Profiles};
use schema::user::{Policy, PrivacyChange, PrivacySettings};
use schema::{Timestamp, UserId};

/// Two people, user1 and user2.
async fn two(profiles: &dyn Profiles) -> (UserId, UserId) {
    let (one, other) = (person("user1"), person("user2"));
    profiles.create(vec![one.clone(), other.clone()]).await.unwrap();
    (one.account.user_id, other.account.user_id)
}

async fn find(profiles: &dyn Profiles, user: UserId) -> Profile {
    profiles.find(&Name::Id(user)).await.unwrap().unwrap()
}

/// A profile changes where it is told to and nowhere else; what is removed is gone.
pub async fn updates_profiles(profiles: &dyn Profiles) {
    let (user, other) = two(profiles).await;
    let (before, untouched) = (find(profiles, user).await, find(profiles, other).await);
    let same = profiles.update(user, ProfileChange::default()).await.unwrap().unwrap();
    assert_eq!((same.former_username, same.profile), (before.username.clone(), before.clone()));
    let change = ProfileChange {
        display_name: Some("Somebody else".parse().unwrap()),
        username: Some(Some("user3".parse().unwrap())),
        avatar_url: Some(Some("/api/media/1".parse().unwrap())),
    };
    let updated = profiles.update(user, change).await.unwrap().unwrap();
    assert_eq!(updated.former_username, before.username);
    let expected = Profile {
        display_name: "Somebody else".parse().unwrap(),
        username: Some("user3".parse().unwrap()),
        avatar_url: Some("/api/media/1".to_owned()),
        ..before.clone()
    };
    assert_eq!(updated.profile, expected);
    assert_eq!(find(profiles, user).await, expected);
    assert_eq!(profiles.find(&Name::Username("user1".parse().unwrap())).await.unwrap(), None);
    let removal = ProfileChange { username: Some(None), avatar_url: Some(None), ..ProfileChange::default() };
    profiles.update(user, removal).await.unwrap().unwrap();
    let bare = Profile { username: None, avatar_url: None, ..expected };
    assert_eq!(find(profiles, user).await, bare);
    assert_eq!(find(profiles, other).await, untouched);
    let nobody = profiles.update(UserId::draw(), ProfileChange::default()).await.unwrap();
    assert!(nobody.is_none());
}

/// A username has one owner: of two who want it one gets it, and the change of the other changes nothing.
pub async fn a_taken_username_changes_nothing(profiles: &dyn Profiles) {
    let (user, other) = two(profiles).await;
    let before = find(profiles, user).await;
    let wants = |name: &str| ProfileChange {
        display_name: Some("X".parse().unwrap()),
        username: Some(Some(name.parse().unwrap())),
        avatar_url: Some(Some("/x".parse().unwrap())),
    };
    let refused = profiles.update(user, wants("user2")).await.unwrap_err();
    assert_eq!(refused, Error::Conflict("username"));
    assert_eq!(find(profiles, user).await, before);
    assert!(profiles.update(user, wants("user1")).await.unwrap().is_some(), "one's own");
    let (a, b) =
        tokio::join!(profiles.update(user, wants("wanted")), profiles.update(other, wants("wanted")));
    assert_eq!(usize::from(a.is_ok()) + usize::from(b.is_ok()), 1);
}

/// Privacy changes where it is told to, of the one person.
pub async fn changes_privacy(profiles: &dyn Profiles) {
    let (user, other) = two(profiles).await;
    let hide = PrivacyChange { show_last_seen: Some(false), ..PrivacyChange::default() };
    let narrow = PrivacyChange { profile_photo_policy: Some(Policy::Contacts), ..PrivacyChange::default() };
    // Together, so that one would overwrite the other if the whole were written.
    let (a, b) = tokio::join!(profiles.set_privacy(user, &hide), profiles.set_privacy(user, &narrow));
    assert!(a.unwrap().is_some() && b.unwrap().is_some());
    let expected = PrivacySettings {
        show_last_seen: false,
        profile_photo_policy: Policy::Contacts,
        ..PrivacySettings::default()
    };
    assert_eq!(find(profiles, user).await.privacy, expected);
    let told = profiles.set_privacy(user, &PrivacyChange::default()).await.unwrap();
    assert_eq!(told, Some(expected));
    assert_eq!(find(profiles, other).await.privacy, PrivacySettings::default());
    assert_eq!(profiles.set_privacy(UserId::draw(), &hide).await.unwrap(), None);
}

/// When somebody was last there never goes back, and the chosen presence is kept until it is taken back.
pub async fn remembers_presence(profiles: &dyn Profiles) {
    let (user, other) = two(profiles).await;
    let at = Timestamp(1_701_424_800_000);
    profiles.set_last_seen(&[(user, at), (UserId::draw(), at), (other, at.plus_seconds(5))]).await.unwrap();
    profiles.set_last_seen(&[(user, at.plus_seconds(-5)), (other, at.plus_seconds(6))]).await.unwrap();
    profiles.set_last_seen(&[]).await.unwrap();
    assert_eq!(find(profiles, user).await.last_seen, Some(at));
    assert_eq!(find(profiles, other).await.last_seen, Some(at.plus_seconds(6)));
    profiles.set_chosen_status(user, Some("INVISIBLE")).await.unwrap();
    profiles.set_chosen_status(UserId::draw(), Some("AWAY")).await.unwrap();
    assert_eq!(find(profiles, user).await.chosen_status.as_deref(), Some("INVISIBLE"));
    assert_eq!(find(profiles, other).await.chosen_status, None);
    profiles.set_chosen_status(user, None).await.unwrap();
    assert_eq!(find(profiles, user).await.chosen_status, None);
}

/// Many people are found at once, in the order asked, unknown ones and repeats included.
pub async fn finds_people_in_bulk(profiles: &dyn Profiles) {
    let (user, other) = two(profiles).await;
    let found = profiles.find_all(&[other, UserId::draw(), user, other]).await.unwrap();
    let ids: Vec<_> = found.iter().map(|found| found.as_ref().map(|profile| profile.user_id)).collect();
    assert_eq!(ids, [Some(other), None, Some(user), Some(other)]);
    assert_eq!(found[2], Some(find(profiles, user).await));
    assert_eq!(profiles.find_all(&[]).await.unwrap(), []);
    let many: Vec<UserId> = (0..1201).map(|n| if n == 1200 { user } else { UserId::draw() }).collect();
    let found = profiles.find_all(&many).await.unwrap();
    assert!(found[..1200].iter().all(Option::is_none) && found[1200].is_some());
}

/// Of who is deleted the id is known, and waits until everything of theirs is erased; of others nothing is.
pub async fn leaves_tombstones(profiles: &dyn Profiles) {
    let (user, other) = two(profiles).await;
    let never = UserId::draw();
    assert_eq!(profiles.deleted(&[user, never]).await.unwrap(), [false, false]);
    assert_eq!(profiles.delete(never).await.unwrap(), None);
    assert_eq!(profiles.delete(user).await.unwrap(), Some(vec![]));
    assert_eq!(profiles.delete(user).await.unwrap(), None);
    assert_eq!(profiles.deleted(&[never, user, other, user]).await.unwrap(), [false, true, false, true]);
    assert_eq!(profiles.unerased(9).await.unwrap(), [user]);
    profiles.delete(other).await.unwrap();
    assert_eq!(profiles.unerased(1).await.unwrap(), [user], "the first to go is the first to be erased");
    profiles.set_erased(user).await.unwrap();
    profiles.set_erased(user).await.unwrap();
    profiles.set_erased(never).await.unwrap();
    assert_eq!(profiles.unerased(9).await.unwrap(), [other]);
    assert_eq!(profiles.deleted(&[user, never, other]).await.unwrap(), [true, false, true]);
    assert_eq!(profiles.deleted(&[]).await.unwrap(), [false; 0]);
    let many: Vec<UserId> = (0..1201).map(|n| if n % 600 == 0 { user } else { UserId::draw() }).collect();
    let gone = profiles.deleted(&many).await.unwrap();
    assert_eq!(gone.iter().filter(|gone| **gone).count(), 3);
}
