//! How `chatctl` ends: one table of exit codes, shared with chatbench, and the failure that goes with one.

use serde::Serialize;
use std::fmt;
use std::process::ExitCode;

macro_rules! exits {
    ($($name:ident = $code:literal, $text:literal;)*) => {
        /// An exit code.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Exit { $(#[doc = $text] $name = $code,)* }

        /// Shown below `chatctl --help`.
        pub(crate) const TABLE: &str = concat!("Exit codes:", $("\n  ", stringify!($code), "\t", $text,)*);
    };
}

exits! {
    Ok = 0, "done";
    Failed = 1, "failed";
    Usage = 2, "usage: an argument is missing or wrong";
    Differs = 3, "it is there already, but differs";
    Auth = 4, "no admin token, or a wrong one";
    NotFound = 5, "not found";
    Partial = 6, "some rows failed";
    Unreachable = 7, "no answer: unreachable, too slow, or overloaded; may be repeated";
    Refused = 8, "refused: a guard or a rule forbids it";
    Interrupted = 130, "interrupted";
}

impl Exit {
    pub(crate) fn code(self) -> ExitCode {
        ExitCode::from(self as u8)
    }
}

/// Why a verb ended without doing what it was asked, and what to do next.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    /// Stable, for scripts: a code of the API, or one of ours.
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) hint: String,
    /// Whether the same command may succeed later.
    pub(crate) retriable: bool,
    /// The server's trace id, which finds the request in its log.
    pub(crate) request_id: Option<String>,
}

impl Failure {
    pub(crate) fn new(
        exit: Exit,
        code: impl Into<String>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self {
            exit,
            code: code.into(),
            message: message.into(),
            hint: hint.into(),
            retriable: exit == Exit::Unreachable,
            request_id: None,
        }
    }

    pub(crate) fn interrupted() -> Self {
        let hint = "what was sent is done; the same command may be repeated";
        Self::new(Exit::Interrupted, "interrupted", "interrupted", hint)
    }

    /// The object that goes to stderr when the output is JSON.
    pub(crate) fn body(&self) -> impl Serialize + '_ {
        #[derive(Serialize)]
        struct Body<'a> {
            code: &'a str,
            message: &'a str,
            hint: &'a str,
            retriable: bool,
            #[serde(skip_serializing_if = "Option::is_none")]
            request_id: Option<&'a str>,
            exit: u8,
        }
        Body {
            code: &self.code,
            message: &self.message,
            hint: &self.hint,
            retriable: self.retriable,
            request_id: self.request_id.as_deref(),
            exit: self.exit as u8,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "chatctl: {}\n  {}", self.message, self.hint)?;
        match &self.request_id {
            Some(id) => write!(f, "\n  the server's log has it under trace id {id}"),
            None => Ok(()),
        }
    }
}
