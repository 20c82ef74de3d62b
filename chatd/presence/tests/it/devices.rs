//! Online follows sockets: two and three devices, and every status.

use crate::ear::PATIENCE;
use crate::world::World;
use presence::{Config, Presence};
use schema::Timestamp;
use schema::presence::{Chosen, Status};
use tokio::time::timeout;

#[tokio::test]
async fn offline_comes_after_the_last_device_and_last_seen_with_it() {
    let world = World::new().await;
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    let told = world.watch(bob, ann).await;
    assert_eq!(told.status().await, Status::Offline, "the state as it is comes first");
    let before = world.see(bob, ann).await;
    assert_eq!((before.status, before.last_seen), (Status::Offline, None));
    let devices = [0; 3].map(|_| world.connect(ann));
    assert_eq!(world.see(bob, ann).await.status, Status::Online, "at once");
    assert_eq!(told.status().await, Status::Online);
    for device in &devices[..2] {
        world.presence.disconnected(ann, *device);
        let shown = world.see(bob, ann).await;
        assert_eq!((shown.status, shown.last_seen), (Status::Online, None));
    }
    world.settled().await;
    assert!(told.all().is_empty(), "more and fewer devices are no news");
    let since = Timestamp::now();
    world.presence.disconnected(ann, devices[2]);
    let shown = world.see(bob, ann).await;
    assert_eq!(shown.status, Status::Offline, "at once");
    assert!(shown.last_seen.unwrap() >= since);
    let (_, heard) = told.next().await;
    assert_eq!((heard.status, heard.last_seen), (Status::Offline, shown.last_seen));
    world.presence.disconnected(ann, devices[2]);
    world.settled().await;
    assert_eq!(world.see(bob, ann).await.last_seen, shown.last_seen);
    assert!(told.all().is_empty());
}

#[tokio::test]
async fn what_is_chosen_shows_on_all_devices_and_only_while_somebody_is_there() {
    let world = World::new().await;
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    let told = world.watch(bob, ann).await;
    assert_eq!(told.status().await, Status::Offline);
    world.choose(ann, Chosen::Busy).await;
    assert_eq!(world.see(bob, ann).await.status, Status::Offline, "nobody is there");
    let phone = world.connect(ann);
    assert_eq!(told.status().await, Status::Busy);
    for (chosen, status) in [(Chosen::Away, Status::Away), (Chosen::Online, Status::Online)] {
        world.choose(ann, chosen).await;
        assert_eq!(world.see(bob, ann).await.status, status);
        assert_eq!(told.status().await, status);
    }
    let desk = world.connect(ann);
    world.choose(ann, Chosen::Away).await;
    assert_eq!(told.status().await, Status::Away);
    world.presence.disconnected(ann, phone);
    assert_eq!(world.see(bob, ann).await.status, Status::Away);
    world.presence.disconnected(ann, desk);
    assert_eq!(told.status().await, Status::Offline);
    world.connect(ann);
    assert_eq!(told.status().await, Status::Away, "a choice lasts until another one");
}

#[tokio::test]
async fn an_invisible_session_can_not_be_told_from_none() {
    let world = World::new().await;
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    let (told, own) = (world.watch(bob, ann).await, world.watch(ann, ann).await);
    assert_eq!((told.status().await, own.status().await), (Status::Offline, Status::Offline));
    let phone = world.connect(ann);
    assert_eq!((told.status().await, own.status().await), (Status::Online, Status::Online));
    world.choose(ann, Chosen::Invisible).await;
    let (_, heard) = told.next().await;
    assert_eq!((heard.status, heard.last_seen), (Status::Offline, None));
    assert_eq!(own.status().await, Status::Invisible, "one's own devices know");
    assert_eq!(world.see(ann, ann).await.status, Status::Invisible);
    let hidden = world.see(bob, ann).await;
    assert_eq!((hidden.status, hidden.last_seen), (Status::Offline, None));

    // Coming and going moves nothing that others could see, nor what is kept.
    let hidden_at = Timestamp::now();
    while Timestamp::now() <= hidden_at {
        tokio::task::yield_now().await;
    }
    world.presence.disconnected(ann, phone);
    assert_eq!(world.see(bob, ann).await, hidden);
    assert_eq!(own.status().await, Status::Offline);
    let again = world.connect(ann);
    assert_eq!(own.status().await, Status::Invisible);
    world.presence.disconnected(ann, again);
    assert_eq!(own.status().await, Status::Offline);
    world.settled().await;
    assert!(told.all().is_empty());
    let kept = world.see(ann, ann).await.last_seen.unwrap();
    assert!(kept <= hidden_at, "last seen is when they were last visible, not when they were last there");

    // That is also what others see when the choice is cleared.
    world.choose(ann, Chosen::Online).await;
    assert_eq!(world.see(bob, ann).await.last_seen, Some(kept));
    let last = world.connect(ann);
    assert_eq!(told.status().await, Status::Online);
    world.presence.disconnected(ann, last);
    let (_, heard) = told.next().await;
    assert!(heard.last_seen.unwrap() >= kept);
}

#[tokio::test]
async fn who_comes_and_goes_between_two_looks_is_dealt_with_once() {
    let world = World::new().await;
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    let told = world.watch(bob, ann).await;
    assert_eq!(told.status().await, Status::Offline);
    world.settled().await;
    for _ in 0..1000 {
        // No await in between: the worker has no turn on this thread.
        let connection = world.connect(ann);
        world.presence.disconnected(ann, connection);
    }
    world.settled().await;
    assert!(told.all().is_empty(), "nobody was told of visits that were over");
    assert!(world.see(bob, ann).await.last_seen.is_some(), "but they were there");
}

/// Two processes on one set of stores: who is at the one is there for the other, until the last of both.
#[tokio::test]
async fn devices_at_two_processes_are_devices_of_one_person() {
    let world = World::new().await;
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    let (changes, metrics) = (edge::Changes::default(), edge::Metrics::new());
    let stores = &world.embedded.stores;
    let other = Presence::open(stores, &changes, Config::default(), &metrics).await.unwrap();
    let until = async |presence: &Presence, status: Status| {
        let there = async {
            loop {
                let shown = presence.see(bob, &ann.to_string()).await.unwrap();
                if shown.status == status {
                    return shown;
                }
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, there).await.unwrap()
    };
    let here = world.connect(ann);
    until(&other, Status::Online).await;
    other.connected(ann, 7);
    other.connected(bob, 8);
    until(&other, Status::Online).await;
    let told = world.watch(bob, ann).await;
    assert_eq!(told.status().await, Status::Online);
    world.presence.disconnected(ann, here);
    world.settled().await;
    assert!(told.all().is_empty() && world.see(bob, ann).await.status == Status::Online);
    other.disconnected(ann, 7);
    assert!(until(&world.presence, Status::Offline).await.last_seen.is_some());
    until(&other, Status::Offline).await;
}
