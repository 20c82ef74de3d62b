//! The stores: nouns of the domain as object-safe async traits, coarse and batch-shaped.
//!
//! Two sets implement them, chosen as a whole: `embedded` (the default, no server installed) and `cluster`
//! (Kafka, Cassandra, PostgreSQL, Redis). Both pass one [`contract`] suite: same order, same errors, same bounds.
//!
//! - [`Events`]: the log, the commit point of everything in a conversation
//! - [`Messages`]: the history view built from the log, written by the sequencer alone
//! - [`Accounts`]: credentials and sessions
//! - [`Profiles`]: people as others see them
//! - [`relation`](relation()): what one person is to another, from both of the stores that know
//! - [`Presence`]: who is there and who is typing, soft
//! - [`Tickets`]: what opens a socket once
//! - [`RateLimits`]: buckets that several processes share
//! - [`News`]: what another process changed

#[cfg(feature = "contract")]
pub mod contract;

pub mod accounts;
pub mod error;
pub mod events;
pub mod fields;
pub mod messages;
pub mod news;
pub mod presence;
pub mod profiles;
pub mod rates;
pub mod relation;
pub mod tickets;

pub use accounts::Accounts;
pub use error::Error;
pub use events::Events;
pub use messages::Messages;
pub use news::News;
pub use presence::Presence;
pub use profiles::Profiles;
pub use rates::RateLimits;
pub use relation::{relation, relations};
pub use tickets::Tickets;

use std::sync::Arc;
use tokio::sync::broadcast;

/// One set of stores, opened.
#[derive(Clone)]
pub struct Stores {
    pub events: Arc<dyn Events>,
    pub messages: Arc<dyn Messages>,
    pub accounts: Arc<dyn Accounts>,
    pub profiles: Arc<dyn Profiles>,
    pub presence: Arc<dyn Presence>,
    pub tickets: Arc<dyn Tickets>,
    /// Buckets that all processes share; `None`: there is one process, which keeps its own.
    pub rates: Option<Arc<dyn RateLimits>>,
    /// What other processes changed in these stores; silent where there is one process.
    pub news: broadcast::Sender<News>,
}
