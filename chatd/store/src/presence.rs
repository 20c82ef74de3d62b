//! Who is there and who is typing: soft state that the processes of an installation share.
//!
//! A process *holds* the people that it has sockets of, and says every now and then that it lives. When it
//! falls silent, everything that it held lapses with it, so saying so costs one write, however many people
//! there are. Durable is none of it: last seens wait here until [`crate::Profiles`] has them.

use crate::Error;
use async_trait::async_trait;
use schema::{Timestamp, UserId};
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;
use uuid::Uuid;

/// What is known of a person here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    /// Another process that lives has sockets of theirs.
    pub elsewhere: bool,
    /// When they were last there, as long as the profiles do not know it yet.
    pub last_seen: Option<Timestamp>,
}

/// A turn of somebody's typing to a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    pub user: UserId,
    pub peer: UserId,
    /// When it ends by itself; `None`: it ends now.
    pub until: Option<Timestamp>,
}

/// What one process tells the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Signal {
    /// Somebody came, went, or looks different: look again.
    Look(UserId),
    /// Somebody begins to type to a peer, or ceases to.
    Typing { user: UserId, peer: UserId, on: bool },
    /// Their profile has a newer last seen: what is remembered of it is old. Nobody needs to look.
    Saved(UserId),
    /// Signals may have been lost, or what this process holds: look at everybody, and beat at once. A store
    /// says so by itself when it was away.
    Everybody,
}

/// Presence. Nothing here is durable; losing all of it costs a beat, and the last seens of the last seconds.
#[async_trait]
pub trait Presence: Send + Sync {
    /// This process lives, at least until then. What it holds lapses at that time unless it says so again.
    /// Answers whether the store still knew it; if not, whatever it holds is to be held again.
    async fn beat(&self, node: Uuid, until: Timestamp) -> Result<bool, Error>;

    /// Tells the other processes, as far as they can be told now. What is lost is put right by the next look.
    async fn tell(&self, _signals: &[Signal]) -> Result<(), Error> {
        Ok(())
    }

    /// What other processes tell from now on; silent where there is one process.
    /// One's own do not come back. A channel that is closed from the start means that there are no others.
    fn signals(&self) -> broadcast::Receiver<Signal> {
        broadcast::channel(1).1
    }

    /// From now on this process has sockets of these people. Holding somebody twice is holding them once.
    async fn hold(&self, node: Uuid, users: &[UserId]) -> Result<(), Error>;

    /// From now on it has none. For each, in order, whether nobody who lives has any: then they are gone.
    async fn release(&self, node: Uuid, users: &[UserId], now: Timestamp) -> Result<Vec<bool>, Error>;

    /// What is known of people, in the order asked, seen from this process.
    async fn look(&self, node: Uuid, users: &[UserId], now: Timestamp) -> Result<Vec<Trace>, Error>;

    /// People who are gone because the last process that held them fell silent: each is answered once, to
    /// whoever asks first; at most `limit`.
    async fn lapsed(&self, now: Timestamp, limit: usize) -> Result<Vec<UserId>, Error>;

    /// Remembers when people were last there; a time never goes back. Answers how many were dropped because
    /// `limits::LAST_SEEN_UNSAVED` are waiting.
    async fn seen(&self, seen: &[(UserId, Timestamp)]) -> Result<usize, Error>;

    /// Last seens that the profiles do not have yet, at most `limit`.
    async fn unsaved(&self, limit: usize) -> Result<Vec<(UserId, Timestamp)>, Error>;

    /// The profiles have these now: they are forgotten here, but for those that moved on meanwhile.
    async fn saved(&self, seen: &[(UserId, Timestamp)]) -> Result<(), Error>;

    /// Notes turns of typing, in order. Beyond `limits::TYPISTS` a beginning is dropped.
    async fn turn(&self, turns: &[Turn], now: Timestamp) -> Result<(), Error>;

    /// For each of these people, in order, whether they are typing to `peer`.
    async fn typing(&self, peer: UserId, users: &[UserId], now: Timestamp) -> Result<Vec<bool>, Error>;
}
