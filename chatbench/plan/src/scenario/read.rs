//! Where scenarios come from: the program itself, or files.

use super::bounds::SCENARIO_BYTES;
use super::{Scenario, Trace, read_trace};
use std::fs::File;
use std::io::Read;
use std::path::Path;

macro_rules! shipped {
    ($($name:literal)*) => {
        /// Names and texts of the scenarios that the program brings along.
        pub const SHIPPED: &[(&str, &str)] =
            &[$(($name, include_str!(concat!("../../scenarios/", $name, ".toml")))),*];
    };
}

shipped! {
    "chat-1to1" "idle" "connect-storm" "login" "rest-send" "typing-presence" "reconnect-storm" "offline-inbox"
    "history-scroll" "slow-consumer" "churn" "soak" "burst" "smoke" "nightly-100k"
}

/// Names less alike than this are not meant.
const ALIKE: f64 = 0.7;

impl Scenario {
    /// The scenarios that the program brings along.
    #[must_use]
    pub fn shipped() -> Vec<Self> {
        // A test reads each of them.
        SHIPPED.iter().filter_map(|(name, text)| Self::parse(name, text).ok()).collect()
    }

    /// The shipped scenario of a name, or the file at a path, valid.
    ///
    /// # Errors
    /// What is wrong, a line for each problem, and the nearest name of what is not known.
    pub fn find(name: &str) -> Result<Self, String> {
        let scenario = Self::found(name)?;
        let problems = scenario.validate();
        if problems.is_empty() {
            return Ok(scenario);
        }
        let lines: Vec<String> = problems.iter().map(|problem| format!("{name}: {problem}")).collect();
        Err(lines.join("\n"))
    }

    /// As [`Scenario::find`], but not checked against the bounds.
    ///
    /// # Errors
    /// A sentence, when there is no such scenario, or its text is not of the form.
    pub fn found(name: &str) -> Result<Self, String> {
        if let Some((name, text)) = SHIPPED.iter().find(|(known, _)| *known == name) {
            return Self::parse(name, text);
        }
        let path = Path::new(name);
        let is_path = name.contains('/') || name.ends_with(".toml");
        if !is_path && !path.is_file() {
            let all: Vec<&str> = SHIPPED.iter().map(|(name, _)| *name).collect();
            let hint = match nearest(name, all.iter().copied()) {
                Some(known) => format!("did you mean '{known}'?"),
                None => format!("there are {}, and paths of files", all.join(", ")),
            };
            return Err(format!("there is no scenario '{name}'; {hint}"));
        }
        let text = bounded(path, SCENARIO_BYTES)?;
        let mut scenario = Self::parse(name, &text)?;
        if let Some(Trace::File(file)) = &scenario.trace {
            let file = path.parent().unwrap_or(Path::new("")).join(file);
            scenario.trace = Some(read_trace(&file)?);
        }
        Ok(scenario)
    }

    /// Reads the text of a scenario; `name` is where it comes from.
    ///
    /// # Errors
    /// A sentence that names the line, what is wrong, and the nearest name of an unknown field.
    pub fn parse(name: &str, text: &str) -> Result<Self, String> {
        let mut scenario: Self = toml::from_str(text).map_err(|error| {
            let line = error.span().map(|span| text[..span.start.min(text.len())].matches('\n').count() + 1);
            let line = line.map_or_else(String::new, |line| format!("line {line}: "));
            format!("{name}: {line}{}", friendly(error.message()))
        })?;
        let stem = Path::new(name).file_stem().map(|stem| stem.to_string_lossy().into_owned());
        scenario.name = stem.unwrap_or_else(|| name.to_owned());
        Ok(scenario)
    }
}

/// Puts the nearest name to "unknown field `x`, expected one of `a`, `b`".
fn friendly(message: &str) -> String {
    let mut names = message.split('`').skip(1).step_by(2);
    let unknown = names.next().filter(|_| message.starts_with("unknown "));
    match unknown.and_then(|unknown| nearest(unknown, names)) {
        Some(known) => {
            let what = message.split(", ").next().unwrap_or(message);
            format!("{what}; did you mean `{known}`?")
        }
        None => message.to_owned(),
    }
}

/// The most alike of some names, if any is alike enough.
pub(super) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|known| (strsim::jaro_winkler(name, known), known))
        .filter(|(alike, _)| *alike > ALIKE)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, known)| known)
}

/// A file's text, if it is not longer than `most` bytes.
pub(super) fn bounded(path: &Path, most: u64) -> Result<String, String> {
    let name = path.display();
    let said = |error: std::io::Error| format!("{name}: {error}");
    let mut text = String::new();
    let read = File::open(path).map_err(said)?.take(most + 1).read_to_string(&mut text).map_err(said)?;
    if read as u64 > most {
        return Err(format!("{name} has more than {most} bytes; is it the right file?"));
    }
    Ok(text)
}
