//! What a person sees while it runs: a bar on a terminal, a few plain lines elsewhere; on stderr only.

use crate::fleet::Seen;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// Time between two lines when stderr is no terminal.
const LINE: Duration = Duration::from_secs(5);

/// The progress of a run.
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    started: Instant,
    printed: Instant,
    before: (Instant, Seen),
}

impl Progress {
    pub(crate) fn new() -> Self {
        let now = Instant::now();
        let bar = std::io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{prefix:>9} [{bar:30}] {msg}");
            ProgressBar::new(1).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        Self { bar, started: now, printed: now, before: (now, Seen::default()) }
    }

    /// A phase begins.
    pub(crate) fn phase(&mut self, name: &'static str, what: &str) {
        match &self.bar {
            Some(bar) => {
                bar.set_prefix(name);
                bar.set_message(what.to_owned());
                bar.set_position(0);
            }
            None => self.line(&format!("{name}: {what}")),
        }
    }

    /// How far the phase is, and what the fleet's counters say.
    pub(crate) fn tick(&mut self, share: f64, seen: Seen) {
        let (then, before) = self.before;
        let seconds = then.elapsed().as_secs_f64().max(0.001);
        let rate = |now: u64, then: u64| now.saturating_sub(then) as f64 / seconds;
        let what = format!(
            "{} connected, {} sent ({:.0}/s), {} acknowledged, {} received ({:.0}/s)",
            seen.connected,
            seen.sent,
            rate(seen.sent, before.sent),
            seen.acknowledged,
            seen.received,
            rate(seen.received, before.received),
        );
        match &self.bar {
            Some(bar) => {
                bar.set_length(1000);
                bar.set_position((share.clamp(0.0, 1.0) * 1000.0) as u64);
                bar.set_message(what);
                self.before = (Instant::now(), seen);
            }
            None if self.printed.elapsed() >= LINE => {
                self.line(&what);
                self.printed = Instant::now();
                self.before = (Instant::now(), seen);
            }
            None => {}
        }
    }

    /// Takes the bar away.
    pub(crate) fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn line(&self, what: &str) {
        let _nobody_reads =
            writeln!(std::io::stderr(), "{:7.1}s {what}", self.started.elapsed().as_secs_f64());
    }
}
