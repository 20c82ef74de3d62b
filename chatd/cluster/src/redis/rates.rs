//! `store::RateLimits` on Redis: a key a bucket, the time at which it is full again, which is also its end.

use super::server::Server;
use async_trait::async_trait;
use engines::redis::Redis;
use redis::{Script, cmd};
use std::sync::LazyLock;
use std::time::Duration;
use store::Error;
use store::rates::{Rate, RateLimits, Taken};

static TAKE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("lua/rate.lua")));
static GIVE_BACK: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("lua/unrate.lua")));

/// Buckets of all processes, by the clock of Redis. A full one takes no memory.
pub struct RedisRates {
    server: Server,
    base: String,
}

impl RedisRates {
    /// Connects.
    ///
    /// # Errors
    /// When Redis is not there, does not let us in, or is too old.
    pub async fn open(redis: &Redis) -> Result<Self, engines::Error> {
        let server = Server::open(redis).await?;
        let base = server.key("rates:");
        Ok(Self { server, base })
    }

    fn bucket(&self, rate: Rate, key: &str) -> String {
        format!("{}{}:{key}", self.base, rate.name)
    }
}

#[async_trait]
impl RateLimits for RedisRates {
    async fn take(&self, rate: Rate, key: &str) -> Result<Taken, Error> {
        let mut script = TAKE.key(self.bucket(rate, key));
        let (taken, left, time_us) =
            self.server.run::<(bool, u32, u64)>(script.arg(step_us(rate)).arg(rate.burst)).await?;
        let time = Duration::from_micros(time_us);
        Ok(if taken { Taken::Yes { left, full_in: time } } else { Taken::No { wait: time } })
    }

    async fn give_back(&self, rate: Rate, key: &str) -> Result<(), Error> {
        self.server.run(GIVE_BACK.key(self.bucket(rate, key)).arg(step_us(rate))).await
    }

    async fn forget(&self, rate: Rate, key: &str) -> Result<(), Error> {
        self.server.ask(cmd("DEL").arg(self.bucket(rate, key))).await
    }
}

/// Microseconds of one token; rounded up, so that never more than the burst come in a period.
fn step_us(rate: Rate) -> u64 {
    let period = u64::try_from(rate.period.as_micros()).unwrap_or(u64::MAX);
    period.div_ceil(u64::from(rate.burst.max(1))).max(1)
}
