//! `store::RateLimits` on Redis.

use crate::place::{PATIENCE, Place};
use cluster::redis::RedisRates;
use std::time::Duration;
use store::RateLimits;
use store::rates::{Rate, Taken};
use tokio::time::{Instant, sleep};

const SLOW: Rate = Rate { name: "slow", burst: 5, period: Duration::from_secs(3600) };

async fn taken(rates: &RedisRates, rate: Rate, key: &str) -> bool {
    matches!(rates.take(rate, key).await.unwrap(), Taken::Yes { .. })
}

#[tokio::test]
async fn a_burst_comes_at_once_and_then_none() {
    let Some(place) = Place::find().await else { return };
    let rates = RedisRates::open(&place.redis).await.unwrap();
    for left in [4, 3, 2, 1, 0] {
        let Taken::Yes { left: said, full_in } = rates.take(SLOW, "ann").await.unwrap() else {
            panic!("{left} should be left")
        };
        assert_eq!(said, left);
        let used = SLOW.period * (5 - left) / 5;
        assert!(full_in <= used && full_in > used - Duration::from_secs(60), "{full_in:?}");
    }
    let Taken::No { wait } = rates.take(SLOW, "ann").await.unwrap() else { panic!("a sixth") };
    assert!(wait <= SLOW.period / 5 && wait > SLOW.period / 5 - Duration::from_secs(60), "{wait:?}");
    assert!(taken(&rates, SLOW, "bob").await, "others have their own");
    assert!(taken(&rates, Rate { name: "other", ..SLOW }, "ann").await, "so has another rate");
    // What is refused costs nothing; what is given back can be taken, and no more than that.
    rates.give_back(SLOW, "ann").await.unwrap();
    assert!(taken(&rates, SLOW, "ann").await && !taken(&rates, SLOW, "ann").await);
    rates.forget(SLOW, "ann").await.unwrap();
    for _ in 0..9 {
        rates.give_back(SLOW, "ann").await.unwrap();
    }
    for _ in 0..5 {
        assert!(taken(&rates, SLOW, "ann").await);
    }
    assert!(!taken(&rates, SLOW, "ann").await, "a bucket is never fuller than full");
    place.leave().await;
}

#[tokio::test]
async fn a_bucket_fills_again_and_ends() {
    let Some(place) = Place::find().await else { return };
    let rates = RedisRates::open(&place.redis).await.unwrap();
    let quick = Rate { name: "quick", burst: 2, period: Duration::from_millis(400) };
    assert!(taken(&rates, quick, "ann").await);
    assert!(taken(&rates, quick, "ann").await);
    // What it says of the wait is true.
    if let Taken::No { wait } = rates.take(quick, "ann").await.unwrap() {
        sleep(wait + Duration::from_millis(2)).await;
        assert!(taken(&rates, quick, "ann").await);
    }
    let keys = place.keys().await;
    let end = Instant::now() + PATIENCE;
    while !place.keys().await.is_empty() {
        assert!(Instant::now() < end, "{keys:?} stays");
        sleep(Duration::from_millis(20)).await;
    }
    place.leave().await;
}

/// Two processes together never let through more than one would.
#[tokio::test]
async fn two_processes_together_keep_the_bound() {
    let Some(place) = Place::find().await else { return };
    let rate = Rate { name: "calls", burst: 50, period: Duration::from_secs(2) };
    let both = [RedisRates::open(&place.redis).await.unwrap(), RedisRates::open(&place.redis).await.unwrap()];
    let start = std::time::Instant::now();
    let count = async |rates: &RedisRates| {
        let mut count = 0;
        for _ in 0..400 {
            count += u32::from(taken(rates, rate, "ann").await);
        }
        count
    };
    let (one, other) = tokio::join!(count(&both[0]), count(&both[1]));
    // The burst, and what has come in since.
    let most = 50.0 + start.elapsed().as_secs_f64() / 2.0 * 50.0;
    assert!(one + other >= 50 && f64::from(one + other) <= most, "{one} and {other} of {most}");
    place.leave().await;
}
