//! The run second by second: the strips, what the phases were, what happened when, and the figures under the pointer.

use super::chart::{Label, Span, percent};
use super::columns::{Column, Columns};
use super::scale::step;
use super::{page, strips, words};
use crate::model::{MarkKind, Report};
use serde::Serialize;

/// Names on the time axis, about.
const NAMES: f64 = 8.0;
/// Shares of the axis below which a phase's name has no room: on a screen, on a phone.
const ROOM: f64 = 6.0;
const ROOM_ON_PHONE: f64 = 16.0;

#[derive(Debug, Serialize)]
pub(super) struct Timeline {
    /// Charts, as HTML.
    strips: Vec<String>,
    phases: Vec<Phase>,
    marks: Vec<Moment>,
    x: Vec<Label>,
    /// What a column is, where it is more than a second.
    step: Option<String>,
    /// For the readout under the pointer; JSON of numbers.
    data: String,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct Phase {
    name: String,
    from: f64,
    width: f64,
    named: bool,
    roomy: bool,
}

#[derive(Clone, Debug, Serialize)]
struct Moment {
    number: usize,
    at: f64,
    name: String,
    when: String,
}

/// None where the run left no seconds.
pub(super) fn of(report: &Report) -> Option<Timeline> {
    let columns = Columns::of(report);
    if columns.all.is_empty() {
        return None;
    }
    let phases = phases(report, columns.first_s + columns.length_s());
    let moments = moments(report, &columns);
    let mut charts = strips::of(report, &columns);
    for chart in &mut charts {
        chart.veils = veils(&phases, &columns);
        chart.marks =
            moments.iter().map(|m| Label { at: m.at, text: m.number.to_string(), minor: false }).collect();
    }
    Some(Timeline {
        strips: charts.iter().map(page::chart).collect(),
        phases: ribbon(&phases, &columns),
        marks: moments,
        x: axis(&columns),
        step: (columns.step_s > 1.0).then(|| words::seconds(columns.step_s)),
        data: data(&columns),
    })
}

/// Name, begin and end of each phase; the marks say when each but the ramp begins.
fn phases(report: &Report, end_s: f64) -> Vec<(String, f64, f64)> {
    let mut begins: Vec<_> = report.marks.iter().filter(|mark| mark.kind == MarkKind::Phase).collect();
    begins.sort_by_key(|mark| mark.at_s);
    let begins = begins.into_iter().map(|mark| (mark.name.clone(), f64::from(mark.at_s)));
    let begins: Vec<_> = std::iter::once(("ramp".to_owned(), 0.0)).chain(begins).collect();
    let ends = begins.iter().skip(1).map(|(_, begin)| *begin).chain([end_s]);
    let phases = begins.iter().zip(ends).map(|((name, begin), end)| (name.clone(), *begin, end));
    phases.filter(|(_, begin, end)| end > begin).collect()
}

fn ribbon(phases: &[(String, f64, f64)], columns: &Columns) -> Vec<Phase> {
    let placed = phases.iter().map(|(name, from, to)| (name, columns.share(*from), columns.share(*to)));
    placed
        .filter(|(_, from, to)| to > from)
        .map(|(name, from, to)| {
            let Span { from, width } = Span::new(from, to);
            Phase { name: name.clone(), from, width, named: width >= ROOM, roomy: width >= ROOM_ON_PHONE }
        })
        .collect()
}

/// Everything but the hold, which alone is judged.
fn veils(phases: &[(String, f64, f64)], columns: &Columns) -> Vec<Span> {
    let Some((_, from, to)) = phases.iter().find(|(name, ..)| name == "hold") else { return Vec::new() };
    let (from, to) = (columns.share(*from), columns.share(*to));
    let spans = [Span::new(0.0, from), Span::new(to, 1.0)];
    spans.into_iter().filter(|span| span.width > 0.0).collect()
}

fn moments(report: &Report, columns: &Columns) -> Vec<Moment> {
    let others = report.marks.iter().filter(|mark| mark.kind != MarkKind::Phase);
    let moment = |(index, mark): (usize, &crate::model::Mark)| Moment {
        number: index + 1,
        at: percent(columns.share(f64::from(mark.at_s))),
        name: mark.name.clone(),
        when: clock(f64::from(mark.at_s)),
    };
    others.enumerate().map(moment).collect()
}

fn axis(columns: &Columns) -> Vec<Label> {
    const NICE: [f64; 12] =
        [60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0, 14_400.0, 21_600.0, 43_200.0, 86_400.0];
    let length = columns.length_s();
    let least = length / NAMES;
    let every = if least <= 30.0 {
        step(least).max(1.0)
    } else {
        NICE.into_iter().find(|n| *n >= least).unwrap_or(least)
    };
    let first = (columns.first_s / every).ceil() as u64;
    let times = (first..).map(|n| n as f64 * every).take_while(|at| *at <= columns.first_s + length);
    let label = |(index, at): (usize, f64)| Label {
        minor: index % 2 == 1,
        ..Label::new(columns.share(at), clock(at))
    };
    times.enumerate().map(label).collect()
}

/// A moment of the run.
fn clock(at_s: f64) -> String {
    let s = at_s as u64;
    match (s / 3600, s / 60 % 60, s % 60) {
        (0, 0, s) => format!("{s} s"),
        (0, m, s) => format!("{m}:{s:02}"),
        (h, m, s) => format!("{h}:{m:02}:{s:02}"),
    }
}

/// One array for each figure of the readout.
fn data(columns: &Columns) -> String {
    #[derive(Serialize)]
    struct Data<'a> {
        first: f64,
        step: f64,
        rows: Vec<(&'a str, &'a str, Vec<Option<f64>>)>,
    }
    type Of = fn(&Column) -> Option<f64>;
    let figures: [(&str, &str, Of); 8] = [
        ("delivered", "/s", |c| c.delivered),
        ("planned", "/s", |c| c.planned),
        ("p50", " ms", |c| c.p50),
        ("p99", " ms", |c| c.p99),
        ("max", " ms", |c| c.max),
        ("connected", "", |c| c.connected),
        ("server", " CPUs", |c| c.server_cpus),
        ("generator", " CPUs", |c| c.generator_cpus),
    ];
    let round = |value: f64| (value * 100.0).round() / 100.0;
    let row = |(name, unit, of): (&'static str, &'static str, Of)| {
        (name, unit, columns.all.iter().map(|c| of(c).map(round)).collect())
    };
    let data = Data { first: columns.first_s, step: columns.step_s, rows: figures.map(row).to_vec() };
    serde_json::to_string(&data).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::html::fixture;

    #[test]
    fn phases_fill_the_ribbon_and_only_the_hold_is_bright() {
        let report = fixture::passed();
        let timeline = of(&report).unwrap();
        let names: Vec<_> = timeline.phases.iter().map(|phase| phase.name.as_str()).collect();
        assert_eq!(names, ["ramp", "warm-up", "hold", "drain"]);
        let columns = Columns::of(&report);
        let dark: f64 =
            veils(&phases(&report, columns.length_s()), &columns).iter().map(|veil| veil.width).sum();
        let hold = &timeline.phases[2];
        assert!((dark + hold.width - 100.0).abs() < 0.1, "{dark} {}", hold.width);
    }

    #[test]
    fn the_axis_has_round_times() {
        let texts = |s: f64| {
            let columns = Columns { first_s: 0.0, step_s: s, all: vec![Column::default()] };
            axis(&columns).into_iter().map(|label| label.text).collect::<Vec<_>>()
        };
        assert_eq!(texts(78.0), ["0 s", "10 s", "20 s", "30 s", "40 s", "50 s", "1:00", "1:10"]);
        assert_eq!(texts(7200.0)[..3], ["0 s", "15:00", "30:00"]);
    }
}
