//! Histograms of what was measured, merged at the end and never averaged.

use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer as HdrDeserializer, Serializer as _, V2Serializer};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Lowest and highest value told apart, in microseconds; what is beyond counts as the bound.
const LOW: u64 = 1;
const HIGH: u64 = 60_000_000;
/// Upper end of the range that a histogram gives itself to hold HIGH.
const HIGHEST: u64 = 2 * HIGH;
/// Significant digits.
const FINE: u8 = 3;
const COARSE: u8 = 2;
/// Points of a percentile curve for each halving of the distance to 100 %.
const CURVE_STEPS: u32 = 5;

/// A histogram of microseconds, 1 µs to 60 s. It takes as much memory as its largest value needs: up to 150 KiB fine, 20 KiB
/// coarse.
#[derive(Clone, Debug, PartialEq)]
pub struct Latency(Histogram<u64>);

impl Latency {
    /// Three digits: for the whole run.
    #[must_use]
    pub fn fine() -> Self {
        Self::new(FINE)
    }

    /// Two digits: for one second of it.
    #[must_use]
    pub fn coarse() -> Self {
        Self::new(COARSE)
    }

    fn new(digits: u8) -> Self {
        #[expect(clippy::expect_used, reason = "the number of digits is a constant that the histogram takes")]
        let mut histogram = Histogram::new_with_bounds(LOW, 2 * LOW, digits).expect("constant bounds");
        histogram.auto(true);
        Self(histogram)
    }

    #[must_use]
    pub fn histogram(&self) -> &Histogram<u64> {
        &self.0
    }

    pub fn record(&mut self, micros: u64) {
        // Fails only where HIGH microseconds would be more than memory can count.
        let _never = self.0.record(micros.clamp(LOW, HIGH));
    }

    #[must_use]
    pub fn len(&self) -> u64 {
        self.0.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds what another thread or another second measured: bucket by bucket, exact among histograms of as many digits.
    pub fn merge(&mut self, other: &Latency) {
        // Fails only where HIGH microseconds would be more than memory can count.
        let _never = self.0.add(&other.0);
    }

    /// Takes away what was merged before, so that what is left is as if it had never been there.
    pub fn subtract(&mut self, other: &Latency) {
        // Fails only where more is taken away than is there.
        let _never = self.0.subtract(&other.0);
    }

    /// The value in milliseconds below which this share of all lies, 0 to 1; none where nothing was measured.
    #[must_use]
    pub fn at(&self, quantile: f64) -> Option<f64> {
        (!self.is_empty()).then(|| ms(self.0.value_at_quantile(quantile)))
    }

    /// The mean in milliseconds; none where nothing was measured.
    #[must_use]
    pub fn mean_ms(&self) -> Option<f64> {
        (!self.is_empty()).then(|| self.0.mean() / 1000.0)
    }

    /// The figures that are reported; all 0 where nothing was measured.
    #[must_use]
    pub fn figures(&self) -> Figures {
        let at = |quantile| self.at(quantile).unwrap_or(0.0);
        Figures {
            count: self.len(),
            p50_ms: at(0.5),
            p90_ms: at(0.9),
            p99_ms: at(0.99),
            p999_ms: at(0.999),
            max_ms: at(1.0),
        }
    }

    /// The percentile curve: percent (0 to 100, ascending) and milliseconds, a few points for each halving of the rest. Ends
    /// with 100 and the highest value; empty where nothing was measured.
    pub fn curve(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        let steps = self.0.iter_quantiles(CURVE_STEPS);
        steps.map(|step| (step.quantile_iterated_to() * 100.0, ms(step.value_iterated_to())))
    }

    /// How many values lie up to each bound (in microseconds, ascending) and above the one before, and then how many lie above the
    /// last: one number more than bounds. Of a value's bucket its lower end counts.
    #[must_use]
    pub fn rows(&self, bounds_us: &[u64]) -> Vec<u64> {
        let mut rows = vec![0; bounds_us.len() + 1];
        for step in self.0.iter_recorded() {
            let low = self.0.lowest_equivalent(step.value_iterated_to());
            rows[bounds_us.partition_point(|bound| *bound < low)] += step.count_at_value();
        }
        rows
    }
}

fn ms(micros: u64) -> f64 {
    micros as f64 / 1000.0
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
        let mut histogram: Histogram<u64> = read.map_err(serde::de::Error::custom)?;
        if histogram.low() != LOW
            || histogram.high() > HIGHEST
            || !matches!(histogram.sigfig(), COARSE | FINE)
        {
            return Err(serde::de::Error::custom("a histogram of another kind"));
        }
        histogram.auto(true);
        Ok(Self(histogram))
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

    #[test]
    fn nothing_measured_is_no_panic_and_no_value() {
        let empty = Latency::fine();
        assert_eq!(empty.figures(), Figures::default());
        assert_eq!((empty.at(0.99), empty.mean_ms(), empty.curve().count()), (None, None, 0));
        assert_eq!(empty.rows(&[10, 20]), [0, 0, 0]);
    }

    #[test]
    fn seconds_together_give_the_percentiles_of_the_whole() {
        let (mut merged, mut whole) = (Latency::coarse(), Latency::coarse());
        for second in 0..10 {
            let mut part = Latency::coarse();
            for n in 0..100 {
                part.record(1000 + second * 100 + n);
                whole.record(1000 + second * 100 + n);
            }
            merged.merge(&part);
        }
        assert_eq!(merged.at(0.99), whole.at(0.99));
        assert_eq!(merged.figures(), whole.figures());
        let p99 = merged.at(0.99).unwrap();
        assert!((1.98..2.01).contains(&p99), "{p99}");
    }

    #[test]
    fn what_is_taken_away_was_never_there() {
        let (mut slow, mut fast, mut both) = (Latency::coarse(), Latency::coarse(), Latency::coarse());
        (0..500).for_each(|n| slow.record(800_000 + n * 977));
        (0..500).for_each(|n| fast.record(40 + n));
        both.merge(&slow);
        both.merge(&fast);
        both.subtract(&slow);
        assert_eq!((both.figures(), both.mean_ms()), (fast.figures(), fast.mean_ms()));
    }

    #[test]
    fn the_curve_ascends_to_the_highest_value() {
        let mut latency = Latency::fine();
        (1..=10_000).for_each(|n| latency.record(n * 10));
        let curve: Vec<(f64, f64)> = latency.curve().collect();
        assert!(curve.is_sorted_by(|a, b| a.0 <= b.0 && a.1 <= b.1), "{curve:?}");
        assert!(curve.len() > 20 && curve.len() < 200, "{}", curve.len());
        let last = curve.last().unwrap();
        assert!(last.0 == 100.0 && (99.9..100.2).contains(&last.1), "{last:?}");
    }

    #[test]
    fn rows_hold_each_value_once() {
        let mut latency = Latency::coarse();
        [1, 10, 11, 20, 21, 5000, 60_000_000].into_iter().for_each(|n| latency.record(n));
        assert_eq!(latency.rows(&[10, 20, 1000, 10_000]), [2, 2, 1, 1, 1]);
        assert_eq!(latency.rows(&[]), [7]);
    }

    #[test]
    fn it_is_the_same_beyond_a_process_border() {
        let mut latency = Latency::coarse();
        for n in [3, 700, 700, 123_456, u64::MAX] {
            latency.record(n);
        }
        let bytes = postcard::to_allocvec(&latency).unwrap();
        let mut back: Latency = postcard::from_bytes(&bytes).unwrap();
        assert_eq!(back, latency);
        // It still grows.
        back = postcard::from_bytes(&postcard::to_allocvec(&Latency::fine()).unwrap()).unwrap();
        back.record(HIGH);
        back.merge(&latency);
        assert_eq!(back.len(), 6);
    }

    #[test]
    fn a_strangers_histogram_is_refused() {
        let mut bytes = Vec::new();
        let strange = Histogram::<u64>::new_with_bounds(1, 1_000_000_000_000, 3).unwrap();
        V2Serializer::new().serialize(&strange, &mut bytes).unwrap();
        assert!(postcard::from_bytes::<Latency>(&postcard::to_allocvec(&bytes).unwrap()).is_err());
        assert!(postcard::from_bytes::<Latency>(&postcard::to_allocvec(&vec![1_u8; 40]).unwrap()).is_err());
    }
}
