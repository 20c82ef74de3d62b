//! The gateway in front of services in other processes. Each of those is a listener of its own on a thread of
//! its own here, so that it can go away as a process does: all its connections at once.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod fixture;
mod forwarding;
mod load;
mod misbehaving;
mod own;
mod sockets;
mod sockjs;
mod tls;
