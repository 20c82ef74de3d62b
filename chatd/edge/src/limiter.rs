//! Calls a minute: by user when authenticated, else by address.

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
        Self { buckets, per_minute, what, calls: AtomicU32::new(0) }
    }

    /// Takes one call from the caller's allowance; `None` when there is no bound.
    ///
    /// # Errors
    /// `rate-limited`, with the time to come back and the bound's headers.
    pub fn take(&self, caller: Option<&Caller>, peer: Peer) -> Result<Option<Allowance>, Problem> {
        let Some(buckets) = &self.buckets else { return Ok(None) };
        if self.calls.fetch_add(1, Ordering::Relaxed) % SWEEP_CALLS == SWEEP_CALLS - 1 {
            buckets.retain_recent();
        }
        let key = match caller {
            Some(caller) => Key::User(caller.user),
            None if buckets.len() >= CALLERS => Key::Crowd,
            None => Key::Address(peer),
        };
        let limit = self.per_minute;
        match buckets.check_key(&key) {
            Ok(state) => {
                let remaining = state.remaining_burst_capacity();
                let used = u64::from(limit - remaining.min(limit));
                let reset_s = (used * u64::from(MINUTE_S)).div_ceil(u64::from(limit)) as u32;
                Ok(Some(Allowance { limit, remaining, reset_s }))
            }
            Err(not_until) => {
                let wait = not_until.wait_time_from(DefaultClock::default().now());
                let seconds = (wait.as_millis().div_ceil(1000) as u32).max(1);
                let detail = format!("more than {limit} {} a minute: come back in {seconds} s", self.what);
                let allowance = Allowance { limit, remaining: 0, reset_s: MINUTE_S };
                Err(Problem::too_many(detail, seconds, allowance))
            }
        }
    }
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
            limiter.take(parts.extensions.get::<Caller>(), Peer::of_connection(&parts.extensions))?;
        }
        Ok(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use schema::{Code, SessionId, Timestamp};

    fn caller() -> Caller {
        Caller {
            user: UserId::draw(),
            session: SessionId::draw(),
            role: "USER".to_owned(),
            expires_at: Timestamp::now(),
        }
    }

    #[test]
    fn callers_are_bounded_apart() {
        let limiter = Limiter::new(3);
        let (home, away) = (Peer("10.0.0.1".parse().unwrap()), Peer("10.0.0.2".parse().unwrap()));
        for _ in 0..3 {
            limiter.take(None, home).unwrap();
        }
        assert_eq!(limiter.take(None, home).unwrap_err().code(), Code::RateLimited);
        limiter.take(None, away).unwrap();
        let (one, other) = (caller(), caller());
        for _ in 0..3 {
            limiter.take(Some(&one), home).unwrap();
        }
        assert!(limiter.take(Some(&one), away).is_err());
        limiter.take(Some(&other), home).unwrap();
    }

    #[test]
    fn zero_is_no_bound() {
        let limiter = Limiter::new(0);
        for _ in 0..1000 {
            limiter.take(None, Peer("::1".parse().unwrap())).unwrap();
        }
    }
}
