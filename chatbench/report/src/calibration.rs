//! What `chatbench calibrate` has measured of the generator itself, as JSON and in words.

use crate::html::words;
use crate::model::{Environment, SearchStep, Verdict};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Version of the JSON; additions keep it.
pub const VERSION: u32 = 1;
/// Kernel memory of one end of an idle connection, in bytes.
const KERNEL_BYTES: f64 = 4096.0;

/// The generator's own figures on this machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Calibration {
    pub version: u32,
    pub chatbench: String,
    pub users: u32,
    pub message_bytes: u32,
    pub threads: u32,
    /// A bare relay, and the same frames as with chatd.
    pub relay: Option<Ceiling>,
    pub stomp: Option<Ceiling>,
    pub idle: Option<Idle>,
    pub environment: Environment,
    /// Repeats this calibration.
    pub line: String,
}

/// The highest rate at which the generator is itself no limit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Ceiling {
    /// Messages a second that held twice; none when none did.
    pub rate: Option<f64>,
    /// The lowest that did not.
    pub above: Option<f64>,
    /// At the rate that held: CPU of the generator and of the null server.
    pub generator_us_per_message: Option<f64>,
    pub server_us_per_message: Option<f64>,
    pub p50_ms: Option<f64>,
    pub p99_ms: Option<f64>,
    pub lag_p99_ms: Option<f64>,
    pub steps: Vec<SearchStep>,
}

/// Connections that do nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Idle {
    pub asked: u32,
    pub connected: u64,
    pub workers: u32,
    /// Connections a second while they were made, upgraded and subscribed.
    pub connects_per_s: f64,
    /// User-space memory of the generator by idle user, in bytes.
    pub bytes_per_user: Option<f64>,
    /// Share of a CPU that holding them takes.
    pub generator_cpus: f64,
    /// Users that fit into this machine's free memory, by this figure and the kernel's 4 KiB.
    pub room: Option<u64>,
    /// The first error, where not all connected.
    pub error: Option<String>,
}

impl Idle {
    /// Users that fit into so much memory.
    #[must_use]
    pub fn room(free_bytes: u64, bytes_per_user: f64) -> u64 {
        (free_bytes as f64 / (bytes_per_user.max(0.0) + KERNEL_BYTES)) as u64
    }
}

impl SearchStep {
    /// Whether a step of a calibration held: it passed, and nothing was found against the measurement.
    pub(crate) fn held(&self) -> bool {
        self.verdict == Verdict::Pass && self.reasons.is_empty()
    }
}

impl Ceiling {
    /// From the steps of a climb.
    #[must_use]
    pub fn of(rate: Option<f64>, above: Option<f64>, steps: Vec<SearchStep>) -> Self {
        let step = steps.iter().rev().find(|step| Some(step.rate) == rate);
        Self {
            rate,
            above,
            generator_us_per_message: step.and_then(|step| step.generator_us_per_message),
            server_us_per_message: step.and_then(|step| step.server_us_per_message),
            p50_ms: step.map(|step| step.p50_ms),
            p99_ms: step.map(|step| step.p99_ms),
            lag_p99_ms: step.map(|step| step.lag_p99_ms),
            steps,
        }
    }

    /// What is known where no rate held twice.
    pub(crate) fn nothing(&self) -> String {
        let steps = &self.steps;
        let once = steps.iter().filter(|step| step.held()).map(|step| step.rate).max_by(f64::total_cmp);
        match (once, steps.iter().map(|step| step.rate).min_by(f64::total_cmp)) {
            (Some(once), _) => {
                let once = words::number(once);
                format!("no rate held twice in {} runs; {once} msg/s held once", steps.len())
            }
            (None, Some(lowest)) => format!("nothing held, not even {} msg/s", words::number(lowest)),
            (None, None) => "nothing held".to_owned(),
        }
    }

    fn text(&self, name: &str) -> String {
        let Some(rate) = self.rate else {
            return format!("{name:10} {}\n", self.nothing());
        };
        let us = |us: Option<f64>| us.map_or_else(|| "?".to_owned(), |us| format!("{us:.1}"));
        let ms = |ms: Option<f64>| ms.map_or_else(|| "?".to_owned(), |ms| format!("{ms:.1}"));
        let above = self.above.map_or_else(String::new, |above| format!(" ({above} did not hold)"));
        format!(
            "{name:10} {rate} msg/s{above}\n{:10} CPU a message: generator {} µs, null server {} µs; delivery p50 {} ms, p99 {} ms, lag p99 {} ms\n",
            "",
            us(self.generator_us_per_message),
            us(self.server_us_per_message),
            ms(self.p50_ms),
            ms(self.p99_ms),
            ms(self.lag_p99_ms),
        )
    }
}

impl Calibration {
    /// Whether everything that was asked for was found.
    #[must_use]
    pub fn complete(&self) -> bool {
        let held = |ceiling: &Option<Ceiling>| ceiling.as_ref().is_none_or(|ceiling| ceiling.rate.is_some());
        let idle = self.idle.as_ref().is_none_or(|idle| idle.connected == u64::from(idle.asked));
        held(&self.relay) && held(&self.stomp) && idle
    }

    /// For a person.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = format!(
            "The generator on this machine ({} CPUs, {}), against a server that does nothing beside it\n\n",
            self.environment.cpus, self.environment.cpu_model
        );
        text.push_str(&self.relay.as_ref().map_or_else(String::new, |ceiling| ceiling.text("relay")));
        text.push_str(&self.stomp.as_ref().map_or_else(String::new, |ceiling| ceiling.text("stomp")));
        if let Some(idle) = &self.idle {
            text.push_str(&format!(
                "{:10} {} of {} connections by {} worker processes, {:.0} connects/s\n",
                "idle", idle.connected, idle.asked, idle.workers, idle.connects_per_s
            ));
            let bytes = idle.bytes_per_user.map_or_else(|| "?".to_owned(), |bytes| format!("{bytes:.0}"));
            let room = idle
                .room
                .map_or_else(String::new, |room| format!("; free memory is enough for {room} users"));
            text.push_str(&format!(
                "{:10} {bytes} bytes of user-space memory each, {:.3} CPUs to hold them{room}\n",
                "", idle.generator_cpus
            ));
            if let Some(error) = &idle.error {
                text.push_str(&format!("{:10} {error}\n", ""));
            }
        }
        text.push_str(&format!(
            "\nA run that needs more than this measures the generator.\nRepeat: {}\n",
            self.line
        ));
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use schema::exit::Exit;

    fn step(rate: f64, p99_ms: f64) -> SearchStep {
        let nothing = SearchStep::nothing(rate, Verdict::Pass, Exit::Ok, String::new());
        SearchStep { p99_ms, generator_us_per_message: Some(7.5), reasons: Vec::new(), ..nothing }
    }

    #[test]
    fn a_ceiling_has_the_figures_of_its_last_run() {
        let steps = vec![step(100.0, 1.0), step(200.0, 9.0), step(100.0, 2.0)];
        let ceiling = Ceiling::of(Some(100.0), Some(200.0), steps);
        assert_eq!((ceiling.p99_ms, ceiling.generator_us_per_message), (Some(2.0), Some(7.5)));
        let text = ceiling.text("stomp");
        assert!(text.contains("100 msg/s (200 did not hold)") && text.contains("generator 7.5 µs"), "{text}");
        let late = |rate| SearchStep { reasons: vec!["late".into()], ..step(rate, 9.0) };
        let none = Ceiling::of(None, Some(5000.0), vec![late(8000.0), late(5000.0)]).text("relay");
        assert!(none.contains("not even 5,000 msg/s"), "{none}");
        let once =
            Ceiling::of(None, Some(66_400.0), vec![step(41_500.0, 1.0), late(66_400.0), late(41_500.0)]);
        let once = once.text("relay");
        assert!(once.contains("no rate held twice in 3 runs; 41,500 msg/s held once"), "{once}");
    }

    #[test]
    fn room_counts_the_kernel_too() {
        assert_eq!(Idle::room(1 << 30, 0.0), 262_144);
        assert_eq!(Idle::room(1 << 30, 4096.0), 131_072);
    }
}
