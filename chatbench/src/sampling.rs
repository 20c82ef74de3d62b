//! What processes and the machine use while a run lasts, seen once a second and at the ends of the hold.

use report::process::{steal, usage};
use report::{Process, Sample, Where};

/// Looks that are kept: a day, once a second, and a few more.
const LOOKS: usize = 90_000;

/// Keeps what was seen.
#[derive(Debug)]
pub(crate) struct Sampler {
    pub(crate) processes: Vec<Process>,
    pub(crate) samples: Vec<Sample>,
}

impl Sampler {
    pub(crate) fn new(processes: Vec<Process>) -> Self {
        Self { processes, samples: Vec::new() }
    }

    /// Looks now, which is this time of the run clock.
    pub(crate) fn look(&mut self, at_us: u64) {
        if self.samples.len() < LOOKS {
            let used = self.processes.iter().map(|process| usage(process.pid)).collect();
            self.samples.push(Sample { at_us, used, steal: steal() });
        }
    }

    /// CPUs that one side has used between the last two looks, for the live view.
    pub(crate) fn cpus(&self, side: Where) -> Option<f64> {
        let [.., before, after] = &self.samples[..] else { return None };
        let seconds = after.at_us.saturating_sub(before.at_us) as f64 / 1e6;
        let mine = self.processes.iter().enumerate().filter(|(_, process)| process.side == side);
        let used = mine.filter_map(|(n, _)| {
            let (before, after) = (before.used.get(n)?.as_ref()?, after.used.get(n)?.as_ref()?);
            Some(after.cpu.saturating_sub(before.cpu).as_secs_f64())
        });
        (seconds > 0.0).then(|| used.sum::<f64>() / seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_are_kept_apart_and_a_dead_process_has_used_nothing() {
        let process = |pid, side| Process { pid, name: String::new(), side };
        let own = process(std::process::id(), Where::Generator);
        let mut sampler = Sampler::new(vec![own, process(u32::MAX, Where::Server)]);
        assert_eq!(sampler.cpus(Where::Generator), None);
        sampler.look(0);
        sampler.look(1_000_000);
        assert_eq!(sampler.samples.len(), 2);
        assert!(sampler.samples[1].used[0].is_some() && sampler.samples[1].used[1].is_none());
        assert!(sampler.cpus(Where::Generator).is_some_and(|cpus| cpus >= 0.0));
        assert_eq!(sampler.cpus(Where::Server), Some(0.0));
    }
}
