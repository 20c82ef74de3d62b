//! Subscriptions to presence, as `websocket` asks for them.

use crate::Presence;
use crate::see::nobody;
use edge::Problem;
use schema::limits::TYPING_PER_SECOND;
use schema::presence::Presence as Shown;
use schema::{Code, UserId};
use std::sync::{Arc, Weak};
use tokio::time::Instant;

/// Whether somebody heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    Yes,
    /// There is no room now; the state as it is then is offered again.
    Full,
    /// The subscription or its connection is gone.
    Gone,
}

/// A connection that is told of people's presence. Called from the worker: quick, never blocking.
pub trait Ear: Send + Sync {
    /// Takes a person's presence for a subscription.
    fn presence(&self, subscription: u32, presence: &Arc<Shown>) -> Heard;
}

/// A subscription of somebody's.
#[derive(Clone)]
pub struct Watch {
    pub viewer: UserId,
    pub connection: u64,
    /// Unique within the connection.
    pub subscription: u32,
    pub ear: Weak<dyn Ear>,
}

/// What a subscription wants, on its way to the worker.
pub(crate) struct Ask {
    pub(crate) viewer: UserId,
    pub(crate) connection: u64,
    pub(crate) subscription: u32,
    pub(crate) ear: Weak<dyn Ear>,
    pub(crate) whom: Whom,
}

/// Who is to be watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whom {
    Person(UserId),
    Contacts,
}

impl Presence {
    /// Tells a subscription of one person, by id or username: the state as it is, then each change.
    ///
    /// # Errors
    /// `not-found` for who is unknown or deleted, `unavailable` when too many ask or a store does not answer.
    pub async fn watch(&self, watch: Watch, name: &str) -> Result<(), Problem> {
        let names = [name.to_owned()];
        let person = self.0.people.resolve(&names).await?.pop().flatten().ok_or_else(nobody)?;
        self.ask(watch, Whom::Person(person))
    }

    /// Tells a subscription of the viewer's contacts: who of them is there, then each change. Contacts that
    /// come are watched from then on. Beyond `limits::PRESENCE_WATCHES_OF_USER` nobody more is.
    ///
    /// # Errors
    /// `rate-limited` beyond `limits::TYPING_PER_SECOND` of a person's in a second, since each reads the whole
    /// list; `unavailable` when too many ask.
    pub fn watch_contacts(&self, watch: Watch) -> Result<(), Problem> {
        if !self.0.table.take_turn(watch.viewer, Instant::now()) {
            let detail =
                format!("a person may subscribe to their contacts {TYPING_PER_SECOND} times a second");
            return Err(Problem::new(Code::RateLimited, detail).retry_after(1));
        }
        self.ask(watch, Whom::Contacts)
    }

    /// That subscription ended.
    pub fn unwatch(&self, connection: u64, subscription: u32) {
        self.0.desk.ended(connection, subscription);
    }

    fn ask(&self, watch: Watch, whom: Whom) -> Result<(), Problem> {
        let Watch { viewer, connection, subscription, ear } = watch;
        if self.0.desk.ask(Ask { viewer, connection, subscription, ear, whom }) {
            return Ok(());
        }
        Err(Problem::new(Code::Unavailable, "too many subscriptions at once; subscribe again later"))
    }
}
