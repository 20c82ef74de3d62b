//! The stores on real engines.

pub mod kafka;
pub mod postgres;
pub mod redis;
