//! The presence service of two processes on one Redis: what each sees of the other's people, and how it comes
//! right again when Redis has lost everything, or was away.

use crate::place::{PATIENCE, Place};
use crate::proxy::Proxy;
use cluster::redis::RedisPresence;
use edge::{Changes, Metrics};
use embedded::Embedded;
use engines::redis::Redis;
use presence::{Config, Ear, Heard, Presence, Watch};
use schema::UserId;
use schema::presence::{Presence as Shown, Status};
use std::sync::{Arc, Weak};
use std::time::Duration;
use store::Stores;
use store::contract::profiles::person;
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio::time::timeout;

/// Everything but presence, which is on Redis.
struct Ground {
    embedded: Embedded,
    _folder: TempDir,
}

impl Ground {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log = embedded::log::LogConfig::default();
        let embedded = embedded::open(folder.path(), log, Box::new(|cause| panic!("{cause}"))).await.unwrap();
        Self { embedded, _folder: folder }
    }

    async fn person(&self, name: &str) -> UserId {
        let somebody = person(name);
        let user = somebody.account.user_id;
        self.embedded.stores.profiles.create(vec![somebody]).await.unwrap()[0].clone().unwrap();
        user
    }

    /// The service of a process.
    async fn process(&self, redis: &Redis) -> Presence {
        let presence = Arc::new(RedisPresence::open(redis).await.unwrap());
        let stores = Stores { presence, ..self.embedded.stores.clone() };
        let config = Config { beat: Duration::from_millis(100), ..Config::default() };
        Presence::open(&stores, &Changes::default(), config, &Metrics::new()).await.unwrap()
    }
}

/// Hears of one person.
struct Listener(mpsc::Sender<Status>);

impl Ear for Listener {
    fn presence(&self, _: u32, presence: &Arc<Shown>) -> Heard {
        self.0.try_send(presence.status).unwrap();
        Heard::Yes
    }
}

async fn watch(
    process: &Presence,
    viewer: UserId,
    person: UserId,
) -> (Arc<Listener>, mpsc::Receiver<Status>) {
    let (sender, receiver) = mpsc::channel(100);
    let listener = Arc::new(Listener(sender));
    let ear: Weak<dyn Ear> = Arc::downgrade(&listener) as Weak<dyn Ear>;
    let watch = Watch { viewer, connection: 99, subscription: 1, ear };
    process.watch(watch, &person.to_string()).await.unwrap();
    (listener, receiver)
}

async fn hears(heard: &mut mpsc::Receiver<Status>, status: Status) {
    timeout(PATIENCE, async { while heard.recv().await.unwrap() != status {} }).await.unwrap();
}

async fn sees(process: &Presence, viewer: UserId, person: UserId, status: Status) {
    let seen = async {
        while !matches!(process.see(viewer, &person.to_string()).await, Ok(seen) if seen.status == status) {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, seen).await.unwrap();
}

#[tokio::test]
async fn two_processes_see_one_another() {
    let Some(place) = Place::find().await else { return };
    let ground = Ground::new().await;
    let (here, there) = (ground.process(&place.redis).await, ground.process(&place.redis).await);
    let (ann, bob) = (ground.person("ann").await, ground.person("bob").await);
    let (_listener, mut heard) = watch(&there, bob, ann).await;
    hears(&mut heard, Status::Offline).await;
    let mut typings = there.typings();
    here.connected(ann, 1);
    there.connected(bob, 2);
    hears(&mut heard, Status::Online).await;
    sees(&here, ann, bob, Status::Online).await;
    here.typing(ann, "bob", true).await.unwrap();
    let typed = timeout(PATIENCE, typings.recv()).await.unwrap().unwrap();
    assert!((typed.peer, typed.typing.user_id, typed.typing.typing) == (bob, ann, true));
    assert_eq!(there.see(bob, "ann").await.unwrap().typing, Some(true));
    // Everything is lost: who is there is there again, without anybody's doing.
    for _ in 0..3 {
        place.flush().await;
        sees(&there, bob, ann, Status::Online).await;
        sees(&here, ann, bob, Status::Online).await;
    }
    here.disconnected(ann, 1);
    hears(&mut heard, Status::Offline).await;
    here.close().await;
    there.close().await;
    let profile = ground.embedded.stores.profiles.find_all(&[ann]).await.unwrap().remove(0).unwrap();
    assert!(profile.last_seen.is_some());
    place.leave().await;
}

/// What happened while a process had no Redis is made up for when it has one again.
#[tokio::test]
async fn a_process_that_was_cut_off_catches_up() {
    let Some(place) = Place::find().await else { return };
    let (ground, proxy) = (Ground::new().await, Proxy::start().await);
    let far = Redis::parse(&format!("{}?prefix={}", proxy.url, place.prefix)).unwrap();
    let (near, far) = (ground.process(&place.redis).await, ground.process(&far).await);
    let (ann, bob, eve) =
        (ground.person("ann").await, ground.person("bob").await, ground.person("eve").await);
    let (_of_ann, mut of_ann) = watch(&far, eve, ann).await;
    let (_of_bob, mut of_bob) = watch(&near, eve, bob).await;
    for (outage, status) in [(Proxy::cut as fn(&Proxy), Status::Online), (Proxy::silence, Status::Offline)] {
        proxy.mend();
        sees(&far, eve, ann, if status == Status::Online { Status::Offline } else { Status::Online }).await;
        outage(&proxy);
        if status == Status::Online {
            near.connected(ann, 1);
            far.connected(bob, 2);
        } else {
            near.disconnected(ann, 1);
            far.disconnected(bob, 2);
        }
        sees(&near, eve, ann, status).await;
        assert!(far.see(eve, "ann").await.is_err(), "{status:?}");
        proxy.mend();
        hears(&mut of_ann, status).await;
        hears(&mut of_bob, status).await;
    }
    near.close().await;
    far.close().await;
    place.leave().await;
}
