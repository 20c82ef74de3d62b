//! What happens to an installation of many processes on the real engines when its parts die, freeze, forget or
//! are altered under it, with load running: nothing acknowledged is lost, doubled or out of order.
//!
//! `compose/test` runs these; by hand: `eval "$(compose/servers --data DIR up)"`, `SERVERS=DIR`, then
//! `cargo test -p chatd --test faults -- --nocapture`. One at a time, whatever the number of test threads.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the counts are what a run is for")]

#[path = "../it/crowd.rs"]
mod crowd;
#[path = "../it/stomp.rs"]
mod stomp;

mod altered;
mod engines;
mod fleet;
mod owners;
mod processes;
