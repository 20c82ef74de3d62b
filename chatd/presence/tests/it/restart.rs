//! What is there again after a restart, and what is written before one.

use crate::world::World;
use schema::presence::{Chosen, Status};
use store::profiles::Name;

#[tokio::test]
async fn a_restart_keeps_choices_and_last_seens() {
    let world = World::new().await;
    let (ann, bob, eve) = (world.person("ann").await, world.person("bob").await, world.person("eve").await);
    let socket = world.connect(ann);
    world.presence.disconnected(ann, socket);
    let seen = world.see(bob, ann).await.last_seen;
    assert!(seen.is_some());
    world.connect(eve);
    world.choose(eve, Chosen::Invisible).await;
    let world = world.restart().await;
    assert_eq!(world.see(bob, ann).await.last_seen, seen);
    world.connect(eve);
    let hidden = world.see(bob, eve).await;
    assert_eq!((hidden.status, hidden.last_seen), (Status::Offline, None));
    assert_eq!(world.see(eve, eve).await.status, Status::Invisible);
    world.choose(eve, Chosen::Online).await;
    assert_eq!(world.see(bob, eve).await.status, Status::Online);
}

/// Whoever is still there when the service ends was last there then, and that is durable.
#[tokio::test]
async fn the_end_writes_down_everybody() {
    let world = World::new().await;
    let mut people = Vec::new();
    for n in 0..700 {
        let user = world.person(&format!("user{n}")).await;
        world.connect(user);
        people.push(user);
    }
    world.choose(people[0], Chosen::Invisible).await;
    world.settled().await;
    let before = world.embedded.stores.profiles.find(&Name::Id(people[0])).await.unwrap().unwrap().last_seen;
    world.presence.close().await;
    let profiles = world.embedded.stores.profiles.find_all(&people).await.unwrap();
    let seen: Vec<_> = profiles.into_iter().map(|profile| profile.unwrap().last_seen).collect();
    assert!(seen[1..].iter().all(Option::is_some));
    // The one who hid was last seen when they hid, which may have been saved meanwhile.
    assert!(before.is_none() || seen[0] == before);
    // Nothing is noted any more.
    world.connect(people[1]);
    assert_eq!(world.see(people[2], people[1]).await.status, Status::Offline);
}

/// Without an end in order, last seens are durable some seconds later.
#[tokio::test]
async fn last_seens_are_saved_while_it_runs() {
    let world = World::new().await;
    let ann = world.person("ann").await;
    let socket = world.connect(ann);
    world.presence.disconnected(ann, socket);
    let saved = async {
        while world.embedded.stores.profiles.find(&Name::Id(ann)).await.unwrap().unwrap().last_seen.is_none()
        {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(crate::ear::PATIENCE, saved).await.unwrap();
    assert!(world.see(ann, ann).await.last_seen.is_some());
}
