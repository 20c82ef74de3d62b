//! STOMP 1.0 to 1.2 without I/O: bytes to frames and back, for the server, the load tester and tests.
//!
//! - [`Decoder`] takes input in whatever pieces it comes (whole frames, parts, several, heart-beats) and
//!   gives whole [`Frame`]s. It allocates nothing by what a header claims, only by what has arrived, and
//!   holds at most one frame's bound of it.
//! - [`Writer`] puts a frame straight into a buffer; [`Frame::encode`] is the same for a frame value.
//! - [`Version::negotiate`] and [`HeartBeat`] are the two bargains of CONNECT.
//!
//! Header texts are escaped as the session's version says: 1.2 knows `\r \n \c \\`, 1.1 the same without
//! `\r`, 1.0 and the connect frames none. A line may end with CRLF in every version. Of repeated headers
//! the first counts.

mod decode;
mod encode;
mod frame;
mod negotiate;
#[cfg(test)]
mod tests;

pub use decode::{Decoder, Error, Side};
pub use encode::Writer;
pub use frame::{Command, Frame, Headers};
pub use negotiate::{HeartBeat, Version};
