//! The embedded stores: everything in one data folder, no server installed.
//!
//! - [`log`]: `store::Events` as append-only segments; the only thing that is synced on the hot path
//! - [`history`]: `store::Messages` on fjall, never synced on the hot path
//! - [`sqlite`]: `store::Accounts` and `store::Profiles` in one SQLite file
//! - [`MemoryPresence`]: `store::Presence` in memory
//! - [`MemoryTickets`]: `store::Tickets` in memory, gone with the process
//!
//! Neighbours: `store` holds the traits and their contract suite, `chatd` opens the whole set here.
//!
//! Invariants: one process holds the folder (`lock`); what cannot be read as it was written is refused with
//! its file and byte, never repaired silently; an acknowledgement means synced.

mod accounts;
mod contacts;
pub mod history;
mod lock;
pub mod log;
mod open;
mod presence;
mod profiles;
pub mod sqlite;
mod tickets;
mod tombstones;

pub use history::History;
pub use lock::{FolderLock, LockError};
pub use open::{Embedded, OpenError, open};
pub use presence::MemoryPresence;
pub use sqlite::People;
pub use tickets::MemoryTickets;
