//! What one process changes, another hears of.

use crate::database::{Database, with_database};
use cluster::postgres::People;
use schema::user::PrivacyChange;
use schema::{SessionId, Timestamp, UserId};
use std::time::Duration;
use store::News;
use store::accounts::{Accounts, NewSession, PasswordChange, Rotation, SessionRow, Which};
use store::contract::profiles::person;
use store::profiles::{Contact, NewPerson, ProfileChange, Profiles};
use tokio::sync::broadcast::Receiver;
use tokio::time::timeout;

/// The next news; never waited for without end.
pub(crate) async fn next(heard: &mut Receiver<News>) -> News {
    timeout(Duration::from_secs(20), heard.recv()).await.expect("no news").unwrap()
}

/// The news up to a change that is made last, that one not included.
async fn until_marked(people: &People, mark: UserId, heard: &mut Receiver<News>) -> Vec<News> {
    people.set_chosen_status(mark, None).await.unwrap();
    let mut news = Vec::new();
    loop {
        match next(heard).await {
            News::PersonChanged { user, .. } if user == mark => return news,
            other => news.push(other),
        }
    }
}

async fn create(people: &People, name: &str) -> NewPerson {
    let new = person(name);
    people.create(vec![new.clone()]).await.unwrap().remove(0).unwrap();
    new
}

async fn sign_in(people: &People, user_id: UserId, n: u8) -> SessionId {
    let now = Timestamp::now();
    let session_id = SessionId::draw();
    let row = SessionRow {
        session_id,
        user_id,
        device_name: None,
        created_at: now,
        last_used_at: now,
        expires_at: now.plus_seconds(1000),
    };
    let new = NewSession { row, refresh: Some([n; 32]), cookie: None };
    assert!(people.start_sessions(vec![new]).await.unwrap());
    session_id
}

fn changed(who: &NewPerson) -> News {
    News::PersonChanged { user: who.account.user_id, former_username: who.account.username.clone() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_end_of_a_session_is_told_to_the_others_alone() {
    with_database(async |database: &Database| {
        let (here, mut own) = database.open().await;
        let (there, mut heard) = database.open().await;
        let (anna, mark) = (create(&here, "anna").await, create(&here, "mark").await);
        let (user, now) = (anna.account.user_id, Timestamp::now());
        let mut ids = Vec::new();
        for n in 1..=9 {
            ids.push(sign_in(&here, user, n).await);
        }
        let ended = |n: usize| News::SessionEnded(ids[n - 1]);

        here.end_sessions(user, Which::One(ids[0]), now).await.unwrap();
        assert!(matches!(here.rotate([2; 32], [22; 32], now).await.unwrap(), Rotation::Rotated(_)));
        assert!(matches!(here.rotate([2; 32], [23; 32], now).await.unwrap(), Rotation::Reused(_)));
        assert_eq!(here.rotate([2; 32], [23; 32], now).await.unwrap(), Rotation::Refused);
        assert_eq!(
            until_marked(&here, mark.account.user_id, &mut heard).await,
            [ended(1), ended(2)],
            "a trade or a refusal is no news"
        );

        let change = PasswordChange { from: "hash of anna".to_owned(), to: "new".to_owned(), keep: ids[8] };
        let others = here.change_password(user, change, now).await.unwrap().unwrap();
        let mut told = until_marked(&here, mark.account.user_id, &mut heard).await;
        assert_eq!(told.remove(0), changed(&anna));
        assert_eq!(told, others.into_iter().map(News::SessionEnded).collect::<Vec<_>>());
        assert_eq!(told.len(), 6);

        let expired = here.expire(now.plus_seconds(2000), 9).await.unwrap();
        assert_eq!(expired, [ids[8]]);
        let last = sign_in(&here, user, 50).await;
        here.set_disabled(user, true, now).await.unwrap();
        let told = until_marked(&here, mark.account.user_id, &mut heard).await;
        assert_eq!(told, [ended(9), changed(&anna), News::SessionEnded(last)]);

        assert!(own.try_recv().is_err(), "one's own change came back");
        here.close().await;
        there.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_change_of_a_person_is_told_and_last_seens_are_not() {
    with_database(async |database: &Database| {
        let (here, mut own) = database.open().await;
        let (there, mut heard) = database.open().await;
        let (anna, ben) = (create(&here, "anna").await, create(&here, "ben").await);
        let mark = create(&here, "mark").await.account.user_id;
        let (user, friend) = (anna.account.user_id, ben.account.user_id);
        let owner = News::PersonChanged { user, former_username: None };

        here.set_last_seen(&[(user, Timestamp::now())]).await.unwrap();
        here.set_chosen_status(UserId::draw(), Some("AWAY")).await.unwrap();
        here.update(UserId::draw(), ProfileChange::default()).await.unwrap();
        assert_eq!(until_marked(&here, mark, &mut heard).await, []);

        let rename =
            ProfileChange { username: Some(Some("anna2".parse().unwrap())), ..ProfileChange::default() };
        here.update(user, rename.clone()).await.unwrap();
        assert_eq!(until_marked(&here, mark, &mut heard).await, [changed(&anna)], "by the former name");
        here.update(friend, rename).await.unwrap_err();
        let hide = PrivacyChange { show_last_seen: Some(false), ..PrivacyChange::default() };
        here.set_privacy(friend, &hide).await.unwrap();
        here.set_disabled(friend, false, Timestamp::now()).await.unwrap();
        assert_eq!(until_marked(&here, mark, &mut heard).await, [changed(&ben), changed(&ben)]);

        let contact = Contact { user_id: friend, alias: None, created_at: Timestamp::now() };
        here.put_contact(user, contact, 9).await.unwrap();
        here.set_alias(user, friend, Some(&"B".parse().unwrap())).await.unwrap();
        here.remove_contact(user, friend).await.unwrap();
        here.remove_contact(user, friend).await.unwrap();
        let told = until_marked(&here, mark, &mut heard).await;
        assert_eq!(told, [owner.clone(), owner.clone(), owner]);

        let session = sign_in(&here, friend, 1).await;
        here.delete(friend).await.unwrap();
        let told = until_marked(&here, mark, &mut heard).await;
        assert_eq!(told, [News::SessionEnded(session), changed(&ben)]);

        assert!(own.try_recv().is_err(), "one's own change came back");
        here.close().await;
        there.close().await;
    })
    .await;
}

/// The connection that listens is cut: what was changed meanwhile is not heard, but that something was missed is,
/// and then the store tells it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_connection_says_that_something_was_missed() {
    with_database(async |database: &Database| {
        let (here, _own) = database.open().await;
        let (there, mut heard) = database.open().await;
        let anna = create(&here, "anna").await;
        let session = sign_in(&here, anna.account.user_id, 1).await;
        for _ in 0..3 {
            let cut = "select pg_terminate_backend(pid) from pg_stat_activity \
                       where datname = current_database() and query like 'LISTEN%' or query = ''";
            database.run(cut).await;
            assert_eq!(next(&mut heard).await, News::Missed);
            there.set_chosen_status(anna.account.user_id, None).await.unwrap();
            here.set_chosen_status(anna.account.user_id, None).await.unwrap();
            assert_eq!(next(&mut heard).await, changed(&anna), "it listens again");
        }
        here.end_sessions(anna.account.user_id, Which::All, Timestamp::now()).await.unwrap();
        assert_eq!(next(&mut heard).await, News::SessionEnded(session));
        here.close().await;
        there.close().await;
    })
    .await;
}
