//! Calls a minute: by user when authenticated, else by address; for all processes together where they share
//! buckets, else in this one.

use crate::rates::Rates;
use crate::{Caller, Peer, Problem};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};
use schema::UserId;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use store::RateLimits;
use store::rates::{Rate, Taken};

/// Callers that are told apart at once; beyond, all unknown addresses share one allowance.
const CALLERS: usize = 131_072;
/// Calls between two sweeps of callers that have their whole allowance back.
const SWEEP_CALLS: u32 = 4096;
/// Seconds of the window that the bounds are given in.
const MINUTE_S: u32 = 60;

#[derive(Clone, PartialEq, Eq, Hash)]
enum Key {
    User(UserId),
    Address(Peer),
    /// Every address that came when the table was full.
    Crowd,
}

type Buckets = RateLimiter<Key, DashMapStateStore<Key>, DefaultClock, StateInformationMiddleware>;

/// Bounds what each caller does a minute. The door asks one for every call but those to `/actuator`,
/// `/metrics` and `/ws`.
pub struct Limiter {
    buckets: Option<Buckets>,
    per_minute: u32,
    /// What is counted, in the words of the refusal.
    what: &'static str,
    calls: AtomicU32,
    /// Asked first; without an answer the buckets of this process decide.
    shared: Option<Rates>,
}

/// What an answer tells about a bound: `RateLimit-Limit`, `-Remaining` and `-Reset`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// Calls of a window.
    pub limit: u32,
    /// Calls that are left.
    pub remaining: u32,
    /// Seconds until all are there again.
    pub reset_s: u32,
}

impl Limiter {
    /// This many calls a minute for each caller; 0 is no bound.
    pub fn new(per_minute: u32) -> Self {
        Self::counting("calls", per_minute)
    }

    /// The same for something else than calls.
    pub fn counting(what: &'static str, per_minute: u32) -> Self {
        let buckets = NonZeroU32::new(per_minute)
            .map(|calls| RateLimiter::keyed(Quota::per_minute(calls)).with_middleware());
        Self { buckets, per_minute, what, calls: AtomicU32::new(0), shared: None }
    }

    /// The same bound for all processes together that share these buckets.
    #[must_use]
    pub fn shared(&self, rates: Arc<dyn RateLimits>) -> Self {
        Self { shared: Some(Rates::new(rates)), ..Self::counting(self.what, self.per_minute) }
    }

    /// Takes one call from the caller's allowance; `None` when there is no bound.
    ///
    /// # Errors
    /// `rate-limited`, with the time to come back and the bound's headers.
    pub async fn take(&self, caller: Option<&Caller>, peer: Peer) -> Result<Option<Allowance>, Problem> {
        let Some(buckets) = &self.buckets else { return Ok(None) };
        if let Some(rates) = &self.shared {
            let period = Duration::from_secs(MINUTE_S.into());
            let rate = Rate { name: self.what, burst: self.per_minute, period };
            let key = caller.map_or_else(|| peer.0.to_string(), |caller| caller.user.to_string());
            if let Some(taken) = rates.take(rate, &key).await {
                return match taken {
                    Taken::Yes { left, full_in } => Ok(Some(self.left(left, full_in))),
                    Taken::No { wait } => Err(self.used_up(wait)),
                };
            }
        }
        self.take_here(buckets, caller, peer).map(Some)
    }

    fn take_here(
        &self,
        buckets: &Buckets,
        caller: Option<&Caller>,
        peer: Peer,
    ) -> Result<Allowance, Problem> {
        if self.calls.fetch_add(1, Ordering::Relaxed) % SWEEP_CALLS == SWEEP_CALLS - 1 {
            buckets.retain_recent();
        }
        let key = match caller {
            Some(caller) => Key::User(caller.user),
            None if buckets.len() >= CALLERS => Key::Crowd,
            None => Key::Address(peer),
        };
        match buckets.check_key(&key) {
            Ok(state) => {
                let remaining = state.remaining_burst_capacity();
                let used = u64::from(self.per_minute - remaining.min(self.per_minute));
                let full_in = (used * u64::from(MINUTE_S) * 1000).div_ceil(u64::from(self.per_minute.max(1)));
                Ok(self.left(remaining, Duration::from_millis(full_in)))
            }
            Err(not_until) => Err(self.used_up(not_until.wait_time_from(DefaultClock::default().now()))),
        }
    }

    fn left(&self, remaining: u32, full_in: Duration) -> Allowance {
        Allowance { limit: self.per_minute, remaining, reset_s: seconds(full_in) }
    }

    fn used_up(&self, wait: Duration) -> Problem {
        let (limit, seconds) = (self.per_minute, seconds(wait).max(1));
        let detail = format!("more than {limit} {} a minute: come back in {seconds} s", self.what);
        Problem::too_many(detail, seconds, Allowance { limit, remaining: 0, reset_s: MINUTE_S })
    }
}

/// Whole seconds, rounded up.
fn seconds(time: Duration) -> u32 {
    u32::try_from(time.as_millis().div_ceil(1000)).unwrap_or(u32::MAX)
}

impl Allowance {
    /// Writes the three headers, unless an inner bound has written its own.
    pub(crate) fn write(self, headers: &mut HeaderMap) {
        for (name, value) in [
            ("ratelimit-limit", self.limit),
            ("ratelimit-remaining", self.remaining),
            ("ratelimit-reset", self.reset_s),
        ] {
            headers.entry(name).or_insert(HeaderValue::from(value));
        }
    }
}

/// One look-up of a person by phone number or username, taken from the caller's tight allowance
/// (`limits.lookups_per_minute`): otherwise everybody's phone number could be tried. A handler that looks up
/// takes this as an argument; refused, it does not run.
#[derive(Clone, Copy, Debug)]
pub struct Lookup;

/// What the door hands to [`Lookup`].
#[derive(Clone)]
pub(crate) struct Lookups(pub(crate) Arc<Limiter>);

impl<S: Sync> FromRequestParts<S> for Lookup {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        if let Some(Lookups(limiter)) = parts.extensions.get() {
            let peer = Peer::of_connection(&parts.extensions);
            limiter.take(parts.extensions.get::<Caller>(), peer).await?;
        }
        Ok(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use async_trait::async_trait;
    use parking_lot::Mutex;
    use schema::{Code, SessionId, Timestamp};
    use std::collections::HashMap;
    use std::sync::atomic::AtomicBool;
    use store::Error;

    fn caller() -> Caller {
        Caller {
            user: UserId::draw(),
            session: SessionId::draw(),
            role: "USER".to_owned(),
            expires_at: Timestamp::now(),
        }
    }

    #[tokio::test]
    async fn callers_are_bounded_apart() {
        let limiter = Limiter::new(3);
        let (home, away) = (Peer("10.0.0.1".parse().unwrap()), Peer("10.0.0.2".parse().unwrap()));
        for _ in 0..3 {
            limiter.take(None, home).await.unwrap();
        }
        assert_eq!(limiter.take(None, home).await.unwrap_err().code(), Code::RateLimited);
        limiter.take(None, away).await.unwrap();
        let (one, other) = (caller(), caller());
        for _ in 0..3 {
            limiter.take(Some(&one), home).await.unwrap();
        }
        assert!(limiter.take(Some(&one), away).await.is_err());
        limiter.take(Some(&other), home).await.unwrap();
    }

    #[tokio::test]
    async fn zero_is_no_bound() {
        let limiter = Limiter::new(0);
        for _ in 0..1000 {
            limiter.take(None, Peer("::1".parse().unwrap())).await.unwrap();
        }
    }
    /// One bucket for everybody, or none at all.
    #[derive(Default)]
    struct Buckets {
        left: Mutex<HashMap<String, u32>>,
        away: AtomicBool,
    }

    #[async_trait]
    impl RateLimits for Buckets {
        async fn take(&self, rate: Rate, key: &str) -> Result<Taken, Error> {
            if self.away.load(Ordering::SeqCst) {
                return Err(Error::Unavailable("away".to_owned()));
            }
            let mut buckets = self.left.lock();
            let left = buckets.entry(format!("{}:{key}", rate.name)).or_insert(rate.burst);
            if *left == 0 {
                return Ok(Taken::No { wait: Duration::from_millis(6_500) });
            }
            *left -= 1;
            Ok(Taken::Yes { left: *left, full_in: Duration::from_millis(1_500) })
        }
        async fn give_back(&self, _: Rate, _: &str) -> Result<(), Error> {
            Ok(())
        }
        async fn forget(&self, _: Rate, _: &str) -> Result<(), Error> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn processes_that_share_buckets_count_together_and_alone_without_them() {
        let buckets = Arc::new(Buckets::default());
        let process = |what| Limiter::counting(what, 3).shared(buckets.clone());
        let (here, there, lookups) = (process("calls"), process("calls"), process("look-ups"));
        let (home, ann) = (Peer("10.0.0.1".parse().unwrap()), caller());
        for (process, remaining) in [(&here, 2), (&there, 1), (&here, 0)] {
            let allowance = process.take(Some(&ann), home).await.unwrap();
            assert_eq!(allowance, Some(Allowance { limit: 3, remaining, reset_s: 2 }));
        }
        for process in [&here, &there] {
            let refused = process.take(Some(&ann), home).await.unwrap_err();
            assert_eq!((refused.code(), refused.body("").retry_after), (Code::RateLimited, Some(7)));
        }
        assert!(here.take(None, home).await.is_ok() && lookups.take(Some(&ann), home).await.is_ok());
        // Without them each process lets through what its own bound allows, and no more.
        buckets.away.store(true, Ordering::SeqCst);
        for process in [&here, &there] {
            for _ in 0..3 {
                process.take(Some(&ann), home).await.unwrap();
            }
            assert!(process.take(Some(&ann), home).await.is_err());
        }
    }
}
