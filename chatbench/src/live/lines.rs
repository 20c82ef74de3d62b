//! The run in plain lines, for logs.

use super::State;
use report::html::words::{count, ms};
use std::io::Write;
use std::time::{Duration, Instant};

/// Time between two lines.
const LINE: Duration = Duration::from_secs(5);

/// Says how the run stands, now and then.
#[derive(Debug)]
pub(super) struct Lines {
    started: Instant,
    printed: Instant,
    /// When, and what was sent and received by then.
    before: (Instant, u64, u64),
}

impl Lines {
    pub(super) fn new() -> Self {
        let now = Instant::now();
        Self { started: now, printed: now, before: (now, 0, 0) }
    }

    pub(super) fn tick(&mut self, state: &State<'_>) {
        if self.printed.elapsed() < LINE {
            return;
        }
        let seconds = self.before.0.elapsed().as_secs_f64().max(0.001);
        self.say(&words(state, (self.before.1, self.before.2), seconds));
        self.printed = Instant::now();
        self.before = (Instant::now(), state.sent, state.received);
    }

    pub(super) fn say(&self, what: &str) {
        let seconds = self.started.elapsed().as_secs_f64();
        let _nobody_reads = writeln!(std::io::stderr(), "{seconds:7.1}s {what}");
    }
}

fn words(state: &State<'_>, before: (u64, u64), seconds: f64) -> String {
    let rate = |now: u64, then: u64| count((now.saturating_sub(then) as f64 / seconds) as u64);
    let mut line = format!("{} connected", count(state.connected));
    if state.begin_us.is_some() {
        line.push_str(&format!(
            ", {} sent ({}/s), {} acknowledged, {} received ({}/s)",
            count(state.sent),
            rate(state.sent, before.0),
            count(state.acknowledged),
            count(state.received),
            rate(state.received, before.1),
        ));
    }
    if let Some(second) = state.whole().filter(|second| second.delivered > 0) {
        line.push_str(&format!(", p99 {}", ms(second.delivery.figures().p99_ms)));
    }
    if state.violations > 0 {
        line.push_str(&format!(", {} VIOLATIONS", count(state.violations)));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use ledger::{Second, Seconds};

    #[test]
    fn a_line_says_rates_and_shouts_at_violations() {
        let mut second = Second { delivered: 1, ..Second::new(3) };
        second.delivery.record(4_210);
        let seconds = Seconds::from_iter([second]);
        let mut state = State {
            now_us: 6_000_000,
            begin_us: Some(1_000_000),
            share: 0.5,
            connected: 2000,
            sent: 15_000,
            acknowledged: 14_990,
            received: 14_980,
            violations: 0,
            busy: 0.2,
            seconds: &seconds,
            workers: &[],
            server_cpus: None,
            generator_cpus: None,
        };
        let line = words(&state, (5_000, 4_980), 2.0);
        assert!(line.starts_with("2,000 connected, 15,000 sent (5,000/s), 14,990 acknowledged, 14,980 received (5,000/s), p99 4.2"), "{line}");
        state.violations = 2;
        assert!(words(&state, (0, 0), 1.0).ends_with("2 VIOLATIONS"));
        state.begin_us = None;
        assert!(words(&state, (0, 0), 1.0).starts_with("2,000 connected, p99"));
    }
}
