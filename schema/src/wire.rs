//! Wire formats without I/O: bytes in, frames out.

pub mod sockjs;
pub mod stomp;
