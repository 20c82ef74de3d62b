//! The picture of a run that lasts: phase, figures, gates, heat map, ledger.

use super::State;
use super::heat::{BOUNDS_MS, Heat};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Margin, Rect};
use ratatui::style::{Color, Style, Stylize};
use ratatui::text::{Line, Span};
use ratatui::widgets::{LineGauge, Paragraph};
use report::html::words;
use report::model::{GateOutcome, GateResult};

/// Columns of the latency beside the heat map.
const AXIS: u16 = 9;
/// Lines of gates, at most.
const GATES: usize = 8;
/// Columns of a gate's bar.
const BAR: usize = 16;

/// What is shown; taken over from the state, so that it can be drawn at any time.
#[derive(Debug, Default)]
pub(super) struct View {
    name: String,
    what: String,
    share: f64,
    elapsed_s: f64,
    /// Name and value, some of them bad.
    figures: Vec<(&'static str, String, bool)>,
    ledger: String,
    cpus: String,
    heat: Heat,
    pub(super) gates: Vec<GateResult>,
}

impl View {
    pub(super) fn phase(&mut self, name: &str, what: &str) {
        (self.name, self.what) = (name.to_owned(), what.to_owned());
    }

    pub(super) fn tick(&mut self, state: &State<'_>) {
        self.share = state.share.clamp(0.0, 1.0);
        self.elapsed_s = state.now_us as f64 / 1e6;
        self.heat.follow(state.seconds);
        let whole = state.whole();
        let second = whole.as_deref();
        let rate = |n: Option<u64>| n.map_or("–".to_owned(), words::count);
        let flowing = second.filter(|second| second.delivered > 0);
        let delivery = flowing.map(|second| second.delivery.figures());
        let lag = second.filter(|s| s.offered > 0).map(|s| s.lag.figures().p99_ms);
        let ms = |value: Option<f64>| value.map_or("–".to_owned(), words::ms);
        self.figures = vec![
            ("users", words::count(state.connected), false),
            ("planned/s", rate(second.map(|s| s.planned)), false),
            ("offered/s", rate(second.map(|s| s.offered)), false),
            ("delivered/s", rate(second.map(|s| s.delivered)), false),
            ("p50", ms(delivery.map(|d| d.p50_ms)), false),
            ("p99", ms(delivery.map(|d| d.p99_ms)), false),
            ("lag p99", ms(lag), lag.is_some_and(|lag| lag > 5.0)),
            ("violations", words::count(state.violations), state.violations > 0),
        ];
        let [sent, acknowledged, received] =
            [state.sent, state.acknowledged, state.received].map(words::count);
        self.ledger = format!("{sent} sent   {acknowledged} acknowledged   {received} received");
        let cpus = |value: Option<f64>| value.map_or("–".to_owned(), |cpus| words::fixed(cpus, 2));
        self.cpus = format!(
            "server {} CPUs   generator {} CPUs, busiest thread {}",
            cpus(state.server_cpus),
            cpus(state.generator_cpus),
            words::percent(state.busy)
        );
    }

    pub(super) fn draw(&self, frame: &mut Frame<'_>) {
        let gates = self.gate_lines();
        let height = u16::try_from(gates.len()).unwrap_or_default();
        let areas = Layout::vertical([
            Constraint::Length(3),
            Constraint::Length(3),
            Constraint::Length(height + u16::from(height > 0)),
            Constraint::Min(0),
            Constraint::Length(3),
        ]);
        let [head, figures, gate_area, heat, foot] = areas.areas(frame.area().inner(Margin::new(1, 0)));
        self.draw_head(frame, head);
        self.draw_figures(frame, figures);
        frame.render_widget(Paragraph::new(gates), gate_area);
        self.draw_heat(frame, heat);
        let lines =
            vec![Line::default(), Line::from(self.ledger.as_str()), Line::from(self.cpus.as_str()).dim()];
        frame.render_widget(Paragraph::new(lines), foot);
    }

    fn draw_head(&self, frame: &mut Frame<'_>, area: Rect) {
        let [title, gauge, _] = Layout::vertical([Constraint::Length(1); 3]).areas(area);
        let line = Line::from(vec![
            Span::from(self.name.as_str()).bold(),
            Span::from("  "),
            Span::from(self.what.as_str()).dim(),
        ]);
        frame.render_widget(line, title);
        let gauge_line = LineGauge::default()
            .ratio(self.share)
            .label(format!("{:>7}", words::seconds(self.elapsed_s.floor())))
            .filled_style(Style::new().fg(Color::Blue))
            .unfilled_style(Style::new().fg(Color::DarkGray));
        frame.render_widget(gauge_line, gauge);
    }

    fn draw_figures(&self, frame: &mut Frame<'_>, area: Rect) {
        let count = u16::try_from(self.figures.len().max(1)).unwrap_or(1);
        let columns = Layout::horizontal(vec![Constraint::Ratio(1, count.into()); count.into()]).split(area);
        for ((name, value, bad), column) in self.figures.iter().zip(columns.iter()) {
            let value = Span::from(value.as_str()).bold();
            let value = if *bad { value.fg(Color::Red) } else { value };
            let lines = vec![Line::from(*name).dim(), Line::from(value)];
            frame.render_widget(Paragraph::new(lines), *column);
        }
    }

    /// Those of which something is known; the rest is judged at the end.
    fn gate_lines(&self) -> Vec<Line<'_>> {
        let known: Vec<_> = self.gates.iter().filter(|gate| gate.value.is_some()).collect();
        let mut lines: Vec<Line<'_>> = known.iter().take(GATES).map(|gate| gate_line(gate)).collect();
        let rest = self.gates.len() - lines.len();
        if rest > 0 {
            lines.push(Line::from(format!("{rest} more gates are judged at the end")).dim());
        }
        lines
    }

    fn draw_heat(&self, frame: &mut Frame<'_>, area: Rect) {
        let [axis, map] = Layout::horizontal([Constraint::Length(AXIS), Constraint::Min(0)]).areas(area);
        let lines = self.heat.lines(map.width.into());
        let names = ["slower".to_owned()].into_iter();
        let names = names.chain(BOUNDS_MS.iter().rev().map(|bound| format!("< {bound} ms")));
        let names: Vec<Line<'_>> = names.map(|name| Line::from(name).dim()).collect();
        // Where there is little room, the fast end is kept: the slow one mostly is empty.
        let hidden = u16::try_from(lines.len()).unwrap_or_default().saturating_sub(map.height);
        let lines: Vec<Line<'_>> = lines.into_iter().map(|line| Line::from(line).blue()).collect();
        frame.render_widget(Paragraph::new(names).scroll((hidden, 0)), axis);
        frame.render_widget(Paragraph::new(lines).scroll((hidden, 0)), map);
    }
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
mod tests;
