//! The load over time: how many sends are due until when, and back.

use crate::Arrivals;

/// A stretch of constant rate.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    begin_us: u64,
    end_us: u64,
    /// Messages a second, above 0.
    rate: f64,
    /// Sends that are due before it begins.
    before: f64,
}

/// The time at which a given number of sends is due; asked for ascending numbers.
#[derive(Clone, Debug)]
pub(crate) struct Curve {
    stretches: Vec<Stretch>,
    now: usize,
}

impl Curve {
    /// Of the planned times 0 to `end_us`. Empty where nothing is planned beforehand.
    pub(crate) fn new(arrivals: &Arrivals, end_us: u64) -> Self {
        let mut stretches = Vec::new();
        let mut before = 0.0;
        let mut add = |begin_us: u64, end_us: u64, rate: f64| {
            if rate > 0.0 && end_us > begin_us {
                stretches.push(Stretch { begin_us, end_us, rate, before });
                before += (end_us - begin_us) as f64 * rate / 1e6;
            }
        };
        match arrivals {
            Arrivals::None | Arrivals::Closed { .. } => {}
            Arrivals::Constant { rate } | Arrivals::Poisson { rate } => add(0, end_us, *rate),
            Arrivals::Trace { steps } => {
                let ends = steps.iter().skip(1).map(|step| step.at_us).chain([end_us]);
                for (step, end) in steps.iter().zip(ends) {
                    add(step.at_us, end.min(end_us), step.rate);
                }
            }
        }
        Self { stretches, now: 0 }
    }

    /// When the send at this position of the count is due, in planned microseconds; none after the end.
    pub(crate) fn at(&mut self, position: f64) -> Option<u64> {
        loop {
            let stretch = self.stretches.get(self.now)?;
            let into = ((position - stretch.before).max(0.0) * 1e6 / stretch.rate) as u64;
            let at = stretch.begin_us.saturating_add(into);
            if at < stretch.end_us {
                return Some(at);
            }
            self.now += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Step;

    #[test]
    fn a_constant_rate_is_spaced_evenly() {
        let mut curve = Curve::new(&Arrivals::Constant { rate: 1000.0 }, 5_000);
        let times: Vec<_> = (0..).map_while(|k| curve.at(f64::from(k))).collect();
        assert_eq!(times, [0, 1000, 2000, 3000, 4000]);
    }

    #[test]
    fn a_trace_follows_its_steps_and_skips_its_pauses() {
        let steps = [(0, 2.0), (1_000_000, 0.0), (3_000_000, 4.0)];
        let steps = steps.map(|(at_us, rate)| Step { at_us, rate }).to_vec();
        let mut curve = Curve::new(&Arrivals::Trace { steps }, 4_000_000);
        let times: Vec<_> = (0..).map_while(|k| curve.at(f64::from(k))).collect();
        assert_eq!(times, [0, 500_000, 3_000_000, 3_250_000, 3_500_000, 3_750_000]);
    }

    #[test]
    fn without_a_rate_there_is_nothing() {
        for arrivals in [
            Arrivals::None,
            Arrivals::Closed { think_us: 1 },
            Arrivals::Constant { rate: 0.0 },
            Arrivals::Trace { steps: Vec::new() },
        ] {
            assert_eq!(Curve::new(&arrivals, 1_000_000).at(0.0), None, "{arrivals:?}");
        }
    }
}
