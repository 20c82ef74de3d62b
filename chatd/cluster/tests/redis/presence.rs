//! `store::Presence` on Redis.

use crate::place::Place;
use cluster::redis::RedisPresence;
use schema::limits::{LAST_SEEN_UNSAVED, PRESENCE_BATCH};
use schema::{Timestamp, UserId};
use std::time::Instant;
use store::Presence;
use store::contract::presence as contract;
use uuid::Uuid;

const NOW: Timestamp = Timestamp(1_701_424_800_000);

macro_rules! promises {
    ($($name:ident)*) => {$(
        #[tokio::test]
        async fn $name() {
            let Some(place) = Place::find().await else { return };
            contract::$name(&RedisPresence::open(&place.redis).await.unwrap()).await;
            place.leave().await;
        }
    )*};
}

promises! {
    the_last_to_let_go_is_told
    silence_lets_go
    last_seens_wait_until_they_are_saved
    typing_ends
    typing_is_bounded
}

fn crowd(count: usize) -> Vec<UserId> {
    (0..count).map(|_| UserId::draw()).collect()
}

#[tokio::test]
async fn a_beat_tells_whether_anything_was_lost() {
    let Some(place) = Place::find().await else { return };
    let presence = RedisPresence::open(&place.redis).await.unwrap();
    let (here, there, ann) = (Uuid::now_v7(), Uuid::now_v7(), UserId::draw());
    let until = NOW.plus_seconds(60);
    assert!(!presence.beat(here, until).await.unwrap(), "it was never there");
    presence.hold(here, &[ann]).await.unwrap();
    assert!(presence.beat(here, until).await.unwrap());
    place.flush().await;
    assert!(!presence.beat(here, until).await.unwrap(), "a flush lost it");
    assert!(presence.beat(here, until).await.unwrap());
    // Whom it holds was lost alone, as when the server makes room, and then somebody came.
    presence.hold(here, &[ann]).await.unwrap();
    let held = place.keys().await.into_iter().find(|key| key.contains("held:")).unwrap();
    let mut manager = place.redis.connect().await.unwrap();
    let () = redis::cmd("DEL").arg(&held).query_async(&mut manager).await.unwrap();
    presence.hold(here, &[UserId::draw()]).await.unwrap();
    assert!(!presence.beat(here, until).await.unwrap());
    // Others took it for dead.
    let late = NOW.plus_seconds(100);
    presence.beat(there, NOW.plus_seconds(160)).await.unwrap();
    assert_eq!(presence.lapsed(late, 100).await.unwrap().len(), 1);
    assert!(!presence.beat(here, NOW.plus_seconds(160)).await.unwrap());
    place.leave().await;
}

/// Of processes that let go of the same people at the same time exactly one is told, for each of them.
#[tokio::test]
async fn of_many_that_let_go_at_once_one_is_told() {
    let Some(place) = Place::find().await else { return };
    let (people, nodes) = (crowd(PRESENCE_BATCH + 20), [(); 4].map(|()| Uuid::now_v7()));
    let mut stores = Vec::new();
    for node in nodes {
        let presence = RedisPresence::open(&place.redis).await.unwrap();
        presence.beat(node, NOW.plus_seconds(60)).await.unwrap();
        presence.hold(node, &people).await.unwrap();
        stores.push(presence);
    }
    let let_go = stores.iter().zip(nodes).map(|(presence, node)| presence.release(node, &people, NOW));
    let told = futures_util::future::try_join_all(let_go).await.unwrap();
    for person in 0..people.len() {
        assert_eq!(told.iter().filter(|gone| gone[person]).count(), 1);
    }
    place.leave().await;
}

/// A person whom two silent processes held is answered once, whoever asks, and never who is still held.
#[tokio::test]
async fn each_lapses_once_whoever_asks() {
    let Some(place) = Place::find().await else { return };
    let presence = RedisPresence::open(&place.redis).await.unwrap();
    let (here, silent) = (Uuid::now_v7(), [Uuid::now_v7(), Uuid::now_v7()]);
    let people = crowd(3 * PRESENCE_BATCH);
    for node in silent {
        presence.beat(node, NOW.plus_seconds(60)).await.unwrap();
        presence.hold(node, &people).await.unwrap();
    }
    presence.beat(here, NOW.plus_seconds(600)).await.unwrap();
    presence.hold(here, &people[..100]).await.unwrap();
    let late = NOW.plus_seconds(61);
    let asked = (0..8).map(|_| presence.lapsed(late, 100));
    let mut lapsed: Vec<UserId> =
        futures_util::future::try_join_all(asked).await.unwrap().into_iter().flatten().collect();
    // Somebody who goes properly meanwhile does not lapse besides.
    let left = *people.iter().skip(100).find(|user| !lapsed.contains(user)).unwrap();
    assert_eq!(presence.release(here, &[left], late).await.unwrap(), [true]);
    lapsed.push(left);
    lapsed.extend(presence.lapsed(late, 10 * PRESENCE_BATCH).await.unwrap());
    assert_eq!(presence.lapsed(late, 10).await.unwrap(), []);
    lapsed.sort_unstable();
    let mut expected = people[100..].to_vec();
    expected.sort_unstable();
    assert_eq!(lapsed, expected);
    place.leave().await;
}

#[tokio::test]
async fn last_seens_are_bounded() {
    let Some(place) = Place::find().await else { return };
    let presence = RedisPresence::open(&place.redis).await.unwrap();
    let seen: Vec<(UserId, Timestamp)> =
        crowd(LAST_SEEN_UNSAVED + 3).into_iter().map(|user| (user, NOW)).collect();
    assert_eq!(presence.seen(&seen).await.unwrap(), 3);
    // Who is in it can still move on.
    let later = (seen[0].0, NOW.plus_seconds(5));
    assert_eq!(presence.seen(&[later]).await.unwrap(), 0);
    let waiting = presence.unsaved(usize::MAX).await.unwrap();
    assert!(waiting.len() == LAST_SEEN_UNSAVED && waiting.contains(&later));
    place.leave().await;
}

/// `--nocapture` prints the figures.
#[tokio::test]
async fn a_hundred_thousand_are_held_and_let_go() {
    const CROWD: usize = 100_000;
    let Some(place) = Place::find().await else { return };
    let presence = RedisPresence::open(&place.redis).await.unwrap();
    let (here, there, people) = (Uuid::now_v7(), Uuid::now_v7(), crowd(CROWD));
    let (before, until) = (place.keys().await.len(), NOW.plus_seconds(60));
    for node in [here, there] {
        presence.beat(node, until).await.unwrap();
    }
    let start = Instant::now();
    presence.hold(here, &people).await.unwrap();
    let held = start.elapsed();
    let beat = Instant::now();
    assert!(presence.beat(here, until).await.unwrap());
    let beat = beat.elapsed();
    let start = Instant::now();
    let traces = presence.look(there, &people, NOW).await.unwrap();
    let looked = start.elapsed();
    assert!(traces.iter().all(|trace| trace.elsewhere));
    assert!(place.keys().await.len() <= before + 3, "no key of a person's own");
    let start = Instant::now();
    let gone = presence.release(here, &people, NOW).await.unwrap();
    let let_go = start.elapsed();
    assert!(gone.iter().all(|gone| *gone));
    presence.hold(here, &people).await.unwrap();
    let start = Instant::now();
    let mut lapsed = 0;
    while let some @ 1.. = presence.lapsed(NOW.plus_seconds(61), 2000).await.unwrap().len() {
        lapsed += some;
    }
    println!(
        "{CROWD} people: held in {held:?}, a beat {beat:?}, looked at in {looked:?}, let go in {let_go:?}, \
         lapsed in {:?}",
        start.elapsed()
    );
    assert_eq!(lapsed, CROWD);
    place.leave().await;
}
