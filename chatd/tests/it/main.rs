//! chatd as its users meet it: a process, its ports and its files.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod abuse;
mod admin;
mod bad_input;
mod blocked_pair;
mod config;
mod crowd;
mod errors;
mod first_message;
mod identity;
mod kill_and_recover;
mod limits;
mod openapi;
mod people;
mod ports;
mod presence;
mod register_and_login;
mod revoke;
mod server;
mod start_and_end;
mod stomp;
mod tidy;
mod tls;
