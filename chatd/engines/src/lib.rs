//! How the real engines are reached, and what they must hold.
//!
//! One type an engine, made from its URL; none of them knows what a store is. Passwords live in
//! those types and in nothing that they print.

mod error;

pub mod cassandra;
pub mod environment;
pub mod epoch;
pub mod kafka;
pub mod postgres;
pub mod redis;
pub mod schema;

pub use error::{BadUrl, Error};
