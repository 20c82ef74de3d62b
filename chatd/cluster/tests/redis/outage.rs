//! A Redis that is away: every call says so in its time, and works again when it is back.

use crate::place::{PATIENCE, Place};
use crate::proxy::Proxy;
use cluster::redis::{RedisPresence, RedisRates, RedisTickets};
use engines::redis::Redis;
use schema::limits::{REDIS_CONNECT_TIME, REDIS_TIME};
use schema::{Timestamp, UserId};
use std::time::Duration;
use store::rates::Rate;
use store::{Error, Presence, RateLimits, Tickets};
use tokio::time::{sleep, timeout};
use uuid::Uuid;

/// Far more than any call takes, and far less than for ever.
const BOUND: Duration = REDIS_CONNECT_TIME.saturating_mul(2).saturating_add(REDIS_TIME.saturating_mul(2));
const RATE: Rate = Rate { name: "calls", burst: 5, period: Duration::from_secs(60) };

struct Stores {
    presence: RedisPresence,
    tickets: RedisTickets,
    rates: RedisRates,
}

impl Stores {
    async fn open(redis: &Redis) -> Self {
        Self {
            presence: RedisPresence::open(redis).await.unwrap(),
            tickets: RedisTickets::open(redis).await.unwrap(),
            rates: RedisRates::open(redis).await.unwrap(),
        }
    }

    /// How a call to each of them ends.
    async fn try_all(&self) -> [Result<(), Error>; 4] {
        let (node, users, now) = (Uuid::now_v7(), [UserId::draw()], Timestamp::now());
        let calls = async {
            tokio::join!(
                self.presence.beat(node, now),
                self.presence.look(node, &users, now),
                self.tickets.take([7; 32], now),
                self.rates.take(RATE, "ann"),
            )
        };
        let (beat, look, take, rate) = timeout(BOUND, calls).await.unwrap();
        [beat.map(drop), look.map(drop), take.map(drop), rate.map(drop)]
    }

    async fn work_again(&self) {
        let again = async {
            while self.try_all().await.iter().any(Result::is_err) {
                sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(PATIENCE, again).await.unwrap();
    }
}

#[tokio::test]
async fn each_call_fails_in_its_time_and_works_again() {
    let Some(place) = Place::find().await else { return };
    let proxy = Proxy::start().await;
    let stores =
        Stores::open(&Redis::parse(&format!("{}?prefix={}", proxy.url, place.prefix)).unwrap()).await;
    stores.work_again().await;
    for outage in [Proxy::cut, Proxy::silence] {
        outage(&proxy);
        for _ in 0..2 {
            for outcome in stores.try_all().await {
                assert!(matches!(outcome, Err(Error::Unavailable(_))), "{outcome:?}");
            }
        }
        proxy.mend();
        stores.work_again().await;
    }
    place.leave().await;
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named_and_not_waited_for() {
    let redis = Redis::parse("redis://:s3cret@127.0.0.1:1").unwrap();
    let error = RedisPresence::open(&redis).await.unwrap().health().unwrap_err().to_string();
    assert!(error.contains("127.0.0.1:1") && !error.contains("s3cret"), "{error}");
}

#[tokio::test]
async fn stores_that_were_opened_without_a_server_work_when_it_comes() {
    let Some(place) = Place::find().await else { return };
    let proxy = Proxy::start().await;
    proxy.cut();
    let stores =
        Stores::open(&Redis::parse(&format!("{}?prefix={}", proxy.url, place.prefix)).unwrap()).await;
    for outcome in stores.try_all().await {
        assert!(matches!(outcome, Err(Error::Unavailable(_))), "{outcome:?}");
    }
    proxy.mend();
    stores.work_again().await;
    place.leave().await;
}
