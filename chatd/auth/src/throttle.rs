//! Counting in a window of time, by key: wrong passwords, registrations.

use edge::Allowance;
use parking_lot::Mutex;
use schema::limits::COUNTED_KEYS;
use std::collections::HashMap;
use std::hash::Hash;
use std::time::{Duration, Instant};

/// A bound on how often something may happen with the same key in a fixed window, by the monotonic clock.
/// When the table is full of live windows, a key that is not in it is let through: the other bounds of the
/// call still hold, and nobody is locked out by strangers.
pub(crate) struct Window {
    bound: u32,
    length: Duration,
    counts: Mutex<HashMap<Key, Count>>,
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
        Self { bound, length, counts: Mutex::default() }
    }

    /// Counts one, before it is known how it ends: guesses made at once count like guesses in a row. `Err` is
    /// the seconds until the window ends.
    pub(crate) fn take(&self, key: &impl Hash) -> Result<(), u32> {
        self.take_at(hash(key), Instant::now())
    }

    /// Takes a count back, because it was none of what is bounded.
    pub(crate) fn give_back(&self, key: &impl Hash) {
        if let Some(count) = self.counts.lock().get_mut(&hash(key)) {
            count.count = count.count.saturating_sub(1);
        }
    }

    /// What a refusal's headers say: nothing is left until the window ends, in so many seconds.
    pub(crate) fn used_up(&self, seconds: u32) -> Allowance {
        Allowance { limit: self.bound, remaining: 0, reset_s: seconds }
    }

    /// Forgets a key.
    pub(crate) fn forget(&self, key: &impl Hash) {
        self.counts.lock().remove(&hash(key));
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
            let rest = self.length.saturating_sub(age);
            return Err(u32::try_from(rest.as_secs()).unwrap_or(u32::MAX).saturating_add(1));
        }
        count.count += 1;
        Ok(())
    }
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

    #[test]
    fn what_is_given_back_or_forgotten_does_not_count() {
        let window = Window::new(1, Duration::from_secs(60));
        window.take(&"a").unwrap();
        assert!(window.take(&"a").is_err());
        window.give_back(&"a");
        window.take(&"a").unwrap();
        window.forget(&"a");
        window.take(&"a").unwrap();
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
