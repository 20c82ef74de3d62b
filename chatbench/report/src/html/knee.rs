//! A search: latency and cost against rate, where they turn up, and every step.

use super::chart::{Chart, Dot, Key, Label, percent};
use super::scale::{Scale, short};
use super::{page, summary, words};
use crate::model::{Search, SearchStep, Verdict};
use crate::search as found;
use schema::exit::Exit;
use serde::Serialize;

#[derive(Debug, Serialize)]
pub(super) struct Knee {
    class: &'static str,
    word: String,
    unit: &'static str,
    sentence: String,
    started: Option<String>,
    /// Rate of the run that is shown below.
    best: Option<String>,
    line: String,
    /// Charts, as HTML.
    charts: Vec<String>,
    /// A table, as HTML.
    steps: String,
}

/// A step as a row of the table.
#[derive(Debug, Serialize)]
struct Row {
    rate: String,
    kind: String,
    verdict: &'static str,
    class: &'static str,
    delivered: String,
    p50: String,
    p99: String,
    lag: String,
    server: String,
    generator: String,
    reasons: Vec<String>,
}

pub(super) fn title(search: &Search) -> String {
    match search.capacity {
        Some(rate) => format!("Capacity: {} msg/s · chatbench", words::number(rate)),
        None => format!("{} · chatbench search", headline(search).0),
    }
}

/// A word, its colour, and its unit: what is known, and no more.
fn headline(search: &Search) -> (String, &'static str, &'static str) {
    let held = |step: &SearchStep| step.verdict == Verdict::Pass;
    let (word, class) = match (found::left(search), search.capacity) {
        (Some(exit), _) if exit == u8::from(Exit::Incorrect) => ("Not correct", "fail"),
        (Some(exit), _) if exit == u8::from(Exit::Interrupted) => ("INTERRUPTED", "interrupted"),
        (Some(_), _) => ("Left before its end", "invalid"),
        (None, Some(capacity)) => return (words::number(capacity), "pass", "messages a second"),
        (None, None) if search.steps.iter().any(held) => ("No rate held twice", "invalid"),
        (None, None) if found::unknown(search) || found::starved(search) => ("INVALID", "invalid"),
        (None, None) => ("No rate held", "fail"),
    };
    (word.to_owned(), class, "")
}

pub(super) fn of(search: &Search) -> Knee {
    let (word, class, unit) = headline(search);
    Knee {
        class,
        word,
        unit,
        sentence: found::sentence(search),
        started: search.best.as_ref().map(|best| words::moment(&best.started)),
        best: search.best.as_ref().map(|best| words::number(best.rates.planned.round())),
        line: search.line.clone(),
        charts: [latency(search), cost(search)]
            .iter()
            .filter(|c| !c.shapes.is_empty())
            .map(page::chart)
            .collect(),
        steps: table(&search.steps, |step| summary::verdict(step.verdict)),
    }
}

/// Steps by rate.
fn sorted(search: &Search) -> Vec<&SearchStep> {
    let mut steps: Vec<_> = search.steps.iter().collect();
    steps.sort_by(|a, b| a.rate.total_cmp(&b.rate));
    steps
}

/// Of rates; the ceiling only where it is near.
fn rates(search: &Search) -> Scale {
    let most = search.steps.iter().map(|step| step.rate).fold(0.0, f64::max);
    Scale::linear([most].into_iter().chain(search.generator_ceiling.filter(|rate| *rate < most * 1.5)))
}

fn framed(mut chart: Chart, search: &Search, x: Scale) -> Chart {
    let label = |(index, tick): (usize, super::scale::Tick)| Label {
        minor: index % 2 == 1,
        ..Label::new(tick.at, short(tick.value))
    };
    chart.x = x.ticks().into_iter().enumerate().map(label).collect();
    "messages a second".clone_into(&mut chart.x_name);
    let marks = [(search.capacity, "capacity"), (search.generator_ceiling, "generator")];
    let near = |(rate, name): (Option<f64>, &str)| {
        let at = x.at(rate?);
        (at < 1.0).then(|| Label::new(at, name))
    };
    chart.marks = marks.into_iter().filter_map(near).collect();
    chart
}

fn latency(search: &Search) -> Chart {
    let steps = sorted(search);
    let x = rates(search);
    let y = Scale::log(steps.iter().flat_map(|s| [s.p50_ms, s.p99_ms, s.lag_p99_ms]));
    let mut chart = Chart::new("tall knee", "Delivery latency", "ms, by rate").scaled(y);
    chart.about = "Latency at each rate that was tried.".to_owned();
    let points = |of: fn(&SearchStep) -> f64| -> Vec<(f64, Option<f64>)> {
        steps.iter().map(|s| (x.at(s.rate), Some(of(s)).filter(|ms| *ms > 0.0).map(|ms| y.at(ms)))).collect()
    };
    chart.line("lag", "generator's own lag, p99", &points(|s| s.lag_p99_ms));
    chart.line("p99", "p99", &points(|s| s.p99_ms));
    chart.line("p50", "p50", &points(|s| s.p50_ms));
    let dot = |step: &&SearchStep| {
        let (verdict, class) = summary::verdict(step.verdict);
        Dot {
            x: percent(x.at(step.rate)),
            y: percent(y.at(step.p99_ms)),
            class: class.to_owned(),
            title: format!("{} msg/s: {verdict}, p99 {}", words::number(step.rate), words::ms(step.p99_ms)),
        }
    };
    chart.dots = steps.iter().filter(|s| s.p99_ms > 0.0).map(dot).collect();
    let seen = |class: &str| chart.dots.iter().any(|dot| dot.class == class);
    let verdicts = [("dot pass", "passed", seen("pass")), ("dot fail", "failed", seen("fail"))];
    let verdicts = verdicts.into_iter().chain([("dot invalid", "invalid", seen("invalid"))]);
    let keys: Vec<_> = verdicts.filter(|(.., seen)| *seen).collect();
    chart.keys.extend(keys.into_iter().map(|(class, name, _)| Key { class, name: name.to_owned() }));
    framed(chart, search, x)
}

fn cost(search: &Search) -> Chart {
    let steps = sorted(search);
    let x = rates(search);
    let both = steps.iter().flat_map(|s| [s.server_us_per_message, s.generator_us_per_message]);
    let y = Scale::linear(both.flatten());
    let mut chart = Chart::new("short knee", "CPU a message", "µs, by rate").scaled(y);
    chart.about = "CPU that a delivered message takes at each rate.".to_owned();
    let points = |of: fn(&SearchStep) -> Option<f64>| -> Vec<(f64, Option<f64>)> {
        steps.iter().map(|s| (x.at(s.rate), of(s).map(|us| y.at(us)))).collect()
    };
    chart.line("server", "server", &points(|s| s.server_us_per_message));
    chart.line("generator", "generator", &points(|s| s.generator_us_per_message));
    framed(chart, search, x)
}

/// A word for how a step came out, and its colour.
pub(super) type Outcome = fn(&SearchStep) -> (&'static str, &'static str);

/// Every step in the order of the runs, as HTML.
pub(super) fn table(steps: &[SearchStep], outcome: Outcome) -> String {
    #[derive(Serialize)]
    struct Table {
        rows: Vec<Row>,
    }
    page::fill("steps.html", &Table { rows: steps.iter().map(|step| row(step, outcome(step))).collect() })
}

fn row(step: &SearchStep, (verdict, class): (&'static str, &'static str)) -> Row {
    let number = |value: Option<f64>| value.map_or("–".to_owned(), words::measured);
    Row {
        rate: words::number(step.rate),
        kind: step.kind.clone(),
        verdict,
        class,
        delivered: words::number(step.delivered.round()),
        p50: words::measured(step.p50_ms),
        p99: words::measured(step.p99_ms),
        lag: words::measured(step.lag_p99_ms),
        server: number(step.server_us_per_message),
        generator: number(step.generator_us_per_message),
        reasons: step.reasons.clone(),
    }
}
