//! The heat map: deliveries by second and by latency.

use super::chart::{BOX, Chart, Key, Label, Shape, place};
use super::columns::Columns;
use super::scale::short;
use crate::model::Heat;
use std::fmt::Write;

/// Shades; the count of the fullest cell has the last.
const SHADES: usize = 7;
/// Rows between two names of the axis, at least.
const NAMES: usize = 5;

/// None where nothing was delivered.
pub(super) fn of(heat: &Heat, columns: &Columns) -> Option<Chart> {
    let filled = |row: &usize| columns.all.iter().any(|column| column.heat.get(*row).is_some_and(|n| *n > 0));
    let rows = columns.all.iter().map(|column| column.heat.len()).max()?;
    let first = (0..rows).find(filled)?;
    let last = (0..rows).rev().find(filled)?;
    // A row of air on both sides.
    let (first, last) = (first.saturating_sub(1), (last + 1).min(rows - 1));
    let most = columns.all.iter().flat_map(|column| column.heat.iter().copied()).max()?;
    let mut chart = Chart::new("heat tall", "Deliveries by latency", "ms");
    chart.about = "How many messages arrived in each second with each latency.".to_owned();
    chart.y = names(heat, first, last);
    chart.shapes = shapes(columns, first, last, most);
    chart.keys = vec![Key { class: "shades", name: format!("1 to {} in a cell", super::words::count(most)) }];
    Some(chart)
}

/// Upper bounds of some rows, at their upper edges.
fn names(heat: &Heat, first: usize, last: usize) -> Vec<Label> {
    let rows = last - first + 1;
    let every = rows.div_ceil(NAMES).max(1);
    let bounds = heat.bounds_ms.iter().enumerate().skip(first).take(rows);
    let label = |(row, bound): (usize, &f64)| {
        Label::new((row - first + 1) as f64 / rows as f64, short(two_digits(*bound)))
    };
    bounds.skip(every.saturating_sub(1)).step_by(every).map(label).collect()
}

fn two_digits(value: f64) -> f64 {
    if value <= 0.0 {
        return 0.0;
    }
    let power = 10_f64.powf(value.log10().floor() - 1.0);
    (value / power).round() * power
}

/// One path for each shade; neighbours in a row are drawn together.
fn shapes(columns: &Columns, first: usize, last: usize, most: u64) -> Vec<Shape> {
    let height = BOX / (last - first + 1) as f64;
    // Rounded at both ends, so that neighbours meet.
    let edge = |index: usize| place(index as f64 / columns.all.len() as f64);
    let mut paths = vec![String::new(); SHADES];
    for row in first..=last {
        let shade =
            |index: usize| columns.all.get(index).and_then(|c| c.heat.get(row)).and_then(|n| shade(*n, most));
        let mut begin = 0;
        for index in 0..columns.all.len() {
            if shade(index) == shade(index + 1) && index + 1 < columns.all.len() {
                continue;
            }
            if let Some(shade) = shade(begin) {
                let (x, y) = (edge(begin), BOX - (row - first + 1) as f64 * height);
                let long = edge(index + 1) - x;
                let _infallible = write!(paths[shade], "M{x:.1} {y:.1}h{long:.1}v{height:.1}h-{long:.1}z");
            }
            begin = index + 1;
        }
    }
    let shape = |(shade, path): (usize, String)| Shape { class: format!("cell s{shade}"), path };
    paths.into_iter().enumerate().filter(|(_, path)| !path.is_empty()).map(shape).collect()
}

/// By the logarithm, so that a single late message is still seen.
fn shade(count: u64, most: u64) -> Option<usize> {
    let share = |n: u64| (n as f64).ln_1p();
    (count > 0).then(|| ((share(count) / share(most) * SHADES as f64) as usize).min(SHADES - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_late_message_is_seen_beside_many() {
        assert_eq!(shade(0, 10_000), None);
        assert_eq!(shade(1, 10_000), Some(0));
        assert_eq!(shade(10_000, 10_000), Some(SHADES - 1));
    }
}
