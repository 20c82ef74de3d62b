//! The link between processes: how a process that holds sockets, or applies other parts of the log, reaches
//! those that have chat.
//!
//! - [`Server`]: in every process that has chat; tells others what it applies, and answers what they ask
//! - [`Remote`]: in a process that has only `websocket`; chat, presence and identity as if they were here
//! - [`Peers`]: in a process that has chat beside others that have it too; hears what those apply
//!
//! One TCP connection between two processes, encrypted off loopback, carries frames of JSON (`frame.rs`,
//! `wire.rs`). Behind [`Remote`] and [`Peers`] stands the same `mesh.rs`: a connection to every chat process
//! of a [`Directory`].
//!
//! Invariants: no sequencer and no service ever waits for another process: what one does not read is
//! bounded in bytes, then its link is cut. What a cut loses is never lost for people: it is in the view, and
//! whoever reads deliveries is told to pull it (`Missed`) when the link is back. A call is settled once: with
//! its answer, or with whether it was certainly not done.

mod directory;
mod frame;
mod mesh;
mod metrics;
mod outbox;
mod peers;
mod remote;
mod server;
mod shapes;
mod token;
mod wire;

pub use directory::{Directory, Fixed, Node};
pub use peers::{Hears, Peers};
pub use remote::{Local, Remote};
pub use server::{Parts, Server};
pub use token::Token;
pub use wire::Deliveries;

use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// The side that connects.
pub struct Client {
    /// This process; drawn at its start, and where it has chat the one that records of the log name.
    pub node: Uuid,
    pub token: Token,
    /// Encrypts, when it is given; off loopback it must be.
    pub tls: Option<Arc<rustls::ClientConfig>>,
    pub directory: Arc<dyn Directory>,
    /// Ends every link.
    pub stop: CancellationToken,
}
