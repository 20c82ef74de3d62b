//! A bound as people write it: `"100ms"`, `"8KiB"`, `"99%"`, `10000`.

use super::Limit;
use super::file::Written;
use crate::metric::{Metric, Unit};

/// Reads a bound in the unit of its metric.
pub(super) fn read(metric: &Metric, value: &Written) -> Result<f64, String> {
    let wrong = || {
        let given = match value {
            Written::Number(number) => number.to_string(),
            Written::Text(text) => format!("'{text}'"),
        };
        format!("{given} is no value of {}; write {}", metric.name, metric.unit.example())
    };
    let number = match (value, metric.unit) {
        // 100 what? A percentage and a time say so.
        (Written::Number(number), Unit::Ms | Unit::Percent) if *number != 0.0 => return Err(wrong()),
        (Written::Number(number), _) => *number,
        (Written::Text(text), unit) => text_of(text, unit).ok_or_else(wrong)?,
    };
    if number.is_finite() && number >= 0.0 { Ok(number) } else { Err(wrong()) }
}

fn text_of(text: &str, unit: Unit) -> Option<f64> {
    let scaled = |units: &[(&str, f64)]| {
        let (number, factor) =
            units.iter().find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, factor)))?;
        Some(number.trim_end().parse::<f64>().ok()? * factor)
    };
    match unit {
        Unit::Ms => Some(plan::duration::parse(text).ok()?.as_secs_f64() * 1000.0),
        Unit::Micros => Some(plan::duration::parse(text).ok()?.as_secs_f64() * 1e6),
        Unit::Percent => scaled(&[("%", 1.0)]),
        Unit::Rate => scaled(&[("msg/s", 1.0), ("/s", 1.0)]),
        Unit::Users => scaled(&[("users", 1.0)]),
        Unit::Cpus => scaled(&[("CPUs", 1.0)]),
        Unit::Bytes => scaled(&[
            ("KiB", 1024.0),
            ("MiB", f64::from(1 << 20)),
            ("GiB", f64::from(1 << 30)),
            ("kB", 1e3),
            ("MB", 1e6),
            ("GB", 1e9),
            ("B", 1.0),
        ]),
        Unit::Count => None,
    }
}

/// Reads a bound relative to a baseline: `+5%`, `-10%`.
pub(super) fn relative(text: &str) -> Result<Limit, String> {
    let wrong = || format!("'{text}' is no bound against a baseline; write \"+5%\" or \"-10%\"");
    let signed = text.starts_with(['+', '-']);
    let percent: f64 =
        text.strip_suffix('%').filter(|_| signed).and_then(|t| t.parse().ok()).ok_or_else(wrong)?;
    if (-100.0..=1000.0).contains(&percent) { Ok(Limit::Baseline(percent / 100.0)) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::find;

    #[test]
    fn bounds_have_the_unit_of_their_metric() {
        let read = |name: &str, text: &str| read(find(name).unwrap(), &Written::Text(text.to_owned()));
        assert_eq!(read("delivery.latency", "100ms"), Ok(100.0));
        assert_eq!(read("delivery.latency", "1.5s"), Ok(1500.0));
        assert_eq!(read("server.cpu_us_per_msg", "40us"), Ok(40.0));
        assert_eq!(read("server.rss_per_user", "8KiB"), Ok(8192.0));
        assert_eq!(read("completed.share", "99%"), Ok(99.0));
        assert_eq!(read("delivered.rate", "10000/s"), Ok(10_000.0));
        for (name, text) in [
            ("delivery.latency", "100"),
            ("delivery.latency", "100 MB"),
            ("server.rss_per_user", "8ms"),
            ("delivered.rate", "fast"),
            ("ledger.violations", "0%"),
            ("completed.share", "-1%"),
        ] {
            let message = read(name, text).unwrap_err();
            assert!(message.contains(name) && message.contains("write"), "{message}");
        }
    }

    #[test]
    fn a_plain_number_is_refused_where_the_unit_matters() {
        assert!(read(find("delivery.latency").unwrap(), &Written::Number(100.0)).is_err());
        assert_eq!(read(find("delivered.rate").unwrap(), &Written::Number(5.0)), Ok(5.0));
        assert!(read(find("delivered.rate").unwrap(), &Written::Number(f64::NAN)).is_err());
    }

    #[test]
    fn a_baseline_is_a_signed_percentage() {
        assert_eq!(relative("+5%"), Ok(Limit::Baseline(0.05)));
        assert_eq!(relative("-10%"), Ok(Limit::Baseline(-0.1)));
        assert!(relative("5%").is_err() && relative("+5").is_err());
    }
}
