//! The value of a metric: its statistic over a window of the run.

use crate::measured::Measured;
use crate::metric::{Metric, Source};
use crate::model::{Point, Report};
use ledger::{Figures, Kind, Latency, Second};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Which part of the run is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Window {
    Ramp,
    Warmup,
    #[default]
    Hold,
    Drain,
    All,
}

impl Window {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ramp => "ramp",
            Self::Warmup => "warmup",
            Self::Hold => "hold",
            Self::Drain => "drain",
            Self::All => "all",
        }
    }

    /// Whole seconds of the run that lie in it: from, and before.
    #[must_use]
    pub fn seconds(self, report: &Report) -> (u32, u32) {
        let hold = report.begin_s + report.phases.warmup_s;
        let (from, to) = match self {
            Self::Ramp => (0.0, report.begin_s),
            Self::Warmup => (report.begin_s, hold),
            Self::Hold => (hold, hold + report.duration_s),
            Self::Drain => (hold + report.duration_s, f64::from(u32::MAX)),
            Self::All => (0.0, f64::from(u32::MAX)),
        };
        (from.ceil() as u32, to.floor() as u32)
    }
}

/// What is made of many values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Stat {
    /// Above 0 and below 1.
    Quantile(f64),
    Mean,
    Min,
    Max,
    Last,
    /// There is but one.
    Value,
}

impl Stat {
    /// Reads `p99`, `p99.9`, `p05`, `mean`, `min`, `max`, `last`.
    ///
    /// # Errors
    /// A sentence that says what there is.
    pub fn parse(text: &str) -> Result<Self, String> {
        let percent = text.strip_prefix('p').and_then(|percent| percent.parse::<f64>().ok());
        match (text, percent) {
            ("mean", _) => Ok(Self::Mean),
            ("min", _) => Ok(Self::Min),
            ("max", _) => Ok(Self::Max),
            ("last", _) => Ok(Self::Last),
            ("value", _) => Ok(Self::Value),
            (_, Some(percent)) if percent > 0.0 && percent < 100.0 => {
                Ok(Self::Quantile((percent * 1e6).round() / 1e8))
            }
            _ => {
                Err(format!("there is no statistic '{text}'; write p50, p99, p99.9, mean, min, max or last"))
            }
        }
    }

    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::Quantile(quantile) => format!("p{}", (quantile * 1e8).round() / 1e6),
            Self::Mean => "mean".to_owned(),
            Self::Min => "min".to_owned(),
            Self::Max => "max".to_owned(),
            Self::Last => "last".to_owned(),
            Self::Value => "value".to_owned(),
        }
    }
}

/// A value, and what it rests on: messages of a latency or a rate, seconds of a level, 1 of what there is once.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Value {
    pub value: f64,
    pub samples: u64,
}

/// Where values are looked up: a report, and the histograms behind it where they are at hand.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    pub report: &'a Report,
    pub measured: Option<&'a Measured>,
}

impl View<'_> {
    /// None where it was not measured.
    #[must_use]
    pub fn value(&self, metric: &Metric, stat: Stat, window: Window) -> Option<Value> {
        match metric.source {
            Source::Latency(kind) => self.latency(kind, stat, window),
            Source::Rate { second, hold } => {
                let samples = self.points(window).map(second).sum();
                if (stat, window) == (Stat::Mean, Window::Hold) {
                    return Some(Value { value: hold(self.report), samples });
                }
                let values: Vec<f64> = self.points(window).map(|point| second(point) as f64).collect();
                Some(Value { value: of(&values, stat)?, samples })
            }
            Source::Level(level) => {
                let values: Vec<f64> = self.points(window).filter_map(level).collect();
                Some(Value { value: of(&values, stat)?, samples: values.len() as u64 })
            }
            Source::Scalar(scalar) => Some(Value { value: scalar(self.report)?, samples: 1 }),
        }
    }

    /// The value of each stretch of so many seconds in the window; of rates and levels their mean.
    #[must_use]
    pub fn stretches(&self, metric: &Metric, stat: Stat, window: Window, seconds: usize) -> Vec<f64> {
        let mean = |values: Vec<f64>| {
            values.windows(seconds).map(|w| w.iter().sum::<f64>() / seconds as f64).collect()
        };
        match metric.source {
            Source::Latency(kind) => {
                let Some(select) = by_second(kind) else { return Vec::new() };
                // What leaves the stretch is taken away from it: a stretch of an hour is one histogram.
                let (mut stretch, mut leaving) = (Latency::coarse(), self.seconds(window));
                let values = self.seconds(window).enumerate().map(|(n, second)| {
                    stretch.merge(select(&second));
                    if let Some(gone) = (n >= seconds).then(|| leaving.next()).flatten() {
                        stretch.subtract(select(&gone));
                    }
                    (n + 1 >= seconds).then(|| latency_of(&stretch, stat)).flatten()
                });
                values.flatten().collect()
            }
            Source::Rate { second, .. } => mean(self.points(window).map(|p| second(p) as f64).collect()),
            Source::Level(level) => mean(self.points(window).filter_map(level).collect()),
            Source::Scalar(_) => Vec::new(),
        }
    }

    fn latency(&self, kind: Kind, stat: Stat, window: Window) -> Option<Value> {
        if let (Some(_), Some(select)) = (self.measured, by_second(kind))
            && window != Window::Hold
        {
            let latency = merge(self.seconds(window), select);
            return Some(Value { value: latency_of(&latency, stat)?, samples: latency.histogram().len() });
        }
        if let Some(measured) = self.measured {
            let latency = measured.harvest.latencies.get(kind)?;
            return Some(Value { value: latency_of(latency, stat)?, samples: latency.histogram().len() });
        }
        let figures = figures(self.report, kind).filter(|figures| figures.count > 0)?;
        let value = match stat {
            Stat::Quantile(quantile) => by_figures(&figures, quantile)?,
            Stat::Max => figures.max_ms,
            _ => return None,
        };
        (window == Window::Hold).then_some(Value { value, samples: figures.count })
    }

    fn points(&self, window: Window) -> impl Iterator<Item = &Point> {
        let (from, to) = window.seconds(self.report);
        self.report.timeline.iter().filter(move |point| (from..to).contains(&point.at_s))
    }

    fn seconds(&self, window: Window) -> impl Iterator<Item = Cow<'_, Second>> {
        let (from, to) = window.seconds(self.report);
        self.measured.into_iter().flat_map(move |measured| measured.seconds.range(from, to))
    }
}

type Select = fn(&Second) -> &Latency;

/// The histogram of a second; few kinds have one.
pub(crate) fn by_second(kind: Kind) -> Option<Select> {
    match kind {
        Kind::Delivery => Some(|second| &second.delivery),
        Kind::Accept => Some(|second| &second.accept),
        Kind::ScheduleLag => Some(|second| &second.lag),
        _ => None,
    }
}

fn merge<'a>(seconds: impl Iterator<Item = Cow<'a, Second>>, select: Select) -> Latency {
    let mut all = Latency::coarse();
    seconds.for_each(|second| all.merge(select(&second)));
    all
}

/// In milliseconds; none when nothing was measured.
pub(crate) fn latency_of(latency: &Latency, stat: Stat) -> Option<f64> {
    let histogram = latency.histogram();
    if histogram.is_empty() {
        return None;
    }
    let micros = match stat {
        Stat::Quantile(quantile) => histogram.value_at_quantile(quantile) as f64,
        Stat::Mean => histogram.mean(),
        Stat::Min => histogram.min() as f64,
        Stat::Max => histogram.max() as f64,
        Stat::Last | Stat::Value => return None,
    };
    Some(micros / 1000.0)
}

fn figures(report: &Report, kind: Kind) -> Option<Figures> {
    let latency = &report.latency;
    match kind {
        Kind::Delivery => Some(latency.delivery),
        Kind::Accept => Some(latency.accept),
        Kind::ScheduleLag => Some(latency.schedule_lag),
        Kind::Seen => latency.seen,
        Kind::Connect => latency.connect,
        Kind::Login => latency.login,
        Kind::Offline => latency.offline,
        Kind::Gap => latency.gap,
        Kind::History => latency.history,
    }
}

fn by_figures(figures: &Figures, quantile: f64) -> Option<f64> {
    let known =
        [(0.5, figures.p50_ms), (0.9, figures.p90_ms), (0.99, figures.p99_ms), (0.999, figures.p999_ms)];
    known.into_iter().find(|(known, _)| (known - quantile).abs() < 1e-9).map(|(_, ms)| ms)
}

/// A statistic of plain numbers; a percentile is the nearest rank, so always one of them.
pub(crate) fn of(values: &[f64], stat: Stat) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match stat {
        Stat::Quantile(quantile) => {
            let rank = (quantile * sorted.len() as f64).ceil() as usize;
            sorted.get(rank.saturating_sub(1)).copied()
        }
        Stat::Mean => (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64),
        Stat::Min => sorted.first().copied(),
        Stat::Max => sorted.last().copied(),
        Stat::Last => values.last().copied(),
        Stat::Value => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_have_one_name_each() {
        for (text, stat) in
            [("p99", Stat::Quantile(0.99)), ("p99.9", Stat::Quantile(0.999)), ("max", Stat::Max)]
        {
            assert_eq!((Stat::parse(text), stat.name()), (Ok(stat), text.to_owned()));
        }
        assert_eq!(Stat::parse("p05"), Ok(Stat::Quantile(0.05)));
        assert_eq!(Stat::Quantile(0.999).name(), "p99.9");
        for bad in ["p", "p0", "p100", "p999", "avg", ""] {
            assert!(Stat::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_percentile_of_seconds_is_one_of_them() {
        let values: Vec<f64> = (1..=20).rev().map(f64::from).collect();
        assert_eq!(of(&values, Stat::Quantile(0.05)), Some(1.0));
        assert_eq!(of(&values, Stat::Quantile(0.5)), Some(10.0));
        assert_eq!(of(&values, Stat::Last), Some(1.0));
        assert_eq!(of(&[], Stat::Mean), None);
    }
}
