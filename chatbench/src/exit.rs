//! How the process ends: one table of exit codes for both tools, and the failure that carries one.

use serde::Serialize;
use std::fmt;

/// Exit codes, the same as those of `chatctl`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(into = "u8")]
pub(crate) enum Exit {
    Ok = 0,
    Failed = 1,
    Usage = 2,
    /// The gate failed.
    Gate = 3,
    Auth = 4,
    /// Nobody answers there, or not in time: worth a repeat.
    Unreachable = 7,
    /// The measurement is not valid, or this machine cannot make it.
    Invalid = 8,
    /// Something was lost, doubled, out of order, changed or given to the wrong person.
    Incorrect = 9,
    Interrupted = 130,
}

impl From<Exit> for u8 {
    fn from(exit: Exit) -> Self {
        exit as u8
    }
}

impl Exit {
    /// A stable name for scripts.
    fn code(self) -> &'static str {
        match self {
            Exit::Ok => "ok",
            Exit::Failed => "failed",
            Exit::Usage => "usage",
            Exit::Gate => "gate-failed",
            Exit::Auth => "auth",
            Exit::Unreachable => "unreachable",
            Exit::Invalid => "invalid-measurement",
            Exit::Incorrect => "correctness-violated",
            Exit::Interrupted => "interrupted",
        }
    }
}

/// Why there is no result: what happened, and what to do about it.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    pub(crate) message: String,
    pub(crate) hint: String,
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { exit, message: message.into(), hint: hint.into() }
    }

    pub(crate) fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message, hint)
    }

    /// The failure as one JSON object, for callers that asked for JSON.
    pub(crate) fn json(&self) -> String {
        serde_json::json!({
            "code": self.exit.code(),
            "message": self.message,
            "hint": self.hint,
            "retriable": self.exit == Exit::Unreachable,
            "exit": u8::from(self.exit),
        })
        .to_string()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.message)?;
        if self.hint.is_empty() { Ok(()) } else { write!(f, "\n  {}", self.hint) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_the_table() {
        let table = [
            (Exit::Ok, 0),
            (Exit::Failed, 1),
            (Exit::Usage, 2),
            (Exit::Gate, 3),
            (Exit::Auth, 4),
            (Exit::Unreachable, 7),
            (Exit::Invalid, 8),
            (Exit::Incorrect, 9),
            (Exit::Interrupted, 130),
        ];
        assert!(table.iter().all(|(exit, code)| u8::from(*exit) == *code));
    }

    #[test]
    fn a_failure_says_in_json_whether_a_repeat_may_help() {
        let json = Failure::new(Exit::Unreachable, "nobody", "start it").json();
        let value: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(value["retriable"], true);
        assert_eq!(value["exit"], 7);
        assert_eq!(value["code"], "unreachable");
    }
}
