//! Buckets that all processes share, and what a process does without them: it counts by itself.

use crate::metrics;
use schema::limits::{RATES_RETRY, RATES_TIME};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use store::rates::{Rate, Taken};
use store::{Error, RateLimits};
use tokio::time::timeout;

/// The buckets that all processes share. They stop no call: while they are away or slower than
/// `limits::RATES_TIME`, each process decides alone, and one call in `limits::RATES_RETRY` asks them again.
pub struct Rates {
    buckets: Arc<dyn RateLimits>,
    opened: Instant,
    /// Milliseconds since `opened` until which nobody asks; 0: everybody may.
    alone_until: AtomicU64,
}

impl Rates {
    /// The buckets behind this store.
    pub fn new(buckets: Arc<dyn RateLimits>) -> Self {
        Self { buckets, opened: Instant::now(), alone_until: AtomicU64::new(0) }
    }

    /// Takes one from the bucket of this key. `None`: they can't say, the process decides.
    pub async fn take(&self, rate: Rate, key: &str) -> Option<Taken> {
        self.asked(self.buckets.take(rate, key)).await
    }

    /// Gives one back, if they can be told.
    pub async fn give_back(&self, rate: Rate, key: &str) {
        self.asked(self.buckets.give_back(rate, key)).await;
    }

    /// Fills the bucket of this key, if they can be told.
    pub async fn forget(&self, rate: Rate, key: &str) {
        self.asked(self.buckets.forget(rate, key)).await;
    }

    async fn asked<T>(&self, call: impl Future<Output = Result<T, Error>>) -> Option<T> {
        if !self.may_ask() {
            metrics::counted_alone();
            return None;
        }
        let error = match timeout(RATES_TIME, call).await {
            Ok(Ok(answer)) => {
                // Of all calls that succeed again one says so, and no other writes here.
                if self.alone_until.load(Ordering::Relaxed) != 0
                    && self.alone_until.swap(0, Ordering::Relaxed) != 0
                {
                    tracing::info!("the shared limits are back");
                }
                return Some(answer);
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no answer in {RATES_TIME:?}"),
        };
        metrics::counted_alone();
        if self.alone_until.swap(self.now() + ms(RATES_RETRY), Ordering::Relaxed) == 0 {
            tracing::warn!(error, "the shared limits are away; this process counts by itself");
        }
        None
    }

    /// While they are away, one call at a time finds out whether they are back.
    fn may_ask(&self) -> bool {
        let (until, now) = (self.alone_until.load(Ordering::Relaxed), self.now());
        let next = now + ms(RATES_RETRY);
        until == 0
            || until <= now
                && self
                    .alone_until
                    .compare_exchange(until, next, Ordering::Relaxed, Ordering::Relaxed)
                    .is_ok()
    }

    fn now(&self) -> u64 {
        ms(self.opened.elapsed())
    }
}

fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use async_trait::async_trait;
    use parking_lot::Mutex;

    const RATE: Rate = Rate { name: "calls", burst: 1, period: Duration::from_secs(60) };

    /// Counts who asks, and is away, or silent, when told so.
    #[derive(Default)]
    struct Buckets {
        asked: AtomicU64,
        away: Mutex<Option<bool>>,
    }

    #[async_trait]
    impl RateLimits for Buckets {
        async fn take(&self, _: Rate, _: &str) -> Result<Taken, Error> {
            self.asked.fetch_add(1, Ordering::SeqCst);
            let away = *self.away.lock();
            match away {
                None => Ok(Taken::Yes { left: 0, full_in: RATE.period }),
                Some(true) => std::future::pending().await,
                Some(false) => Err(Error::Unavailable("away".to_owned())),
            }
        }
        async fn give_back(&self, _: Rate, _: &str) -> Result<(), Error> {
            Ok(())
        }
        async fn forget(&self, _: Rate, _: &str) -> Result<(), Error> {
            Ok(())
        }
    }

    /// A dead store costs one call in a while its time, and the others none.
    #[tokio::test]
    async fn who_is_away_is_left_alone_and_asked_again() {
        for silent in [true, false] {
            let buckets = Arc::new(Buckets::default());
            let rates = Rates::new(buckets.clone());
            assert!(rates.take(RATE, "ann").await.is_some());
            *buckets.away.lock() = Some(silent);
            for _ in 0..100 {
                assert_eq!(rates.take(RATE, "ann").await, None);
            }
            assert_eq!(buckets.asked.load(Ordering::SeqCst), 2, "the first that failed is enough");
            *buckets.away.lock() = None;
            rates.alone_until.store(1, Ordering::SeqCst); // its time is over
            while rates.now() <= 1 {
                tokio::task::yield_now().await;
            }
            assert!(rates.take(RATE, "ann").await.is_some());
            assert!(rates.take(RATE, "ann").await.is_some());
            assert_eq!(buckets.asked.load(Ordering::SeqCst), 4);
        }
    }
}
