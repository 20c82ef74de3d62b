//! What is printed: data to stdout as a table or JSON, failures to stderr in the same format.

mod json;
mod table;

use schema::api::{AdminUser, Health, HealthStatus};
use schema::exit::{Exit, Failure};
use serde::Serialize;
use std::io::{self, Write as _};
use std::process::ExitCode;

pub(crate) use json::line;

/// How a result is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    Table,
    Json,
}

impl Format {
    /// The format that a command line which does not parse asked for.
    pub(crate) fn from_words(words: impl Iterator<Item = String>) -> Option<Self> {
        let mut next_is_format = false;
        for word in words {
            let value = if next_is_format {
                Some(word.as_str())
            } else {
                word.strip_prefix("--output=")
                    .or_else(|| word.strip_prefix("-o"))
                    .filter(|rest| !rest.is_empty())
            };
            match value.map(|value| value.trim_start_matches('=')) {
                Some("json") => return Some(Format::Json),
                Some("table") => return Some(Format::Table),
                _ => next_is_format = word == "-o" || word == "--output",
            }
        }
        None
    }
}

/// Something that a verb answers with.
pub(crate) trait Show: Serialize {
    /// The rows a person reads, the first of them the heading.
    fn rows(&self) -> Vec<Vec<String>>;
}

/// Prints a result.
pub(crate) fn show(result: &impl Show, format: Option<Format>) -> Result<(), Failure> {
    match format {
        Some(Format::Json) => print(&json::document(result)),
        _ => print(&table::render(&result.rows())),
    }
}

/// Rows as a table, the first of them the heading.
pub(crate) fn table(rows: &[Vec<String>]) -> String {
    table::render(rows)
}

/// Prints text to stdout. A reader that went away early, such as `head`, is no failure.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            let message = format!("cannot write the result: {error}");
            Err(Failure::coded(Exit::Failed, "no-output", message, "check where stdout goes"))
        }
        _ => Ok(()),
    }
}

/// A remark to the person, on stderr.
#[expect(clippy::print_stderr, reason = "this module prints")]
pub(crate) fn remark(text: &str) {
    eprintln!("{text}");
}

/// Prints a failure and answers its exit code.
pub(crate) fn failure(failure: &Failure, format: Option<Format>) -> ExitCode {
    match format {
        Some(Format::Json) => remark(&line(failure)),
        _ => remark(&format!("chatctl: {failure}")),
    }
    failure.exit.into()
}

impl Show for AdminUser {
    fn rows(&self) -> Vec<Vec<String>> {
        vec![user_heading(), user_row(self)]
    }
}

impl Show for schema::api::AdminUsers {
    fn rows(&self) -> Vec<Vec<String>> {
        std::iter::once(user_heading()).chain(self.users.iter().map(user_row)).collect()
    }
}

impl Show for Health {
    fn rows(&self) -> Vec<Vec<String>> {
        let word = |status: HealthStatus| match status {
            HealthStatus::Up => "up".to_owned(),
            HealthStatus::Down => "down".to_owned(),
            HealthStatus::OutOfService => "out of service".to_owned(),
        };
        let mut rows = vec![vec!["PART".to_owned(), "STATUS".to_owned(), "DETAIL".to_owned()]];
        rows.push(vec!["chatd".to_owned(), word(self.status), String::new()]);
        for part in &self.components {
            rows.push(vec![part.name.clone(), word(part.status), part.detail.clone().unwrap_or_default()]);
        }
        rows
    }
}

fn user_heading() -> Vec<String> {
    ["USER ID", "USERNAME", "PHONE NUMBER", "DISPLAY NAME", "PASSWORD", "DISABLED", "CREATED"]
        .map(str::to_owned)
        .to_vec()
}

fn user_row(user: &AdminUser) -> Vec<String> {
    let text = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
    vec![
        user.user.user_id.to_string(),
        text(user.user.username.as_ref().map(ToString::to_string)),
        text(user.user.phone_number.as_ref().map(ToString::to_string)),
        user.user.display_name.to_string(),
        if user.has_password { "yes" } else { "no" }.to_owned(),
        if user.disabled { "yes" } else { "no" }.to_owned(),
        user.user.created_at.to_string(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_is_found_in_a_line_that_does_not_parse() {
        let format = |line: &str| Format::from_words(line.split(' ').map(str::to_owned));
        for line in
            ["chatctl -o json x", "chatctl x --output=json", "chatctl -ojson", "chatctl --output json"]
        {
            assert_eq!(format(line), Some(Format::Json), "{line}");
        }
        assert_eq!(format("chatctl user json"), None);
    }
}
