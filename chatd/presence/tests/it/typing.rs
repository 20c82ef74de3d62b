//! Typing: told once when it begins, once when it ends, and to nobody who may not know.

use crate::ear::PATIENCE;
use crate::world::World;
use presence::{Config, Typed};
use schema::presence::Chosen;
use schema::user::{Policy, PrivacyChange};
use schema::{ConversationId, UserId};
use std::time::Duration;
use store::messages::{Head, Write};
use tokio::sync::mpsc::Receiver;
use tokio::time::timeout;

async fn next(link: &mut Receiver<Typed>) -> (UserId, UserId, bool) {
    let Typed { peer, typing } = timeout(PATIENCE, link.recv()).await.unwrap().unwrap();
    (typing.user_id, peer, typing.typing)
}

async fn turn(world: &World, user: UserId, peer: UserId, on: bool) {
    world.presence.typing(user, &peer.to_string(), on).await.unwrap();
}

#[tokio::test]
async fn typing_is_told_once_and_ends_once() {
    let world = World::with(Config { typing_time: Duration::from_secs(3600), ..Config::default() }).await;
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    let mut link = world.presence.typings();
    for _ in 0..100 {
        world.presence.typing(ann, "bob", true).await.unwrap();
    }
    assert_eq!(next(&mut link).await, (ann, bob, true));
    assert_eq!(world.see(bob, ann).await.typing, Some(true));
    assert_eq!(world.see(ann, bob).await.typing, None, "not the other way round");
    turn(&world, ann, bob, false).await;
    turn(&world, ann, bob, false).await;
    assert_eq!(next(&mut link).await, (ann, bob, false));
    assert_eq!(world.see(bob, ann).await.typing, None);
    turn(&world, ann, ann, true).await;
    turn(&world, bob, ann, true).await;
    assert_eq!(next(&mut link).await, (bob, ann, true), "nothing was told in between");
    assert_eq!(world.presence.typing(ann, "nobody", true).await.unwrap_err().code().status(), 404);
}

#[tokio::test]
async fn what_is_not_renewed_ends_by_itself_exactly_once() {
    let world = World::with(Config { typing_time: Duration::from_millis(300), ..Config::default() }).await;
    let (ann, bob, eve) = (world.person("ann").await, world.person("bob").await, world.person("eve").await);
    let mut link = world.presence.typings();
    turn(&world, ann, bob, true).await;
    turn(&world, ann, eve, true).await;
    let mut told =
        [next(&mut link).await, next(&mut link).await, next(&mut link).await, next(&mut link).await];
    told.sort_unstable();
    let mut expected = [(ann, bob, true), (ann, bob, false), (ann, eve, true), (ann, eve, false)];
    expected.sort_unstable();
    assert_eq!(told, expected);
    assert_eq!(world.see(bob, ann).await.typing, None);
    turn(&world, ann, bob, false).await;
    turn(&world, eve, bob, true).await;
    assert_eq!(next(&mut link).await, (eve, bob, true), "its end was told once");
}

#[tokio::test]
async fn nobody_hears_it_who_may_not_know_and_nobody_can_tell() {
    let world = World::new().await;
    let (bob, eve) = (world.person("bob").await, world.person("eve").await);
    let mut link = world.presence.typings();
    let mut number = 0;
    let mut somebody = async || {
        number += 1;
        world.person(&format!("user{number}")).await
    };
    // Blocked, in either direction.
    for by_bob in [true, false] {
        let ann = somebody().await;
        let (by, whom) = if by_bob { (bob, ann) } else { (ann, bob) };
        world.set_block(by, whom, true).await;
        turn(&world, ann, bob, true).await;
        turn(&world, bob, ann, true).await;
        assert_eq!((world.see(bob, ann).await.typing, world.see(ann, bob).await.typing), (None, None));
    }
    // Invisible: it would give her away.
    let ann = somebody().await;
    world.choose(ann, Chosen::Invisible).await;
    turn(&world, ann, bob, true).await;
    // Hidden from strangers.
    let ann = somebody().await;
    world.set_privacy(ann, true, Policy::Contacts).await;
    turn(&world, ann, bob, true).await;
    // Bob takes nothing from strangers, as he takes no messages; a contact is none.
    let takes = PrivacyChange { allow_messages_from_unknown: Some(false), ..PrivacyChange::default() };
    world.change_privacy(bob, &takes).await;
    let ann = somebody().await;
    turn(&world, ann, bob, true).await;
    world.set_contact(bob, ann).await;
    turn(&world, ann, bob, true).await;
    assert_eq!(next(&mut link).await, (ann, bob, true), "the first that was told");
    // Nor is a stranger whom he has written to.
    let ann = somebody().await;
    let mut head = Head::empty(ConversationId::between(ann, bob), [ann.min(bob), ann.max(bob)]);
    let place = head.member(ann).unwrap();
    head.marks[place].received = 1;
    world.embedded.stores.messages.write(&[Write::Head(head)]).await.unwrap();
    turn(&world, ann, bob, true).await;
    assert_eq!(next(&mut link).await, (ann, bob, true));
    // To somebody invisible it may be told: the one who types learns nothing from it.
    world.choose(eve, Chosen::Invisible).await;
    turn(&world, ann, eve, true).await;
    assert_eq!(next(&mut link).await, (ann, eve, true));
}

#[tokio::test]
async fn what_may_not_be_heard_any_more_ends_at_once() {
    let world = World::with(Config { typing_time: Duration::from_secs(3600), ..Config::default() }).await;
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    let mut link = world.presence.typings();
    turn(&world, ann, bob, true).await;
    assert_eq!(next(&mut link).await, (ann, bob, true));
    world.set_block(bob, ann, true).await;
    assert_eq!(next(&mut link).await, (ann, bob, false));
    world.set_block(bob, ann, false).await;
    turn(&world, ann, bob, true).await;
    assert_eq!(next(&mut link).await, (ann, bob, true));
    world.choose(ann, Chosen::Invisible).await;
    assert_eq!(next(&mut link).await, (ann, bob, false));
    world.choose(ann, Chosen::Online).await;
    // Who has no device any more does not type.
    let socket = world.connect(ann);
    turn(&world, ann, bob, true).await;
    assert_eq!(next(&mut link).await, (ann, bob, true));
    world.presence.disconnected(ann, socket);
    assert_eq!(next(&mut link).await, (ann, bob, false));
}

#[tokio::test]
async fn a_link_that_is_not_read_is_shed_and_waits_for_nobody() {
    let world = World::with(Config { typing_time: Duration::from_secs(3600), ..Config::default() }).await;
    let bob = world.person("bob").await;
    let link = world.presence.typings();
    let people = store::contract::profiles::person;
    let crowd: Vec<_> = (0..schema::limits::TYPING_LINK + 3).map(|n| people(&format!("user{n}"))).collect();
    let ids: Vec<UserId> = crowd.iter().map(|person| person.account.user_id).collect();
    world.embedded.stores.profiles.create(crowd).await.unwrap();
    for user in ids {
        turn(&world, user, bob, true).await;
    }
    world.metric("chatd_presence_shed_total{at=\"Typing\"} 3").await;
    assert_eq!(link.len(), schema::limits::TYPING_LINK);
}
