//! Links between real processes' halves, over TCP on loopback.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod bench;
mod cut;
mod greet;
mod late;
mod peers;
mod proxy;
mod raw;
mod reader;
mod soft;
mod stomp;
mod talk;
mod tls;
mod world;
