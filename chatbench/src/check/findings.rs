//! What fits and what does not, with exact numbers and the fix: a pure function of the facts.

mod machine;
mod server;

use super::facts::Facts;
use schema::exit::Exit;
use serde::Serialize;

/// How one thing stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum State {
    Fits,
    /// The run can be made; its figures may be in doubt.
    Doubtful,
    /// The run can't be made like this.
    Short,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    /// Stable, for scripts: `files`, `ports`, …
    pub(crate) code: &'static str,
    pub(crate) state: State,
    pub(crate) what: String,
    /// What to do, as a command where there is one; empty where it fits.
    pub(crate) fix: String,
}

impl Finding {
    fn fits(code: &'static str, what: String) -> Self {
        Self { code, state: State::Fits, what, fix: String::new() }
    }

    fn doubtful(code: &'static str, what: String, fix: impl Into<String>) -> Self {
        Self { code, state: State::Doubtful, what, fix: fix.into() }
    }

    fn short(code: &'static str, what: String, fix: impl Into<String>) -> Self {
        Self { code, state: State::Short, what, fix: fix.into() }
    }
}

/// Looks at everything.
pub(crate) fn findings(facts: &Facts) -> Vec<Finding> {
    let mut found = server::findings(facts);
    if facts.asked.elsewhere {
        found.push(Finding::doubtful(
            "workers",
            "the workers run on other machines, which were not looked at".into(),
            "run `chatbench check` on each of them with its share of the users",
        ));
    } else {
        found.extend(machine::findings(facts));
    }
    found
}

/// The exit code: what can't be measured is refused.
pub(crate) fn exit(facts: &Facts, findings: &[Finding]) -> Exit {
    if matches!(facts.server, super::facts::Server::Silent(_)) {
        return Exit::Unreachable;
    }
    let worst = findings.iter().map(|finding| finding.state).max();
    if worst == Some(State::Short) { Exit::INVALID } else { Exit::Ok }
}

/// `1234567` as `1,234,567`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Bytes in MiB, rounded up.
fn mib(bytes: u64) -> String {
    format!("{} MiB", grouped(bytes.div_ceil(1 << 20)))
}

#[cfg(test)]
mod tests;
