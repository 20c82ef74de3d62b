//! The heat map of the last seconds: deliveries by latency, in characters.

use ledger::{Second, Seconds};
use std::collections::BTreeMap;

/// Upper bounds of the rows in milliseconds; the last row has none.
pub(super) const BOUNDS_MS: [u64; 9] = [2, 5, 10, 20, 50, 100, 200, 500, 1000];
pub(super) const ROWS: usize = BOUNDS_MS.len() + 1;
/// From one message to the fullest cell.
const SHADES: [char; 4] = ['░', '▒', '▓', '█'];
/// Columns that are kept: wider is no terminal.
const KEPT: u32 = 400;
/// Seconds that may still change, because a worker tells late.
const FRESH: u32 = 4;

/// Counts by second and row.
#[derive(Debug, Default)]
pub(super) struct Heat(BTreeMap<u32, [u64; ROWS]>);

impl Heat {
    /// Takes what is new.
    pub(super) fn follow(&mut self, seconds: &Seconds) {
        let last = seconds.last_s().unwrap_or_default();
        let from = self.0.last_key_value().map_or(0, |(at, _)| at.saturating_sub(FRESH));
        let from = from.max(last.saturating_sub(KEPT));
        self.0.extend(seconds.range(from, u32::MAX).map(|second| (second.at_s, rows(&second))));
        self.0 = self.0.split_off(&last.saturating_sub(KEPT));
    }

    /// The last `width` seconds, the slowest row first.
    pub(super) fn lines(&self, width: usize) -> Vec<String> {
        let last = self.0.last_key_value().map_or(0, |(at, _)| *at);
        let first = last.saturating_sub(u32::try_from(width.saturating_sub(1)).unwrap_or(KEPT));
        let most = self.0.range(first..).flat_map(|(_, rows)| rows).copied().max().unwrap_or(0);
        let cell = |at: u32, row: usize| self.0.get(&at).map_or(' ', |rows| shade(rows[row], most));
        (0..ROWS).rev().map(|row| (first..=last).map(|at| cell(at, row)).collect()).collect()
    }
}

fn rows(second: &Second) -> [u64; ROWS] {
    let mut rows = [0; ROWS];
    for value in second.delivery.histogram().iter_recorded() {
        let micros = value.value_iterated_to();
        let row = BOUNDS_MS.iter().position(|bound| micros < bound * 1000).unwrap_or(BOUNDS_MS.len());
        rows[row] += value.count_since_last_iteration();
    }
    rows
}

/// By the logarithm, so that a single late message is seen.
fn shade(count: u64, most: u64) -> char {
    if count == 0 {
        return ' ';
    }
    let share = (count as f64).ln_1p() / (most as f64).ln_1p();
    SHADES[((share * SHADES.len() as f64) as usize).min(SHADES.len() - 1)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(at: u32, micros: u64) -> Second {
        let mut second = Second::new(at);
        second.delivery.record(micros);
        second
    }

    #[test]
    fn what_is_late_stands_above_what_is_not() {
        let mut seconds = Seconds::default();
        for at in 0..3 {
            let mut second = Second::new(at);
            (0..1000).for_each(|_| second.delivery.record(1_500));
            seconds.add(second);
        }
        seconds.add(one(2, 3_000_000));
        let mut heat = Heat::default();
        heat.follow(&seconds);
        let lines = heat.lines(80);
        assert_eq!(lines.len(), ROWS);
        assert_eq!((lines[0].as_str(), lines[ROWS - 1].as_str()), ("  ░", "███"));
        assert_eq!(heat.lines(2)[0], " ░");
    }

    #[test]
    fn a_second_that_is_told_late_is_taken_again() {
        let mut seconds = Seconds::from_iter([Second::new(0)]);
        let mut heat = Heat::default();
        heat.follow(&seconds);
        seconds.add(one(0, 1));
        seconds.add(Second::new(1));
        heat.follow(&seconds);
        assert_eq!(heat.lines(9)[ROWS - 1], "█ ");
    }
}
