//! A calibration: the ceiling of the generator itself, how it was found, and what an idle user costs.

use super::chart::{Chart, Dot, Key, percent};
use super::scale::Scale;
use super::summary::Figure;
use super::tables::{Pair, environment, pair};
use super::{knee, page, words};
use crate::calibration::{Calibration, Ceiling, Idle};
use crate::model::SearchStep;
use serde::Serialize;

/// What the template `calibrate.html` shows.
#[derive(Debug, Serialize)]
pub(super) struct Page {
    class: &'static str,
    word: String,
    unit: &'static str,
    sentence: String,
    figures: Vec<Figure>,
    /// Charts, as HTML.
    charts: Vec<String>,
    idle: Vec<Pair>,
    paths: Vec<Steps>,
    load: Vec<Pair>,
    environment: Vec<Pair>,
    line: String,
}

#[derive(Debug, Serialize)]
struct Steps {
    name: &'static str,
    about: &'static str,
    /// A table, as HTML.
    steps: String,
}

/// How the null server was spoken to: its name, what that is, its colour.
struct Path<'a> {
    name: &'static str,
    about: &'static str,
    class: &'static str,
    ceiling: &'a Ceiling,
}

fn paths(calibration: &Calibration) -> Vec<Path<'_>> {
    let stomp = calibration.stomp.iter().map(|ceiling| Path {
        name: "chatd's frames",
        about: "as in a run against chatd, with an answer to every send",
        class: "delivered",
        ceiling,
    });
    let relay = calibration.relay.iter().map(|ceiling| Path {
        name: "bare relay",
        about: "the least that a message can be: sent, passed on, received",
        class: "p99",
        ceiling,
    });
    stomp.chain(relay).collect()
}

pub(super) fn title(calibration: &Calibration) -> String {
    let (word, unit, _) = headline(calibration);
    format!("{word} {unit} · chatbench calibrate")
}

pub(super) fn of(calibration: &Calibration) -> Page {
    let (word, unit, sentence) = headline(calibration);
    let paths = paths(calibration);
    let charts = [delivered(&paths), lag(&paths), cost(&paths)];
    let steps = |path: &Path<'_>| Steps {
        name: path.name,
        about: path.about,
        steps: knee::table(&path.ceiling.steps, outcome),
    };
    Page {
        class: if calibration.complete() { "pass" } else { "invalid" },
        word,
        unit,
        sentence,
        figures: figures(calibration),
        charts: charts.iter().filter(|chart| !chart.shapes.is_empty()).map(page::chart).collect(),
        idle: calibration.idle.as_ref().map(idle).unwrap_or_default(),
        paths: paths.iter().map(steps).collect(),
        load: vec![
            pair("users who send", words::count(u64::from(calibration.users))),
            pair("message", format!("{} bytes", words::count(u64::from(calibration.message_bytes)))),
            pair("threads of a process", calibration.threads.to_string()),
            pair("chatbench", &calibration.chatbench),
        ],
        environment: environment(&calibration.environment, None),
        line: calibration.line.clone(),
    }
}

/// The figure that is asked for first, its unit, and what it means.
fn headline(calibration: &Calibration) -> (String, &'static str, String) {
    let missing = calibration.idle.as_ref().filter(|idle| idle.connected < u64::from(idle.asked));
    let missing = missing.map_or(String::new(), |idle| {
        let [held, asked] = [idle.connected, idle.asked.into()].map(words::count);
        format!(" Only {held} of {asked} idle users were connected.")
    });
    let beyond = format!("A run that needs more than this measures the generator.{missing}");
    if let Some(rate) = calibration.stomp.as_ref().and_then(|stomp| stomp.rate) {
        let relay = calibration.relay.as_ref().and_then(|relay| relay.rate);
        let relay =
            relay.map_or(String::new(), |rate| format!(" Over a bare relay it is {}.", words::number(rate)));
        let text = format!(
            "So much the generator sends, receives and checks on this machine, in chatd's frames, beside a server that does \
             next to nothing.{relay} {beyond}"
        );
        return (words::number(rate), "messages a second", text);
    }
    if let Some(stomp) = &calibration.stomp {
        let text = format!(
            "In chatd's frames {}. A rate holds when its run passes and nothing is found against the measurement.",
            stomp.nothing()
        );
        return ("Nothing held twice".to_owned(), "", text);
    }
    let idle = calibration.idle.as_ref();
    let held = idle.map_or(0, |idle| idle.connected);
    let text = format!("So many were connected and held. {beyond}");
    (words::count(held), "idle users", text)
}

fn figures(calibration: &Calibration) -> Vec<Figure> {
    let mut all = Vec::new();
    for path in paths(calibration) {
        let above = path.ceiling.above.map(|above| format!("{} did not hold", words::number(above)));
        let name = if path.class == "delivered" { "Ceiling, chatd" } else { "Ceiling, relay" };
        let rate = path.ceiling.rate.map_or("none".to_owned(), words::number);
        let beside = above.unwrap_or_default();
        all.push(Figure { bad: path.ceiling.rate.is_none(), ..Figure::new(name, rate, "msg/s", beside) });
    }
    if let Some(stomp) = calibration.stomp.as_ref().filter(|stomp| stomp.rate.is_some()) {
        let us = |us: Option<f64>| us.map_or("–".to_owned(), words::measured);
        let beside = format!("null server {} µs", us(stomp.server_us_per_message));
        all.push(Figure::new("CPU a message", us(stomp.generator_us_per_message), "µs", beside));
        let beside = "of its own, at the ceiling".to_owned();
        all.push(Figure::new("Lag p99", us(stomp.lag_p99_ms), "ms", beside));
    }
    if let Some(idle) = &calibration.idle {
        let value = idle.bytes_per_user.map_or("–".to_owned(), words::bytes);
        let (value, unit) =
            value.rsplit_once(' ').map_or((value.as_str(), ""), |(value, unit)| (value, unit));
        let beside = "of the generator's memory".to_owned();
        all.push(Figure::new("An idle user", value.to_owned(), unit, beside));
        let beside = "made, upgraded, subscribed".to_owned();
        all.push(Figure::new("Connects", words::number(idle.connects_per_s.round()), "/s", beside));
    }
    all
}

fn idle(idle: &Idle) -> Vec<Pair> {
    let short = idle.connected < u64::from(idle.asked);
    let connected = format!("{} of {}", words::count(idle.connected), words::count(u64::from(idle.asked)));
    let mut rows = vec![
        Pair { bad: short, ..pair("connected", connected) },
        pair("worker processes", idle.workers.to_string()),
        pair("connects a second", words::number(idle.connects_per_s.round())),
        pair("user-space memory each", idle.bytes_per_user.map_or("–".to_owned(), words::bytes)),
        pair("CPUs to hold them", words::measured(idle.generator_cpus)),
    ];
    rows.extend(
        idle.room.map(|room| pair("free memory has room for", format!("{} users", words::count(room)))),
    );
    rows.extend(idle.error.as_ref().map(|error| Pair { bad: true, ..pair("first error", error) }));
    rows
}

/// By planned rate.
fn sorted<'a>(path: &Path<'a>) -> Vec<&'a SearchStep> {
    let mut steps: Vec<_> = path.ceiling.steps.iter().collect();
    steps.sort_by(|a, b| a.rate.total_cmp(&b.rate));
    steps
}

/// One line a path over the rates that were tried, and a dot a step.
fn chart(mut chart: Chart, paths: &[Path<'_>], y: Scale, of: fn(&SearchStep) -> Option<f64>) -> Chart {
    let x = Scale::linear(paths.iter().flat_map(sorted).map(|step| step.rate));
    for path in paths {
        let steps = sorted(path);
        // Rates that were tried again are a dot each, and the line goes through their mean.
        let points = steps.chunk_by(|a, b| a.rate == b.rate).map(|again| {
            let values: Vec<f64> = again.iter().filter_map(|step| of(step)).collect();
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            (x.at(again[0].rate), (!values.is_empty()).then(|| y.at(mean)))
        });
        chart.line(path.class, path.name, &points.collect::<Vec<_>>());
        chart.dots.extend(steps.iter().filter_map(|step| {
            let (held, class) = outcome(step);
            Some(Dot {
                x: percent(x.at(step.rate)),
                y: percent(y.at(of(step)?)),
                class: class.to_owned(),
                title: format!("{}, {} msg/s: {held}", path.name, words::number(step.rate)),
            })
        }));
    }
    let seen = |class: &str| chart.dots.iter().any(|dot| dot.class == class);
    let keys = [("dot pass", "held", seen("pass")), ("dot invalid", "did not hold", seen("invalid"))];
    let keys = keys.into_iter().filter(|(.., seen)| *seen);
    chart.keys.extend(keys.map(|(class, name, _)| Key { class, name: name.to_owned() }).collect::<Vec<_>>());
    chart.x = x.wide();
    "messages a second, as planned".clone_into(&mut chart.x_name);
    chart
}

/// A step speaks for the generator when it passed, and nothing was found against it.
fn outcome(step: &SearchStep) -> (&'static str, &'static str) {
    match step.held() {
        true => ("held", "pass"),
        false => ("did not hold", "invalid"),
    }
}

fn delivered(paths: &[Path<'_>]) -> Chart {
    let steps = || paths.iter().flat_map(sorted);
    let (x, y) = (Scale::linear(steps().map(|step| step.rate)), Scale::linear(steps().map(|step| step.rate)));
    let mut blank = Chart::new("tall ceiling", "Delivered", "msg/s, by planned rate").scaled(y);
    blank.about = "What arrived at each rate that was planned.".to_owned();
    let most = steps().map(|step| step.rate).fold(0.0, f64::max);
    if most > 0.0 {
        blank.line("planned", "as planned", &[(0.0, Some(0.0)), (x.at(most), Some(y.at(most)))]);
    }
    chart(blank, paths, y, |step| Some(step.delivered))
}

fn lag(paths: &[Path<'_>]) -> Chart {
    let y = Scale::log(paths.iter().flat_map(sorted).map(|step| step.lag_p99_ms));
    let mut blank = Chart::new("tall ceiling", "Schedule lag p99", "ms, planned send to write").scaled(y);
    blank.about = "How late the generator itself was at each rate.".to_owned();
    chart(blank, paths, y, |step| Some(step.lag_p99_ms).filter(|ms| *ms > 0.0))
}

fn cost(paths: &[Path<'_>]) -> Chart {
    let of: fn(&SearchStep) -> Option<f64> = |step| step.generator_us_per_message;
    let y = Scale::linear(paths.iter().flat_map(sorted).filter_map(of));
    let mut blank = Chart::new("short ceiling", "CPU a message", "µs of the generator").scaled(y);
    blank.about = "CPU that the generator takes for a delivered message at each rate.".to_owned();
    chart(blank, paths, y, of)
}
