//! Chat on the embedded stores: the verbs, end to end but for the sockets.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod blocks;
mod erase;
mod marks;
mod open;
mod privacy;
mod reads;
mod replay;
mod send;
mod world;
