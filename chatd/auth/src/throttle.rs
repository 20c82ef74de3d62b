//! Counting in a window of time, by key: wrong passwords, registrations. Where processes share buckets, these
//! count for all of them; while they are away, each process counts by itself.

use edge::{Allowance, Peer, Rates};
use parking_lot::Mutex;
use schema::limits::COUNTED_KEYS;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;
use std::time::{Duration, Instant};
use store::profiles::Name;
use store::rates::{Rate, Taken};

/// A bound on how often something may happen with the same key in a fixed window, by the monotonic clock.
/// When the table is full of live windows, a key that is not in it is let through: the other bounds of the
/// call still hold, and nobody is locked out by strangers.
pub(crate) struct Window {
    bound: u32,
    length: Duration,
    counts: Mutex<HashMap<Key, Count>>,
    shared: Option<(&'static str, Arc<Rates>)>,
}

/// What is counted by: within the process by its hash, among processes by a text.
pub(crate) trait Counted: Hash {
    /// Tells keys apart, and tells nobody's phone number.
    fn text(&self) -> String;
}

impl Counted for Peer {
    fn text(&self) -> String {
        self.0.to_string()
    }
}

impl Counted for Name {
    fn text(&self) -> String {
        let digest = |kind: &str, name: &str| {
            let digest = Sha256::new().chain_update(kind).chain_update(name).finalize();
            digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
        };
        match self {
            Name::Id(user) => user.to_string(),
            Name::Username(name) => digest("username:", name.as_str()),
            Name::Phone(phone) => digest("phone:", phone.as_str()),
        }
    }
}

/// What is counted; a hash, so that long names cost no memory and no name is kept.
type Key = u64;

struct Count {
    since: Instant,
    count: u32,
}

impl Window {
    /// This many in this time; 0 is no bound.
    pub(crate) fn new(bound: u32, length: Duration) -> Self {
        Self { bound, length, counts: Mutex::default(), shared: None }
    }

    /// The same for all processes together, in buckets of this name.
    pub(crate) fn shared(self, name: &'static str, rates: Option<&Arc<Rates>>) -> Self {
        Self { shared: rates.map(|rates| (name, Arc::clone(rates))), ..self }
    }

    /// Counts one, before it is known how it ends: guesses made at once count like guesses in a row. `Err` is
    /// the seconds until one may come again.
    pub(crate) async fn take(&self, key: &impl Counted) -> Result<(), u32> {
        if let Some((rates, rate)) = self.rates()
            && let Some(taken) = rates.take(rate, &key.text()).await
        {
            return match taken {
                Taken::Yes { .. } => Ok(()),
                Taken::No { wait } => Err(seconds(wait)),
            };
        }
        self.take_at(hash(key), Instant::now())
    }

    /// Takes a count back, because it was none of what is bounded.
    pub(crate) async fn give_back(&self, key: &impl Counted) {
        if let Some(count) = self.counts.lock().get_mut(&hash(key)) {
            count.count = count.count.saturating_sub(1);
        }
        if let Some((rates, rate)) = self.rates() {
            rates.give_back(rate, &key.text()).await;
        }
    }

    /// What a refusal's headers say: nothing is left until the window ends, in so many seconds.
    pub(crate) fn used_up(&self, seconds: u32) -> Allowance {
        Allowance { limit: self.bound, remaining: 0, reset_s: seconds }
    }

    /// Forgets a key.
    pub(crate) async fn forget(&self, key: &impl Counted) {
        self.counts.lock().remove(&hash(key));
        if let Some((rates, rate)) = self.rates() {
            rates.forget(rate, &key.text()).await;
        }
    }

    fn rates(&self) -> Option<(&Rates, Rate)> {
        let (name, rates) = self.shared.as_ref().filter(|_| self.bound > 0)?;
        Some((rates, Rate { name, burst: self.bound, period: self.length }))
    }

    fn take_at(&self, key: Key, now: Instant) -> Result<(), u32> {
        if self.bound == 0 {
            return Ok(());
        }
        let mut counts = self.counts.lock();
        if counts.len() >= COUNTED_KEYS && !counts.contains_key(&key) {
            counts.retain(|_, count| now.duration_since(count.since) < self.length);
            if counts.len() >= COUNTED_KEYS {
                return Ok(());
            }
        }
        let count = counts.entry(key).or_insert(Count { since: now, count: 0 });
        let age = now.duration_since(count.since);
        if age >= self.length {
            *count = Count { since: now, count: 0 };
        }
        if count.count >= self.bound {
            return Err(seconds(self.length.saturating_sub(age)));
        }
        count.count += 1;
        Ok(())
    }
}

/// Whole seconds, at least one more than none.
fn seconds(time: Duration) -> u32 {
    u32::try_from(time.as_secs()).unwrap_or(u32::MAX).saturating_add(1)
}

/// Keyed by randomness of this process, so that nobody can make keys collide.
fn hash(key: &impl Hash) -> Key {
    use std::hash::{BuildHasher, RandomState};
    static STATE: std::sync::LazyLock<RandomState> = std::sync::LazyLock::new(RandomState::new);
    STATE.hash_one(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_bounds_each_key_and_opens_again() {
        let window = Window::new(2, Duration::from_secs(10));
        let start = Instant::now();
        window.take_at(1, start).unwrap();
        window.take_at(1, start).unwrap();
        assert_eq!(window.take_at(1, start + Duration::from_secs(4)), Err(7));
        window.take_at(2, start).unwrap();
        window.take_at(1, start + Duration::from_secs(10)).unwrap();
    }

    #[tokio::test]
    async fn what_is_given_back_or_forgotten_does_not_count() {
        let window = Window::new(1, Duration::from_secs(60));
        let ann = Peer([10, 0, 0, 1].into());
        window.take(&ann).await.unwrap();
        assert!(window.take(&ann).await.is_err());
        window.give_back(&ann).await;
        window.take(&ann).await.unwrap();
        window.forget(&ann).await;
        window.take(&ann).await.unwrap();
    }

    #[test]
    fn a_name_among_processes_is_always_the_same_and_tells_nothing() {
        let phone = || Name::Phone("+4915112345678".parse().unwrap());
        assert_eq!(phone().text(), phone().text());
        assert!(phone().text().len() == 32 && !phone().text().contains("4915"));
        assert_ne!(phone().text(), Name::Phone("+4915112345679".parse().unwrap()).text());
    }

    #[test]
    fn the_table_is_bounded() {
        let window = Window::new(1, Duration::from_secs(60));
        let now = Instant::now();
        for key in 0..(COUNTED_KEYS as u64 + 100) {
            window.take_at(key, now).unwrap();
        }
        assert_eq!(window.counts.lock().len(), COUNTED_KEYS);
        assert!(window.take_at(5, now).is_err(), "who is in the table stays bounded");
        window.take_at(u64::MAX, now + Duration::from_secs(61)).unwrap();
        assert_eq!(window.counts.lock().len(), 1);
    }
}
