//! The run clock: microseconds, zero at the begin of the ramp.

use rustix::time::{ClockId, clock_gettime};
use std::time::Duration;

/// The monotonic clock of this machine, which all its processes share, in microseconds.
pub(crate) fn monotonic_us() -> i64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec * 1_000_000 + now.tv_nsec / 1000
}

/// Where zero is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    zero_us: i64,
}

impl Clock {
    /// Zero is `lead` from now.
    pub(crate) fn starting_in(lead: Duration) -> Self {
        Self { zero_us: monotonic_us() + i64::try_from(lead.as_micros()).unwrap_or_default() }
    }

    /// What the machine's monotonic clock says at zero.
    pub(crate) fn zero_us(self) -> i64 {
        self.zero_us
    }

    /// Zero too before the begin.
    pub(crate) fn now_us(self) -> u64 {
        u64::try_from(monotonic_us() - self.zero_us).unwrap_or_default()
    }

    /// How long it is until a time of the run.
    pub(crate) fn until(self, at_us: u64) -> Duration {
        let at = self.zero_us.saturating_add(i64::try_from(at_us).unwrap_or(i64::MAX));
        Duration::from_micros(u64::try_from(at - monotonic_us()).unwrap_or_default())
    }
}

/// How another machine's monotonic clock stands against this one's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Offset {
    /// Its time minus ours, in microseconds.
    pub(crate) us: i64,
    /// How wrong that may be: half the shortest round trip.
    pub(crate) bound_us: u64,
}

impl Offset {
    /// What another reading, after the run, adds to this one, from before it.
    pub(crate) fn drift(self, after: Self) -> Drift {
        let us = after.us - self.us;
        Drift { us, bound_us: self.bound_us.max(after.bound_us) + us.unsigned_abs() }
    }
}

/// How another machine's clock moved against this one's from one reading to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Drift {
    /// How far it ran ahead, in microseconds.
    pub(crate) us: i64,
    /// How wrong the first reading may have been at any time between: the worse of both bounds, and the drift.
    pub(crate) bound_us: u64,
}

/// Finds the offset from question, its answer's content, and when the answer came.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Exchange {
    best: Option<Offset>,
}

impl Exchange {
    pub(crate) fn enter(&mut self, asked_us: i64, theirs_us: i64, answered_us: i64) {
        let bound_us = u64::try_from((answered_us - asked_us) / 2).unwrap_or_default() + 1;
        if self.best.is_none_or(|best| bound_us < best.bound_us) {
            self.best = Some(Offset { us: theirs_us - (asked_us + answered_us) / 2, bound_us });
        }
    }

    pub(crate) fn offset(&self) -> Offset {
        self.best.unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shortest_round_trip_tells_the_offset_best() {
        let mut exchange = Exchange::default();
        exchange.enter(1_000, 501_900, 2_000); // 500.4 ms ahead, as far as this one can tell
        exchange.enter(3_000, 503_050, 3_100); // truly 500.0
        exchange.enter(5_000, 504_000, 5_900);
        assert_eq!(exchange.offset(), Offset { us: 500_000, bound_us: 51 });
    }

    #[test]
    fn a_second_reading_tells_the_drift_and_how_wrong_the_first_has_become() {
        let before = Offset { us: -4_000, bound_us: 90 };
        let slower = before.drift(Offset { us: -5_500, bound_us: 40 });
        assert_eq!(slower, Drift { us: -1_500, bound_us: 1_590 });
        let same = before.drift(Offset { us: -4_000, bound_us: 120 });
        assert_eq!(same, Drift { us: 0, bound_us: 120 });
    }

    #[test]
    fn a_run_clock_is_zero_before_its_begin() {
        let clock = Clock::starting_in(Duration::from_secs(3600));
        assert_eq!(clock.now_us(), 0);
        assert!(clock.until(1_000_000) > Duration::from_secs(3600));
        let past = Clock { zero_us: monotonic_us() - 5_000_000 };
        assert!(past.now_us() >= 5_000_000);
        assert_eq!(past.until(4_000_000), Duration::ZERO);
    }
}
