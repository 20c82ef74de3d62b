//! One connection to Redis: what goes wrong with it, and how it comes back.

use engines::redis::Redis;
use parking_lot::Mutex;
use redis::aio::ConnectionManager;
use redis::{ErrorKind, FromRedisValue, RedisError, ScriptInvocation, ServerErrorKind};
use schema::limits::{REDIS_RETRY, REDIS_TIME};
use std::time::Instant;
use store::Error;
use tokio::time::timeout;

/// A connection that many share.
pub(super) struct Server {
    redis: Redis,
    link: Mutex<Link>,
    /// Why the last command failed, if it did; presence beats often enough to keep it true.
    failed: Mutex<Option<Error>>,
}

struct Link {
    manager: ConnectionManager,
    made_at: Instant,
}

impl Server {
    pub(super) async fn open(redis: &Redis) -> Result<Self, engines::Error> {
        let link = Link { manager: redis.connect().await?, made_at: Instant::now() };
        Ok(Self { redis: redis.clone(), link: Mutex::new(link), failed: Mutex::default() })
    }

    pub(super) fn key(&self, name: &str) -> String {
        self.redis.key(name)
    }

    /// Runs a script, which is sent to the server when it does not know it.
    pub(super) async fn run<T: FromRedisValue>(&self, script: &ScriptInvocation<'_>) -> Result<T, Error> {
        let mut manager = self.link.lock().manager.clone();
        self.answer(timeout(REDIS_TIME, script.invoke_async(&mut manager)).await)
    }

    /// Sends one command.
    pub(super) async fn ask<T: FromRedisValue>(&self, command: &redis::Cmd) -> Result<T, Error> {
        let mut manager = self.link.lock().manager.clone();
        self.answer(timeout(REDIS_TIME, command.query_async(&mut manager)).await)
    }

    fn answer<T>(
        &self,
        outcome: Result<Result<T, RedisError>, tokio::time::error::Elapsed>,
    ) -> Result<T, Error> {
        let answer = match outcome {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => {
                if error.is_timeout() || refused_at_the_door(&error) {
                    self.renew();
                }
                Err(Error::Unavailable(self.redis.failed(&error).to_string()))
            }
            Err(_) => {
                self.renew();
                Err(Error::Unavailable("Redis does not answer in its time".to_owned()))
            }
        };
        let mut failed = self.failed.lock();
        if failed.is_some() || answer.is_err() {
            *failed = answer.as_ref().err().cloned();
        }
        answer
    }

    /// Why the last command failed, if it did.
    pub(super) fn health(&self) -> Result<(), Error> {
        self.failed.lock().clone().map_or(Ok(()), Err)
    }

    /// Leaves a connection that the driver would keep: one whose other end is silent, and one that was let in
    /// by nobody because the server was still loading or knew another password.
    fn renew(&self) {
        let mut link = self.link.lock();
        if link.made_at.elapsed() >= REDIS_RETRY
            && let Ok(manager) = self.redis.manager()
        {
            *link = Link { manager, made_at: Instant::now() };
        }
    }
}

fn refused_at_the_door(error: &RedisError) -> bool {
    let loading = ErrorKind::Server(ServerErrorKind::BusyLoading);
    error.kind() == loading || error.kind() == ErrorKind::AuthenticationFailed
}
