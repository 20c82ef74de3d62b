//! The promises of the stores as tests: one function a promise, run against every set.

pub mod accounts;
pub mod blocks;
pub mod changes;
pub mod contacts;
pub mod events;
pub mod messages;
pub mod presence;
pub mod profiles;
pub mod relations;
pub mod tickets;
