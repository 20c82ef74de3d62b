//! The top of the page: the verdict in a word, the run in a sentence, the figures that people ask for first.

use super::words;
use crate::model::{Reason, Reconciled, Report, Verdict};
use serde::Serialize;

#[derive(Debug, Serialize)]
pub(super) struct Summary {
    verdict: &'static str,
    /// Gives the colour.
    class: &'static str,
    exit: u8,
    scenario: String,
    started: String,
    sentence: String,
    reasons: Vec<Reason>,
    findings: Vec<Reason>,
    interrupted: bool,
    figures: Vec<Figure>,
}

/// A number to be seen from afar.
#[derive(Debug, Serialize)]
pub(super) struct Figure {
    pub(super) name: &'static str,
    pub(super) value: String,
    pub(super) unit: String,
    /// What it is to be read against.
    pub(super) beside: String,
    pub(super) bad: bool,
}

impl Figure {
    pub(super) fn new(name: &'static str, value: String, unit: &str, beside: String) -> Self {
        Self { name, value, unit: unit.to_owned(), beside, bad: false }
    }
}

pub(super) fn of(report: &Report) -> Summary {
    let (verdict, class) = verdict(report.verdict);
    Summary {
        verdict,
        class,
        exit: report.exit,
        scenario: scenario(report),
        started: words::moment(&report.started),
        sentence: sentence(report),
        reasons: report.reasons.clone(),
        findings: report.findings.clone(),
        interrupted: report.interrupted,
        figures: figures(report),
    }
}

pub(super) fn title(report: &Report) -> String {
    format!("{} · {} · chatbench", verdict(report.verdict).0, scenario(report))
}

pub(super) fn verdict(verdict: Verdict) -> (&'static str, &'static str) {
    match verdict {
        Verdict::Pass => ("PASS", "pass"),
        Verdict::Fail => ("FAIL", "fail"),
        Verdict::Invalid => ("INVALID", "invalid"),
        Verdict::Interrupted => ("INTERRUPTED", "interrupted"),
    }
}

fn scenario(report: &Report) -> String {
    report.scenario.clone().unwrap_or_else(|| "run".to_owned())
}

fn sentence(report: &Report) -> String {
    let time = words::seconds(report.duration_s);
    if report.rates.planned <= 0.0 {
        let connected = words::count(report.connected);
        return format!("{connected} users were connected and sent nothing for {time}.");
    }
    let users = words::count(u64::from(report.users));
    let rate = words::number(report.rates.planned.round());
    let how = if report.load.open { "were to send" } else { "sent" };
    let mut text = format!("{users} users {how} {rate} messages a second for {time}");
    let delivery = &report.latency.delivery;
    if delivery.count > 0 {
        let p99 = words::ms(delivery.p99_ms);
        text.push_str(&format!("; 99 % of what arrived did so within {p99} of its planned time"));
    }
    text.push('.');
    let late = report.outcomes.undelivered;
    if late > 0 {
        text.push_str(&format!(" {} had not arrived by the end.", words::count(late)));
        return text;
    }
    let Reconciled { compared, conversations, .. } = report.reconciled;
    match (report.violations.total, compared) {
        (0, 0) => text.push_str(" Nothing seen on the sockets was lost, doubled or out of order."),
        (0, compared) if compared >= conversations => {
            text.push_str(" Nothing was lost, doubled or out of order, on the sockets or in history.");
        }
        (0, compared) => text.push_str(&format!(
            " Nothing was lost, doubled or out of order, on the sockets or in the history of the {} conversations compared, \
             of {}.",
            words::count(compared),
            words::count(conversations)
        )),
        _ => {}
    }
    text
}

fn figures(report: &Report) -> Vec<Figure> {
    let (rates, delivery) = (&report.rates, &report.latency.delivery);
    let mut all = Vec::new();
    if rates.planned > 0.0 {
        let beside = format!("of {} planned", words::number(rates.planned.round()));
        all.push(Figure::new("Delivered", words::number(rates.delivered.round()), "msg/s", beside));
    }
    if delivery.count > 0 {
        let beside =
            format!("p50 {} · max {}", words::number(delivery.p50_ms), words::number(delivery.max_ms));
        all.push(Figure::new("Delivery p99", words::number(delivery.p99_ms), "ms", beside));
        let beside = format!("of {} messages", words::count(delivery.count));
        all.push(Figure::new("Delivery p99.9", words::number(delivery.p999_ms), "ms", beside));
    }
    let beside = format!("of {}", words::count(u64::from(report.users)));
    all.push(Figure {
        bad: report.connected < u64::from(report.users),
        ..Figure::new("Connected", words::count(report.connected), "users", beside)
    });
    let compared = match report.reconciled.compared {
        0 => "live only".to_owned(),
        _ => "live and in history".to_owned(),
    };
    let total = report.violations.total;
    all.push(Figure { bad: total > 0, ..Figure::new("Violations", words::count(total), "", compared) });
    if let Some(cost) = report.server.and_then(|server| server.cpu_us_per_message) {
        let beside = "CPU a message".to_owned();
        all.push(Figure::new("Server cost", words::number(cost), "µs", beside));
    }
    all
}
