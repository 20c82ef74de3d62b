//! How the two tools end: one table of exit codes, and the failure that carries one.
//!
//! Scripts read the number and, of a failure, the one JSON object; both mean the same for both tools.

use serde::Serialize;
use std::fmt;
use std::process::ExitCode;

macro_rules! exits {
    ($($variant:ident = $number:literal, $name:literal, $text:literal;)*) => {
        /// An exit code of chatctl and chatbench.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
        #[serde(into = "u8")]
        pub enum Exit { $(#[doc = $text] $variant = $number,)* }

        impl Exit {
            /// Every exit code, in the order of the table.
            pub const ALL: &[Exit] = &[$(Exit::$variant,)*];

            /// A stable name, for scripts.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Exit::$variant => $name,)* }
            }
        }

        /// Shown below the `--help` of both tools.
        pub const TABLE: &str = concat!("Exit codes:", $("\n  ", stringify!($number), "\t", $text,)*);
    };
}

exits! {
    Ok = 0, "ok", "done";
    Failed = 1, "failed", "failed";
    Usage = 2, "usage", "usage: an argument is missing or wrong";
    Differs = 3, "differs", "it differs from what it should be, or something is to be done; or the gate failed";
    Auth = 4, "auth", "no admin token, or a wrong one";
    NotFound = 5, "not-found", "not found";
    Partial = 6, "partial", "some rows failed";
    Unreachable = 7, "unreachable", "no answer: unreachable, too slow, or overloaded; may be repeated";
    Refused = 8, "refused", "refused: a guard or a rule forbids it; or the measurement is not valid";
    Incorrect = 9, "correctness-violated", "correctness violated: a message lost, doubled, reordered, changed or misdirected";
    Interrupted = 130, "interrupted", "interrupted";
}

impl Exit {
    /// What chatbench calls a result that differs from what its gate asks for.
    pub const GATE_FAILED: Exit = Exit::Differs;
    /// What chatbench calls a measurement that its guards refuse to judge.
    pub const INVALID: Exit = Exit::Refused;

    /// Whether the same command may succeed later.
    #[must_use]
    pub fn is_retriable(self) -> bool {
        self == Exit::Unreachable
    }
}

impl From<Exit> for u8 {
    fn from(exit: Exit) -> Self {
        exit as u8
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}

/// Why a tool ended without doing what it was asked, and what to do next. Serialized, it is the one object
/// on stderr of a caller that asked for JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// Stable, for scripts: the exit's name, or what says more, such as a code of the API.
    pub code: String,
    pub message: String,
    pub hint: String,
    /// Whether the same command may succeed later.
    pub retriable: bool,
    /// The server's trace id, which finds the request in its log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    pub exit: Exit,
}

impl Failure {
    /// A failure of which the exit says enough.
    pub fn new(exit: Exit, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::coded(exit, exit.name(), message, hint)
    }

    /// A failure with a code that says more than its exit.
    pub fn coded(
        exit: Exit,
        code: impl Into<String>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self {
            code: code.into(),
            message: message.into(),
            hint: hint.into(),
            retriable: exit.is_retriable(),
            request_id: None,
            exit,
        }
    }

    /// An argument is missing or wrong.
    pub fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message, hint)
    }
}

/// For a person; the tool puts its name before it.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if !self.hint.is_empty() {
            write!(f, "\n  {}", self.hint)?;
        }
        match &self.request_id {
            Some(id) => write!(f, "\n  the server's log has it under trace id {id}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_are_stable() {
        let table = [
            (Exit::Ok, 0, "ok"),
            (Exit::Failed, 1, "failed"),
            (Exit::Usage, 2, "usage"),
            (Exit::GATE_FAILED, 3, "differs"),
            (Exit::Auth, 4, "auth"),
            (Exit::NotFound, 5, "not-found"),
            (Exit::Partial, 6, "partial"),
            (Exit::Unreachable, 7, "unreachable"),
            (Exit::INVALID, 8, "refused"),
            (Exit::Incorrect, 9, "correctness-violated"),
            (Exit::Interrupted, 130, "interrupted"),
        ];
        let all: Vec<_> = Exit::ALL.iter().map(|exit| (*exit, u8::from(*exit), exit.name())).collect();
        assert_eq!(all, table);
        let lines: Vec<_> = TABLE.lines().skip(1).map(|line| line.split_whitespace().next()).collect();
        let numbers: Vec<_> = table.iter().map(|(_, number, _)| number.to_string()).collect();
        assert_eq!(lines, numbers.iter().map(|number| Some(number.as_str())).collect::<Vec<_>>());
    }

    #[test]
    fn a_failure_says_in_json_whether_a_repeat_may_help() {
        let failure = Failure::new(Exit::Unreachable, "nobody", "start it");
        assert_eq!(
            serde_json::to_string(&failure).unwrap(),
            r#"{"code":"unreachable","message":"nobody","hint":"start it","retriable":true,"exit":7}"#
        );
        let failure = Failure {
            request_id: Some("abc".to_owned()),
            ..Failure::coded(Exit::Refused, "user-already-exists", "taken", "")
        };
        let value = serde_json::to_value(&failure).unwrap();
        assert_eq!((&value["retriable"], &value["exit"]), (&false.into(), &8.into()));
        assert_eq!((&value["code"], &value["request_id"]), (&"user-already-exists".into(), &"abc".into()));
        assert_eq!(failure.to_string(), "taken\n  the server's log has it under trace id abc");
    }
}
