//! What puts a measurement in doubt: a generator or a machine that may have been the limit.

use crate::model::{MarkKind, Point, Reason, Report};
use crate::threshold::RATE_SHARE;
use crate::value::{Stat, Window, of};

/// Schedule lag (p99) above which the generator is taken for the limit, in milliseconds.
const LAG_MS: f64 = 5.0;
/// Share of a generator thread's time above which it is taken for the limit.
const BUSY_SHARE: f64 = 0.85;
/// Schedule lag above which the generator may have read so late that the server closed its sockets.
const STARVED_MS: f64 = 1000.0;
/// Share of the machine's time taken by other guests above which nothing can be said.
const STEAL_SHARE: f64 = 0.02;
/// Step of the wall clock that is no slewing, in milliseconds.
const CLOCK_MS: f64 = 100.0;
/// Drift of a worker's clock over a run above which it is told, in microseconds.
const DRIFT_US: u64 = 1000;
/// Seconds of a hold of which its beginning can be told from the rest.
const STEADY_SECONDS: usize = 8;
/// Times that the median latency in the first quarter of the hold may be that of the rest, and by how much at least.
const STEADY_TIMES: f64 = 2.0;
const STEADY_MS: f64 = 2.0;

/// Whether the generator read so late that a server may have closed its sockets.
pub(crate) fn starved(report: &Report) -> bool {
    report.latency.schedule_lag.p99_ms > STARVED_MS || report.generator_busy > BUSY_SHARE
}

/// Whether the generator wrote late.
pub(crate) fn late(report: &Report) -> bool {
    report.latency.schedule_lag.p99_ms > LAG_MS
}

/// A ramp in which the generator came to a connection so late that a server may have given others up meanwhile. It says nothing
/// of the hold.
pub(crate) fn late_ramp(report: &Report) -> Option<Reason> {
    let lag = report.sockets.ramp_lag_ms;
    (lag > STARVED_MS).then(|| Reason {
        what: format!("the generator came {lag:.0} ms late to a connection of the ramp"),
        fix: "give it a CPU of its own, more --threads or --workers, or a longer --ramp".to_owned(),
    })
}

/// Everything that puts the hold in doubt, each with its fix.
pub(crate) fn doubts(report: &Report) -> Vec<Reason> {
    let mut doubts = Vec::new();
    let mut say = |what: String, fix: &str| doubts.push(Reason { what, fix: fix.to_owned() });
    let (rates, lag) = (&report.rates, report.latency.schedule_lag.p99_ms);
    if late(report) {
        let what = format!("the generator wrote late: schedule lag p99 {lag:.1} ms");
        say(what, "give it a CPU of its own, more --threads or --workers, or a lower --rate");
    }
    let one = 1.0 / report.duration_s.max(0.001);
    // Sends whose socket was gone are not offered, but that is no fault of the generator.
    let offered = rates.offered + report.sockets.unsent_in_hold as f64 * one;
    if report.load.open && offered + one < rates.planned * RATE_SHARE {
        let what = format!("offered {:.1} msg/s of {:.1} planned", rates.offered, rates.planned);
        say(what, "the generator or its sockets could not send at this rate: lower --rate or add CPUs");
    }
    if report.generator_busy > BUSY_SHARE {
        let what = format!("a generator thread was busy {:.0} % of the time", report.generator_busy * 100.0);
        say(what, "more --threads or --workers on a machine with more CPUs");
    }
    if report.sockets.local_failures > 0 {
        let what = format!("{} connections failed on this machine", report.sockets.local_failures);
        say(
            what,
            "raise the limit of open files or the range of local ports (`chatbench check`), or fewer --users",
        );
    }
    if report.rate_limited > 0 {
        let what = format!("{} requests were refused by a rate limit (429)", report.rate_limited);
        say(what, "raise limits.messages_per_second and limits.requests_per_minute on the target");
    }
    if report.steal > STEAL_SHARE {
        let what = format!("other guests took {:.1} % of this machine's CPU", report.steal * 100.0);
        say(what, "repeat on a machine of your own, or at another time");
    }
    if report.clock_step_ms > CLOCK_MS {
        let what = format!("the wall clock was set by {:.0} ms during the run", report.clock_step_ms);
        say(what, "stop what sets the clock, or let it slew");
    }
    doubts.extend(unsteady(report));
    doubts
}

/// What is odd, and puts no figure in doubt.
pub(crate) fn oddities(report: &Report) -> impl Iterator<Item = Reason> {
    report.workers.iter().filter_map(|worker| {
        let drift = worker.clock_drift_us?;
        // Of two readings each may be wrong by its own bound.
        let unsure = 2 * worker.clock_bound_us.saturating_sub(drift.unsigned_abs());
        (drift.unsigned_abs() > DRIFT_US + unsure).then(|| Reason {
            what: format!(
                "the clock of the worker on {} drifted by {:+.1} ms against this one's: so far its seconds moved in the \
                 timeline; no latency spans two clocks",
                worker.host,
                drift as f64 / 1000.0
            ),
            fix: "have both machines' clocks disciplined by the same source (`chronyc tracking`), or a shorter run"
                .to_owned(),
        })
    })
}

/// Whether the hold began before things were as they stayed.
fn unsteady(report: &Report) -> Option<Reason> {
    let (from, to) = Window::Hold.seconds(report);
    let hold: Vec<&Point> = report.timeline.iter().filter(|p| (from..to).contains(&p.at_s)).collect();
    // A scenario that stirs things up itself is not meant to be steady.
    let stirred =
        report.marks.iter().any(|mark| mark.kind != MarkKind::Phase && (from..to).contains(&mark.at_s));
    if hold.len() < STEADY_SECONDS || stirred || report.load.arrivals == "trace" {
        return None;
    }
    let (early, rest) = hold.split_at(hold.len() / 4);
    let median = |points: &[&Point]| {
        let values: Vec<f64> = points.iter().filter_map(|point| point.p50_ms).collect();
        of(&values, Stat::Quantile(0.5))
    };
    let (early, rest) = median(early).zip(median(rest))?;
    (early > rest * STEADY_TIMES && early > rest + STEADY_MS).then(|| Reason {
        what: format!("the hold began before it was steady: p50 {early:.1} ms at first, {rest:.1} ms later"),
        fix: "a longer --warmup".to_owned(),
    })
}
