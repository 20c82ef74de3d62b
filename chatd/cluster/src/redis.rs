//! Soft state on Redis: presence, tickets, buckets. All of it may be lost at any moment, and none of it stays:
//! every key has an end.
//!
//! Each call is one script or one command a batch, so it is done wholly or not at all, and waits for the
//! server at most `limits::REDIS_TIME`. One script touches several keys, so this is one Redis with its
//! replicas, not a Redis Cluster.

mod presence;
mod rates;
mod server;
mod signals;
mod tickets;
mod wire;

pub use presence::RedisPresence;
pub use rates::RedisRates;
pub use tickets::RedisTickets;
