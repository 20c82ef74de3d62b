//! What it costs when many come at once. `--nocapture` prints the figures.

use crate::ear::PATIENCE;
use crate::world::World;
use schema::UserId;
use std::time::Instant;
use store::contract::profiles::person;

async fn crowd(world: &World, from: usize, count: usize) -> Vec<UserId> {
    let people: Vec<_> = (from..from + count).map(|n| person(&format!("user{n}"))).collect();
    let ids = people.iter().map(|person| person.account.user_id).collect();
    for some in people.chunks(2000) {
        world.embedded.stores.profiles.create(some.to_vec()).await.unwrap();
    }
    ids
}

/// Whoever is not watched costs a place on the desk, a lease and a record: nobody else is looked at. A
/// tenfold crowd costs ten times as much, not a hundred times.
#[tokio::test]
async fn ten_thousand_who_are_not_watched_cost_no_look_at_anybody() {
    let world = World::new().await;
    let mut here = 0;
    for count in [1_000, 10_000] {
        let people = crowd(&world, here, count).await;
        here += count;
        let start = Instant::now();
        let sockets: Vec<u64> = people.iter().map(|user| world.connect(*user)).collect();
        let noted = start.elapsed();
        world.metric(&format!("chatd_presence_online_users {here}")).await;
        let settled = start.elapsed();
        println!(
            "{count} connects: noting {:?} each, all settled after {settled:?}, {:?} each",
            noted / u32::try_from(count).unwrap(),
            settled / u32::try_from(count).unwrap()
        );
        assert_eq!(sockets.len(), count);
    }
    let text = world.metrics.render().unwrap();
    for line in ["chatd_presence_told_total 0", "chatd_presence_watches 0"] {
        assert!(text.lines().any(|other| other == line), "{text}");
    }
}

/// The same crowd, each of whom has the next ten as contacts and listens to them.
#[tokio::test]
async fn a_crowd_that_is_watched_is_told_once_each() {
    const CROWD: usize = 1_000;
    const CONTACTS: usize = 10;
    let world = World::new().await;
    let people = crowd(&world, 0, CROWD).await;
    for (n, owner) in people.iter().enumerate() {
        for contact in (n + 1..=n + CONTACTS).map(|n| people[n % CROWD]) {
            world.set_contact(*owner, contact).await;
        }
    }
    let listeners: Vec<_> = people.iter().map(|user| world.watch_contacts(*user)).collect();
    world.metric(&format!("chatd_presence_watches {}", CROWD * CONTACTS)).await;
    let start = Instant::now();
    for user in &people {
        world.connect(*user);
    }
    let told = tokio::time::timeout(PATIENCE, async {
        for listener in &listeners {
            for _ in 0..CONTACTS {
                listener.next().await;
            }
        }
    });
    told.await.unwrap();
    println!("{CROWD} connects with {CONTACTS} watchers each: all told after {:?}", start.elapsed());
    world.settled().await;
    assert!(listeners.iter().all(|listener| listener.all().is_empty()), "somebody was told twice");
}
