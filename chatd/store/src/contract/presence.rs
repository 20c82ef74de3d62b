//! The promises of `Presence`, each as one function on an empty store.

#![expect(clippy::unwrap_used, reason = "these functions are the bodies of tests")]

use crate::presence::{Presence, Trace, Turn};
use schema::limits::TYPISTS;
use schema::{Timestamp, UserId};
use uuid::Uuid;

const NOW: Timestamp = Timestamp(1_701_424_800_000);

fn after(seconds: i64) -> Timestamp {
    NOW.plus_seconds(seconds)
}

async fn elsewhere(presence: &dyn Presence, node: Uuid, user: UserId, now: Timestamp) -> bool {
    presence.look(node, &[user], now).await.unwrap()[0].elsewhere
}

/// Somebody is gone when the last of the processes that held them lets go, however often each took hold.
pub async fn the_last_to_let_go_is_told(presence: &dyn Presence) {
    let (here, there) = (Uuid::from_u128(1), Uuid::from_u128(2));
    let (ann, bob) = (UserId::draw(), UserId::draw());
    for node in [here, there] {
        presence.beat(node, after(60)).await.unwrap();
        presence.hold(node, &[ann]).await.unwrap();
    }
    presence.hold(here, &[ann, bob]).await.unwrap();
    assert!(elsewhere(presence, here, ann, NOW).await && elsewhere(presence, there, bob, NOW).await);
    assert!(!elsewhere(presence, here, bob, NOW).await, "one's own hold is not elsewhere");
    let nobody = UserId::draw();
    let gone = presence.release(here, &[ann, bob, nobody], NOW).await.unwrap();
    assert_eq!(gone, [false, true, true]);
    assert!(elsewhere(presence, here, ann, NOW).await && !elsewhere(presence, there, ann, NOW).await);
    assert_eq!(presence.release(there, &[ann], NOW).await.unwrap(), [true]);
    assert!(!elsewhere(presence, here, ann, NOW).await);
    assert_eq!(presence.lapsed(after(600), 9).await.unwrap(), []);
}

/// What a silent process held lapses, is answered once, and is there again when the process is.
pub async fn silence_lets_go(presence: &dyn Presence) {
    let (here, silent) = (Uuid::from_u128(1), Uuid::from_u128(2));
    let people: Vec<UserId> = (0..5).map(|_| UserId::draw()).collect();
    presence.beat(here, after(600)).await.unwrap();
    presence.beat(silent, after(60)).await.unwrap();
    presence.hold(silent, &people).await.unwrap();
    presence.hold(here, &people[4..]).await.unwrap();
    assert!(elsewhere(presence, here, people[0], after(59)).await);
    assert_eq!(presence.lapsed(after(59), 9).await.unwrap(), []);
    assert!(!elsewhere(presence, here, people[0], after(61)).await);
    let mut lapsed = presence.lapsed(after(61), 3).await.unwrap();
    assert_eq!(lapsed.len(), 3);
    lapsed.extend(presence.lapsed(after(61), 3).await.unwrap());
    lapsed.sort_unstable();
    let mut expected = people[..4].to_vec();
    expected.sort_unstable();
    assert_eq!(lapsed, expected, "each once, and not who is held by another");
    assert_eq!(presence.release(here, &people[4..], after(61)).await.unwrap(), [true]);
    presence.beat(silent, after(120)).await.unwrap();
    presence.hold(silent, &people).await.unwrap();
    assert!(elsewhere(presence, here, people[0], after(61)).await);
}

/// A last seen waits until it is saved; a later one that came meanwhile goes on waiting.
pub async fn last_seens_wait_until_they_are_saved(presence: &dyn Presence) {
    let node = Uuid::from_u128(1);
    let (ann, bob) = (UserId::draw(), UserId::draw());
    assert_eq!(presence.seen(&[(ann, after(1)), (bob, after(2)), (ann, NOW)]).await.unwrap(), 0);
    let look = presence.look(node, &[bob, ann, UserId::draw()], NOW).await.unwrap();
    let last_seens: Vec<Option<Timestamp>> = look.iter().map(|trace| trace.last_seen).collect();
    assert_eq!(last_seens, [Some(after(2)), Some(after(1)), None], "a time never goes back");
    assert_eq!(presence.unsaved(1).await.unwrap().len(), 1);
    let taken = presence.unsaved(9).await.unwrap();
    assert_eq!(taken.len(), 2);
    presence.seen(&[(bob, after(7))]).await.unwrap();
    presence.saved(&taken).await.unwrap();
    assert_eq!(presence.unsaved(9).await.unwrap(), [(bob, after(7))]);
    assert_eq!(presence.look(node, &[ann], NOW).await.unwrap(), [Trace::default()]);
}

/// Typing is from one to one, ends by itself, and ends when it is said to.
pub async fn typing_ends(presence: &dyn Presence) {
    let (ann, bob, eve) = (UserId::draw(), UserId::draw(), UserId::draw());
    let turn = |user, peer, until| Turn { user, peer, until };
    let begin = [turn(ann, bob, Some(after(6))), turn(eve, bob, Some(after(6)))];
    presence.turn(&begin, NOW).await.unwrap();
    assert_eq!(presence.typing(bob, &[eve, ann, bob], NOW).await.unwrap(), [true, true, false]);
    assert_eq!(presence.typing(ann, &[bob], NOW).await.unwrap(), [false], "not the other way round");
    assert_eq!(presence.typing(eve, &[ann], NOW).await.unwrap(), [false]);
    let turns = [turn(ann, bob, Some(after(9))), turn(eve, bob, None)];
    presence.turn(&turns, NOW).await.unwrap();
    assert_eq!(presence.typing(bob, &[ann, eve], after(7)).await.unwrap(), [true, false]);
    assert_eq!(presence.typing(bob, &[ann], after(10)).await.unwrap(), [false]);
}

/// What was never ended does not stay in the way of others.
pub async fn typing_is_bounded(presence: &dyn Presence) {
    let peer = UserId::draw();
    let turns: Vec<Turn> =
        (0..TYPISTS).map(|_| Turn { user: UserId::draw(), peer, until: Some(after(6)) }).collect();
    presence.turn(&turns, NOW).await.unwrap();
    let late = Turn { user: UserId::draw(), peer, until: Some(after(30)) };
    presence.turn(&[late], NOW).await.unwrap();
    assert_eq!(presence.typing(peer, &[late.user], NOW).await.unwrap(), [false]);
    presence.turn(&[late], after(10)).await.unwrap();
    assert_eq!(presence.typing(peer, &[late.user], after(10)).await.unwrap(), [true]);
}
