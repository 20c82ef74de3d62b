//! One connection to Redis: what goes wrong with it, and how it comes back.

use super::wire::ms;
use engines::redis::Redis;
use parking_lot::Mutex;
use redis::aio::ConnectionManager;
use redis::{ErrorKind, FromRedisValue, RedisError, ScriptInvocation, ServerErrorKind};
use schema::limits::{REDIS_RETRY, REDIS_TIME};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;
use store::Error;
use tokio::time::error::Elapsed;
use tokio::time::timeout;

/// A connection that many share. While Redis is away it is asked by one caller in `limits::REDIS_RETRY`, and
/// the others are told at once: who sends messages in the same breath does not wait for it.
pub(super) struct Server {
    redis: Redis,
    link: Mutex<Link>,
    opened: Instant,
    /// Milliseconds since `opened` until which nobody asks; 0: everybody may.
    away_until: AtomicU64,
    /// Why the last command failed, if it did; presence beats often enough to keep it true.
    failed: Mutex<Option<Error>>,
}

struct Link {
    manager: ConnectionManager,
    made_at: Instant,
}

impl Server {
    /// Connects. A Redis that is away is not waited for: nobody needs it to begin.
    ///
    /// # Errors
    /// When there is one, but it does not let us in or is too old.
    pub(super) async fn open(redis: &Redis) -> Result<Self, engines::Error> {
        let opened = Instant::now();
        let (manager, failed) = match redis.connect().await {
            Ok(manager) => (manager, None),
            Err(engines::Error::Unavailable(cause)) => {
                tracing::warn!(cause, "Redis is away");
                (redis.manager()?, Some(Error::Unavailable(cause)))
            }
            Err(refused) => return Err(refused),
        };
        let link = Mutex::new(Link { manager, made_at: opened });
        let away_until = AtomicU64::new(failed.is_some().into());
        Ok(Self { redis: redis.clone(), link, opened, away_until, failed: Mutex::new(failed) })
    }

    /// Why the last command failed, if it did.
    pub(super) fn health(&self) -> Result<(), Error> {
        self.failed.lock().clone().map_or(Ok(()), Err)
    }

    /// That it does not answer, and where it should.
    pub(super) fn away(&self) -> Error {
        Error::Unavailable(self.redis.silent().to_string())
    }

    pub(super) fn key(&self, name: &str) -> String {
        self.redis.key(name)
    }

    /// Runs a script, which is sent to the server when it does not know it.
    pub(super) async fn run<T: FromRedisValue>(&self, script: &ScriptInvocation<'_>) -> Result<T, Error> {
        let mut manager = self.manager()?;
        self.answer(timeout(REDIS_TIME, script.invoke_async(&mut manager)).await)
    }

    /// Sends one command.
    pub(super) async fn ask<T: FromRedisValue>(&self, command: &redis::Cmd) -> Result<T, Error> {
        let mut manager = self.manager()?;
        self.answer(timeout(REDIS_TIME, command.query_async(&mut manager)).await)
    }

    /// The connection, for who may ask now.
    fn manager(&self) -> Result<ConnectionManager, Error> {
        let (until, now) = (self.away_until.load(Ordering::Relaxed), self.now());
        let next = now + ms(REDIS_RETRY);
        let may = until == 0
            || until <= now
                && self
                    .away_until
                    .compare_exchange(until, next, Ordering::Relaxed, Ordering::Relaxed)
                    .is_ok();
        if may {
            return Ok(self.link.lock().manager.clone());
        }
        Err(Error::Unavailable(format!("Redis is away; it is asked again within {REDIS_RETRY:?}")))
    }

    fn answer<T>(&self, outcome: Result<Result<T, RedisError>, Elapsed>) -> Result<T, Error> {
        let (error, away) = match outcome {
            Ok(Ok(value)) => {
                if self.away_until.load(Ordering::Relaxed) != 0
                    && self.away_until.swap(0, Ordering::Relaxed) != 0
                {
                    tracing::info!("Redis is back");
                }
                *self.failed.lock() = None;
                return Ok(value);
            }
            Ok(Err(error)) => {
                let stays = error.is_timeout() || refused_at_the_door(&error);
                if stays {
                    self.renew();
                }
                (self.redis.failed(&error).to_string(), stays || error.is_io_error())
            }
            Err(_) => {
                self.renew();
                (format!("Redis has not answered in {REDIS_TIME:?}"), true)
            }
        };
        if away && self.away_until.swap(self.now() + ms(REDIS_RETRY), Ordering::Relaxed) == 0 {
            tracing::warn!(error, "Redis is away");
        }
        let error = Error::Unavailable(error);
        *self.failed.lock() = Some(error.clone());
        Err(error)
    }

    /// Leaves a connection that the driver would keep: one whose other end is silent, and one that nobody let
    /// in, because the server was still loading or knew another password.
    fn renew(&self) {
        let mut link = self.link.lock();
        if link.made_at.elapsed() >= REDIS_RETRY
            && let Ok(manager) = self.redis.manager()
        {
            *link = Link { manager, made_at: Instant::now() };
        }
    }

    fn now(&self) -> u64 {
        ms(self.opened.elapsed())
    }
}

fn refused_at_the_door(error: &RedisError) -> bool {
    let loading = ErrorKind::Server(ServerErrorKind::BusyLoading);
    error.kind() == loading || error.kind() == ErrorKind::AuthenticationFailed
}
