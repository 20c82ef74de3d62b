//! Presence: who is there, when they were last, and who is typing. Port 8083, and `websocket` calls it.
//!
//! Online follows sockets, not claims: `websocket` says which connections people have ([`Presence::connected`],
//! [`Presence::disconnected`]), `desk.rs` keeps count, and one worker (`worker.rs`) makes news of it: leases and
//! changes (`settle.rs`), and who is told of them (`watch.rs`, `sync.rs`). Whoever asks is answered by `see.rs`,
//! from the same few facts. Typing (`typing.rs`) goes straight to the peer's sockets by a bounded link.
//!
//! Where several processes share the store, each tells the others of whom they may be watching (`others.rs`),
//! holds its people again when the store has lost them (`lease.rs`), and looks at everybody when a word may
//! have been lost.
//!
//! Who may know is decided in one place for all of it: [`schema::user::PrivacySettings::shows_last_seen`] of
//! the [`store::relation()`]. To others somebody hidden, blocked (either way) or invisible is OFFLINE without
//! a last seen; typing shows that one is there, so the same rule holds for it.
//!
//! Invariants: nothing here blocks a socket or a message: calls of `websocket` only note, and what does not
//! fit is shed, counted and put right by the next look, because watchers are told states, not events. What is
//! not watched costs nothing beyond its own lease. An invisible session moves no last seen.

mod attend;
mod desk;
mod index;
mod journal;
mod lease;
mod metrics;
mod others;
mod people;
mod routes;
mod see;
mod settle;
mod status;
mod sync;
mod table;
mod typing;
mod watch;
mod worker;

pub use attend::Attend;
pub use typing::Typed;
pub use watch::{Ear, Heard, Watch};

use desk::Desk;
use edge::Changes;
use journal::Journal;
use metrics::Metrics;
use others::Others;
use parking_lot::Mutex;
use people::People;
use schema::limits::{LEASE_BEAT, LEASE_TIME, TYPING_LINK, TYPING_TIME};
use schema::{Timestamp, UserId};
use std::sync::Arc;
use std::time::Duration;
use store::Stores;
use table::Table;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use uuid::Uuid;

/// How presence is kept. The defaults are those of `schema::limits`.
#[derive(Clone, Debug)]
pub struct Config {
    /// How long typing lasts that is not renewed.
    pub typing_time: Duration,
    /// How often this process says that it lives, which is how often it finds out what the store has lost.
    pub beat: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self { typing_time: TYPING_TIME, beat: LEASE_BEAT }
    }
}

/// The presence service.
#[derive(Clone)]
pub struct Presence(Arc<Inner>);

/// What all calls and the worker share.
struct Inner {
    /// This process among those that share the store.
    node: Uuid,
    beat: Duration,
    stores: Stores,
    people: People,
    desk: Desk,
    table: Table,
    journal: Journal,
    others: Others,
    metrics: Metrics,
    /// Where typing goes: the processes that hold sockets.
    links: Mutex<Vec<mpsc::Sender<Typed>>>,
    worker: Mutex<Option<JoinHandle<()>>>,
}

impl Presence {
    /// Starts the service and its worker. Call it within the runtime.
    ///
    /// # Errors
    /// When the store refuses this process's first beat; one that is away is not waited for.
    pub async fn open(
        stores: &Stores,
        changes: &Changes,
        config: Config,
        metrics: &edge::Metrics,
    ) -> Result<Self, store::Error> {
        let node = Uuid::now_v7();
        // From here on, so that nothing is missed between the first look and the first word.
        let mut signals = stores.presence.signals();
        let others = Others::of(&mut signals);
        let lease = i64::try_from(LEASE_TIME.as_secs()).unwrap_or(i64::MAX);
        match stores.presence.beat(node, Timestamp::now().plus_seconds(lease)).await {
            // Its first beat that is taken says the rest.
            Err(error) if error.retryable() => tracing::warn!(%error, "presence begins without its store"),
            beaten => _ = beaten?,
        }
        let metrics = Metrics::register(&mut metrics.registry());
        let inner = Arc::new(Inner {
            node,
            beat: config.beat,
            stores: stores.clone(),
            people: People::new(Arc::clone(&stores.profiles)),
            desk: Desk::default(),
            table: Table::new(config.typing_time),
            journal: Journal::new(Arc::clone(&stores.events), metrics.shed.clone()),
            others,
            metrics,
            links: Mutex::default(),
            worker: Mutex::default(),
        });
        let remembers = Arc::downgrade(&inner);
        changes.listen(Box::new(move |user, username| {
            if let Some(inner) = remembers.upgrade() {
                inner.people.forget(user, username);
                inner.desk.changed(user);
            }
        }));
        let remembers = Arc::downgrade(&inner);
        changes.listen_for_missed(Box::new(move || {
            if let Some(inner) = remembers.upgrade() {
                inner.people.forget_all();
                inner.desk.changed_somebody();
            }
        }));
        if !inner.others.alone() {
            tokio::spawn(others::hear(Arc::downgrade(&inner), signals));
        }
        *inner.worker.lock() = Some(tokio::spawn(worker::run(Arc::clone(&inner))));
        Ok(Self(inner))
    }

    /// A socket of this user is open and signed in. Only notes it; called after CONNECTED.
    pub fn connected(&self, user: UserId, connection: u64) {
        self.0.desk.connected(user, connection);
    }

    /// That socket is gone, whyever. Only notes it; a socket that was never connected may be named too.
    pub fn disconnected(&self, user: UserId, connection: u64) {
        self.0.desk.disconnected(user, connection);
    }

    /// A new link: who types to whom from now on. Its reader must not wait for sessions.
    pub fn typings(&self) -> mpsc::Receiver<Typed> {
        let (sender, receiver) = mpsc::channel(TYPING_LINK);
        self.0.links.lock().push(sender);
        receiver
    }

    /// Ends the service: who is still there is gone from now on, and every last seen is durable when it
    /// returns, as far as the store takes them. Later calls note nothing.
    pub async fn close(&self) {
        self.0.desk.close();
        let worker = self.0.worker.lock().take();
        if let Some(worker) = worker {
            // It has no panic to hand on: nothing waits for what it does.
            let _ = worker.await;
        }
    }
}
