//! Who is told, while it goes on: contacts, topics, and changes of who may know.

use crate::world::World;
use schema::presence::{Chosen, Status};
use schema::user::Policy;
use std::sync::atomic::Ordering;

#[tokio::test]
async fn contacts_who_are_there_come_first_and_then_each_change() {
    let world = World::new().await;
    let [ann, bob, eve, tom] = [
        world.person("ann").await,
        world.person("bob").await,
        world.person("eve").await,
        world.person("tom").await,
    ];
    world.set_contact(ann, bob).await;
    world.set_contact(ann, eve).await;
    world.connect(bob);
    world.connect(tom);
    world.choose(bob, Chosen::Busy).await;
    let told = world.watch_contacts(ann);
    let (subscription, first) = told.next().await;
    assert_eq!((subscription, first.user_id, first.status), (2, bob, Status::Busy));
    let socket = world.connect(eve);
    let (_, heard) = told.next().await;
    assert_eq!((heard.user_id, heard.status), (eve, Status::Online));
    world.settled().await;
    assert!(told.all().is_empty(), "nothing of who is no contact");
    // Somebody who becomes a contact is heard of from then on.
    world.set_contact(ann, tom).await;
    assert_eq!(told.next().await.1.user_id, tom);
    world.embedded.stores.profiles.remove_contact(ann, eve).await.unwrap();
    world.changes.person(ann, None);
    world.settled().await;
    world.presence.disconnected(eve, socket);
    world.settled().await;
    assert!(told.all().is_empty(), "who is no contact any more is not heard of");
}

#[tokio::test]
async fn a_change_of_who_may_know_takes_effect_for_who_listens() {
    let world = World::new().await;
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    world.set_contact(bob, ann).await;
    world.connect(ann);
    let (told, queue) = (world.watch(bob, ann).await, world.watch_contacts(bob));
    let both = async || (told.status().await, queue.status().await);
    let (online, offline) = ((Status::Online, Status::Online), (Status::Offline, Status::Offline));
    assert_eq!(both().await, online);
    world.set_privacy(ann, true, Policy::Nobody).await;
    assert_eq!(both().await, offline);
    world.set_privacy(ann, true, Policy::Contacts).await;
    world.settled().await;
    assert!(told.all().is_empty(), "bob is no contact of hers, whomever he has in his");
    world.set_contact(ann, bob).await;
    assert_eq!(both().await, online);
    for (by, whom) in [(ann, bob), (bob, ann)] {
        world.set_block(by, whom, true).await;
        assert_eq!(both().await, offline);
        world.choose(ann, Chosen::Away).await;
        world.choose(ann, Chosen::Online).await;
        world.settled().await;
        assert!(told.all().is_empty() && queue.all().is_empty(), "nothing of it reaches the other");
        world.set_block(by, whom, false).await;
        assert_eq!(both().await, online);
    }
    // Somebody who is deleted looks like somebody who went.
    world.embedded.stores.profiles.delete(ann).await.unwrap();
    world.changes.person(ann, None);
    assert_eq!(told.status().await, Status::Offline);
    assert_eq!(world.presence.see(bob, &ann.to_string()).await.unwrap_err().code().status(), 404);
}

#[tokio::test]
async fn what_was_shed_is_offered_again_as_it_is_then() {
    let world = World::new().await;
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    let told = world.watch(bob, ann).await;
    assert_eq!(told.status().await, Status::Offline);
    told.full.store(true, Ordering::SeqCst);
    let socket = world.connect(ann);
    world.settled().await;
    for chosen in [Chosen::Away, Chosen::Busy] {
        world.choose(ann, chosen).await;
        world.settled().await;
    }
    assert!(told.shed.load(Ordering::SeqCst) >= 3);
    told.full.store(false, Ordering::SeqCst);
    assert_eq!(told.status().await, Status::Busy, "without another change, and not what it was before");
    world.presence.disconnected(ann, socket);
    assert_eq!(told.status().await, Status::Offline);
    let shed = told.shed.load(Ordering::SeqCst);
    world.metric(&format!("chatd_presence_shed_total{{at=\"Outbox\"}} {shed}")).await;
}

#[tokio::test]
async fn nothing_stays_behind_of_who_ceases_to_listen() {
    let world = World::new().await;
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    world.set_contact(bob, ann).await;
    let (told, queue) = (world.watch(bob, ann).await, world.watch_contacts(bob));
    assert_eq!(told.status().await, Status::Offline);
    world.metric("chatd_presence_watches 2").await;
    // The topic's connection is just gone, as after a panic; it is noticed at the next word.
    drop(told);
    let socket = world.connect(ann);
    assert_eq!(queue.status().await, Status::Online);
    world.metric("chatd_presence_watches 1").await;
    drop(queue);
    world.presence.disconnected(ann, socket);
    world.metric("chatd_presence_watches 0").await;
}
