//! The seconds of a run, gathered to as many columns as a chart has room for.

use crate::model::Report;

/// Most columns of a chart.
const COLUMNS: usize = 240;

/// A few seconds of the run.
#[derive(Clone, Debug, Default)]
pub(super) struct Column {
    pub(super) connected: Option<f64>,
    /// A second, on average.
    pub(super) planned: Option<f64>,
    pub(super) offered: Option<f64>,
    pub(super) delivered: Option<f64>,
    /// A count.
    pub(super) disconnected: f64,
    /// The worst second, in milliseconds.
    pub(super) p50: Option<f64>,
    pub(super) p99: Option<f64>,
    pub(super) max: Option<f64>,
    pub(super) lag: Option<f64>,
    pub(super) server_cpus: Option<f64>,
    pub(super) generator_cpus: Option<f64>,
    pub(super) rss: Option<f64>,
    pub(super) heat: Vec<u64>,
    seconds: f64,
}

/// All columns.
#[derive(Clone, Debug, Default)]
pub(super) struct Columns {
    /// Seconds since the begin of the ramp at which the first begins.
    pub(super) first_s: f64,
    /// Seconds of a column.
    pub(super) step_s: f64,
    pub(super) all: Vec<Column>,
}

impl Columns {
    pub(super) fn of(report: &Report) -> Self {
        let seconds = report.timeline.iter().map(|point| point.at_s);
        let (Some(first), Some(last)) = (seconds.clone().min(), seconds.max()) else {
            return Self::default();
        };
        let length = (last - first) as usize + 1;
        let step = length.div_ceil(COLUMNS);
        let mut all = vec![Column::default(); length.div_ceil(step)];
        for (index, point) in report.timeline.iter().enumerate() {
            let column = &mut all[(point.at_s - first) as usize / step];
            let heat = report.heat.columns.get(index).map_or(&[][..], Vec::as_slice);
            column.add(point, heat);
        }
        all.iter_mut().for_each(Column::average);
        Self { first_s: f64::from(first), step_s: step as f64, all }
    }

    /// Seconds of all columns.
    pub(super) fn length_s(&self) -> f64 {
        self.step_s * self.all.len() as f64
    }

    /// Share of the x axis of a moment of the run.
    pub(super) fn share(&self, at_s: f64) -> f64 {
        ((at_s - self.first_s) / self.length_s().max(1.0)).clamp(0.0, 1.0)
    }

    /// A value of each column, at its middle.
    pub(super) fn points(&self, value: impl Fn(&Column) -> Option<f64>) -> Vec<(f64, Option<f64>)> {
        let width = 1.0 / self.all.len().max(1) as f64;
        let at = |index: usize| (index as f64 + 0.5) * width;
        self.all.iter().enumerate().map(|(index, column)| (at(index), value(column))).collect()
    }
}

impl Column {
    fn add(&mut self, point: &crate::model::Point, heat: &[u64]) {
        let sum = |into: &mut Option<f64>, value: f64| *into = Some(into.unwrap_or(0.0) + value);
        self.seconds += 1.0;
        self.connected = Some(point.connected as f64);
        sum(&mut self.planned, point.planned as f64);
        sum(&mut self.offered, point.offered as f64);
        sum(&mut self.delivered, point.delivered as f64);
        self.disconnected += point.disconnected as f64;
        worst(&mut self.p50, point.p50_ms);
        worst(&mut self.p99, point.p99_ms);
        worst(&mut self.max, point.max_ms);
        worst(&mut self.lag, point.lag_p99_ms);
        worst(&mut self.rss, point.server_rss_bytes.map(|bytes| bytes as f64));
        worst(&mut self.server_cpus, point.server_cpus);
        worst(&mut self.generator_cpus, point.generator_cpus);
        self.heat.resize(self.heat.len().max(heat.len()), 0);
        self.heat.iter_mut().zip(heat).for_each(|(sum, count)| *sum += count);
    }

    fn average(&mut self) {
        let seconds = self.seconds.max(1.0);
        for rate in [&mut self.planned, &mut self.offered, &mut self.delivered] {
            *rate = rate.map(|sum| sum / seconds);
        }
    }
}

fn worst(known: &mut Option<f64>, value: Option<f64>) {
    let value = value.filter(|value| value.is_finite());
    *known = match (*known, value) {
        (Some(known), Some(value)) => Some(known.max(value)),
        (known, value) => known.or(value),
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::html::fixture;

    #[test]
    fn a_long_run_keeps_its_worst_second_and_its_rate() {
        let mut report = fixture::passed();
        let point = |at_s: u32| crate::model::Point {
            at_s,
            delivered: 100,
            p99_ms: Some(if at_s == 5000 { 900.0 } else { 1.0 }),
            ..Default::default()
        };
        report.timeline = (0..7200).map(point).collect();
        report.heat.columns = vec![vec![1, 2]; 7200];
        let columns = Columns::of(&report);
        assert_eq!((columns.all.len(), columns.step_s), (240, 30.0));
        assert!(columns.all.iter().all(|column| column.delivered == Some(100.0)));
        assert_eq!(columns.all[5000 / 30].p99, Some(900.0));
        assert_eq!(columns.all[0].heat, [30, 60]);
    }
}
