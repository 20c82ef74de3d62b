//! The generator: connected users without a task or a buffer each, and the loop that drives them.
//!
//! A worker is a process that takes a [`control::Part`] of a plan over a pipe or a connection, and answers with what
//! happened. Inside it a few threads share nothing: each has one event loop, whole pairs of users, its own ledger and
//! histograms. Protocols are [`driver::Driver`]s: bytes in, bytes and events out, no I/O.
//!
//! One message in reading order: `send` (due by the schedule) → `driver::chatd` (its bytes) → `socket` (written) →
//! the server → `socket` (read into the thread's one buffer) → `websocket` (framed) → `driver::chatd` (an event) →
//! `thread` (entered into the ledger). Where the target is TLS, `tls` stands between `socket` and the others.
//!
//! Invariants: no planned send waits for an answer; an idle user costs less than 2 KiB, over TLS about 6 and the server's
//! certificates; the coordinator's death ends a worker.

mod clock;
pub mod control;
pub mod driver;
mod flight;
mod measure;
pub mod relay;
pub mod rest;
mod socket;
mod thread;
pub mod tls;
mod upgrade;
mod websocket;
mod wheel;
pub mod worker;
