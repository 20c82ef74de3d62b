//! The stores on Redis, on the server that `STORES_REDIS` names; without it nothing is tested, and says so.

#![expect(clippy::unwrap_used, reason = "a test ends where something fails")]

mod outage;
mod place;
mod presence;
mod proxy;
mod rates;
mod service;
mod signals;
mod tickets;
