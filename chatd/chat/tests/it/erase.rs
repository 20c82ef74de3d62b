//! Somebody is deleted: what they wrote goes, its places stay, and nobody writes to them any more.

use crate::world::{World, batch};
use chat::{Delivery, Talk};
use schema::message::Entry;
use schema::{Code, UserId};
use std::time::Duration;

/// Waits until nobody is left to be erased.
async fn erased(world: &World) {
    let all_gone = async {
        while !world.embedded.stores.profiles.unerased(1).await.unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), all_gone).await.unwrap();
}

async fn contents(world: &World, user: UserId, peer: UserId) -> Vec<(u64, String, bool)> {
    let shown = |entry: Entry| entry.message().map(|one| (one.sequence, one.content, one.deleted));
    world.history(user, peer).await.into_iter().filter_map(shown).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_deleted_person_wrote_is_erased() {
    let world = World::new().await;
    let (ann, bob, cat) = (world.person("ann").await, world.person("bob").await, world.person("cat").await);
    world.send(ann, "bob", "from ann", None).await.unwrap();
    world.send(bob, "ann", "from bob", None).await.unwrap();
    world.send(ann, "cat", "from ann", None).await.unwrap();
    world.embedded.stores.profiles.delete(ann).await.unwrap().unwrap();
    world.changes.person(ann, Some(&"ann".parse().unwrap()));
    erased(&world).await;
    let expected = [(1, String::new(), true), (2, "from bob".into(), false)];
    assert_eq!(contents(&world, bob, ann).await, expected);
    assert_eq!(contents(&world, cat, ann).await, [(1, String::new(), true)]);
    let unavailable = world.send(bob, &ann.to_string(), "x", None).await.unwrap_err();
    assert_eq!(unavailable.code(), Code::RecipientUnavailable);
    assert_eq!(world.send(bob, "ann", "x", None).await.unwrap_err().code(), Code::NotFound);
    let nobody = UserId::draw().to_string();
    assert_eq!(world.send(bob, &nobody, "x", None).await.unwrap_err().code(), Code::NotFound);
    let world = world.restart().await;
    assert_eq!(contents(&world, bob, ann).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_that_a_crash_cut_off_goes_on_at_the_start() {
    let world = World::new().await;
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    let mut link = world.chat.deliveries();
    world.send(ann, "bob", "from ann", None).await.unwrap();
    let sent = batch(&mut link).await;
    assert!(matches!(sent.deliveries[..], [Delivery::Message { .. }]));
    // Nobody tells chat: as if the process had died between the deletion and the word of it.
    world.embedded.stores.profiles.delete(ann).await.unwrap().unwrap();
    let world = world.restart().await;
    erased(&world).await;
    assert_eq!(contents(&world, bob, ann).await, [(1, String::new(), true)]);
}
