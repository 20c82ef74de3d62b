//! The latencies second by second as an HdrHistogram interval log (V2), which its viewers and tools read.
//!
//! Values are microseconds, the `Interval_Max` column milliseconds; tags tell `delivery`, `accept` and `lag` apart.

use chrono::DateTime;
use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::{IntervalLogWriterBuilder, Tag};
use ledger::{Latency, Second, Seconds};
use std::io;
use std::time::{Duration, SystemTime};

const SECOND: Duration = Duration::from_secs(1);
/// Microseconds to the milliseconds of the `Interval_Max` column.
const DIVISOR: f64 = 1000.0;

type Of = fn(&Second) -> &Latency;
const KINDS: [(&str, Of); 3] =
    [("delivery", |s| &s.delivery), ("accept", |s| &s.accept), ("lag", |s| &s.lag)];

/// `started`: when the hold began, RFC 3339; `hold_s`: seconds from the begin of the ramp to then.
///
/// # Errors
/// What the histograms' serializer says.
pub fn render(started: &str, hold_s: f64, seconds: &Seconds) -> io::Result<String> {
    let base = zero(started, hold_s).unwrap_or(SystemTime::UNIX_EPOCH);
    let mut bytes = Vec::new();
    let mut serializer = V2DeflateSerializer::new();
    let mut log = IntervalLogWriterBuilder::new()
        .add_comment("[latencies of chatbench, microseconds from the planned send, by second of arrival]")
        .with_base_time(base)
        .with_start_time(base)
        .with_max_value_divisor(DIVISOR)
        .begin_log_with(&mut bytes, &mut serializer)?;
    for second in seconds.iter() {
        let at = Duration::from_secs(u64::from(second.at_s));
        for (name, of) in KINDS {
            let histogram = of(&second).histogram();
            if !histogram.is_empty() {
                let written = log.write_histogram(histogram, at, SECOND, Tag::new(name));
                written.map_err(|error| io::Error::other(format!("{error:?}")))?;
            }
        }
    }
    String::from_utf8(bytes).map_err(io::Error::other)
}

/// Wall clock at which the run clock was zero.
fn zero(started: &str, hold_s: f64) -> Option<SystemTime> {
    let hold: SystemTime = DateTime::parse_from_rfc3339(started).ok()?.into();
    hold.checked_sub(Duration::try_from_secs_f64(hold_s).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assemble::tests::measured;
    use hdrhistogram::Histogram;
    use hdrhistogram::serialization::Deserializer;
    use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};

    #[test]
    fn what_is_written_is_read_back_as_it_was_measured() {
        let seconds = measured().seconds;
        let text = render("1970-01-01T00:01:00Z", 3.0, &seconds).unwrap();
        assert!(text.contains("BaseTime: 57"), "{text}");
        let mut count = 0;
        for entry in IntervalLogIterator::new(text.as_bytes()) {
            let LogEntry::Interval(interval) = entry.unwrap() else { continue };
            if interval.tag().unwrap().as_str() != "delivery" {
                continue;
            }
            let histogram: Histogram<u64> = {
                use base64::Engine as _;
                let bytes =
                    base64::engine::general_purpose::STANDARD.decode(interval.encoded_histogram()).unwrap();
                Deserializer::new().deserialize(&mut bytes.as_slice()).unwrap()
            };
            assert_eq!(histogram.len(), 100);
            assert!((4_900..5_100).contains(&histogram.value_at_quantile(0.5)));
            count += 1;
        }
        assert_eq!(count, 11);
    }
}
