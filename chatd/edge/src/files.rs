//! Open files: connections leave enough of them for the stores. A log that cannot open its next segment would
//! end the process, and anybody can open connections.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use schema::limits::FILES_KEPT;
use std::sync::atomic::{AtomicU64, Ordering};

/// Connections of the process, sockets included.
static OPEN: AtomicU64 = AtomicU64::new(0);

/// Raises the number of files that this process may open as far as the system allows. Many systems start
/// processes with 1,024, for programs that count files in a small table.
pub fn raise_limit() {
    let limit = getrlimit(Resource::Nofile);
    // Refused, it stays as it was; the bound below holds either way.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
}

/// Room for one connection, until this is dropped.
pub(crate) struct Room(());

impl Room {
    /// `None` when what is left belongs to the stores: [`FILES_KEPT`], or half where the limit is low.
    pub(crate) fn take() -> Option<Self> {
        let most = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
        let kept = FILES_KEPT.min(most / 2);
        let before = OPEN.fetch_add(1, Ordering::Relaxed);
        let room = Self(());
        (before < most - kept).then_some(room)
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        OPEN.fetch_sub(1, Ordering::Relaxed);
    }
}
