//! Which pair sends next.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Steepest distribution that is taken: from 4 on nearly everything is said by one pair.
pub(crate) const EXPONENT_MAX: f64 = 4.0;

/// Which pair sends next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pairing {
    /// Everybody as often as everybody else.
    #[default]
    Uniform,
    /// The n-th busiest pair `1 / n^exponent` times as often as the busiest.
    Zipf { exponent: f64 },
}

/// `uniform`, or `zipf:1.1`.
impl FromStr for Pairing {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || format!("'{text}' is no pairing; write uniform, or zipf:1.1 with up to {EXPONENT_MAX}");
        if text == "uniform" {
            return Ok(Self::Uniform);
        }
        let exponent: f64 = text.strip_prefix("zipf:").ok_or_else(bad)?.parse().map_err(|_| bad())?;
        if (0.0..=EXPONENT_MAX).contains(&exponent) { Ok(Self::Zipf { exponent }) } else { Err(bad()) }
    }
}

impl fmt::Display for Pairing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uniform => f.write_str("uniform"),
            Self::Zipf { exponent } => write!(f, "zipf:{exponent}"),
        }
    }
}

/// For `#[serde(with = "...")]`: as text.
pub(crate) mod text {
    use super::Pairing;
    use schemars::{Schema, SchemaGenerator, json_schema};
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(crate) fn serialize<S: Serializer>(pairing: &Pairing, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(pairing)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Pairing, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }

    /// What it looks like in a JSON schema.
    pub(crate) fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^(uniform|zipf:[0-9]+(\\.[0-9]+)?)$" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairings_have_a_text() {
        for text in ["uniform", "zipf:1.1", "zipf:0"] {
            assert_eq!(text.parse::<Pairing>().unwrap().to_string(), text);
        }
        for bad in ["", "zipf", "zipf:", "zipf:-1", "zipf:9", "zipf:nan", "even"] {
            assert!(bad.parse::<Pairing>().is_err(), "{bad}");
        }
    }
}
