//! How often a thread looks at its sockets.
//!
//! Each message that arrives wakes a thread that waits, and at high rates that costs more than the message does: the
//! thread's own time, and the time of whoever wrote it when the server shares the machine. So a thread to which much
//! happens looks at fixed, short intervals instead, and takes all that has come in between at once. What waits for the
//! look counts as latency, like everything else between the planned send and the receipt.

use super::TICK_US;
use rustix::thread::set_current_timer_slack;
use std::num::NonZeroU64;
use std::time::Duration;

/// Events a second from which a thread looks at intervals.
const BRISK: u64 = 20_000;
/// Between two such looks, in microseconds: what a message may wait, at most, for being read.
const LOOK_US: u64 = 250;

/// How late the kernel may wake a thread that rests, in nanoseconds; 50,000 unless told.
const SLACK_NS: Option<NonZeroU64> = NonZeroU64::new(1_000);

/// Lets the calling thread be woken when it asked to be.
pub(super) fn punctual() {
    // Refused, it rests a little longer, which the lag shows.
    let _as_it_was = set_current_timer_slack(SLACK_NS);
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pace {
    brisk: bool,
    /// Events since the last tick.
    events: u64,
    /// When the last look was, on the run clock.
    looked_us: u64,
}

impl Pace {
    pub(super) fn looked(&mut self, events: usize, now_us: u64) {
        self.events += events as u64;
        self.looked_us = now_us;
    }

    /// A tick has ended; it was at least [`TICK_US`] long.
    pub(super) fn tick(&mut self) {
        self.brisk = self.events * 1_000_000 >= BRISK * TICK_US;
        self.events = 0;
    }

    /// How long to leave the sockets alone.
    pub(super) fn rest(&self, now_us: u64) -> Option<Duration> {
        let left = (self.looked_us + LOOK_US).saturating_sub(now_us);
        (self.brisk && left > 0).then(|| Duration::from_micros(left))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_rests_only_while_much_happens() {
        let mut pace = Pace::default();
        pace.looked(4_999, 10);
        pace.tick();
        assert_eq!(pace.rest(10), None);
        pace.looked(3_000, 20);
        pace.looked(2_000, 100);
        assert_eq!(pace.rest(100), None, "the tick has not ended");
        pace.tick();
        assert_eq!(pace.rest(100), Some(Duration::from_micros(250)));
        assert_eq!(pace.rest(340), Some(Duration::from_micros(10)));
        assert_eq!(pace.rest(350), None);
        pace.tick();
        assert_eq!(pace.rest(100), None, "nothing has happened since");
    }
}
