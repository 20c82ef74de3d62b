//! Calls a minute: by user when authenticated, else by address.

use crate::{Caller, Problem};
use axum::extract::FromRequestParts;
use axum::extract::connect_info::ConnectInfo;
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, HeaderValue};
use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};
use schema::{Code, UserId};
use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};

/// Callers that are told apart at once; beyond, all unknown addresses share one allowance.
const CALLERS: usize = 131_072;
/// Calls between two sweeps of callers that have their whole allowance back.
const SWEEP_CALLS: u32 = 4096;

/// An address as bounds count it: IPv6 by /64, because one household has that many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Peer(pub IpAddr);

impl Peer {
    /// The address at the other end of the connection. No header names it: nothing before us is trusted yet.
    pub fn of_connection(extensions: &Extensions) -> Self {
        let info = extensions.get::<ConnectInfo<SocketAddr>>();
        Self::of(info.map_or(Ipv4Addr::UNSPECIFIED.into(), |ConnectInfo(address)| address.ip()))
    }

    /// The peer behind this address.
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(v6) => {
                let [a, b, c, d, ..] = v6.segments();
                Self(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into())
            }
            v4 => Self(v4),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Peer {
    type Rejection = Infallible;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of_connection(&parts.extensions))
    }
}

#[derive(Clone, PartialEq, Eq, Hash)]
enum Key {
    User(UserId),
    Address(Peer),
    /// Every address that came when the table was full.
    Crowd,
}

type Buckets = RateLimiter<Key, DashMapStateStore<Key>, DefaultClock, StateInformationMiddleware>;

/// Bounds the calls a minute of each caller. The door asks it for every call but those to `/actuator`,
/// `/metrics` and `/ws`.
pub struct Limiter {
    buckets: Option<Buckets>,
    per_minute: u32,
    calls: AtomicU32,
}

/// What an allowed call may tell about the bound.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Allowance {
    limit: u32,
    remaining: u32,
    reset_s: u32,
}

impl Limiter {
    /// This many calls a minute for each caller; 0 is no bound.
    pub fn new(per_minute: u32) -> Self {
        let buckets = NonZeroU32::new(per_minute)
            .map(|calls| RateLimiter::keyed(Quota::per_minute(calls)).with_middleware());
        Self { buckets, per_minute, calls: AtomicU32::new(0) }
    }

    /// Takes one call from the caller's allowance; `None` when there is no bound.
    pub(crate) fn take(&self, caller: Option<&Caller>, peer: Peer) -> Result<Option<Allowance>, Problem> {
        let Some(buckets) = &self.buckets else { return Ok(None) };
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
                let reset_s = (used * 60).div_ceil(u64::from(self.per_minute)) as u32;
                Ok(Some(Allowance { limit: self.per_minute, remaining, reset_s }))
            }
            Err(not_until) => {
                let wait = not_until.wait_time_from(DefaultClock::default().now());
                let seconds = (wait.as_millis().div_ceil(1000) as u32).max(1);
                let detail =
                    format!("more than {} calls a minute: come back in {seconds} s", self.per_minute);
                Err(Problem::new(Code::RateLimited, detail).retry_after(seconds))
            }
        }
    }

    /// The headers of a refused call.
    pub(crate) fn refused(&self) -> Allowance {
        Allowance { limit: self.per_minute, remaining: 0, reset_s: 60 }
    }
}

impl Allowance {
    pub(crate) fn write(self, headers: &mut HeaderMap) {
        for (name, value) in [
            ("ratelimit-limit", self.limit),
            ("ratelimit-remaining", self.remaining),
            ("ratelimit-reset", self.reset_s),
        ] {
            headers.insert(name, HeaderValue::from(value));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use schema::{SessionId, Timestamp};

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

    #[test]
    fn an_ipv6_household_is_one_peer() {
        let peer = |text: &str| Peer::of(text.parse().unwrap());
        assert_eq!(peer("2001:db8:1:2::1"), peer("2001:db8:1:2:ffff::9"));
        assert_ne!(peer("2001:db8:1:2::1"), peer("2001:db8:1:3::1"));
        assert_eq!(peer("::ffff:10.0.0.1"), peer("10.0.0.1"));
    }
}
