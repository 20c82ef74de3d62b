//! SockJS 0.3.3 without I/O: texts to frames and back, for the server, test clients and fuzzing.
//!
//! - [`OPEN`], [`HEARTBEAT`], [`array`], [`close`] and [`Batch`] are what a server writes; [`Frame::parse`]
//!   reads it back.
//! - [`Arrays`] reads what a client writes, JSON arrays of strings, into one text: STOMP above it is a
//!   stream and cares for no borders. [`decode`] reads one array for itself.
//! - [`Envelope`] is what each HTTP transport puts around a frame.
//!
//! Invariants: what is written is ASCII but for letters that nothing on the way mangles (see [`escape`]), so
//! it holds no line break, no NUL and no half of a character. Reading never panics, whatever comes, and
//! allocates no more than the input's own size.

mod decode;
mod encode;
mod envelope;
#[cfg(test)]
mod tests;

pub use decode::{Arrays, Error, Frame, decode};
pub use encode::{Batch, HEARTBEAT, OPEN, array, close, escape};
pub use envelope::Envelope;
