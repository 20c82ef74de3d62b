//! Every bound of the product in one place: sizes, rates, queue depths, waits.
//!
//! What an operator may change is a key of the configuration with the default named here; the rest are
//! constants because a promise or a format rests on them. They stand in files by matter, and are all named
//! `limits::NAME`.

mod accounts;
mod api;
mod engines;
mod link;
mod log;
mod presence;
mod processes;
mod sockets;

pub use accounts::*;
pub use api::*;
pub use engines::*;
pub use link::*;
pub use log::*;
pub use presence::*;
pub use processes::*;
pub use sockets::*;
