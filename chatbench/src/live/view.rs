//! The picture of a run that lasts: phase, figures, gates or workers, heat map, ledger.

use super::State;
use super::heat::{BOUNDS_MS, Heat};
use super::keys::{HELP, Key};
use super::panel::Panel;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Margin, Rect};
use ratatui::style::{Color, Style, Stylize};
use ratatui::text::{Line, Span};
use ratatui::widgets::{LineGauge, Paragraph};
use report::html::words;
use report::model::GateResult;

/// Columns of the latency beside the heat map.
const AXIS: u16 = 9;

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
    panel: Panel,
    keys: bool,
    /// Nothing new is shown, but for the phase.
    paused: bool,
    help: bool,
}

impl View {
    /// `keys`: whether there is a keyboard.
    pub(super) fn new(keys: bool) -> Self {
        Self { keys, ..Self::default() }
    }

    pub(super) fn phase(&mut self, name: &str, what: &str) {
        (self.name, self.what) = (name.to_owned(), what.to_owned());
    }

    /// Changes the picture, and never the run.
    pub(super) fn press(&mut self, key: Key) {
        match key {
            // The phase will say so.
            Key::Quit => {}
            Key::Pause => self.paused = !self.paused,
            Key::Next => self.panel.turn(true),
            Key::Back => self.panel.turn(false),
            Key::Help => self.help = !self.help,
        }
    }

    /// How the gates stand.
    pub(super) fn judged(&mut self, gates: Vec<GateResult>) {
        if !self.paused {
            self.panel.gates = gates;
        }
    }

    pub(super) fn tick(&mut self, state: &State<'_>) {
        if self.paused {
            return;
        }
        self.panel.workers = state.workers.to_vec();
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
        let panel = self.panel.lines();
        let height = u16::try_from(panel.len()).unwrap_or_default();
        let areas = Layout::vertical([
            Constraint::Length(3),
            Constraint::Length(3),
            Constraint::Length(height + u16::from(height > 0)),
            Constraint::Min(0),
            Constraint::Length(3 + u16::from(self.keys)),
        ]);
        let [head, figures, panel_area, middle, foot] = areas.areas(frame.area().inner(Margin::new(1, 0)));
        self.draw_head(frame, head);
        self.draw_figures(frame, figures);
        frame.render_widget(Paragraph::new(panel), panel_area);
        if self.help {
            frame.render_widget(Paragraph::new(HELP.map(Line::from).to_vec()), middle);
        } else {
            self.draw_heat(frame, middle);
        }
        let mut lines =
            vec![Line::default(), Line::from(self.ledger.as_str()), Line::from(self.cpus.as_str()).dim()];
        if self.keys {
            let pages = if self.panel.pages() > 1 { "   g: next page" } else { "" };
            lines.push(Line::from(format!("q: end   p: hold still{pages}   ?: help")).dim());
        }
        frame.render_widget(Paragraph::new(lines), foot);
    }

    fn draw_head(&self, frame: &mut Frame<'_>, area: Rect) {
        let [title, gauge, _] = Layout::vertical([Constraint::Length(1); 3]).areas(area);
        let mut line = Line::from(vec![Span::from(self.name.as_str()).bold(), Span::from("  ")]);
        if self.paused {
            line.push_span(Span::from("held still, p: go on").fg(Color::Yellow));
            line.push_span("  ");
        }
        line.push_span(Span::from(self.what.as_str()).dim());
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

#[cfg(test)]
mod tests;
