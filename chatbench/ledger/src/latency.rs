//! Histograms of what was measured, merged at the end and never averaged.

use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer as HdrDeserializer, Serializer as _, V2Serializer};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Lowest and highest value told apart, in microseconds; what is beyond counts as the bound.
const LOW: u64 = 1;
const HIGH: u64 = 60_000_000;

/// A histogram of microseconds, 1 µs to 60 s.
#[derive(Clone, Debug)]
pub struct Latency(Histogram<u64>);

impl Latency {
    /// Three digits: for the whole run.
    #[must_use]
    pub fn fine() -> Self {
        Self::new(3)
    }

    /// Two digits: for one second of it.
    #[must_use]
    pub fn coarse() -> Self {
        Self::new(2)
    }

    fn new(digits: u8) -> Self {
        #[expect(clippy::expect_used, reason = "the bounds are constants that the histogram takes")]
        Self(Histogram::new_with_bounds(LOW, HIGH, digits).expect("constant bounds"))
    }

    #[must_use]
    pub fn histogram(&self) -> &Histogram<u64> {
        &self.0
    }

    pub fn record(&mut self, micros: u64) {
        self.0.saturating_record(micros.clamp(LOW, HIGH));
    }

    /// Adds what another thread measured: exact, since all have the same bounds.
    pub fn merge(&mut self, other: &Latency) {
        #[expect(clippy::expect_used, reason = "same constant bounds on both sides")]
        self.0.add(&other.0).expect("same bounds");
    }

    /// The figures that are reported.
    #[must_use]
    pub fn figures(&self) -> Figures {
        let ms = |quantile| self.0.value_at_quantile(quantile) as f64 / 1000.0;
        Figures {
            count: self.0.len(),
            p50_ms: ms(0.5),
            p90_ms: ms(0.9),
            p99_ms: ms(0.99),
            p999_ms: ms(0.999),
            max_ms: self.0.max() as f64 / 1000.0,
        }
    }
}

impl Serialize for Latency {
    /// In the V2 form of HdrHistogram, which other tools read too.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut bytes = Vec::new();
        V2Serializer::new().serialize(&self.0, &mut bytes).map_err(serde::ser::Error::custom)?;
        serializer.serialize_bytes(&bytes)
    }
}

impl<'de> Deserialize<'de> for Latency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = Vec::<u8>::deserialize(deserializer)?;
        let read = HdrDeserializer::new().deserialize(&mut bytes.as_slice());
        read.map(Self).map_err(serde::de::Error::custom)
    }
}

/// Percentiles in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Figures {
    pub count: u64,
    pub p50_ms: f64,
    pub p90_ms: f64,
    pub p99_ms: f64,
    #[serde(rename = "p99_9Ms")]
    pub p999_ms: f64,
    pub max_ms: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A stall of one second in a plan of 1,000 a second: the sends that were due meanwhile have waited, and
    /// from planned times the percentiles say so.
    #[test]
    fn a_stall_shows_in_the_percentiles() {
        let mut latency = Latency::fine();
        for n in 0..10_000_u64 {
            let planned = n * 1000;
            let arrived = if (4_000_000..5_000_000).contains(&planned) { 5_000_000 } else { planned + 1000 };
            latency.record(arrived - planned);
        }
        let figures = latency.figures();
        assert_eq!(figures.count, 10_000);
        assert!(figures.p50_ms < 1.1);
        assert!(figures.p99_ms > 890.0, "{figures:?}");
        assert!((999.0..1002.0).contains(&figures.max_ms));
    }

    #[test]
    fn merging_is_as_if_one_had_measured_all() {
        let (mut one, mut two, mut all) = (Latency::fine(), Latency::fine(), Latency::fine());
        for n in 1..5000 {
            if n % 3 == 0 {
                one.record(n)
            } else {
                two.record(n)
            }
            all.record(n);
        }
        one.merge(&two);
        assert_eq!(format!("{:?}", one.figures()), format!("{:?}", all.figures()));
    }

    #[test]
    fn beyond_the_bounds_counts_as_the_bound() {
        let mut latency = Latency::fine();
        latency.record(0);
        latency.record(u64::MAX);
        assert_eq!(latency.figures().count, 2);
        assert!(latency.figures().max_ms >= 60_000.0);
    }
}
