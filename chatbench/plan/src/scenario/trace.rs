//! Recorded load: a rate for each stretch of time, in the scenario itself or in a CSV file.

use super::bounds::{MOMENTS, TRACE_BYTES};
use crate::duration::text;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Rates over time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Trace {
    /// The path of a CSV; read when the scenario is found.
    File(PathBuf),
    /// Ascending; the first holds in the warm-up too.
    Moments(Vec<Moment>),
}

/// From this time of the hold on, this many messages a second.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Moment {
    #[serde(with = "text")]
    #[schemars(schema_with = "text::schema")]
    pub at: Duration,
    pub rate: f64,
}

impl Trace {
    /// None while it is still a path.
    #[must_use]
    pub fn moments(&self) -> &[Moment] {
        match self {
            Self::File(_) => &[],
            Self::Moments(moments) => moments,
        }
    }

    pub(super) fn scale(&mut self, factor: f64) {
        if let Self::Moments(moments) = self {
            moments.iter_mut().for_each(|moment| moment.rate *= factor);
        }
    }
}

/// Reads a CSV with the columns `at_s` (seconds of the hold) and `rate` (messages a second); `#` begins a comment.
///
/// # Errors
/// A sentence that names the file, the line, what is wrong and what is right.
pub fn read(path: &Path) -> Result<Trace, String> {
    let name = path.display();
    let text = super::read::bounded(path, TRACE_BYTES)?;
    parse(&text).map(Trace::Moments).map_err(|error| format!("{name}: {error}"))
}

fn parse(text: &str) -> Result<Vec<Moment>, String> {
    let mut lines = text
        .lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line.split('#').next().unwrap_or_default().trim()))
        .filter(|(_, line)| !line.is_empty());
    let header = lines.next().map_or("", |(_, line)| line);
    if !header.split(',').map(str::trim).eq(["at_s", "rate"]) {
        return Err(format!("line 1 is '{header}', not the header 'at_s,rate'"));
    }
    let mut moments: Vec<Moment> = Vec::new();
    for (number, line) in lines {
        let bad = || format!("line {number}: '{line}' is not two numbers; write 12.5,3000");
        let (at, rate) = line.split_once(',').ok_or_else(bad)?;
        let at: f64 = at.trim().parse().map_err(|_| bad())?;
        let rate: f64 = rate.trim().parse().map_err(|_| bad())?;
        let at = Duration::try_from_secs_f64(at).map_err(|_| bad())?;
        if moments.len() == MOMENTS {
            return Err(format!("line {number}: more than {MOMENTS} moments; take larger stretches of time"));
        }
        moments.push(Moment { at, rate });
    }
    Ok(moments)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_csv_is_read_with_its_comments() {
        let moments = parse("# of Monday\nat_s, rate\n0,10\n\n 1.5 , 20.5 # peak\n").unwrap();
        let of = |ms, rate| Moment { at: Duration::from_millis(ms), rate };
        assert_eq!(moments, [of(0, 10.0), of(1500, 20.5)]);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        for (text, words) in [
            ("", "not the header"),
            ("time,rate\n", "'time,rate'"),
            ("at_s,rate\n1\n", "line 2"),
            ("at_s,rate\n0,1\nx,1\n", "line 3"),
            ("at_s,rate\n-1,1\n", "line 2"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(words), "{error}");
        }
    }
}
