//! From values to places on a chart.

use super::chart::Label;
use super::words;

/// Most ticks of an axis, and of one that has the width of the page.
const TICKS: f64 = 4.0;
const WIDE_TICKS: f64 = 7.0;
/// Room above the highest value, as a share of it.
const ROOM: f64 = 1.08;
/// Decades beyond which an axis names only powers of ten.
const FINE_DECADES: f64 = 1.7;

/// An axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Scale {
    /// From zero, or from where it is told.
    Linear { low: f64, high: f64 },
    /// Of positive values; bounds as powers of ten.
    Log { low: f64, high: f64 },
}

/// A name at a place, as a share of the axis.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tick {
    pub(super) at: f64,
    pub(super) value: f64,
}

impl Scale {
    /// From zero to somewhat above the highest.
    pub(super) fn linear(values: impl IntoIterator<Item = f64>) -> Scale {
        let most = values.into_iter().filter(|v| v.is_finite()).fold(0.0, f64::max);
        Scale::Linear { low: 0.0, high: if most > 0.0 { most * ROOM } else { 1.0 } }
    }

    /// Around all positive values.
    pub(super) fn log(values: impl IntoIterator<Item = f64>) -> Scale {
        let (mut low, mut high) = (f64::INFINITY, 0.0_f64);
        for value in values.into_iter().filter(|v| v.is_finite() && *v > 0.0) {
            (low, high) = (low.min(value), high.max(value));
        }
        if high == 0.0 {
            return Scale::Log { low: -1.0, high: 1.0 };
        }
        // Somewhat of room on both ends, and never less than a third of a decade in all.
        let (low, high) = (low.log10() - 0.08, high.log10() + 0.08);
        let missing = (0.34 - (high - low)).max(0.0) / 2.0;
        Scale::Log { low: low - missing, high: high + missing }
    }

    /// Its place, 0 to 1; what is beyond is at the bound.
    pub(super) fn at(self, value: f64) -> f64 {
        let place = match self {
            Scale::Linear { low, high } => (value - low) / (high - low),
            Scale::Log { low, .. } if value <= 0.0 => return self.clamp(low),
            Scale::Log { low, high } => (value.log10() - low) / (high - low),
        };
        self.clamp(place)
    }

    fn clamp(self, place: f64) -> f64 {
        if place.is_finite() { place.clamp(0.0, 1.0) } else { 0.0 }
    }

    /// Round values within it.
    pub(super) fn ticks(self) -> Vec<Tick> {
        self.about(TICKS)
    }

    /// Round values along the width of the page; every other one is minor where there are many.
    pub(super) fn wide(self) -> Vec<Label> {
        const FEW: usize = 3;
        let ticks = self.about(WIDE_TICKS);
        let many = ticks.len() > FEW;
        let label = |(n, tick): (usize, &Tick)| Label {
            minor: many && n % 2 == 1,
            ..Label::new(tick.at, short(tick.value))
        };
        ticks.iter().enumerate().map(label).collect()
    }

    fn about(self, most: f64) -> Vec<Tick> {
        let values = match self {
            Scale::Linear { low, high } => even(low, high, most),
            Scale::Log { low, high } => powers(low, high),
        };
        values.into_iter().map(|value| Tick { at: self.at(value), value }).collect()
    }
}

/// Multiples of 1, 2 or 5 times a power of ten.
fn even(low: f64, high: f64, most: f64) -> Vec<f64> {
    let step = step((high - low) / most);
    let first = (low / step).ceil() as i64;
    let last = (high / step + 1e-9).floor() as i64;
    (first..=last).map(|n| n as f64 * step).collect()
}

/// The next of 1, 2 and 5 times a power of ten.
pub(super) fn step(least: f64) -> f64 {
    let power = 10_f64.powf(least.log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|m| m * power).find(|s| *s >= least * 0.999).unwrap_or(10.0 * power)
}

fn powers(low: f64, high: f64) -> Vec<f64> {
    let fine: &[f64] = if high - low < FINE_DECADES { &[1.0, 2.0, 5.0] } else { &[1.0] };
    let decades = low.floor() as i32..=high.ceil() as i32;
    let all = decades.flat_map(|power| fine.iter().map(move |m| m * 10_f64.powi(power)));
    all.filter(|value| (low..=high).contains(&value.log10())).collect()
}

/// A value on an axis, short.
pub(super) fn short(value: f64) -> String {
    match value.abs() {
        v if v >= 1e6 => format!("{}M", trim(value / 1e6)),
        v if v >= 1e4 => format!("{}k", trim(value / 1e3)),
        v if v >= 1.0 && v.fract().abs() < 1e-9 => words::count(v.round() as u64),
        _ => trim(value),
    }
}

fn trim(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(scale: Scale) -> Vec<f64> {
        scale.ticks().iter().map(|tick| tick.value).collect()
    }

    #[test]
    fn linear_ticks_are_round() {
        assert_eq!(values(Scale::linear([3.0, 10_000.0])), [0.0, 5000.0, 10_000.0]);
        assert_eq!(values(Scale::linear([])), [0.0, 0.5, 1.0]);
        assert_eq!(Scale::linear([50.0]).at(0.0), 0.0);
    }

    #[test]
    fn log_ticks_are_finer_where_there_is_room() {
        assert_eq!(values(Scale::log([0.4, 900.0])), [1.0, 10.0, 100.0, 1000.0]);
        assert_eq!(values(Scale::log([3.0, 40.0])), [5.0, 10.0, 20.0]);
        assert!(!values(Scale::log([7.0])).is_empty());
    }

    #[test]
    fn a_wide_axis_has_more_names_and_some_are_minor() {
        let texts = |scale: Scale| -> Vec<(String, bool)> {
            scale.wide().into_iter().map(|label| (label.text, label.minor)).collect()
        };
        let wide = texts(Scale::linear([88_000.0]));
        assert_eq!(wide[1..3], [("20k".to_owned(), true), ("40k".to_owned(), false)]);
        let narrow = Scale::Linear { low: 7100.0, high: 7900.0 };
        assert_eq!(texts(narrow).len(), 4, "7,200 to 7,800");
    }

    #[test]
    fn nothing_falls_off_the_axis() {
        for scale in [Scale::linear([1.0, 2.0]), Scale::log([1.0, 2.0]), Scale::log([])] {
            for value in [-1.0, 0.0, 1.5, 1e12, f64::NAN, f64::INFINITY] {
                assert!((0.0..=1.0).contains(&scale.at(value)), "{scale:?} {value}");
            }
        }
    }

    #[test]
    fn axis_names_are_short() {
        assert_eq!([0.0, 0.5, 5000.0, 20_000.0, 1.5e6].map(short), ["0", "0.5", "5,000", "20k", "1.5M"]);
    }
}
