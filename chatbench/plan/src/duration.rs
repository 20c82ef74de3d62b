//! Durations as people write them: `250ms`, `20s`, `2m`, `1h`.

use std::time::Duration;

/// Longest that is taken.
const MAX_S: f64 = 24.0 * 3600.0;

/// Reads a duration.
///
/// # Errors
/// A sentence that says what is wrong and what is right.
pub fn parse(text: &str) -> Result<Duration, String> {
    let bad = || format!("'{text}' is no duration; write 250ms, 20s, 2m or 1h");
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(bad)?;
    let number: f64 = text[..digits].parse().map_err(|_| bad())?;
    let unit = match &text[digits..] {
        "us" => 0.000_001,
        "ms" => 0.001,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return Err(bad()),
    };
    let seconds = number * unit;
    if seconds > MAX_S {
        return Err(format!("'{text}' is longer than 24h"));
    }
    Ok(Duration::from_secs_f64(seconds))
}

/// Microseconds of a duration.
#[must_use]
pub fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// Writes a duration as [`parse`] reads it, in the largest unit that needs no fraction.
#[must_use]
pub fn show(duration: Duration) -> String {
    let us = micros(duration);
    for (unit, length) in [("h", 3_600_000_000), ("m", 60_000_000), ("s", 1_000_000), ("ms", 1000)] {
        if us.is_multiple_of(length) && (us > 0 || unit == "s") {
            return format!("{}{unit}", us / length);
        }
    }
    format!("{us}us")
}

/// For `#[serde(with = "...")]`: a duration as text.
pub(crate) mod text {
    use schemars::{Schema, SchemaGenerator, json_schema};
    use serde::{Deserialize, Deserializer, Serializer, de::Error};
    use std::time::Duration;

    pub(crate) fn serialize<S: Serializer>(duration: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&super::show(*duration))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        super::parse(&String::deserialize(from)?).map_err(D::Error::custom)
    }

    /// What it looks like in a JSON schema.
    pub(crate) fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[0-9]+(\\.[0-9]+)?(us|ms|s|m|h)$" })
    }
}

/// The same for one that may be missing; with `default`.
pub(crate) mod maybe_text {
    use serde::{Deserializer, Serializer};
    use std::time::Duration;

    pub(crate) fn serialize<S: Serializer>(duration: &Option<Duration>, to: S) -> Result<S::Ok, S::Error> {
        match duration {
            Some(duration) => super::text::serialize(duration, to),
            None => to.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
        super::text::deserialize(from).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        assert_eq!(parse("250ms").unwrap(), Duration::from_millis(250));
        assert_eq!(parse("1.5s").unwrap(), Duration::from_millis(1500));
        assert_eq!(parse("2m").unwrap(), Duration::from_secs(120));
        for bad in ["", "5", "s", "5 s", "1.2.3s", "25h", "-1s"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_shown_is_read_again() {
        for text in ["0s", "1us", "1500us", "250ms", "90s", "2m", "1h", "25m"] {
            assert_eq!(show(parse(text).unwrap()), text);
        }
        assert_eq!(show(parse("1.5s").unwrap()), "1500ms");
    }
}
