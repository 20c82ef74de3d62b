//! The websocket service on a real listener, driven by a STOMP client over real sockets.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod client;
mod connect;
mod end;
mod malformed;
mod marks;
mod replay;
mod talk;
mod world;
