//! How the process ends: one exit code a class of failure (sysexits), and what the person reads.

use std::fmt;
use std::io;
use std::process::ExitCode;

/// The exit codes, as `chatd --help` lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// The command line does not parse, or asks for what this build cannot do.
    Usage = 64,
    /// A port is taken.
    PortTaken = 69,
    /// A file or folder cannot be created, or another chatd holds the folder.
    CannotCreate = 73,
    /// The disk or the data failed.
    Io = 74,
    /// The system denies permission.
    NoPermission = 77,
    /// A configuration key is unknown or its value is out of bounds.
    BadKey = 78,
}

/// Shown below `chatd --help`.
pub(crate) const TABLE: &str = "\
Exit codes:
  0   ended by SIGTERM or SIGINT, everything written
  64  usage
  69  a port is taken
  73  a file or folder cannot be created, or another chatd holds the data folder
  74  the disk or the data failed
  77  no permission
  78  a bad configuration key
  130, 143  a second signal ended it at once";

/// Why the process ends, and what to do about it.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    pub(crate) message: String,
    /// The next step.
    pub(crate) hint: String,
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { exit, message: message.into(), hint: hint.into() }
    }

    /// An I/O error met while doing something to a path; the class follows from its kind.
    pub(crate) fn io(what: impl fmt::Display, error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Self::new(
                Exit::NoPermission,
                format!("{what}: {error}"),
                "run as the owner of the folder, or name another one with --data DIR",
            ),
            io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory | io::ErrorKind::NotFound => {
                Self::new(
                    Exit::CannotCreate,
                    format!("{what}: {error}"),
                    "name a folder that can be made with --data DIR",
                )
            }
            _ => Self::new(
                Exit::Io,
                format!("{what}: {error}"),
                "check the disk: free space, and the system's log",
            ),
        }
    }

    /// Prints the failure to stderr and answers the process's exit code.
    #[expect(clippy::print_stderr, reason = "the last words of a process whose log may not be set up yet")]
    pub(crate) fn report(&self) -> ExitCode {
        eprintln!("chatd: {}\n  {}", self.message, self.hint);
        ExitCode::from(self.exit as u8)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.hint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_names_every_code() {
        for exit in
            [Exit::Usage, Exit::PortTaken, Exit::CannotCreate, Exit::Io, Exit::NoPermission, Exit::BadKey]
        {
            assert!(TABLE.contains(&format!("\n  {}  ", exit as u8)), "{exit:?} is missing");
        }
    }

    #[test]
    fn io_errors_fall_into_their_class() {
        let class = |kind: io::ErrorKind| Failure::io("x", &kind.into()).exit;
        assert_eq!(class(io::ErrorKind::PermissionDenied), Exit::NoPermission);
        assert_eq!(class(io::ErrorKind::NotADirectory), Exit::CannotCreate);
        assert_eq!(class(io::ErrorKind::StorageFull), Exit::Io);
    }
}
