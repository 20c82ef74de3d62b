//! The stores on real engines.

pub mod kafka;
pub mod redis;
