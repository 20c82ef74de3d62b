//! Every metric.

use super::{Excuse, Metric, Source, Unit};
use crate::model::{Point, Report};
use ledger::{Class, Kind};

const fn metric(name: &'static str, label: &'static str, unit: Unit, source: Source) -> Metric {
    Metric {
        name,
        label,
        unit,
        source,
        excuse: Excuse::Doubt,
        fix: "find what takes the time: CPU, disk, network; or ask for less",
        scales: false,
    }
}

const fn latency(name: &'static str, label: &'static str, kind: Kind, fix: &'static str) -> Metric {
    Metric { fix, ..metric(name, label, Unit::Ms, Source::Latency(kind)) }
}

const fn rate(
    name: &'static str,
    label: &'static str,
    second: fn(&Point) -> u64,
    hold: fn(&Report) -> f64,
) -> Metric {
    let rate = metric(name, label, Unit::Rate, Source::Rate { second, hold });
    Metric { scales: true, fix: RATE_FIX, ..rate }
}

const fn count(
    name: &'static str,
    label: &'static str,
    value: fn(&Report) -> Option<f64>,
    excuse: Excuse,
    fix: &'static str,
) -> Metric {
    Metric { excuse, fix, ..metric(name, label, Unit::Count, Source::Scalar(value)) }
}

const fn scalar(
    name: &'static str,
    label: &'static str,
    unit: Unit,
    value: fn(&Report) -> Option<f64>,
) -> Metric {
    metric(name, label, unit, Source::Scalar(value))
}

const WAITS: &str = "lower --rate until it holds, or find what waits; --p99 sets another bound";
const RATE_FIX: &str =
    "the server does not hold this rate: lower --rate, or find what saturates (CPU, fsync)";
const CONNECT: &str = "see the server's log for refused connections, and its limit of open files";
pub(crate) const LEDGER: &str =
    "see violations and their examples; find the messages in the server's log and history";
const LATE: &str = "a longer --drain tells late from never";

/// Violations of one class, live and in history.
fn of(report: &Report, class: Class) -> Option<f64> {
    Some((report.violations.live.of(class) + report.violations.history.of(class)) as f64)
}

/// A part of a whole in percent; none where there is no whole.
fn share(part: f64, whole: f64) -> Option<f64> {
    (whole > 0.0).then(|| part / whole * 100.0)
}

/// Messages planned in the hold that were received at any time.
fn completed(report: &Report) -> u64 {
    let others = [report.latency.offline, report.latency.gap];
    report.latency.delivery.count + others.into_iter().flatten().map(|figures| figures.count).sum::<u64>()
}

pub static CATALOGUE: [Metric; 42] = [
    latency("delivery.latency", "delivery", Kind::Delivery, WAITS),
    latency("accept.latency", "accept", Kind::Accept, WAITS),
    latency("schedule.lag", "schedule lag", Kind::ScheduleLag, "give the generator a CPU of its own"),
    latency("seen.latency", "seen", Kind::Seen, WAITS),
    latency("connect.latency", "connect", Kind::Connect, "spread the connections over a longer --ramp"),
    latency("login.latency", "login", Kind::Login, "passwords are hashed on purpose slowly: fewer at a time"),
    latency("offline.latency", "offline delivery", Kind::Offline, WAITS),
    latency("gap.latency", "gap delivery", Kind::Gap, WAITS),
    latency("history.latency", "history page", Kind::History, WAITS),
    rate("planned.rate", "planned rate", |p| p.planned, |r| r.rates.planned),
    rate("offered.rate", "offered rate", |p| p.offered, |r| r.rates.offered),
    rate("accepted.rate", "accepted rate", |p| p.accepted, |r| r.rates.accepted),
    rate("delivered.rate", "delivered rate", |p| p.delivered, |r| r.rates.delivered),
    Metric {
        scales: true,
        fix: RATE_FIX,
        ..scalar("completed.rate", "rate received in the end", Unit::Rate, |r| {
            Some(completed(r) as f64 / r.duration_s.max(0.001))
        })
    },
    Metric {
        fix: RATE_FIX,
        ..scalar("completed.share", "share of the offered that was received in the end", Unit::Percent, |r| {
            share(completed(r) as f64, r.rates.offered * r.duration_s)
        })
    },
    Metric {
        fix: RATE_FIX,
        ..scalar("delivered.share", "share of the planned rate that was delivered", Unit::Percent, |r| {
            share(r.rates.delivered, r.rates.planned)
        })
    },
    scalar("offered.share", "share of the planned rate that was offered", Unit::Percent, |r| {
        share(r.rates.offered, r.rates.planned)
    }),
    Metric {
        scales: true,
        excuse: Excuse::Connecting,
        fix: CONNECT,
        ..metric("connected", "users connected", Unit::Users, Source::Level(|p| Some(p.connected as f64)))
    },
    Metric {
        scales: true,
        excuse: Excuse::Connecting,
        fix: CONNECT,
        ..scalar("connected.total", "users connected", Unit::Users, |r| Some(r.connected as f64))
    },
    Metric {
        excuse: Excuse::Connecting,
        fix: CONNECT,
        ..scalar("connected.share", "share of the users connected", Unit::Percent, |r| {
            share(r.connected as f64, f64::from(r.users))
        })
    },
    count(
        "ledger.violations",
        "violations of correctness",
        |r| Some(r.violations.total as f64),
        Excuse::Never,
        LEDGER,
    ),
    count("ledger.lost", "messages lost", |r| of(r, Class::Lost), Excuse::Never, LEDGER),
    count("ledger.duplicated", "messages doubled", |r| of(r, Class::Duplicated), Excuse::Never, LEDGER),
    count("ledger.reordered", "messages out of order", |r| of(r, Class::Reordered), Excuse::Never, LEDGER),
    count("ledger.corrupted", "messages changed", |r| of(r, Class::Corrupted), Excuse::Never, LEDGER),
    count(
        "ledger.misdelivered",
        "messages with the wrong person",
        |r| of(r, Class::Misdelivered),
        Excuse::Never,
        LEDGER,
    ),
    count("ledger.phantom", "messages that nobody sent", |r| of(r, Class::Phantom), Excuse::Never, LEDGER),
    count("ledger.sequence_gaps", "gaps in sequences", |r| of(r, Class::Gap), Excuse::Never, LEDGER),
    count(
        "ledger.undelivered",
        "accepted messages that were not received live",
        |r| Some(r.outcomes.undelivered as f64),
        Excuse::Doubt,
        LATE,
    ),
    count(
        "ledger.unanswered",
        "sends without an answer, not even to a repeat",
        |r| {
            let o = &r.outcomes;
            Some(o.sent.saturating_sub(o.acknowledged + o.refused) as f64)
        },
        Excuse::Starved,
        "see the server's log; each send must end in RECEIPT or an error",
    ),
    count(
        "sends.refused",
        "sends refused",
        |r| Some(r.outcomes.refused.saturating_sub(r.sends_limited) as f64),
        Excuse::Late,
        "see the error codes: not_accepted means overload",
    ),
    count(
        "sockets.disconnected",
        "sockets closed during the run",
        |r| Some(r.sockets.disconnected as f64),
        Excuse::Starved,
        "see the close codes, and the server's log",
    ),
    count(
        "history.unread",
        "conversations whose history could not be read",
        |r| Some(r.reconciled.unread as f64),
        Excuse::RateLimited,
        "see the errors; without history nothing is proved",
    ),
    scalar("server.cpu_us_per_msg", "server CPU per delivered message", Unit::Micros, |r| {
        r.server?.cpu_us_per_message
    }),
    scalar("generator.cpu_us_per_msg", "generator CPU per delivered message", Unit::Micros, |r| {
        r.generator.cpu_us_per_message
    }),
    metric("server.cpus", "CPUs that the server uses", Unit::Cpus, Source::Level(|p| p.server_cpus)),
    metric("generator.cpus", "CPUs that the generator uses", Unit::Cpus, Source::Level(|p| p.generator_cpus)),
    metric(
        "server.rss",
        "server memory",
        Unit::Bytes,
        Source::Level(|p| p.server_rss_bytes.map(|bytes| bytes as f64)),
    ),
    scalar("server.rss_peak", "server memory at most", Unit::Bytes, |r| {
        Some(r.server?.rss_peak_bytes as f64)
    }),
    Metric {
        fix: "find what a connection keeps: buffers, tasks, maps",
        ..scalar("server.rss_per_user", "server memory per user", Unit::Bytes, |r| {
            r.server?.rss_per_user_bytes
        })
    },
    scalar("generator.busy", "busiest generator thread", Unit::Percent, |r| Some(r.generator_busy * 100.0)),
    scalar("machine.steal", "CPU taken by other guests", Unit::Percent, |r| Some(r.steal * 100.0)),
];
