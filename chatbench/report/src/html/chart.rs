//! One chart: shapes in a box of 1000 by 1000 that is stretched to its place, and the words around it.

use super::scale::{Scale, short};
use serde::Serialize;
use std::fmt::Write;

/// Both sides of the box.
pub(super) const BOX: f64 = 1000.0;

/// What the template `chart.html` draws. Places are in per cent of the plot, from the left and from the bottom.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Chart {
    pub(super) class: &'static str,
    pub(super) title: String,
    pub(super) unit: String,
    /// What it shows, for who does not see it.
    pub(super) about: String,
    pub(super) keys: Vec<Key>,
    pub(super) x: Vec<Label>,
    /// What the x axis counts.
    pub(super) x_name: String,
    pub(super) y: Vec<Label>,
    pub(super) veils: Vec<Span>,
    pub(super) shapes: Vec<Shape>,
    pub(super) limits: Vec<Label>,
    pub(super) marks: Vec<Label>,
    pub(super) dots: Vec<Dot>,
}

/// A line of the legend; the class gives its colour.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Key {
    pub(super) class: &'static str,
    pub(super) name: String,
}

/// Words at a place of an axis.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Label {
    pub(super) at: f64,
    pub(super) text: String,
    /// Left out where there is little room.
    pub(super) minor: bool,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Span {
    pub(super) from: f64,
    pub(super) width: f64,
}

/// A path; the class gives colour and kind.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Shape {
    pub(super) class: String,
    pub(super) path: String,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Dot {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) class: String,
    pub(super) title: String,
}

impl Chart {
    /// An empty chart.
    pub(super) fn new(class: &'static str, title: &str, unit: &str) -> Self {
        Self { class, title: title.to_owned(), unit: unit.to_owned(), ..Self::default() }
    }

    /// Names the y axis.
    pub(super) fn scaled(mut self, y: Scale) -> Self {
        self.y = y.ticks().iter().map(|tick| Label::new(tick.at, short(tick.value))).collect();
        self
    }

    /// A line with its legend; empty ones are left out.
    pub(super) fn line(&mut self, class: &'static str, name: &str, points: &[(f64, Option<f64>)]) {
        let path = line(points);
        if !path.is_empty() {
            self.keys.push(Key { class, name: name.to_owned() });
            self.shapes.push(Shape { class: format!("line {class}"), path });
        }
    }

    /// The area below a line, without a legend of its own.
    pub(super) fn area(&mut self, class: &'static str, points: &[(f64, Option<f64>)]) {
        let path = area(points);
        if !path.is_empty() {
            self.shapes.push(Shape { class: format!("area {class}"), path });
        }
    }
}

impl Label {
    /// At a share of the axis.
    pub(super) fn new(share: f64, text: impl Into<String>) -> Self {
        Self { at: percent(share), text: text.into(), minor: false }
    }
}

impl Span {
    /// Between two shares of the axis.
    pub(super) fn new(from: f64, to: f64) -> Self {
        Self { from: percent(from), width: percent((to - from).max(0.0)) }
    }
}

/// A share in per cent, short enough for an attribute.
pub(super) fn percent(share: f64) -> f64 {
    (share * 10_000.0).round() / 100.0
}

/// A place in the box, short.
pub(super) fn place(share: f64) -> f64 {
    (share * BOX * 10.0).round() / 10.0
}

/// A line through points given as shares, broken where a value is missing; a lone point is a short dash.
fn line(points: &[(f64, Option<f64>)]) -> String {
    let mut out = String::new();
    for run in points.split(|(_, y)| y.is_none()) {
        let mut run = run.iter().filter_map(|(x, y)| Some((*x, (*y)?)));
        if let Some((x, y)) = run.next() {
            let _infallible = write!(out, "M{} {}h1", place(x), place(1.0 - y));
            for (x, y) in run {
                let _infallible = write!(out, "L{} {}", place(x), place(1.0 - y));
            }
        }
    }
    out
}

fn area(points: &[(f64, Option<f64>)]) -> String {
    let mut out = String::new();
    for run in points.split(|(_, y)| y.is_none()) {
        let (Some((first, _)), Some((last, _))) = (run.first(), run.last()) else { continue };
        let _infallible = write!(out, "M{} {BOX}", place(*first));
        for (x, y) in run.iter().filter_map(|(x, y)| Some((*x, (*y)?))) {
            let _infallible = write!(out, "L{} {}", place(x), place(1.0 - y));
        }
        let _infallible = write!(out, "L{} {BOX}Z", place(*last));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_breaks_where_nothing_was_measured() {
        let points = [(0.0, Some(0.0)), (0.5, Some(1.0)), (0.7, None), (1.0, Some(0.5))];
        assert_eq!(line(&points), "M0 1000h1L500 0M1000 500h1");
        assert_eq!(line(&[(0.0, None)]), "");
    }

    #[test]
    fn a_chart_leaves_out_what_has_no_values() {
        let mut chart = Chart::new("short", "CPU", "CPUs");
        chart.line("server", "server", &[(0.0, None)]);
        assert!(chart.keys.is_empty() && chart.shapes.is_empty());
    }
}
