//! Gates and workers of the picture, in pages.

use super::Worker;
use ratatui::style::{Color, Stylize};
use ratatui::text::{Line, Span};
use report::html::words;
use report::model::{GateOutcome, GateResult};

/// Lines of a page, at most.
const LINES: usize = 8;
/// Columns of a gate's bar.
const BAR: usize = 16;

/// What is judged, and who generates; one page of it is shown.
#[derive(Debug, Default)]
pub(super) struct Panel {
    pub(super) gates: Vec<GateResult>,
    pub(super) workers: Vec<Worker>,
    page: usize,
}

impl Panel {
    /// Gates of which something is known; the rest is judged at the end.
    fn known(&self) -> Vec<&GateResult> {
        self.gates.iter().filter(|gate| gate.value.is_some()).collect()
    }

    /// Those of gates, always one, and those of workers: a single one says nothing that is not shown anyway.
    fn parts(&self) -> (usize, usize) {
        let workers = if self.workers.len() > 1 { self.workers.len().div_ceil(LINES) } else { 0 };
        (self.known().len().div_ceil(LINES).max(1), workers)
    }

    pub(super) fn pages(&self) -> usize {
        let (gates, workers) = self.parts();
        gates + workers
    }

    /// To the next page, or the one before, and round.
    pub(super) fn turn(&mut self, forward: bool) {
        let pages = self.pages();
        self.page = (self.page.min(pages - 1) + if forward { 1 } else { pages - 1 }) % pages;
    }

    /// The page that is shown.
    pub(super) fn lines(&self) -> Vec<Line<'_>> {
        let (gates, workers) = self.parts();
        let page = self.page.min(gates + workers - 1);
        let mut lines: Vec<Line<'_>> = if page < gates {
            self.known().into_iter().skip(page * LINES).take(LINES).map(gate_line).collect()
        } else {
            let from = (page - gates) * LINES;
            let some = self.workers.iter().enumerate().skip(from).take(LINES);
            some.map(|(n, worker)| worker_line(n + 1, worker)).collect()
        };
        let rest = self.gates.len() - self.known().len();
        let mut foot = Vec::new();
        if page + 1 == gates && rest > 0 {
            foot.push(format!("{rest} more gates are judged at the end"));
        }
        if gates + workers > 1 {
            let what = if page < gates { "gates" } else { "workers" };
            foot.push(format!("{what}, page {} of {}", page + 1, gates + workers));
        }
        if !foot.is_empty() {
            lines.push(Line::from(foot.join("   ")).dim());
        }
        lines
    }
}

fn worker_line(number: usize, worker: &Worker) -> Line<'_> {
    let last = &worker.last;
    let [connected, sent, received] = [last.connected, last.sent, last.received].map(words::count);
    let name = format!("{number:>3}  {:24.24} ", worker.name);
    let users = format!("{connected} of {} users", words::count(worker.users.into()));
    let rest = format!("  {sent:>12} sent  {received:>12} received  busy {}", words::percent(last.busy));
    let short = last.connected < worker.users.into();
    let users = Span::from(format!("{users:>24}"));
    let mut spans =
        vec![Span::from(name), if short { users.fg(Color::Yellow) } else { users }, Span::from(rest)];
    if last.violations > 0 {
        spans.push(Span::from(format!("  {} violations", words::count(last.violations))).fg(Color::Red));
    }
    Line::from(spans)
}

fn gate_line(gate: &GateResult) -> Line<'_> {
    let (word, colour) = match gate.outcome {
        GateOutcome::Pass => ("pass", Color::Green),
        GateOutcome::Fail => ("FAIL", Color::Red),
        GateOutcome::Unknown => ("wait", Color::Yellow),
    };
    let value = gate.value.unwrap_or_default();
    let (value_words, limit) = words::apart(value, gate.limit);
    let asked = format!("{} {} {limit}", words::with_unit(&value_words, &gate.unit), gate.op);
    let margin = gate.margin.map_or(String::new(), |margin| match margin < 0.0 {
        true => {
            format!("{} {}", words::percent(-margin), if gate.op.starts_with('>') { "short" } else { "over" })
        }
        false => format!("{} left", words::percent(margin)),
    });
    Line::from(vec![
        Span::from(format!("{word}  ")).fg(colour),
        Span::from(format!("{:14.14} ", gate.id)),
        Span::from(format!("{:>28.28}  ", asked)).bold(),
        Span::from(bar(value, gate.limit)).fg(colour),
        Span::from(format!("  {margin:<12.12}")).dim(),
    ])
}

/// The value against the limit, which is at four fifths.
fn bar(value: f64, limit: f64) -> String {
    if limit <= 0.0 || !value.is_finite() {
        return " ".repeat(BAR);
    }
    let at = BAR * 4 / 5;
    let filled = ((value / limit * at as f64).round().max(0.0) as usize).min(BAR);
    (0..BAR)
        .map(|n| match (n == at, n < filled) {
            (true, _) => '┃',
            (false, true) => '━',
            (false, false) => '╌',
        })
        .collect()
}

#[cfg(test)]
pub(super) mod tests;
