//! `store::Presence` on Redis.
//!
//! - `nodes`: until when each process lives, a hash
//! - `held:NODE`: whom a process holds, a set that ends with the process; `dead`, `dead:NODE`: the same of
//!   processes that fell silent, until somebody has taken it up
//! - `unsaved`: last seens; `typing`: pairs of people by the end of their typing
//!
//! To live costs one write, however many people there are, because nothing of a person has a time of its own.
//! To look at somebody costs a membership test for each other process; there are few processes.

use super::server::Server;
use super::signals::Signals;
use super::wire::{all, ms, name, pair, people, times, user_of};
use async_trait::async_trait;
use engines::redis::Redis;
use redis::{Script, cmd};
use schema::limits::{LAST_SEEN_KEEP, LAST_SEEN_UNSAVED, PRESENCE_BATCH, PRESENCE_KEEP, TYPISTS};
use schema::{Timestamp, UserId};
use std::sync::LazyLock;
use store::Error;
use store::presence::{Presence, Signal, Trace, Turn};
use tokio::sync::broadcast;
use uuid::Uuid;

macro_rules! scripts {
    ($($name:ident $file:literal)*) => {$(
        static $name: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!(concat!("lua/", $file))));
    )*};
}

scripts! {
    BEAT "beat.lua"
    RELEASE "release.lua"
    LOOK "look.lua"
    LAPSED "lapsed.lua"
    SEEN "seen.lua"
    SAVED "saved.lua"
    TURN "turn.lua"
}

/// Presence of all processes on one Redis.
pub struct RedisPresence {
    server: Server,
    signals: Signals,
    /// Where the keys of leases begin.
    base: String,
    unsaved: String,
    typing: String,
}

impl RedisPresence {
    /// Connects, and listens to what other processes tell until this is dropped.
    ///
    /// # Errors
    /// When Redis is not there, does not let us in, or is too old.
    pub async fn open(redis: &Redis) -> Result<Self, engines::Error> {
        let server = Server::open(redis).await?;
        let base = server.key("presence:");
        let (unsaved, typing) = (format!("{base}unsaved"), format!("{base}typing"));
        let signals = Signals::open(redis, format!("{base}signals")).await?;
        Ok(Self { server, signals, base, unsaved, typing })
    }

    /// Whether Redis answers, as far as is known: who asks nothing hears that its channel is lost.
    ///
    /// # Errors
    /// Why it did not.
    pub fn health(&self) -> Result<(), Error> {
        self.server.health()?;
        if self.signals.there() { Ok(()) } else { Err(self.server.away()) }
    }
}

#[async_trait]
impl Presence for RedisPresence {
    async fn beat(&self, node: Uuid, until: Timestamp) -> Result<bool, Error> {
        let mut script = BEAT.key(&self.base);
        self.server.run(script.arg(name(node)).arg(until.0).arg(ms(PRESENCE_KEEP))).await
    }

    async fn tell(&self, signals: &[Signal]) -> Result<(), Error> {
        for some in signals.chunks(PRESENCE_BATCH) {
            let () = self
                .server
                .ask(cmd("PUBLISH").arg(self.signals.channel()).arg(self.signals.encode(some)))
                .await?;
        }
        Ok(())
    }

    fn signals(&self) -> broadcast::Receiver<Signal> {
        self.signals.subscribe()
    }

    async fn hold(&self, node: Uuid, users: &[UserId]) -> Result<(), Error> {
        let key = format!("{}held:{}", self.base, name(node));
        for some in users.chunks(PRESENCE_BATCH) {
            let mut add = cmd("SADD");
            add.arg(&key);
            for user in some {
                add.arg(user.as_bytes());
            }
            let () = self.server.ask(&add).await?;
        }
        if !users.is_empty() {
            // After a flush the set is a new one, which would else stay for ever.
            let () = self.server.ask(cmd("PEXPIRE").arg(&key).arg(ms(PRESENCE_KEEP))).await?;
        }
        Ok(())
    }

    async fn release(&self, node: Uuid, users: &[UserId], now: Timestamp) -> Result<Vec<bool>, Error> {
        let mut gone = Vec::with_capacity(users.len());
        for some in users.chunks(PRESENCE_BATCH) {
            let mut script = RELEASE.key(&self.base);
            let some_gone: Vec<bool> =
                self.server.run(people(script.arg(name(node)).arg(now.0), some)).await?;
            gone.extend(all(some_gone, some.len())?);
        }
        Ok(gone)
    }

    async fn look(&self, node: Uuid, users: &[UserId], now: Timestamp) -> Result<Vec<Trace>, Error> {
        let mut traces = Vec::with_capacity(users.len());
        for some in users.chunks(PRESENCE_BATCH) {
            let mut script = LOOK.key(&self.base);
            let (elsewhere, seen): (Vec<bool>, Vec<i64>) =
                self.server.run(people(script.arg(name(node)).arg(now.0), some)).await?;
            let (elsewhere, seen) = (all(elsewhere, some.len())?, all(seen, some.len())?);
            let trace = |(elsewhere, seen): (bool, i64)| Trace {
                elsewhere,
                last_seen: (seen != 0).then_some(Timestamp(seen)),
            };
            traces.extend(elsewhere.into_iter().zip(seen).map(trace));
        }
        Ok(traces)
    }

    async fn lapsed(&self, now: Timestamp, limit: usize) -> Result<Vec<UserId>, Error> {
        let mut lapsed = Vec::new();
        while lapsed.len() < limit {
            let room = (limit - lapsed.len()).min(PRESENCE_BATCH);
            let mut script = LAPSED.key(&self.base);
            let script = script.arg(now.0).arg(room).arg(ms(PRESENCE_KEEP));
            let (over, gone): (bool, Vec<Vec<u8>>) = self.server.run(script).await?;
            for user in gone {
                lapsed.push(user_of(&user)?);
            }
            if over {
                break;
            }
        }
        Ok(lapsed)
    }

    async fn seen(&self, seen: &[(UserId, Timestamp)]) -> Result<usize, Error> {
        let mut dropped = 0;
        for some in seen.chunks(PRESENCE_BATCH) {
            let mut script = SEEN.key(&self.unsaved);
            let script = times(script.arg(LAST_SEEN_UNSAVED).arg(ms(LAST_SEEN_KEEP)), some);
            dropped += self.server.run::<usize>(script).await?;
        }
        Ok(dropped)
    }

    async fn unsaved(&self, limit: usize) -> Result<Vec<(UserId, Timestamp)>, Error> {
        let mut unsaved = Vec::new();
        while unsaved.len() < limit {
            let (from, page) = (unsaved.len(), (limit - unsaved.len()).min(PRESENCE_BATCH));
            let mut oldest = cmd("ZRANGE");
            oldest.arg(&self.unsaved).arg(from).arg(from + page - 1).arg("WITHSCORES");
            let rows: Vec<(Vec<u8>, f64)> = self.server.ask(&oldest).await?;
            let over = rows.len() < page;
            for (user, at) in rows {
                // Milliseconds are whole in a double for the next 285,000 years.
                unsaved.push((user_of(&user)?, Timestamp(at as i64)));
            }
            if over {
                break;
            }
        }
        Ok(unsaved)
    }

    async fn saved(&self, seen: &[(UserId, Timestamp)]) -> Result<(), Error> {
        for some in seen.chunks(PRESENCE_BATCH) {
            let () = self.server.run(times(&mut SAVED.key(&self.unsaved), some)).await?;
        }
        Ok(())
    }

    async fn turn(&self, turns: &[Turn], now: Timestamp) -> Result<(), Error> {
        for some in turns.chunks(PRESENCE_BATCH) {
            let mut script = TURN.key(&self.typing);
            script.arg(now.0).arg(TYPISTS).arg(ms(PRESENCE_KEEP));
            for Turn { user, peer, until } in some {
                let until = until.map(|until| until.0.to_string()).unwrap_or_default();
                script.arg(&pair(*user, *peer)).arg(until);
            }
            let () = self.server.run(&script).await?;
        }
        Ok(())
    }

    async fn typing(&self, peer: UserId, users: &[UserId], now: Timestamp) -> Result<Vec<bool>, Error> {
        let mut typing = Vec::with_capacity(users.len());
        for some in users.chunks(PRESENCE_BATCH) {
            let mut ends = cmd("ZMSCORE");
            ends.arg(&self.typing);
            for user in some {
                ends.arg(&pair(*user, peer));
            }
            let ends: Vec<Option<f64>> = self.server.ask(&ends).await?;
            let goes_on = |end: Option<f64>| end.is_some_and(|end| end as i64 > now.0);
            typing.extend(all(ends, some.len())?.into_iter().map(goes_on));
        }
        Ok(typing)
    }
}

impl Drop for RedisPresence {
    fn drop(&mut self) {
        self.signals.close();
    }
}
