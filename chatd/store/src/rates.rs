//! Buckets that several processes share: how often somebody may do something, wherever they ask.

use crate::Error;
use async_trait::async_trait;
use std::time::Duration;

/// What is counted, and how much of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Names the bucket among others, such as `calls`.
    pub name: &'static str,
    /// As many may come at once, and over each period.
    pub burst: u32,
    pub period: Duration,
}

/// What came of asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// One is taken; this many are left, and after `full_in` all are there again.
    Yes { left: u32, full_in: Duration },
    /// None is left; the next comes in `wait`.
    No { wait: Duration },
}

/// Token buckets (GCRA) by rate and key. They are soft: whoever loses them starts with full ones.
#[async_trait]
pub trait RateLimits: Send + Sync {
    /// Takes one from the bucket of this key.
    async fn take(&self, rate: Rate, key: &str) -> Result<Taken, Error>;
    /// Gives one back, because it was none of what is bounded.
    async fn give_back(&self, rate: Rate, key: &str) -> Result<(), Error>;
    /// Fills the bucket of this key.
    async fn forget(&self, rate: Rate, key: &str) -> Result<(), Error>;
}
