//! The charts of the timeline, one above the other on one time axis.

use super::chart::{Chart, Label};
use super::columns::{Column, Columns};
use super::scale::Scale;
use super::words;
use crate::model::{GateResult, Report};

/// Those that have something to show.
pub(super) fn of(report: &Report, columns: &Columns) -> Vec<Chart> {
    let mut all = vec![rates(columns), latency(report, columns)];
    all.extend(super::heat::of(&report.heat, columns));
    all.extend([users(columns), cpus(report, columns), memory(columns)]);
    all.retain(|chart| !chart.shapes.is_empty());
    all
}

fn rates(columns: &Columns) -> Chart {
    let of = [|c: &Column| c.planned, |c: &Column| c.offered, |c: &Column| c.delivered];
    let y = Scale::linear(of.iter().flat_map(|of| columns.all.iter().filter_map(of)));
    let placed = |of: fn(&Column) -> Option<f64>| columns.points(|c| of(c).map(|v| y.at(v)));
    let mut chart = Chart::new("tall", "Messages", "a second").scaled(y);
    chart.about = "Messages planned, written and delivered in each second.".to_owned();
    chart.area("delivered", &placed(|c| c.delivered));
    chart.line("delivered", "delivered", &placed(|c| c.delivered));
    chart.line("offered", "offered", &placed(|c| c.offered));
    chart.line("planned", "planned", &placed(|c| c.planned));
    chart
}

fn latency(report: &Report, columns: &Columns) -> Chart {
    let of = [|c: &Column| c.p50, |c: &Column| c.p99, |c: &Column| c.max, |c: &Column| c.lag];
    let limits = limits(&report.gates);
    let values = of.iter().flat_map(|of| columns.all.iter().filter_map(of));
    let y = Scale::log(values.chain(limits.iter().map(|gate| gate.limit)));
    let placed = |of: fn(&Column) -> Option<f64>| columns.points(|c| of(c).map(|v| y.at(v)));
    let unit = "ms, from planned send to receipt";
    let mut chart = Chart::new("tall", "Delivery latency", unit).scaled(y);
    chart.about = "Latency of what was delivered in each second, and what the generator adds.".to_owned();
    chart.line("max", "max", &placed(|c| c.max));
    chart.line("lag", "generator's own lag, p99", &placed(|c| c.lag));
    chart.line("p99", "p99", &placed(|c| c.p99));
    chart.line("p50", "p50", &placed(|c| c.p50));
    chart.limits = limits.iter().map(|gate| Label::new(y.at(gate.limit), limit_words(gate))).collect();
    chart
}

/// Gates that bound the delivery latency.
pub(super) fn limits(gates: &[GateResult]) -> Vec<&GateResult> {
    let bounds = |gate: &&GateResult| {
        gate.metric.starts_with("delivery")
            && gate.unit == "ms"
            && gate.op.starts_with('<')
            && gate.limit > 0.0
    };
    gates.iter().filter(bounds).collect()
}

pub(super) fn limit_words(gate: &GateResult) -> String {
    format!("{} {} {}", gate.stat, gate.op, words::ms(gate.limit))
}

fn users(columns: &Columns) -> Chart {
    let y = Scale::linear(columns.all.iter().filter_map(|c| c.connected));
    let points = columns.points(|c| c.connected.map(|v| y.at(v)));
    let mut chart = Chart::new("short", "Users", "connected").scaled(y);
    chart.about = "Users that were connected.".to_owned();
    chart.area("users", &points);
    chart.line("users", "connected", &points);
    let most = columns.all.iter().map(|c| c.disconnected).fold(0.0, f64::max);
    if most > 0.0 {
        let y = Scale::linear([most]);
        let name = format!("closed early, at most {} in a column", words::number(most));
        chart.line("closed", &name, &peaks(&columns.points(|c| Some(y.at(c.disconnected)))));
    }
    chart.keys.retain(|key| most > 0.0 || key.class != "users");
    chart
}

/// Without the ground line where nothing happened.
fn peaks(points: &[(f64, Option<f64>)]) -> Vec<(f64, Option<f64>)> {
    let flat = |index: usize| points.get(index).is_none_or(|(_, y)| y.is_none_or(|y| y == 0.0));
    let lone = |index: usize| flat(index) && flat(index + 1) && (index == 0 || flat(index - 1));
    points.iter().enumerate().map(|(index, (x, y))| (*x, y.filter(|_| !lone(index)))).collect()
}

fn cpus(report: &Report, columns: &Columns) -> Chart {
    let both = columns.all.iter().flat_map(|c| [c.server_cpus, c.generator_cpus]).flatten();
    let y = Scale::linear(both.chain([f64::from(report.environment.cpus)]));
    let mut chart = Chart::new("short", "CPUs in use", "").scaled(y);
    chart.about = "CPUs in use by the server and by the generator.".to_owned();
    chart.line("server", "server", &columns.points(|c| c.server_cpus.map(|v| y.at(v))));
    chart.line("generator", "generator", &columns.points(|c| c.generator_cpus.map(|v| y.at(v))));
    chart
}

fn memory(columns: &Columns) -> Chart {
    const MIB: f64 = 1_048_576.0;
    let y = Scale::linear(columns.all.iter().filter_map(|c| c.rss).map(|bytes| bytes / MIB));
    let points = columns.points(|c| c.rss.map(|bytes| y.at(bytes / MIB)));
    let mut chart = Chart::new("short", "Server memory", "MiB resident").scaled(y);
    chart.about = "Memory of the server.".to_owned();
    chart.area("server", &points);
    chart.line("server", "", &points);
    chart.keys.clear();
    chart
}
