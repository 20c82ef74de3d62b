//! chatd as its users meet it: a process, its ports and its files.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod admin;
mod blocked_pair;
mod config;
mod first_message;
mod kill_and_recover;
mod openapi;
mod ports;
mod register_and_login;
mod server;
mod start_and_end;
mod tls;
mod stomp;
mod tidy;
