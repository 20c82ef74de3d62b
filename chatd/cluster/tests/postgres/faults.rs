//! PostgreSQL that is away, or takes and does not answer.

use crate::database::{Database, with_database};
use crate::news::next;
use crate::proxy::Proxy;
use cluster::postgres::People;
use engines::postgres::Postgres;
use std::time::Duration;
use store::contract::profiles::person;
use store::profiles::{Name, Profiles};
use store::{Error, News};
use tokio::sync::broadcast;
use tokio::time::{sleep, timeout};
use uuid::Uuid;

/// The stores through a proxy, and somebody in them.
pub(crate) async fn through_proxy(database: &Database) -> (Proxy, People, broadcast::Receiver<News>, Name) {
    let address = database.postgres.address();
    let (server, name) = address.split_once('/').unwrap();
    let proxy = Proxy::start(server).await;
    let user = std::env::var("STORES_POSTGRES").unwrap();
    let user = user.split_once("://").unwrap().1.split_once('@').unwrap().0.to_owned();
    let url = format!("postgres://{user}@{}/{name}?sslmode=disable", proxy.address);
    let (news, heard) = broadcast::channel(64);
    let people = People::open(&Postgres::parse(&url).unwrap(), Uuid::now_v7(), news).await.unwrap();
    let somebody = person("user1");
    people.create(vec![somebody.clone()]).await.unwrap().remove(0).unwrap();
    (proxy, people, heard, Name::Id(somebody.account.user_id))
}

/// Until the stores know that PostgreSQL is away, or back.
async fn until_healthy(people: &People, healthy: bool) {
    let known = async {
        while people.health().is_ok() != healthy {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(20), known).await.expect("the state is not noticed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_away_is_told_and_what_is_back_is_used() {
    with_database(async |database| {
        let (mut proxy, people, mut heard, name) = through_proxy(database).await;
        for _ in 0..2 {
            assert_eq!(people.health(), Ok(()));
            proxy.cut();
            until_healthy(&people, false).await;
            // Many at once: nobody waits behind another.
            let calls = (0..32).map(|_| people.find(&name));
            for outcome in futures_util::future::join_all(calls).await {
                assert!(matches!(outcome, Err(Error::Unavailable(_))), "{outcome:?}");
            }
            let refused = people.create(vec![person("user2")]).await;
            assert!(matches!(refused, Err(Error::Unavailable(_))), "nothing was sent: {refused:?}");
            proxy.mend().await;
            until_healthy(&people, true).await;
            assert_eq!(next(&mut heard).await, News::Missed);
            assert!(people.find(&name).await.unwrap().is_some());
        }
        people.close().await;
    })
    .await;
}

/// A change is made and the answer to it does not come back: it is unknown, and nobody waits for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_not_answered_does_not_know() {
    with_database(async |database| {
        let (proxy, people, mut heard, name) = through_proxy(database).await;
        let Name::Id(user) = name else { unreachable!() };
        // The statement is on its way and waits when the answers stop.
        let mut other = database.pool.begin().await.unwrap();
        sqlx::query("select 1 from users for update").execute(&mut *other).await.unwrap();
        let writer = people.clone();
        let written = tokio::spawn(async move { writer.set_chosen_status(user, Some("AWAY")).await });
        let waits = "select count(*) from pg_stat_activity
                     where datname = current_database() and wait_event_type = 'Lock'";
        while sqlx::query_scalar::<_, i64>(waits).fetch_one(&database.pool).await.unwrap() == 0 {
            sleep(Duration::from_millis(10)).await;
        }
        proxy.let_answers_pass(false);
        other.rollback().await.unwrap();
        let written = written.await.unwrap();
        assert!(matches!(written, Err(Error::Unknown(_))), "{written:?}");
        until_healthy(&people, false).await;
        let read = people.find(&name).await;
        assert!(matches!(read, Err(Error::Unavailable(_))), "{read:?}");
        proxy.let_answers_pass(true);
        until_healthy(&people, true).await;
        assert_eq!(next(&mut heard).await, News::Missed);
        let found = people.find(&name).await.unwrap().unwrap();
        assert_eq!(found.chosen_status.as_deref(), Some("AWAY"), "it was stored");
        people.close().await;
    })
    .await;
}

/// A statement that waits for a lock of somebody who never lets go ends, stores nothing and says so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_that_nobody_lets_go_is_not_waited_for() {
    with_database(async |database| {
        let (people, _heard) = database.open().await;
        let somebody = person("user1");
        let user = somebody.account.user_id;
        people.create(vec![somebody]).await.unwrap();
        let mut other = database.pool.begin().await.unwrap();
        sqlx::query("select 1 from users for update").execute(&mut *other).await.unwrap();
        let refused = people.set_chosen_status(user, Some("AWAY")).await;
        assert!(matches!(refused, Err(Error::Unavailable(_))), "{refused:?}");
        other.rollback().await.unwrap();
        let found = people.find(&Name::Id(user)).await.unwrap().unwrap();
        assert_eq!(found.chosen_status, None);
        people.set_chosen_status(user, Some("AWAY")).await.unwrap();
        people.close().await;
    })
    .await;
}
