//! What processes tell each other.

use crate::place::{PATIENCE, Place};
use crate::proxy::Proxy;
use cluster::redis::RedisPresence;
use engines::redis::Redis;
use schema::UserId;
use schema::limits::PRESENCE_BATCH;
use store::Presence;
use store::presence::Signal;
use tokio::sync::broadcast::Receiver;
use tokio::time::timeout;

async fn next(signals: &mut Receiver<Signal>) -> Signal {
    timeout(PATIENCE, signals.recv()).await.unwrap().unwrap()
}

#[tokio::test]
async fn others_hear_it_in_order_and_nobody_hears_themselves() {
    let Some(place) = Place::find().await else { return };
    let (here, there) =
        (RedisPresence::open(&place.redis).await.unwrap(), RedisPresence::open(&place.redis).await.unwrap());
    let (mut at_here, mut at_there) = (here.signals(), there.signals());
    let (ann, bob) = (UserId::draw(), UserId::draw());
    let mut told = vec![Signal::Typing { user: ann, peer: bob, on: true }];
    told.extend((0..2 * PRESENCE_BATCH).map(|_| Signal::Look(UserId::draw())));
    told.push(Signal::Typing { user: ann, peer: bob, on: false });
    here.tell(&told).await.unwrap();
    for signal in told {
        assert_eq!(next(&mut at_there).await, signal);
    }
    there.tell(&[Signal::Everybody]).await.unwrap();
    assert_eq!(next(&mut at_here).await, Signal::Everybody, "and nothing of its own before");
    // Other keys are another installation.
    let other = Place::at(&std::env::var("STORES_REDIS").unwrap()).await;
    let stranger = RedisPresence::open(&other.redis).await.unwrap();
    stranger.tell(&[Signal::Look(ann)]).await.unwrap();
    here.tell(&[Signal::Look(bob)]).await.unwrap();
    assert_eq!(next(&mut at_there).await, Signal::Look(bob));
    place.leave().await;
}

/// Whatever was told while there was no connection, afterwards everybody is looked at.
#[tokio::test]
async fn a_lost_channel_comes_back_with_everybody() {
    let Some(place) = Place::find().await else { return };
    let proxy = Proxy::start().await;
    let far = Redis::parse(&format!("{}?prefix={}", proxy.url, place.prefix)).unwrap();
    let (near, far) =
        (RedisPresence::open(&place.redis).await.unwrap(), RedisPresence::open(&far).await.unwrap());
    let mut heard = far.signals();
    for outage in [Proxy::cut, Proxy::silence] {
        near.tell(&[Signal::Look(UserId::draw())]).await.unwrap();
        assert!(matches!(next(&mut heard).await, Signal::Look(_)));
        outage(&proxy);
        near.tell(&[Signal::Look(UserId::draw())]).await.unwrap();
        proxy.mend();
        assert_eq!(next(&mut heard).await, Signal::Everybody);
    }
    place.leave().await;
}
