//! The calls of the user service, through the door, on the embedded stores.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod bad_input;
mod contacts;
mod export;
mod fixture;
mod lookup;
mod me;
mod privacy;
mod see;
