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
}
