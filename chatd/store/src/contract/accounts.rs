//! The promises of `Accounts`, each as one function on empty stores.

#![expect(clippy::unwrap_used, reason = "these functions are the bodies of tests")]

use crate::Error;
use crate::accounts::{
    Account, Accounts, NewSession, PasswordChange, Role, Rotation, SecretHash, SessionRow, Which,
};
use crate::contract::profiles::person;
use crate::profiles::Profiles;
use schema::{SessionId, Timestamp, UserId};

const NOW: Timestamp = Timestamp(4_102_444_800_000);

/// A person who exists.
async fn somebody(profiles: &dyn Profiles, name: &str) -> Account {
    let somebody = person(name);
    profiles.create(vec![somebody.clone()]).await.unwrap().remove(0).unwrap();
    somebody.account
}

fn hash(n: u8) -> SecretHash {
    [n; 32]
}

fn session(user: UserId, refresh: u8) -> NewSession {
    let row = SessionRow {
        session_id: SessionId::draw(),
        user_id: user,
        device_name: Some(format!("device {refresh}")),
        created_at: NOW,
        last_used_at: NOW,
        expires_at: NOW.plus_seconds(1000),
    };
    NewSession { row, refresh: Some(hash(refresh)), cookie: Some(hash(refresh + 100)) }
}

/// An account is found by phone number, username and id, as it was created.
pub async fn finds_accounts(accounts: &dyn Accounts, profiles: &dyn Profiles) {
    let mut admin = person("boss");
    admin.account.role = Role::Admin;
    admin.account.disabled = true;
    profiles.create(vec![admin.clone(), person("other")]).await.unwrap();
    let (phone, name) =
        (admin.account.phone_number.clone().unwrap(), admin.account.username.clone().unwrap());
    for found in [
        accounts.by_phone(&phone).await.unwrap(),
        accounts.by_username(&name).await.unwrap(),
        accounts.by_id(admin.account.user_id).await.unwrap(),
    ] {
        assert_eq!(found.as_ref(), Some(&admin.account));
    }
    assert_eq!(accounts.by_username(&"nobody".parse().unwrap()).await.unwrap(), None);
    assert_eq!(accounts.by_phone(&"+1999999999".parse().unwrap()).await.unwrap(), None);
    assert_eq!(accounts.by_id(UserId::draw()).await.unwrap(), None);
}

/// A password is changed only from the one that was checked and by a live session, which is then the only one.
pub async fn changes_a_password(accounts: &dyn Accounts, profiles: &dyn Profiles) {
    let (user, other) = (somebody(profiles, "user1").await, somebody(profiles, "user2").await);
    let mut sessions: Vec<NewSession> = (1..=4).map(|n| session(user.user_id, n)).collect();
    sessions[3].row.expires_at = NOW;
    let strangers = session(other.user_id, 9);
    accounts.start_sessions([sessions.clone(), vec![strangers.clone()]].concat()).await.unwrap();
    let ids: Vec<SessionId> = sessions.iter().map(|session| session.row.session_id).collect();
    let old = user.password_hash.clone().unwrap();
    let change = async |from: &str, keep: SessionId| {
        let change = PasswordChange { from: from.to_owned(), to: "another".to_owned(), keep };
        accounts.change_password(user.user_id, change, NOW).await.unwrap()
    };
    for (from, keep) in [
        ("not this one", ids[0]),
        (old.as_str(), SessionId::draw()),
        (old.as_str(), strangers.row.session_id),
        (old.as_str(), ids[3]),
    ] {
        assert_eq!(change(from, keep).await, None);
    }
    assert_eq!(accounts.by_id(user.user_id).await.unwrap(), Some(user.clone()), "nothing has changed");
    assert_eq!(accounts.sessions(user.user_id, NOW, 9).await.unwrap().len(), 3);
    let (a, b) = tokio::join!(change(&old, ids[0]), change(&old, ids[0]));
    let [mut ended] = <[_; 1]>::try_from([a, b].into_iter().flatten().collect::<Vec<_>>()).unwrap();
    ended.sort_unstable();
    let mut expected = [ids[1], ids[2]];
    expected.sort_unstable();
    assert_eq!(ended, expected, "of two at once one changes it");
    let found = accounts.by_id(user.user_id).await.unwrap().unwrap();
    assert_eq!(found.password_hash.as_deref(), Some("another"));
    assert_eq!(accounts.by_id(other.user_id).await.unwrap(), Some(other.clone()));
    assert_eq!(accounts.sessions(user.user_id, NOW, 9).await.unwrap(), [sessions[0].row.clone()]);
    assert_eq!(accounts.sessions(other.user_id, NOW, 9).await.unwrap().len(), 1);
    assert!(matches!(accounts.rotate(hash(1), hash(11), NOW).await.unwrap(), Rotation::Rotated(_)));
    assert_eq!(accounts.rotate(hash(2), hash(12), NOW).await.unwrap(), Rotation::Refused);
    assert_eq!(accounts.ended_since(NOW).await.unwrap().len(), 2);
}

/// Disabling ends every session in the same step and lets none start; enabling lets them start again.
pub async fn disables_and_enables(accounts: &dyn Accounts, profiles: &dyn Profiles) {
    let (user, other) =
        (somebody(profiles, "user1").await.user_id, somebody(profiles, "user2").await.user_id);
    let first = session(user, 1);
    accounts.start_sessions(vec![first.clone(), session(other, 2)]).await.unwrap();
    assert_eq!(accounts.set_disabled(UserId::draw(), true, NOW).await.unwrap(), None);
    let ended = accounts.set_disabled(user, true, NOW).await.unwrap();
    assert_eq!(ended, Some(vec![first.row.session_id]));
    assert!(accounts.by_id(user).await.unwrap().unwrap().disabled);
    assert!(!accounts.by_id(other).await.unwrap().unwrap().disabled);
    assert_eq!(accounts.set_disabled(user, true, NOW).await.unwrap(), Some(vec![]), "once more is no error");
    assert_eq!(accounts.rotate(hash(1), hash(11), NOW).await.unwrap(), Rotation::Refused);
    assert_eq!(accounts.by_cookie(hash(101), NOW).await.unwrap(), None);
    assert_eq!(accounts.ended_since(NOW).await.unwrap(), [first.row.session_id]);
    let both = vec![session(other, 3), session(user, 4)];
    assert!(!accounts.start_sessions(both.clone()).await.unwrap(), "a disabled user starts none");
    assert_eq!(accounts.sessions(other, NOW, 9).await.unwrap().len(), 1, "all or none");
    let change = PasswordChange {
        from: "hash of user1".to_owned(),
        to: "another".to_owned(),
        keep: first.row.session_id,
    };
    assert_eq!(accounts.change_password(user, change, NOW).await.unwrap(), None);
    assert_eq!(accounts.set_disabled(user, false, NOW).await.unwrap(), Some(vec![]));
    assert!(!accounts.by_id(user).await.unwrap().unwrap().disabled);
    assert!(accounts.start_sessions(both).await.unwrap());
    assert_eq!(accounts.sessions(user, NOW, 9).await.unwrap().len(), 1, "the old ones stay ended");
}

/// Sessions that have reached their own end are answered once, a bounded number at a time, and are gone.
pub async fn expires_sessions(accounts: &dyn Accounts, profiles: &dyn Profiles) {
    let user = somebody(profiles, "user1").await.user_id;
    let mut sessions: Vec<NewSession> = (1..=4).map(|n| session(user, n)).collect();
    for session in &mut sessions[..3] {
        session.row.expires_at = NOW.plus_seconds(10);
    }
    accounts.start_sessions(sessions.clone()).await.unwrap();
    let end = NOW.plus_seconds(10);
    assert_eq!(accounts.expire(NOW.plus_seconds(9), 9).await.unwrap(), []);
    let mut expired = accounts.expire(end, 2).await.unwrap();
    assert_eq!(expired.len(), 2);
    expired.extend(accounts.expire(end, 2).await.unwrap());
    expired.sort_unstable();
    let mut expected: Vec<_> = sessions[..3].iter().map(|session| session.row.session_id).collect();
    expected.sort_unstable();
    assert_eq!(expired, expected);
    assert_eq!(accounts.expire(end, 2).await.unwrap(), []);
    assert_eq!(accounts.sessions(user, NOW, 9).await.unwrap(), [sessions[3].row.clone()]);
    let Rotation::Rotated(row) = accounts.rotate(hash(4), hash(5), end).await.unwrap() else {
        panic!("refused a live token")
    };
    assert_eq!(accounts.expire(sessions[3].row.expires_at, 9).await.unwrap(), [], "a trade made it live on");
    assert_eq!(accounts.expire(row.expires_at, 9).await.unwrap(), [row.session_id]);
    assert_eq!(accounts.ended_since(NOW).await.unwrap(), [], "nobody ended it");
}

/// Live sessions are listed newest first, and end when they are told or by themselves.
pub async fn lists_and_ends_sessions(accounts: &dyn Accounts, profiles: &dyn Profiles) {
    let (user, other) =
        (somebody(profiles, "user1").await.user_id, somebody(profiles, "user2").await.user_id);
    let mut sessions: Vec<NewSession> = (1..=4).map(|n| session(user, n)).collect();
    for (n, session) in (0..).zip(&mut sessions) {
        session.row.created_at = NOW.plus_seconds(n);
    }
    sessions[0].row.expires_at = NOW.plus_seconds(10);
    let mut all = sessions.clone();
    all.push(session(other, 9));
    accounts.start_sessions(all).await.unwrap();
    let rows: Vec<SessionRow> = sessions.iter().rev().map(|session| session.row.clone()).collect();
    assert_eq!(accounts.sessions(user, NOW, 10).await.unwrap(), rows);
    assert_eq!(accounts.sessions(user, NOW, 2).await.unwrap(), rows[..2]);
    let later = NOW.plus_seconds(10);
    assert_eq!(accounts.sessions(user, later, 10).await.unwrap(), rows[..3], "an expired session is listed");
    let ids: Vec<SessionId> = sessions.iter().map(|session| session.row.session_id).collect();
    assert_eq!(accounts.end_sessions(other, Which::One(ids[1]), NOW).await.unwrap(), [], "another's session");
    assert_eq!(accounts.end_sessions(user, Which::One(ids[1]), NOW).await.unwrap(), [ids[1]]);
    assert_eq!(accounts.end_sessions(user, Which::One(ids[1]), NOW).await.unwrap(), []);
    let mut ended = accounts.end_sessions(user, Which::AllBut(ids[2]), later).await.unwrap();
    ended.sort_unstable();
    assert_eq!(ended, [ids[3]]);
    assert_eq!(accounts.end_sessions(user, Which::All, later).await.unwrap(), [ids[2]]);
    assert_eq!(accounts.sessions(user, NOW, 10).await.unwrap().len(), 1, "the expired one is not pruned yet");
    assert_eq!(accounts.sessions(other, NOW, 10).await.unwrap().len(), 1);
    assert_eq!(accounts.ended_since(later).await.unwrap().len(), 2);
    assert_eq!(accounts.ended_since(NOW).await.unwrap().len(), 3);
    assert_eq!(accounts.ended_since(later.plus_seconds(1)).await.unwrap(), []);
}

/// Sessions start all or none.
pub async fn sessions_start_together(accounts: &dyn Accounts, profiles: &dyn Profiles) {
    let user = somebody(profiles, "user1").await.user_id;
    accounts.start_sessions(vec![session(user, 1)]).await.unwrap();
    let refused = accounts.start_sessions(vec![session(user, 2), session(user, 1)]).await;
    assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
    assert_eq!(accounts.sessions(user, NOW, 10).await.unwrap().len(), 1);
    let with_nobody = vec![session(user, 3), session(UserId::draw(), 4)];
    assert!(!accounts.start_sessions(with_nobody).await.unwrap(), "a session of nobody");
    assert_eq!(accounts.sessions(user, NOW, 10).await.unwrap().len(), 1);
}

/// A refresh token is traded once; the new one works, and the session lives on.
pub async fn rotates(accounts: &dyn Accounts, profiles: &dyn Profiles) {
    let user = somebody(profiles, "user1").await.user_id;
    let first = session(user, 1);
    accounts.start_sessions(vec![first.clone()]).await.unwrap();
    let later = NOW.plus_seconds(60);
    let Rotation::Rotated(row) = accounts.rotate(hash(1), hash(2), later).await.unwrap() else {
        panic!("refused a live token")
    };
    assert_eq!((row.session_id, row.user_id, row.last_used_at), (first.row.session_id, user, later));
    assert!(row.expires_at > first.row.expires_at, "a traded token lives as long as a new one");
    assert_eq!(accounts.sessions(user, later, 9).await.unwrap(), [row]);
    assert!(matches!(accounts.rotate(hash(2), hash(3), later).await.unwrap(), Rotation::Rotated(_)));
    // The first token has expired by then, the session has not: nobody is robbed any more.
    let expired = first.row.expires_at;
    assert_eq!(accounts.rotate(hash(1), hash(4), expired).await.unwrap(), Rotation::Refused);
    assert_eq!(accounts.sessions(user, expired, 9).await.unwrap().len(), 1);
    assert_eq!(accounts.rotate(hash(77), hash(78), later).await.unwrap(), Rotation::Refused);
}

/// The reuse of a token ends the session with every token of it, and tells whose it was.
pub async fn reuse_ends_the_session(accounts: &dyn Accounts, profiles: &dyn Profiles) {
    let user = somebody(profiles, "user1").await.user_id;
    let stolen = session(user, 1);
    let untouched = session(user, 50);
    accounts.start_sessions(vec![stolen.clone(), untouched.clone()]).await.unwrap();
    for n in 1..4 {
        assert!(matches!(accounts.rotate(hash(n), hash(n + 1), NOW).await.unwrap(), Rotation::Rotated(_)));
    }
    let Rotation::Reused(row) = accounts.rotate(hash(2), hash(9), NOW).await.unwrap() else {
        panic!("a used token was taken")
    };
    assert_eq!((row.session_id, row.user_id), (stolen.row.session_id, user));
    for n in [1, 2, 3, 4, 9] {
        assert_eq!(
            accounts.rotate(hash(n), hash(60 + n), NOW).await.unwrap(),
            Rotation::Refused,
            "token {n}"
        );
    }
    assert_eq!(accounts.by_cookie(hash(101), NOW).await.unwrap(), None);
    assert_eq!(accounts.sessions(user, NOW, 9).await.unwrap(), [untouched.row]);
    assert_eq!(accounts.ended_since(NOW).await.unwrap(), [stolen.row.session_id]);
}

/// An expired token, and a token of an ended session, are refused and not taken for reuse.
pub async fn refuses_dead_tokens(accounts: &dyn Accounts, profiles: &dyn Profiles) {
    let user = somebody(profiles, "user1").await.user_id;
    let (expired, ended) = (session(user, 1), session(user, 2));
    accounts.start_sessions(vec![expired.clone(), ended.clone()]).await.unwrap();
    let at_end = expired.row.expires_at;
    assert_eq!(accounts.rotate(hash(1), hash(11), at_end).await.unwrap(), Rotation::Refused);
    assert_eq!(accounts.by_cookie(hash(101), at_end).await.unwrap(), None);
    assert!(!accounts.replace_refresh(expired.row.session_id, hash(12), at_end).await.unwrap());
    accounts.end_sessions(user, Which::One(ended.row.session_id), NOW).await.unwrap();
    assert_eq!(accounts.rotate(hash(2), hash(13), NOW).await.unwrap(), Rotation::Refused);
    assert_eq!(accounts.by_cookie(hash(102), NOW).await.unwrap(), None);
    assert!(!accounts.replace_refresh(ended.row.session_id, hash(14), NOW).await.unwrap());
}

/// Of trades of one token at once exactly one wins, and the session is ended by the others.
pub async fn a_race_has_one_winner(accounts: &dyn Accounts, profiles: &dyn Profiles) {
    let user = somebody(profiles, "user1").await.user_id;
    for round in 0..10 {
        let old = hash(round);
        let mut new = session(user, 0);
        new.refresh = Some(old);
        new.cookie = None;
        accounts.start_sessions(vec![new.clone()]).await.unwrap();
        let (a, b, c) = tokio::join!(
            accounts.rotate(old, hash(100 + round), NOW),
            accounts.rotate(old, hash(150 + round), NOW),
            accounts.rotate(old, hash(200 + round), NOW),
        );
        let outcomes = [a.unwrap(), b.unwrap(), c.unwrap()];
        let count = |kind: fn(&Rotation) -> bool| outcomes.iter().filter(|outcome| kind(outcome)).count();
        assert_eq!(count(|outcome| matches!(outcome, Rotation::Rotated(_))), 1, "{outcomes:?}");
        assert_eq!(count(|outcome| matches!(outcome, Rotation::Reused(_))), 1, "{outcomes:?}");
        assert_eq!(count(|outcome| *outcome == Rotation::Refused), 1, "{outcomes:?}");
        assert_eq!(accounts.sessions(user, NOW, 9).await.unwrap(), []);
    }
}

/// A cookie leads to its session, whose refresh token can be traded by id; the one before is then dead.
pub async fn trades_by_cookie(accounts: &dyn Accounts, profiles: &dyn Profiles) {
    let user = somebody(profiles, "user1").await.user_id;
    let first = session(user, 1);
    accounts.start_sessions(vec![first.clone()]).await.unwrap();
    let found = accounts.by_cookie(hash(101), NOW).await.unwrap();
    assert_eq!(found, Some(first.row.clone()));
    assert_eq!(accounts.by_cookie(hash(1), NOW).await.unwrap(), None);
    assert!(accounts.replace_refresh(first.row.session_id, hash(2), NOW).await.unwrap());
    assert!(!accounts.replace_refresh(SessionId::draw(), hash(3), NOW).await.unwrap());
    assert!(matches!(accounts.rotate(hash(2), hash(4), NOW).await.unwrap(), Rotation::Rotated(_)));
    assert!(matches!(accounts.rotate(hash(1), hash(5), NOW).await.unwrap(), Rotation::Reused(_)));
}
