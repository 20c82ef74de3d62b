//! The promises of the stores as tests: one function a promise, run against every set.

pub mod accounts;
pub mod events;
pub mod messages;
pub mod profiles;
