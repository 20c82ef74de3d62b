//! What many at once must not break. Sixteen tasks, over twelve connections.

use crate::database::with_people;
use cluster::postgres::People;
use futures_util::future::join_all;
use schema::{SessionId, Timestamp, UserId};
use std::collections::HashSet;
use store::Error;
use store::accounts::{Accounts, NewSession, PasswordChange, Rotation, SecretHash, SessionRow, Which};
use store::contract::profiles::person;
use store::profiles::{Contact, Name, NewPerson, ProfileChange, Profiles, Put};

const TASKS: u8 = 16;
const ROUNDS: u8 = 8;
const NOW: Timestamp = Timestamp(4_102_444_800_000);

/// The outcomes of a task for each number below [`TASKS`], all at once.
async fn together<T: Send + 'static, F>(task: impl Fn(u8) -> F) -> Vec<T>
where
    F: Future<Output = T> + Send + 'static,
{
    let tasks: Vec<_> = (0..TASKS).map(|n| tokio::spawn(task(n))).collect();
    join_all(tasks).await.into_iter().map(Result::unwrap).collect()
}

async fn somebody(people: &People, name: &str) -> UserId {
    let somebody = person(name);
    people.create(vec![somebody.clone()]).await.unwrap().remove(0).unwrap();
    somebody.account.user_id
}

fn secret(round: u8, n: u8) -> SecretHash {
    let mut secret = [round; 32];
    secret[0] = n;
    secret
}

fn session(user_id: UserId, refresh: Option<SecretHash>) -> NewSession {
    let row = SessionRow {
        session_id: SessionId::draw(),
        user_id,
        device_name: None,
        created_at: NOW,
        last_used_at: NOW,
        expires_at: NOW.plus_seconds(1000),
    };
    NewSession { row, refresh, cookie: None }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_refreshes_one_wins_and_one_ends_the_session() {
    with_people(async |people| {
        let user = somebody(people, "user1").await;
        for round in 0..ROUNDS {
            let old = secret(round, 255);
            let new = session(user, Some(old));
            people.start_sessions(vec![new.clone()]).await.unwrap();
            let outcomes = together(|n| {
                let people = people.clone();
                async move { people.rotate(old, secret(round, n), NOW).await.unwrap() }
            })
            .await;
            let count = |kind: fn(&Rotation) -> bool| outcomes.iter().filter(|outcome| kind(outcome)).count();
            assert_eq!(count(|outcome| matches!(outcome, Rotation::Rotated(_))), 1, "{outcomes:?}");
            assert_eq!(count(|outcome| matches!(outcome, Rotation::Reused(_))), 1, "{outcomes:?}");
            assert_eq!(people.sessions(user, NOW, 9).await.unwrap(), []);
            for n in 0..TASKS {
                let late = people.rotate(secret(round, n), secret(round, 200), NOW).await.unwrap();
                assert_eq!(late, Rotation::Refused, "a token outlived its session");
            }
        }
    })
    .await;
}

/// Trades by id follow each other; every token but the last is known as used.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_replacements_one_token_works() {
    with_people(async |people| {
        let user = somebody(people, "user1").await;
        for round in 0..ROUNDS {
            let new = session(user, Some(secret(round, 255)));
            let id = new.row.session_id;
            people.start_sessions(vec![new]).await.unwrap();
            let replaced = together(|n| {
                let people = people.clone();
                async move { people.replace_refresh(id, secret(round, n), NOW).await.unwrap() }
            })
            .await;
            assert!(replaced.iter().all(|replaced| *replaced));
            let mut working = 0;
            for n in 0..TASKS {
                // Each but one is a reuse, which ends the session: so ask behind its back.
                working += usize::from(works(people, secret(round, n)).await);
            }
            assert_eq!(working, 1);
            people.end_sessions(user, Which::All, NOW).await.unwrap();
        }
    })
    .await;
}

/// Whether this token is the one that works, asked by an attempt to start another session with it.
async fn works(people: &People, token: SecretHash) -> bool {
    let user =
        somebody(people, &format!("u{}", SessionId::draw().0.simple().to_string().split_off(12))).await;
    match people.start_sessions(vec![session(user, Some(token))]).await {
        Err(Error::Conflict("secret")) => true,
        Ok(true) => {
            people.end_sessions(user, Which::All, NOW).await.unwrap();
            false
        }
        other => panic!("{other:?}"),
    }
}

/// Signing in while the account is disabled or deleted: no session outlives that, and each that had started is
/// answered as ended.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_session_starts_behind_the_end_of_its_account() {
    with_people(async |people| {
        for round in 0..2 * ROUNDS {
            let user = somebody(people, &format!("user{round}")).await;
            let disable = round % 2 == 0;
            let outcomes = together(|n| {
                let people = people.clone();
                async move {
                    if n == TASKS / 2 {
                        let ended = if disable {
                            people.set_disabled(user, true, NOW).await.unwrap()
                        } else {
                            people.delete(user).await.unwrap()
                        };
                        return (None, ended.unwrap());
                    }
                    let new = session(user, Some(secret(round, n)));
                    let id = new.row.session_id;
                    (people.start_sessions(vec![new]).await.unwrap().then_some(id), Vec::new())
                }
            })
            .await;
            let started: HashSet<SessionId> = outcomes.iter().filter_map(|(started, _)| *started).collect();
            let ended: HashSet<SessionId> = outcomes.iter().flat_map(|(_, ended)| ended).copied().collect();
            assert_eq!(started, ended, "a session started behind the end or was forgotten by it");
            assert_eq!(people.sessions(user, NOW, 99).await.unwrap(), []);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_password_changes_one_wins() {
    with_people(async |people| {
        for round in 0..ROUNDS {
            let name = format!("user{round}");
            let user = somebody(people, &name).await;
            let sessions: Vec<NewSession> = (0..TASKS).map(|_| session(user, None)).collect();
            people.start_sessions(sessions.clone()).await.unwrap();
            let outcomes = together(|n| {
                let (people, keep) = (people.clone(), sessions[usize::from(n)].row.session_id);
                let change = PasswordChange { from: format!("hash of {name}"), to: format!("new {n}"), keep };
                async move { people.change_password(user, change, NOW).await.unwrap() }
            })
            .await;
            let winner = outcomes.iter().position(Option::is_some).unwrap();
            assert_eq!(outcomes.iter().flatten().count(), 1, "{outcomes:?}");
            assert_eq!(outcomes[winner].as_ref().unwrap().len(), usize::from(TASKS) - 1);
            let left = people.sessions(user, NOW, 99).await.unwrap();
            assert_eq!(left, [sessions[winner].row.clone()]);
            let hash = people.by_id(user).await.unwrap().unwrap().password_hash;
            assert_eq!(hash, Some(format!("new {winner}")));
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_put_contacts_and_the_bound_holds() {
    const MOST: usize = 5;
    with_people(async |people| {
        let new: Vec<NewPerson> = (0..=TASKS).map(|n| person(&format!("user{n}"))).collect();
        let ids: Vec<UserId> = new.iter().map(|person| person.account.user_id).collect();
        people.create(new).await.unwrap();
        for _ in 0..ROUNDS {
            let outcomes = together(|n| {
                let (people, owner) = (people.clone(), ids[usize::from(TASKS)]);
                let contact = Contact { user_id: ids[usize::from(n)], alias: None, created_at: NOW };
                async move { people.put_contact(owner, contact, MOST).await.unwrap() }
            })
            .await;
            let added = outcomes.iter().filter(|outcome| matches!(outcome, Put::Added(_))).count();
            let full = outcomes.iter().filter(|outcome| **outcome == Put::Full).count();
            assert_eq!((added, full), (MOST, usize::from(TASKS) - MOST));
            for contact in people.contacts(ids[usize::from(TASKS)], None, 99).await.unwrap() {
                people.remove_contact(ids[usize::from(TASKS)], contact.user_id).await.unwrap();
            }
        }
        // The same one by all: added once.
        let outcomes = together(|_| {
            let (people, owner) = (people.clone(), ids[0]);
            let contact = Contact { user_id: ids[1], alias: None, created_at: NOW };
            async move { people.put_contact(owner, contact, MOST).await.unwrap() }
        })
        .await;
        assert_eq!(outcomes.iter().filter(|outcome| matches!(outcome, Put::Added(_))).count(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_taken_name_has_one_owner_however_many_want_it() {
    with_people(async |people| {
        for round in 0..ROUNDS {
            let phone = person("nobody").account.phone_number;
            let outcomes = together(|n| {
                let people = people.clone();
                let mut new = person(&format!("user{round}.{n}"));
                new.account.phone_number = phone.clone();
                async move { people.create(vec![new]).await.unwrap().remove(0) }
            })
            .await;
            let taken = Err(Error::Conflict("phoneNumber"));
            assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
            assert!(outcomes.iter().all(|outcome| outcome.is_ok() || *outcome == taken), "{outcomes:?}");
        }
        let ids: Vec<UserId> =
            people.list(None, 99).await.unwrap().into_iter().map(|profile| profile.user_id).collect();
        let outcomes = together(|n| {
            let (people, user) = (people.clone(), ids[usize::from(n) % ids.len()]);
            let username = Some(Some("wanted".parse().unwrap()));
            async move { people.update(user, ProfileChange { username, ..ProfileChange::default() }).await }
        })
        .await;
        let owner = people.find(&Name::Username("wanted".parse().unwrap())).await.unwrap().unwrap().user_id;
        for (n, outcome) in outcomes.iter().enumerate() {
            let expected = ids[n % ids.len()] == owner;
            assert_eq!(outcome.is_ok(), expected, "{outcome:?}");
        }
    })
    .await;
}

/// Bulks of the same names in different orders do not wait for each other in a circle.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bulks_of_the_same_names_share_them_out() {
    const EACH: usize = 1500;
    with_people(async |people| {
        let outcomes = together(|n| {
            let people = people.clone();
            let mut new: Vec<NewPerson> = (0..EACH).map(|i| person(&format!("user{i}"))).collect();
            match n % 3 {
                0 => new.reverse(),
                1 => new.rotate_left(usize::from(n) * 10),
                _ => {}
            }
            async move { people.create(new).await.unwrap() }
        })
        .await;
        let created = outcomes.iter().flatten().filter(|outcome| outcome.is_ok()).count();
        assert_eq!(created, EACH);
        assert_eq!(people.list(None, 10 * EACH).await.unwrap().len(), EACH);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn last_seens_saved_by_many_keep_the_latest() {
    with_people(async |people| {
        let new: Vec<NewPerson> = (0..300).map(|n| person(&format!("user{n}"))).collect();
        let ids: Vec<UserId> = new.iter().map(|person| person.account.user_id).collect();
        people.create(new).await.unwrap();
        for _ in 0..ROUNDS {
            together(|n| {
                let people = people.clone();
                let mut seen: Vec<_> = ids.iter().map(|id| (*id, NOW.plus_seconds(i64::from(n)))).collect();
                if n % 2 == 0 {
                    seen.reverse();
                }
                async move { people.set_last_seen(&seen).await.unwrap() }
            })
            .await;
        }
        let latest = NOW.plus_seconds(i64::from(TASKS) - 1);
        for found in people.find_all(&ids).await.unwrap() {
            assert_eq!(found.unwrap().last_seen, Some(latest));
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_expired_session_is_answered_once() {
    with_people(async |people| {
        let user = somebody(people, "user1").await;
        let sessions: Vec<NewSession> = (0..100).map(|_| session(user, None)).collect();
        people.start_sessions(sessions.clone()).await.unwrap();
        let end = NOW.plus_seconds(1000);
        let answered = together(|_| {
            let people = people.clone();
            async move { people.expire(end, 20).await.unwrap() }
        })
        .await;
        let mut answered: Vec<SessionId> = answered.into_iter().flatten().collect();
        answered.extend(people.expire(end, 100).await.unwrap());
        assert_eq!(answered.len(), 100);
        assert_eq!(answered.into_iter().collect::<HashSet<_>>().len(), 100);
    })
    .await;
}
