//! The gates that come along, and the list of all metrics.

use super::{Limit, Thresholds};
use crate::metric::{CATALOGUE, Source, nearest};
use std::fmt::Write;

/// Name, what it is for, and the file.
pub(super) const PROFILES: [(&str, &str, &str); 3] = [
    ("smoke", "a short run for each commit", include_str!("../../profiles/smoke.toml")),
    ("seed", "100,000 users, 10,000 msg/s, p99 below 100 ms", include_str!("../../profiles/seed.toml")),
    ("strict", "the same with p99.9", include_str!("../../profiles/strict.toml")),
];

impl Thresholds {
    /// A profile that comes along.
    ///
    /// # Errors
    /// A sentence with the nearest name.
    pub fn profile(name: &str) -> Result<Self, String> {
        let Some((name, _, text)) = PROFILES.iter().find(|(known, ..)| *known == name) else {
            let known = PROFILES.iter().map(|(known, ..)| *known);
            let names: Vec<&str> = known.clone().collect();
            let otherwise = format!("there are {}, or give a file", names.join(", "));
            return Err(format!(
                "there is no profile or file '{name}'; {}",
                nearest(name, known, &otherwise)
            ));
        };
        Self::parse(name, text)
    }

    /// These gates in words, one a line.
    #[must_use]
    pub fn words(&self) -> String {
        let mut out = String::new();
        for gate in &self.gates {
            let limit = match gate.limit {
                Limit::Value(value) => format!("{value} {}", gate.metric.unit.name()),
                Limit::Baseline(share) => format!("the baseline {:+.1} %", share * 100.0),
            };
            let worst = gate.sustained_s.map_or(String::new(), |s| format!(", worst {s} s too"));
            let class = format!("{:?}", gate.class).to_lowercase();
            // Writing to a string cannot fail.
            let _ = writeln!(
                out,
                "{:16} {} {} {} {} ({}{worst}; {class})",
                gate.id,
                gate.metric.name,
                gate.stat.name(),
                gate.op.name(),
                limit.trim(),
                gate.window.name(),
            );
        }
        out
    }

    /// Every metric, its unit, its statistics, and the profiles: for `threshold explain`.
    #[must_use]
    pub fn explain() -> String {
        let mut out = String::from("Metrics:\n");
        for metric in &CATALOGUE {
            let stats = match metric.source {
                Source::Latency(_) => "p50 p99 p99.9 ... mean min max",
                Source::Rate { .. } => "mean min max, p05 p50 ... of the seconds",
                Source::Level(_) => "min max mean last, p05 ... of the seconds",
                Source::Scalar(_) => "-",
            };
            let _ =
                writeln!(out, "  {:24} {:9} {stats:42} {}", metric.name, metric.unit.example(), metric.label);
        }
        out.push_str("\nProfiles:\n");
        for (name, what, _) in PROFILES {
            let _ = writeln!(out, "  {name:24} {what}");
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_profiles_that_come_along_are_sound() {
        for (name, ..) in PROFILES {
            let profile = Thresholds::profile(name).unwrap();
            assert!(!profile.gates.is_empty() && !profile.needs_baseline(), "{name}");
            assert_eq!(profile.words().lines().count(), profile.gates.len());
        }
        let explained = Thresholds::explain();
        assert!(CATALOGUE.iter().all(|metric| explained.contains(metric.name)));
    }
}
