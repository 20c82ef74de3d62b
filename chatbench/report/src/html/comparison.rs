//! A comparison: what it says in a word, each figure as two dots on one axis, and every run.

use super::chart::{Label, Span, percent};
use super::scale::Scale;
use super::{summary, words};
use crate::compare::{Comparison, Difference, Repeat, Side, Word, foot};
use serde::Serialize;

/// Least width of an axis, as a share of what is on it: what is alike is to look alike.
const LEAST: f64 = 0.1;
/// Room on both ends of an axis, as a share of its width.
const ROOM: f64 = 0.08;
/// Highest value by lowest above which an axis has powers of ten: intervals are as wide upwards as downwards by ratio.
const FAR: f64 = 5.0;

/// What the template `compare.html` shows.
#[derive(Debug, Serialize)]
pub(super) struct Page {
    word: &'static str,
    class: &'static str,
    started: Option<String>,
    sentence: String,
    sides: Vec<Named>,
    caveats: Vec<String>,
    figures: Vec<Figure>,
    foot: String,
    repeats: Vec<Row>,
    line: String,
}

#[derive(Debug, Serialize)]
struct Named {
    letter: &'static str,
    class: &'static str,
    name: String,
    runs: String,
}

#[derive(Debug, Serialize)]
struct Figure {
    name: String,
    unit: String,
    words: String,
    /// Better or worse, where one of them.
    badge: Option<&'static str>,
    class: &'static str,
    /// What it shows, for who does not see it.
    about: String,
    lanes: Vec<Lane>,
    ticks: Vec<Label>,
}

/// One side of a figure; places in per cent of the axis.
#[derive(Debug, Serialize)]
struct Lane {
    letter: &'static str,
    class: &'static str,
    value: String,
    mean: f64,
    bar: Option<Span>,
    runs: Vec<f64>,
}

#[derive(Debug, Serialize)]
struct Row {
    number: usize,
    letter: &'static str,
    class: &'static str,
    verdict: &'static str,
    verdict_class: &'static str,
    values: Vec<String>,
}

pub(super) fn title(comparison: &Comparison) -> String {
    format!("{} · chatbench compare", word(comparison).0)
}

pub(super) fn of(comparison: &Comparison) -> Page {
    let (word, class) = word(comparison);
    let (a, b) = comparison.runs;
    let sides = [(Side::A, &comparison.sides.0, a), (Side::B, &comparison.sides.1, b)];
    Page {
        word,
        class,
        started: comparison.repeats.iter().map(|run| &run.started).min().map(|at| words::moment(at)),
        sentence: sentence(comparison),
        sides: sides.map(|(side, name, runs)| named(side, name, runs)).into(),
        caveats: comparison.caveats.clone(),
        figures: comparison.figures.iter().enumerate().map(|(n, one)| figure(comparison, n, one)).collect(),
        foot: foot(comparison),
        repeats: rows(comparison),
        line: comparison.line.clone(),
    }
}

fn letter(side: Side) -> (&'static str, &'static str) {
    match side {
        Side::A => ("A", "a"),
        Side::B => ("B", "b"),
    }
}

fn named(side: Side, name: &str, runs: usize) -> Named {
    let (letter, class) = letter(side);
    let runs = if runs == 1 { "1 run".to_owned() } else { format!("{runs} runs") };
    Named { letter, class, name: name.to_owned(), runs }
}

fn word(comparison: &Comparison) -> (&'static str, &'static str) {
    match comparison.word() {
        Word::Incorrect => ("Not correct", "fail"),
        Word::Invalid => ("INVALID", "invalid"),
        Word::BetterAndWorse => ("Better and worse", "fail"),
        Word::Worse => ("B is worse", "fail"),
        Word::Better => ("B is better", "pass"),
        Word::Same => ("No difference seen", "pass"),
        Word::Unknown => ("Too little to say", "invalid"),
    }
}

fn sentence(comparison: &Comparison) -> String {
    let said = |better: bool| {
        let those = comparison.figures.iter().filter(|figure| figure.better == Some(better));
        let each = those.map(|figure| format!("{}, {}", figure.name, figure.words.replacen("B is ", "", 1)));
        each.collect::<Vec<_>>().join("; ")
    };
    let (worse, better) = (said(false), said(true));
    let mut text = match (worse.is_empty(), better.is_empty()) {
        (true, true) => "Whatever the two differ in is less than runs differ among themselves.".to_owned(),
        (false, true) => format!("B is worse in {worse}."),
        (true, false) => format!("B is better in {better}."),
        (false, false) => format!("B is worse in {worse}. It is better in {better}."),
    };
    match comparison.word() {
        Word::Incorrect => {
            "Messages were lost, doubled or changed: no figure makes up for that.".clone_into(&mut text);
        }
        Word::Invalid => {
            "The generator or the machine was the limit of most runs of a side, or too few are left: \
                          nothing is said about the server."
                .clone_into(&mut text)
        }
        Word::Unknown => {
            "With fewer than two runs of a side nobody knows how much runs differ among themselves."
                .clone_into(&mut text);
        }
        Word::Same | Word::Better | Word::Worse | Word::BetterAndWorse => {}
    }
    text
}

fn figure(comparison: &Comparison, place: usize, one: &Difference) -> Figure {
    let runs = |side| -> Vec<f64> {
        let own = comparison.repeats.iter().filter(|run| run.side == side && run.counts());
        own.filter_map(|run| run.values.get(place).copied().flatten()).collect()
    };
    let sides = [(Side::A, one.a, one.a_interval), (Side::B, one.b, one.b_interval)];
    let intervals = sides.iter().filter_map(|(_, _, interval)| *interval).flat_map(|(low, high)| [low, high]);
    let means = sides.iter().filter_map(|(_, mean, _)| *mean);
    let scale = axis(means.chain(intervals).chain(runs(Side::A)).chain(runs(Side::B)));
    let lane = |(side, mean, interval): (Side, Option<f64>, Option<(f64, f64)>)| {
        let (letter, class) = letter(side);
        let (mean, place) = (mean?, |value: f64| percent(scale.at(value)));
        Some(Lane {
            letter,
            class,
            value: words::measured(mean),
            mean: place(mean),
            bar: interval.map(|(low, high)| Span::new(scale.at(low), scale.at(high))),
            runs: runs(side).into_iter().map(place).collect(),
        })
    };
    let lanes: Option<Vec<Lane>> = sides.map(lane).into_iter().collect();
    let (badge, class) = match one.better {
        Some(true) => (Some("better"), "pass"),
        Some(false) => (Some("worse"), "fail"),
        None => (None, "unknown"),
    };
    Figure {
        name: one.name.clone(),
        unit: one.unit.clone(),
        words: one.words.clone(),
        badge,
        class,
        about: format!("{} of A and of B: {}", one.name, one.words),
        lanes: lanes.unwrap_or_default(),
        ticks: scale.wide(),
    }
}

/// Around all values, and not from zero: it shows a difference, not a size.
fn axis(values: impl Iterator<Item = f64>) -> Scale {
    let finite = values.filter(|value| value.is_finite());
    let (low, high) = finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
    if low > high {
        return Scale::Linear { low: 0.0, high: 1.0 };
    }
    if low > 0.0 && high > FAR * low {
        return Scale::log([low, high]);
    }
    let missing = (LEAST * (low + high) / 2.0 - (high - low)).max(0.0) / 2.0;
    let room = ((high - low + 2.0 * missing) * ROOM).max(f64::MIN_POSITIVE) + missing;
    Scale::Linear { low: low - room, high: high + room }
}

/// Runs in pairs, as they were made.
fn rows(comparison: &Comparison) -> Vec<Row> {
    let of = |side| comparison.repeats.iter().filter(move |run| run.side == side).enumerate();
    let mut runs: Vec<(usize, &Repeat)> = of(Side::A).chain(of(Side::B)).collect();
    runs.sort_by_key(|(number, _)| *number);
    let row = |(number, run): (usize, &Repeat)| {
        let (letter, class) = letter(run.side);
        let (verdict, verdict_class) = summary::verdict(run.verdict);
        let value = |value: &Option<f64>| value.map_or("–".to_owned(), words::measured);
        Row {
            number: number + 1,
            letter,
            class,
            verdict,
            verdict_class,
            values: run.values.iter().map(value).collect(),
        }
    };
    runs.into_iter().map(row).collect()
}
