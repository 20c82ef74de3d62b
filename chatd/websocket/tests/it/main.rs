//! The websocket service on a real listener, driven by a STOMP client over real sockets.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod client;
mod connect;
mod end;
mod http;
mod malformed;
mod marks;
mod poller;
mod presence;
mod replay;
mod rfc6455;
mod sockjs;
mod sockjs_lines;
mod talk;
mod transports;
mod world;
