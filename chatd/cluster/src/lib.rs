//! The stores on real engines.

pub mod cassandra;
pub mod kafka;
pub mod postgres;
pub mod redis;

mod open;

pub use open::{Clustered, Engines, newsroom, open};
