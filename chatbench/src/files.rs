//! Open files: how many a process may have, and so how many processes a number of users takes.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Files that a process needs beside its sockets; the server keeps `limits::FILES_KEPT` from them.
pub(crate) const RESERVE: u64 = schema::limits::FILES_KEPT + 100;

/// The hard limit of open files of a process here.
pub(crate) fn hard() -> u64 {
    getrlimit(Resource::Nofile).maximum.unwrap_or(u64::MAX)
}

/// Raises this process's limit as far as it goes. If the kernel does not follow, connecting says so with the error of the
/// socket that did not fit.
pub(crate) fn raise() {
    let limit = getrlimit(Resource::Nofile);
    let _as_it_was = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
}

/// Processes that `users` sockets need when each may open `files`; none when not even a pair fits.
pub(crate) fn processes(users: u32, files: u64) -> Option<u32> {
    // Whole pairs.
    let each = files.saturating_sub(RESERVE) & !1;
    if each == 0 {
        return None;
    }
    u32::try_from(u64::from(users).div_ceil(each)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processes_are_as_many_as_the_files_ask_for() {
        assert_eq!(processes(2, 20_000), Some(1));
        assert_eq!(processes(19_388, 20_000), Some(1));
        assert_eq!(processes(19_390, 20_000), Some(2));
        assert_eq!(processes(100_000, 20_000), Some(6));
        assert_eq!(processes(2, RESERVE + 1), None);
    }
}
