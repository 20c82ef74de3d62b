//! Presence on embedded stores: devices, privacy, typing, restarts, and what it costs.

#![expect(clippy::unwrap_used, reason = "a test ends where something fails")]

mod bus;
mod devices;
mod ear;
mod input;
mod live;
mod lost;
mod others;
mod privacy;
mod restart;
mod signals;
mod storm;
mod typing;
mod world;
