//! Everything that a gate may ask for: the names, their units, and where each value comes from.

mod catalogue;

pub use catalogue::CATALOGUE;
pub(crate) use catalogue::LEDGER;

use crate::model::{Point, Report};
use ledger::Kind;
use std::fmt;

/// One thing that is measured.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    pub name: &'static str,
    /// As a sentence begins.
    pub label: &'static str,
    pub unit: Unit,
    pub source: Source,
    /// When a generator or machine in doubt may be why it was missed.
    pub excuse: Excuse,
    /// What to do when it was missed.
    pub fix: &'static str,
    /// Grows with the load, so that `--scale` scales what is asked for.
    pub scales: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Ms,
    Micros,
    Rate,
    Users,
    Bytes,
    Percent,
    Cpus,
    Count,
}

impl Unit {
    /// Behind a number; empty for counts.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ms => "ms",
            Self::Micros => "µs",
            Self::Rate => "msg/s",
            Self::Users => "users",
            Self::Bytes => "bytes",
            Self::Percent => "%",
            Self::Cpus => "CPUs",
            Self::Count => "",
        }
    }

    /// How a limit is written in a file of thresholds.
    #[must_use]
    pub fn example(self) -> &'static str {
        match self {
            Self::Ms => "\"100ms\"",
            Self::Micros => "\"40us\"",
            Self::Rate => "10000",
            Self::Users => "100000",
            Self::Bytes => "\"8KiB\"",
            Self::Percent => "\"99%\"",
            Self::Cpus => "1.5",
            Self::Count => "0",
        }
    }
}

/// Where a value comes from, and so which statistics there are of it.
#[derive(Clone, Copy)]
pub enum Source {
    /// A histogram of the hold, and for some one of each second: p1 to p99.99, mean, min, max.
    Latency(Kind),
    /// A count for each second: mean, min, max, and percentiles of the seconds. The hold's mean is exact.
    Rate { second: fn(&Point) -> u64, hold: fn(&Report) -> f64 },
    /// A level at the end of each second: the same, and last.
    Level(fn(&Point) -> Option<f64>),
    /// One value of the whole run.
    Scalar(fn(&Report) -> Option<f64>),
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Latency(_) => "Latency",
            Self::Rate { .. } => "Rate",
            Self::Level(_) => "Level",
            Self::Scalar(_) => "Scalar",
        })
    }
}

/// When a miss may be the generator's or the machine's doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Excuse {
    Never,
    /// With any finding that puts the measurement in doubt.
    Doubt,
    /// When connections failed for a reason of this machine, or the generator was so late that a server gives them up.
    Connecting,
    /// When the generator read so late that a server closes its sockets.
    Starved,
    /// When the generator wrote late: what it then writes at once may be too much at once.
    Late,
    /// When a rate limit refused requests.
    RateLimited,
}

/// The metric of a name.
///
/// # Errors
/// A sentence with the nearest name.
pub fn find(name: &str) -> Result<&'static Metric, String> {
    CATALOGUE.iter().find(|metric| metric.name == name).ok_or_else(|| {
        format!(
            "there is no metric '{name}'; {}",
            nearest(
                name,
                CATALOGUE.iter().map(|metric| metric.name),
                "chatbench threshold explain lists all"
            )
        )
    })
}

/// `did you mean 'x'?`, or else what to say.
pub(crate) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>, otherwise: &str) -> String {
    /// Below this, two names have nothing to do with each other.
    const ALIKE: f64 = 0.6;
    let best = known
        .map(|known| (strsim::jaro_winkler(name, known), known))
        .filter(|(alike, _)| *alike > ALIKE)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    best.map_or_else(|| otherwise.to_owned(), |(_, known)| format!("did you mean '{known}'?"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_unique_and_a_typo_gets_the_nearest() {
        assert_eq!(CATALOGUE.iter().map(|m| m.name).collect::<BTreeSet<_>>().len(), CATALOGUE.len());
        assert!(find("delivery.latncy").unwrap_err().contains("did you mean 'delivery.latency'?"));
        assert!(find("server.cpu_per_msg").unwrap_err().contains("'server.cpu_us_per_msg'"));
        assert!(find("qqq").unwrap_err().contains("threshold explain"));
    }
}
