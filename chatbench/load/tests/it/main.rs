//! Workers driven over the control protocol, against the null server in the same process.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod bed;
mod brokers;
mod life;
mod runs;
