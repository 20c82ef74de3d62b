//! Typing, presence and ended sessions over the link.

use crate::proxy::Proxy;
use crate::raw::Raw;
use crate::world::{Core, PATIENCE, client, linked, open, remote, until};
use edge::Revocations;
use parking_lot::Mutex;
use presence::{Attend, Ear, Heard, Watch};
use schema::presence::{Chosen, Presence, Status};
use schema::{SessionId, UserId};
use serde_json::json;
use std::sync::{Arc, Weak};
use tokio::time::timeout;

/// A socket's ear: what it heard, and how often it will say that it has no room.
#[derive(Default)]
struct Socket {
    heard: Mutex<Vec<(u32, UserId, Status)>>,
    full: Mutex<u32>,
}

impl Ear for Socket {
    fn presence(&self, subscription: u32, presence: &Arc<Presence>) -> Heard {
        let mut full = self.full.lock();
        if *full > 0 {
            *full -= 1;
            return Heard::Full;
        }
        self.heard.lock().push((subscription, presence.user_id, presence.status));
        Heard::Yes
    }
}

impl Socket {
    fn last(&self) -> Option<(u32, UserId, Status)> {
        self.heard.lock().last().copied()
    }

    /// Whether the person of a subscription was online when it was told last.
    fn is_online(&self, subscription: u32) -> bool {
        let heard = self.heard.lock();
        let last = heard.iter().rev().find(|(of, ..)| *of == subscription);
        last.is_some_and(|(.., status)| *status == Status::Online)
    }

    fn watch(self: &Arc<Self>, viewer: UserId, connection: u64, subscription: u32) -> Watch {
        let ear: Weak<dyn Ear> = Arc::downgrade(self) as Weak<dyn Ear>;
        Watch { viewer, connection, subscription, ear }
    }
}

#[tokio::test]
async fn typing_reaches_the_peer_in_another_process() {
    let core = Core::new().await;
    let (ann, bob) = (core.person("ann").await, core.person("bob").await);
    let (here, there) = (linked(core.address).await, linked(core.address).await);
    here.connected(ann, 1);
    let (mut heres, mut theres) = (here.typings(), there.typings());
    chat::Talk::attend(&there, bob).await.unwrap();
    chat::Talk::attend(&here, ann).await.unwrap();
    here.typing(ann, "bob", true).await.unwrap();
    let typed = timeout(PATIENCE, theres.recv()).await.unwrap().unwrap();
    assert_eq!((typed.peer, typed.typing.user_id, typed.typing.typing), (bob, ann, true));
    here.typing(ann, "bob", false).await.unwrap();
    let typed = timeout(PATIENCE, theres.recv()).await.unwrap().unwrap();
    assert_eq!((typed.peer, typed.typing.typing), (bob, false));
    assert!(heres.try_recv().is_err(), "it is for bob's sockets only");
    let problem = here.typing(ann, "nobody", true).await.unwrap_err();
    assert_eq!(problem.code(), schema::Code::NotFound);
}

#[tokio::test]
async fn a_watch_hears_of_people_in_another_process_and_of_their_end() {
    let core = Core::new().await;
    let (ann, bob) = (core.person("ann").await, core.person("bob").await);
    let here = linked(core.address).await;
    let proxy = Proxy::to(core.address).await;
    let there = remote(&[proxy.address]);
    until("linked", || there.health().is_ok()).await;
    let socket = Arc::new(Socket::default());
    here.connected(ann, 1);
    here.watch(socket.watch(ann, 1, 5), "bob").await.unwrap();
    until("told that bob is away", || socket.last() == Some((5, bob, Status::Offline))).await;
    there.connected(bob, 2);
    until("told that bob is here", || socket.last() == Some((5, bob, Status::Online))).await;
    *socket.full.lock() = 1;
    there.set_status(bob, Chosen::Busy).await.unwrap();
    until("told although there was no room once", || socket.last() == Some((5, bob, Status::Busy))).await;
    // With its link everything of that process is gone, and back with it.
    proxy.set_open(false);
    until("told that bob's process is gone", || socket.last() == Some((5, bob, Status::Offline))).await;
    proxy.set_open(true);
    until("told that it is back", || socket.last() == Some((5, bob, Status::Busy))).await;
    here.unwatch(1, 5);
    let missing = here.watch(socket.watch(ann, 1, 6), "nobody").await.unwrap_err();
    assert_eq!(missing.code(), schema::Code::NotFound);
}

#[tokio::test]
async fn a_new_home_is_told_who_is_here_and_what_they_watch() {
    let core = Core::new().await;
    let (ann, bob) = (core.person("ann").await, core.person("bob").await);
    let proxy = Proxy::to(core.address).await;
    let here = remote(&[proxy.address]);
    until("linked", || here.health().is_ok()).await;
    let socket = Arc::new(Socket::default());
    here.connected(ann, 1);
    here.watch(socket.watch(ann, 1, 5), "bob").await.unwrap();
    until("told once", || socket.last().is_some()).await;
    proxy.set_open(false);
    until("cut", || here.health().is_err()).await;
    let away = here.watch(socket.watch(ann, 1, 6), "bob").await.unwrap_err();
    assert_eq!(away.code(), schema::Code::Unavailable);
    proxy.set_open(true);
    until("told again", || socket.heard.lock().len() > 1).await;
    core.presence.connected(bob, 9);
    until("told of bob", || socket.last() == Some((5, bob, Status::Online))).await;
    let anns = Arc::new(Socket::default());
    let watch = anns.watch(bob, 9, 1);
    core.presence.watch(watch, "ann").await.unwrap();
    until("ann is here", || anns.last() == Some((1, ann, Status::Online))).await;
}

#[tokio::test]
async fn a_link_that_dies_late_does_not_take_away_what_its_successor_brought() {
    let core = Core::new().await;
    let (ann, bob, eve) = (core.person("ann").await, core.person("bob").await, core.person("eve").await);
    let socket = Arc::new(Socket::default());
    core.presence.connected(ann, 1);
    core.presence.watch(socket.watch(ann, 1, 5), "bob").await.unwrap();
    core.presence.watch(socket.watch(ann, 1, 6), "eve").await.unwrap();
    // The same sockets, by a link that is half open and by the next one; only the first has eve's.
    let mut old = Raw::link(core.address, "Attended").await;
    old.say(&json!({"Connected": [[bob, 7], [eve, 8]]})).await;
    until("both here", || socket.is_online(5) && socket.is_online(6)).await;
    let mut new = Raw::link(core.address, "Attended").await;
    new.say(&json!({"Connected": [[bob, 7]]})).await;
    new.say(&json!({"Call": {"id": 1, "call": {"Attend": []}}})).await;
    while new.hear().await.get("Answer").is_none() {}
    drop(old);
    until("eve is gone", || !socket.is_online(6)).await;
    assert!(socket.is_online(5), "bob's socket is the new link's");
    drop(new);
    until("bob is gone", || !socket.is_online(5)).await;
}

#[tokio::test]
async fn ended_sessions_are_told_at_first_all_then_each() {
    let core = Core::new().await;
    let (before, after) = (SessionId::draw(), SessionId::draw());
    core.revocations.end(before);
    let own = Arc::new(Revocations::new());
    let mut ends = own.subscribe();
    let _remote = open(client(&[core.address]), Arc::clone(&own));
    assert_eq!(timeout(PATIENCE, ends.recv()).await.unwrap().unwrap(), before);
    core.revocations.end(after);
    assert_eq!(timeout(PATIENCE, ends.recv()).await.unwrap().unwrap(), after);
    assert!(own.is_ended(before) && own.is_ended(after));
    assert_eq!(own.until(before), core.revocations.until(before));
}

#[tokio::test]
async fn sessions_that_end_while_the_link_is_lost_are_told_when_it_is_back() {
    let core = Core::new().await;
    let proxy = Proxy::to(core.address).await;
    let own = Arc::new(Revocations::new());
    let remote = open(client(&[proxy.address]), Arc::clone(&own));
    until("linked", || remote.health().is_ok()).await;
    proxy.set_open(false);
    until("cut", || remote.health().is_err()).await;
    let session = SessionId::draw();
    core.revocations.end(session);
    proxy.set_open(true);
    until("told", || own.is_ended(session)).await;
}
