//! Two processes: who is at one is seen by who watches at the other.

use crate::bus::Bus;
use crate::ear::PATIENCE;
use crate::world::World;
use presence::{Config, Typed};
use schema::UserId;
use schema::presence::{Chosen, Status};
use schema::user::Policy;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::mpsc::Receiver;
use tokio::time::timeout;

#[tokio::test]
async fn who_comes_goes_and_changes_at_one_is_heard_of_at_the_other() {
    let bus = Arc::new(Bus::default());
    let [here, there] = World::pair(&bus, Config::default()).await;
    let (ann, bob) = (here.person("ann").await, here.person("bob").await);
    here.set_contact(bob, ann).await;
    let (told, queue) = (there.watch(bob, ann).await, there.watch_contacts(bob));
    assert_eq!(told.status().await, Status::Offline);
    let socket = here.connect(ann);
    for listener in [&told, &queue] {
        assert_eq!(listener.status().await, Status::Online);
    }
    // What the other process remembered of her is old.
    for (chosen, status) in [
        (Chosen::Away, Status::Away),
        (Chosen::Busy, Status::Busy),
        (Chosen::Invisible, Status::Offline),
        (Chosen::Online, Status::Online),
    ] {
        here.choose(ann, chosen).await;
        assert_eq!((told.status().await, queue.status().await), (status, status));
        assert_eq!(there.see(bob, ann).await.status, status);
    }
    here.presence.disconnected(ann, socket);
    let (_, gone) = told.next().await;
    assert!(gone.status == Status::Offline && gone.last_seen.is_some(), "{gone:?}");
    assert_eq!(queue.status().await, Status::Offline);
    // Who hides is not told of at all, whoever watches.
    let looks = bus.looks.load(Ordering::SeqCst);
    here.choose(ann, Chosen::Invisible).await;
    let socket = here.connect(ann);
    here.presence.disconnected(ann, socket);
    here.settled().await;
    there.settled().await;
    let fences = 4; // two people who came and went
    assert_eq!(bus.looks.load(Ordering::SeqCst), looks + fences);
    assert!(told.all().is_empty() && queue.all().is_empty());
}

#[tokio::test]
async fn devices_at_both_are_one_person() {
    let [here, there] = World::pair(&Arc::new(Bus::default()), Config::default()).await;
    let (ann, bob) = (here.person("ann").await, here.person("bob").await);
    let told = there.watch(bob, ann).await;
    assert_eq!(told.status().await, Status::Offline);
    let phone = here.connect(ann);
    assert_eq!(told.status().await, Status::Online);
    let laptop = there.connect(ann);
    there.settled().await;
    here.presence.disconnected(ann, phone);
    here.settled().await;
    there.settled().await;
    assert!(told.all().is_empty(), "she was there all the time");
    // She chooses where she has no socket.
    here.choose(ann, Chosen::Busy).await;
    assert_eq!(told.status().await, Status::Busy);
    there.presence.disconnected(ann, laptop);
    assert_eq!(told.status().await, Status::Offline);
    let told = here.watch(bob, ann).await;
    assert_eq!(told.status().await, Status::Offline);
}

/// When the profiles have it, the other process asks them, whatever it remembered.
#[tokio::test]
async fn a_last_seen_that_was_saved_is_seen_everywhere() {
    let [here, there] = World::pair(&Arc::new(Bus::default()), Config::default()).await;
    let (ann, bob) = (here.person("ann").await, here.person("bob").await);
    assert_eq!(there.see(bob, ann).await.last_seen, None);
    let socket = here.connect(ann);
    here.presence.disconnected(ann, socket);
    let seen = async {
        let mut seen = None;
        while seen.is_none() {
            seen = here.see(bob, ann).await.last_seen;
        }
        seen
    };
    let seen = timeout(PATIENCE, seen).await.unwrap();
    let saved = async {
        let stores = &here.embedded.stores;
        while stores.profiles.find_all(&[ann]).await.unwrap()[0].as_ref().unwrap().last_seen.is_none() {
            tokio::task::yield_now().await;
        }
        while there.see(bob, ann).await.last_seen != seen {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, saved).await.unwrap();
}

async fn next(link: &mut Receiver<Typed>) -> (UserId, UserId, bool) {
    let Typed { peer, typing } = timeout(PATIENCE, link.recv()).await.unwrap().unwrap();
    (typing.user_id, peer, typing.typing)
}

#[tokio::test]
async fn typing_reaches_the_process_that_has_the_peers_sockets() {
    let config = Config { typing_time: Duration::from_secs(3600), ..Config::default() };
    let [here, there] = World::pair(&Arc::new(Bus::default()), config).await;
    let (ann, bob, eve) = (here.person("ann").await, here.person("bob").await, here.person("eve").await);
    let (mut at_here, mut at_there) = (here.presence.typings(), there.presence.typings());
    there.connect(bob);
    there.settled().await;
    let turn = async |world: &World, user: UserId, peer: UserId, on: bool| {
        world.presence.typing(user, &peer.to_string(), on).await.unwrap();
    };
    for on in [true, false, true] {
        turn(&here, ann, bob, on).await;
        assert_eq!(next(&mut at_there).await, (ann, bob, on));
        assert_eq!(next(&mut at_here).await, (ann, bob, on), "here it goes to all sockets, and once");
    }
    assert_eq!(there.see(bob, ann).await.typing, Some(true), "whoever asks is told");
    // Whose sockets are nowhere, or are here, is not told of there; nor is who may not be seen.
    turn(&here, bob, eve, true).await;
    here.connect(eve);
    here.settled().await;
    turn(&here, ann, eve, true).await;
    let hidden = here.person("hidden").await;
    here.set_privacy(hidden, true, Policy::Nobody).await;
    turn(&here, hidden, bob, true).await;
    // What may not be heard any more ends there too.
    here.choose(ann, Chosen::Invisible).await;
    assert_eq!(next(&mut at_there).await, (ann, bob, false));
    assert!(at_there.is_empty());
}
