//! A store of presence that loses words, or everything, or is away: it is put right without anybody's doing.

use crate::bus::Bus;
use crate::ear::{Listener, PATIENCE};
use crate::world::World;
use presence::Config;
use schema::UserId;
use schema::presence::Status;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use store::profiles::Name;
use tokio::time::timeout;

/// A second is not waited for: it beats often.
fn config() -> Config {
    Config { typing_time: Duration::from_secs(3600), beat: Duration::from_millis(50) }
}

/// Returns when a viewer sees this at a process.
async fn sees(world: &World, viewer: UserId, person: UserId, status: Status) {
    let seen = async { while world.see(viewer, person).await.status != status {} };
    timeout(PATIENCE, seen).await.unwrap();
}

async fn hears(listener: &Listener, status: Status) {
    timeout(PATIENCE, async { while listener.status().await != status {} }).await.unwrap();
}

#[tokio::test]
async fn a_word_that_was_lost_is_put_right_by_the_next_look() {
    let bus = Arc::new(Bus::default());
    let [here, there] = World::pair(&bus, Config::default()).await;
    let (ann, bob) = (here.person("ann").await, here.person("bob").await);
    let told = there.watch(bob, ann).await;
    assert_eq!(told.status().await, Status::Offline);
    bus.loses.store(true, Ordering::SeqCst);
    here.connect(ann);
    here.settled().await;
    there.settled().await;
    assert!(told.all().is_empty());
    bus.loses.store(false, Ordering::SeqCst);
    bus.reconnect();
    assert_eq!(told.status().await, Status::Online);
}

#[tokio::test]
async fn what_could_not_be_told_is_told_later() {
    let bus = Arc::new(Bus::default());
    let [here, there] = World::pair(&bus, Config::default()).await;
    let (ann, bob) = (here.person("ann").await, here.person("bob").await);
    let told = there.watch(bob, ann).await;
    assert_eq!(told.status().await, Status::Offline);
    bus.away.store(true, Ordering::SeqCst);
    here.connect(ann);
    let waits = async {
        while !here.metrics.render().unwrap().contains("chatd_presence_retries_total 1") {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, waits).await.unwrap();
    bus.away.store(false, Ordering::SeqCst);
    assert_eq!(told.status().await, Status::Online);
}

/// A beat finds out that everything is gone; then everybody is held again and nobody stays wrong.
#[tokio::test]
async fn a_store_that_lost_everything_is_filled_again() {
    let bus = Arc::new(Bus::default());
    let [here, there] = World::pair(&bus, config()).await;
    let (ann, bob, eve) = (here.person("ann").await, here.person("bob").await, here.person("eve").await);
    here.connect(ann);
    there.connect(bob);
    let (told, back) = (there.watch(bob, ann).await, here.watch(ann, bob).await);
    hears(&told, Status::Online).await;
    hears(&back, Status::Online).await;
    here.presence.typing(ann, "bob", true).await.unwrap();
    assert_eq!(there.see(bob, ann).await.typing, Some(true));
    for _ in 0..3 {
        bus.flush();
        sees(&there, eve, ann, Status::Online).await;
        sees(&here, eve, bob, Status::Online).await;
    }
    let types = async { while there.see(bob, ann).await.typing != Some(true) {} };
    timeout(PATIENCE, types).await.unwrap();
    // Whoever heard that somebody went meanwhile hears that they did not.
    for (listener, world, person) in [(&told, &here, ann), (&back, &there, bob)] {
        let socket = world.connect(person); // a second device: no news by itself
        world.presence.disconnected(person, socket);
        let last = async {
            let mut last = Status::Online;
            loop {
                match timeout(Duration::from_millis(1500), listener.status()).await {
                    Ok(status) => last = status,
                    Err(_) => return last,
                }
            }
        };
        assert_eq!(timeout(PATIENCE, last).await.unwrap(), Status::Online);
    }
}

/// Whoever finds out tells the others, who would else find out at their own next beat.
#[tokio::test]
async fn one_that_finds_out_is_enough() {
    let bus = Arc::new(Bus::default());
    let never = Config { beat: Duration::from_secs(36_000), ..config() };
    let [here, there] = World::pair_of(&bus, [config(), never]).await;
    let (ann, bob) = (here.person("ann").await, here.person("bob").await);
    there.connect(ann);
    sees(&here, bob, ann, Status::Online).await;
    bus.flush();
    sees(&here, bob, ann, Status::Online).await;
}

/// Last seens of this process are saved, be they lost in the store or not, even if it is away for good.
#[tokio::test]
async fn last_seens_outlive_the_store() {
    let bus = Arc::new(Bus::default());
    let [here, there] = World::pair(&bus, Config::default()).await;
    let (ann, bob, eve) = (here.person("ann").await, here.person("bob").await, here.person("eve").await);
    let socket = here.connect(ann);
    here.connect(eve);
    here.settled().await;
    here.presence.disconnected(ann, socket);
    sees(&there, bob, ann, Status::Offline).await;
    bus.flush();
    let profiles = &here.embedded.stores.profiles;
    let last_seen = async |user| profiles.find(&Name::Id(user)).await.unwrap().unwrap().last_seen;
    let saved = async { while last_seen(ann).await.is_none() {} };
    timeout(PATIENCE, saved).await.unwrap();
    bus.away.store(true, Ordering::SeqCst);
    timeout(PATIENCE, here.presence.close()).await.unwrap();
    assert!(last_seen(eve).await.is_some());
}

/// Who is held by a process that fell silent is gone, and the others hear of it from whoever takes it up.
#[tokio::test]
async fn a_third_process_hears_who_lapsed() {
    let bus = Arc::new(Bus::default());
    let [here, there] = World::pair(&bus, config()).await;
    let (ann, bob) = (here.person("ann").await, here.person("bob").await);
    let silent = uuid::Uuid::now_v7();
    let store = bus.seat();
    let now = schema::Timestamp::now();
    store::Presence::beat(&store, silent, now.plus_seconds(1)).await.unwrap();
    store::Presence::hold(&store, silent, &[ann]).await.unwrap();
    let told = [here.watch(bob, ann).await, there.watch(bob, ann).await];
    for listener in &told {
        assert_eq!(listener.status().await, Status::Online);
    }
    for listener in &told {
        assert_eq!(listener.status().await, Status::Offline);
    }
}
