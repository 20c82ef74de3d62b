//! Everything else, in tables: latencies, the ledger, cost, the place, what was set.

use super::words;
use crate::model::{Environment, Report, Side};
use ledger::{Class, Figures};
use serde::Serialize;

#[derive(Debug, Serialize)]
pub(super) struct Tables {
    latencies: Vec<Latency>,
    flow: Vec<Pair>,
    classes: Vec<Violation>,
    /// What was said of violations, closes and refusals.
    words: Vec<String>,
    compared: String,
    uses: Vec<Use>,
    /// Some server process or generator knows what a user takes.
    per_user: bool,
    environment: Vec<Pair>,
    load: Vec<Pair>,
    phases: Vec<Pair>,
}

#[derive(Debug, Serialize)]
struct Latency {
    name: &'static str,
    about: &'static str,
    /// p50, p90, p99, p99.9, max.
    ms: [String; 5],
    count: String,
}

/// A name and a value.
#[derive(Debug, Serialize)]
pub(super) struct Pair {
    pub(super) name: String,
    pub(super) value: String,
    pub(super) bad: bool,
}

#[derive(Debug, Serialize)]
struct Violation {
    name: &'static str,
    about: &'static str,
    live: u64,
    history: u64,
}

#[derive(Debug, Serialize)]
struct Use {
    name: String,
    beside: String,
    cost: String,
    cpus: String,
    rss: String,
    peak: String,
    per_user: String,
    sum: bool,
}

pub(super) fn of(report: &Report) -> Tables {
    let uses = uses(report);
    Tables {
        latencies: latencies(report),
        flow: flow(report),
        classes: Class::ALL.into_iter().map(|class| violation(report, class)).collect(),
        words: said(report),
        compared: compared(report),
        per_user: uses.iter().any(|row| row.per_user != "–"),
        uses,
        environment: environment(&report.environment, Some(report.steal)),
        load: load(report),
        phases: phases(report),
    }
}

pub(super) fn pair(name: &str, value: impl Into<String>) -> Pair {
    Pair { name: name.to_owned(), value: value.into(), bad: false }
}

fn latencies(report: &Report) -> Vec<Latency> {
    let l = &report.latency;
    let rows = [
        ("Delivery", "planned send to receipt", Some(l.delivery)),
        ("Accept", "planned send to acknowledgement", Some(l.accept)),
        ("Schedule lag", "planned send to write: the generator's own part", Some(l.schedule_lag)),
        ("Seen", "planned send to the notice that it was seen", l.seen),
        ("Connect", "planned begin to subscribed", l.connect),
        ("Login", "the login call alone", l.login),
        ("Offline inbox", "first come to receipt of what was sent before", l.offline),
        ("Reconnect gap", "back again to receipt of what was sent meanwhile", l.gap),
        ("History", "request of a page to its last byte", l.history),
    ];
    let measured = rows.into_iter().filter_map(|(name, about, f)| Some((name, about, f?)));
    let row = |(name, about, f): (_, _, Figures)| Latency {
        name,
        about,
        ms: [f.p50_ms, f.p90_ms, f.p99_ms, f.p999_ms, f.max_ms].map(words::measured),
        count: words::count(f.count),
    };
    measured.filter(|(.., f)| f.count > 0).map(row).collect()
}

fn flow(report: &Report) -> Vec<Pair> {
    let o = &report.outcomes;
    let always = [("sent", o.sent), ("acknowledged", o.acknowledged), ("received live", o.received)];
    let odd = [
        ("refused", o.refused),
        ("undelivered at the end", o.undelivered),
        ("never written, socket gone", report.sockets.unsent),
        ("unanswered, settled by a repeat", o.settled_by_repeat),
        ("unanswered, found in history", o.ambiguous_stored),
        ("unanswered, not in history", o.ambiguous_absent),
        ("unanswered, not looked up", o.ambiguous_unchecked),
    ];
    let always = always.map(|(name, n)| pair(name, words::count(n)));
    let odd = odd.into_iter().filter(|(_, n)| *n > 0).map(|(name, n)| Pair {
        bad: matches!(name, "undelivered at the end" | "refused"),
        ..pair(name, words::count(n))
    });
    always.into_iter().chain(odd).collect()
}

fn violation(report: &Report, class: Class) -> Violation {
    let (name, about) = match class {
        Class::Lost => ("lost", "acknowledged or received, and gone"),
        Class::Duplicated => ("duplicated", "more than once"),
        Class::Reordered => ("reordered", "before one that was sent earlier"),
        Class::Corrupted => ("corrupted", "content that nobody wrote"),
        Class::Misdelivered => ("misdelivered", "with the wrong person"),
        Class::Phantom => ("phantom", "never sent, or refused, and there"),
        Class::Gap => ("sequence gaps", "a number missing or out of turn"),
    };
    let found = &report.violations;
    Violation { name, about, live: found.live.of(class), history: found.history.of(class) }
}

fn said(report: &Report) -> Vec<String> {
    let refusals = report.refusals.iter().map(|(code, n)| format!("{} refused: {code}", words::count(*n)));
    let sockets = &report.sockets;
    let words = report.violations.examples.iter().chain(&report.reconciled.errors);
    words.chain(&sockets.connect_errors).chain(&sockets.closes).cloned().chain(refusals).collect()
}

fn compared(report: &Report) -> String {
    let r = &report.reconciled;
    if r.compared == 0 {
        return "History was not compared.".to_owned();
    }
    let [compared, of, messages] = [r.compared, r.conversations, r.messages].map(words::count);
    let unread = match r.unread {
        0 => String::new(),
        n => format!("; {} could not be read", words::count(n)),
    };
    format!(
        "{compared} of {of} conversations were compared with history, {messages} messages in all{unread}."
    )
}

fn uses(report: &Report) -> Vec<Use> {
    let row = |name: String, beside: String, side: &Side, sum: bool| {
        let number = |value: Option<f64>| value.map_or("–".to_owned(), words::measured);
        Use {
            name,
            beside,
            cost: number(side.cpu_us_per_message),
            cpus: words::measured(side.cpus),
            rss: words::bytes(side.rss_bytes as f64),
            peak: words::bytes(side.rss_peak_bytes as f64),
            per_user: side.rss_per_user_bytes.map_or("–".to_owned(), words::bytes),
            sum,
        }
    };
    let mut rows = Vec::new();
    rows.extend(report.server.iter().map(|side| row("Server".to_owned(), String::new(), side, true)));
    if report.servers.len() > 1 {
        let each = report.servers.iter();
        let beside = |pid: Option<u32>| pid.map_or_else(String::new, |pid| format!("pid {pid}"));
        rows.extend(each.map(|p| row(p.name.clone(), beside(p.pid), &p.used, false)));
    }
    let busy = format!("busiest thread {}", words::percent(report.generator_busy));
    rows.push(row("Generator".to_owned(), busy, &report.generator, true));
    if report.workers.len() > 1 {
        rows.extend(report.workers.iter().map(|w| {
            let drift = w.clock_drift_us.map_or(String::new(), |us| format!(" (drifted {us:+} µs)"));
            let bound = match w.clock_bound_us {
                0 => String::new(),
                us => format!(", clock ± {us} µs{drift}"),
            };
            let users = words::count(u64::from(w.users));
            row(format!("worker on {}", w.host), format!("{users} users{bound}"), &w.used, false)
        }));
    }
    rows
}

/// The machine. `steal`: share of its time that other guests took, where that was watched.
pub(super) fn environment(e: &Environment, steal: Option<f64>) -> Vec<Pair> {
    const MIB: f64 = 1_048_576.0;
    let mib = |mib: u64| words::bytes(mib as f64 * MIB);
    let mut rows = vec![pair("CPUs", format!("{} · {}", e.cpus, e.cpu_model))];
    rows.extend(e.cpu_limit.map(|limit| pair("CPU limit", words::number(limit))));
    rows.extend(e.governor.as_ref().map(|governor| pair("governor", governor)));
    let limit = e.memory_limit_mib.map_or(String::new(), |limit| format!(", limited to {}", mib(limit)));
    rows.push(pair("memory", format!("{}{limit}", mib(e.memory_mib))));
    rows.push(pair("kernel", &e.kernel));
    rows.push(pair("clock", &e.clock_source));
    rows.push(pair("load before", words::number(e.load_before)));
    rows.extend(steal.map(|steal| pair("stolen by other guests", words::percent(steal))));
    rows.push(pair("open files", words::count(e.files)));
    rows.push(pair("local ports", words::count(u64::from(e.local_ports))));
    rows.push(pair("listen backlog", words::count(e.listen_backlog)));
    rows.push(pair("server runs", if e.co_located { "on this machine too" } else { "elsewhere" }));
    rows.extend(e.server.as_ref().map(|server| pair("server", server)));
    rows.push(pair("an acknowledgement means", &e.durability));
    rows.retain(|row| !row.value.is_empty());
    rows
}

fn load(report: &Report) -> Vec<Pair> {
    let l = &report.load;
    let model = if l.open { "open" } else { "closed: a slow server is asked less" };
    let mut rows = vec![
        pair("protocol", &l.protocol),
        pair("model", model),
        pair("arrivals", &l.arrivals),
        pair("pairing", &l.pairing),
        pair("message", format!("{} bytes", words::count(u64::from(report.message_bytes)))),
        pair("targets", l.targets.join(", ")),
        pair("seed", report.seed.to_string()),
        pair("run", &report.run),
    ];
    if report.sockets.reconnected > 0 {
        rows.push(pair("cut and connected again", words::count(report.sockets.reconnected)));
    }
    rows.extend(report.labels.iter().map(|(name, value)| pair(name, value)));
    rows.retain(|row| !row.value.is_empty());
    rows
}

fn phases(report: &Report) -> Vec<Pair> {
    let p = &report.phases;
    let all = [
        ("accounts", p.provision_s),
        ("connect", p.connect_s),
        ("warm-up", p.warmup_s),
        ("hold", p.hold_s),
        ("drain", p.drain_s),
        ("history", p.reconcile_s),
    ];
    all.into_iter().filter(|(_, s)| *s > 0.0).map(|(name, s)| pair(name, words::seconds(s))).collect()
}
