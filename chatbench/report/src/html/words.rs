//! Numbers as people read them.

/// A whole number with its thousands apart.
#[must_use]
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// With so many decimals, its thousands apart.
#[must_use]
pub fn fixed(value: f64, decimals: usize) -> String {
    if !value.is_finite() {
        return "–".to_owned();
    }
    let text = format!("{:.decimals$}", value.abs());
    let (whole, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
    let sign = if value < 0.0 && text.chars().any(|c| c.is_ascii_digit() && c != '0') { "−" } else { "" };
    // More digits than a u64 holds are left as they are.
    let whole = whole.parse().map_or_else(|_| whole.to_owned(), count);
    format!("{sign}{whole}{rest}")
}

/// Three digits that mean something; whole numbers as they are.
#[must_use]
pub fn number(value: f64) -> String {
    fixed(value, decimals(value))
}

/// The same for a column of measured values: whole ones are not whole by intent.
#[must_use]
pub fn measured(value: f64) -> String {
    fixed(value, if value == 0.0 { 0 } else { by_size(value) })
}

fn decimals(value: f64) -> usize {
    if value.fract() == 0.0 { 0 } else { by_size(value) }
}

fn by_size(value: f64) -> usize {
    match value.abs() {
        v if v >= 99.95 => 0,
        v if v >= 9.995 => 1,
        _ => 2,
    }
}

/// Two numbers that differ, with as many decimals as it takes to see that.
#[must_use]
pub fn apart(value: f64, limit: f64) -> (String, String) {
    const MOST: usize = 6;
    let (one, other) = (number(value), number(limit));
    if one != other || value == limit {
        return (one, other);
    }
    let differ = |decimals: &usize| fixed(value, *decimals) != fixed(limit, *decimals);
    (fixed(value, (1..MOST).find(differ).unwrap_or(MOST)), other)
}

/// A number and its unit; bytes in the unit that fits.
#[must_use]
pub fn with_unit(text: &str, unit: &str) -> String {
    if unit.is_empty() { text.to_owned() } else { format!("{text} {unit}") }
}

/// Milliseconds.
#[must_use]
pub fn ms(value: f64) -> String {
    with_unit(&number(value), "ms")
}

/// Bytes in the unit that fits.
#[must_use]
pub fn bytes(value: f64) -> String {
    const STEP: f64 = 1024.0;
    let (mut value, mut unit) = (value, "B");
    for larger in ["KiB", "MiB", "GiB", "TiB"] {
        if value < STEP {
            break;
        }
        (value, unit) = (value / STEP, larger);
    }
    with_unit(&number(value), unit)
}

/// A share in per cent.
#[must_use]
pub fn percent(share: f64) -> String {
    let value = share * 100.0;
    let decimals = if value.abs() >= 9.95 || value.fract() == 0.0 { 0 } else { 1 };
    format!("{} %", fixed(value, decimals))
}

/// Seconds, in the unit that a person would use.
#[must_use]
pub fn seconds(value: f64) -> String {
    const MINUTE: f64 = 60.0;
    const HOUR: f64 = 3600.0;
    match value {
        v if v >= 2.0 * HOUR => format!("{} h", number(v / HOUR)),
        v if v >= 2.0 * MINUTE => format!("{} min", number(v / MINUTE)),
        v => format!("{} s", number(v)),
    }
}

/// A moment of RFC 3339, to the second.
#[must_use]
pub fn moment(rfc3339: &str) -> String {
    let text = rfc3339.replace('T', " ");
    match (text.find('.'), text.strip_suffix('Z')) {
        (Some(point), Some(_)) => format!("{} UTC", &text[..point]),
        (None, Some(text)) => format!("{text} UTC"),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_three_digits() {
        let words = [0.0, 0.123, 4.256, 41.23, 99.96, 412.3, 10_000.4, 1_234_567.0].map(number);
        assert_eq!(words, ["0", "0.12", "4.26", "41.2", "100", "412", "10,000", "1,234,567"]);
        assert_eq!(number(-3.5), "−3.50");
        assert_eq!(fixed(-0.001, 1), "0.0");
        assert_eq!(number(f64::NAN), "–");
    }

    #[test]
    fn what_differs_never_reads_the_same() {
        assert_eq!(apart(9_999.6, 10_000.0), ("9,999.6".to_owned(), "10,000".to_owned()));
        assert_eq!(apart(100.0, 100.0), ("100".to_owned(), "100".to_owned()));
        assert_eq!(apart(41.2, 100.0).0, "41.2");
    }

    #[test]
    fn moments_are_to_the_second() {
        let words =
            ["2026-11-23T10:31:24.177Z", "2026-11-23T10:31:24Z", "2026-11-23T10:31:24+01:00"].map(moment);
        assert_eq!(
            words,
            ["2026-11-23 10:31:24 UTC", "2026-11-23 10:31:24 UTC", "2026-11-23 10:31:24+01:00"]
        );
    }

    #[test]
    fn units_fit() {
        assert_eq!(bytes(512.0), "512 B");
        assert_eq!(bytes(7.4 * 1024.0), "7.40 KiB");
        assert_eq!(bytes(3.0 * 1024.0 * 1024.0 * 1024.0), "3 GiB");
        assert_eq!([12.0, 90.0, 600.0, 10_800.0].map(seconds), ["12 s", "90 s", "10 min", "3 h"]);
        assert_eq!([0.588, 0.051, 1.0, -0.2].map(percent), ["59 %", "5.1 %", "100 %", "−20 %"]);
    }
}
