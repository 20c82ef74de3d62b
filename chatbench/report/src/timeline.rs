//! The run second by second: the points of the timeline and the columns of the heat map.

use crate::cost;
use crate::measured::{Measured, Where};
use crate::model::{Heat, Point};
use crate::value::{Stat, latency_of};
use ledger::Second;
use std::borrow::Cow;

/// Upper bounds of the heat map's rows, in milliseconds: about three a decade, finer below the usual bound of 100 ms.
const BOUNDS_MS: [f64; 18] = [
    0.5, 1.0, 2.0, 3.0, 5.0, 7.0, 10.0, 15.0, 20.0, 30.0, 50.0, 70.0, 100.0, 200.0, 500.0, 1000.0, 2000.0,
    5000.0,
];
/// Longest timeline: a run of a day and its ramp.
const POINTS: u32 = 100_000;

/// Every second from the begin of the ramp on; one that nobody told of is as empty as it was quiet.
fn dense(measured: &Measured) -> impl Iterator<Item = (u32, Option<Cow<'_, Second>>)> {
    let end = measured.seconds.last_s().map_or(0, |last| last.saturating_add(1)).min(POINTS);
    let mut told = measured.seconds.iter().peekable();
    (0..end).map(move |at| (at, told.next_if(|second| second.at_s == at)))
}

pub(crate) fn points(measured: &Measured) -> Vec<Point> {
    let mut connected = 0;
    let used = |side: Where, at: u32| {
        let cpu = |at: u32| cost::cpu_at(measured, side, u64::from(at) * 1_000_000);
        cpu(at + 1).zip(cpu(at)).map(|(after, before)| crate::assemble::round((after - before).max(0.0)))
    };
    let point = |(at_s, second): (u32, Option<Cow<'_, Second>>)| {
        connected = second.as_ref().map_or(connected, |second| second.connected);
        let around = Point {
            at_s,
            connected,
            server_cpus: used(Where::Server, at_s),
            generator_cpus: used(Where::Generator, at_s),
            server_rss_bytes: cost::server_rss_at(measured, (u64::from(at_s) + 1) * 1_000_000),
            ..Point::default()
        };
        let Some(second) = second else { return around };
        Point {
            planned: second.planned,
            offered: second.offered,
            accepted: second.accepted,
            delivered: second.delivered,
            refused: second.refused,
            disconnected: second.disconnected,
            p50_ms: latency_of(&second.delivery, Stat::Quantile(0.5)),
            p99_ms: latency_of(&second.delivery, Stat::Quantile(0.99)),
            max_ms: latency_of(&second.delivery, Stat::Max),
            lag_p99_ms: latency_of(&second.lag, Stat::Quantile(0.99)),
            ..around
        }
    };
    dense(measured).map(point).collect()
}

pub(crate) fn heat(measured: &Measured) -> Heat {
    let column = |second: Option<Cow<'_, Second>>| {
        let mut rows = vec![0; BOUNDS_MS.len() + 1];
        for value in second.iter().flat_map(|second| second.delivery.histogram().iter_recorded()) {
            let ms = value.value_iterated_to() as f64 / 1000.0;
            rows[BOUNDS_MS.partition_point(|bound| *bound < ms)] += value.count_since_last_iteration();
        }
        rows
    };
    let columns = dense(measured).map(|(_, second)| column(second)).collect();
    Heat { bounds_ms: BOUNDS_MS.to_vec(), columns }
}
