//! The result of a run: one value, rendered as text or JSON.

pub(crate) mod json;
pub(crate) mod text;

use crate::cli::Run;
use crate::fleet::{Connecting, Harvest};
use crate::latency::Figures;
use crate::ledger::{Outcomes, Violations};
use crate::process::{Environment, Usage};
use crate::reconcile::Reconciled;
use crate::run::Samples;
use crate::verdict::{Facts, Gate, Judgement, judge};
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// Version of the JSON; additions keep it.
const VERSION: u32 = 1;

/// Everything that is reported.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report {
    version: u32,
    chatbench: &'static str,
    #[serde(flatten)]
    pub(crate) judgement: Judgement,
    pub(crate) interrupted: bool,
    pub(crate) run: String,
    pub(crate) seed: u64,
    /// Repeats this run.
    pub(crate) line: String,
    pub(crate) gate: Gate,
    pub(crate) users: u32,
    pub(crate) connected: usize,
    pub(crate) duration_s: f64,
    pub(crate) message_bytes: u32,
    pub(crate) rates: Rates,
    pub(crate) latency: Latencies,
    pub(crate) outcomes: Outcomes,
    pub(crate) violations: Found,
    pub(crate) reconciled: Reconciled,
    pub(crate) sockets: Sockets,
    /// Codes of refused sends.
    pub(crate) refusals: BTreeMap<String, u64>,
    pub(crate) server: Option<Side>,
    pub(crate) generator: Side,
    /// Busiest generator thread's share of the hold.
    pub(crate) generator_busy: f64,
    pub(crate) steal: f64,
    pub(crate) environment: Environment,
    pub(crate) phases: Phases,
    pub(crate) notes: Vec<String>,
}

/// Messages a second during the hold.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Rates {
    pub(crate) planned: f64,
    pub(crate) offered: f64,
    pub(crate) accepted: f64,
    pub(crate) delivered: f64,
}

/// All from the planned send time, of messages that were planned in the hold.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Latencies {
    /// To receipt by the recipient: the headline.
    pub(crate) delivery: Figures,
    /// To the acknowledgement.
    pub(crate) accept: Figures,
    /// To the write: what the generator itself adds.
    pub(crate) schedule_lag: Figures,
}

/// Violations with their sum.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Found {
    pub(crate) total: u64,
    #[serde(flatten)]
    pub(crate) by: Violations,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Sockets {
    pub(crate) local_failures: usize,
    pub(crate) connect_errors: Vec<String>,
    pub(crate) disconnected: u64,
    pub(crate) closes: Vec<String>,
    /// Planned sends whose socket was gone.
    pub(crate) unsent: u64,
}

/// What a process has used during the hold.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Side {
    /// Microseconds of CPU per delivered message.
    pub(crate) cpu_us_per_message: Option<f64>,
    /// CPUs in use, on average.
    pub(crate) cpus: f64,
    pub(crate) rss_bytes: u64,
    pub(crate) rss_peak_bytes: u64,
}

/// How long the phases around the hold took.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Times {
    pub(crate) provision: Duration,
    pub(crate) connect: Duration,
    pub(crate) drain: Duration,
    pub(crate) reconcile: Duration,
}

#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Phases {
    pub(crate) provision_s: f64,
    pub(crate) connect_s: f64,
    pub(crate) warmup_s: f64,
    pub(crate) hold_s: f64,
    pub(crate) drain_s: f64,
    pub(crate) reconcile_s: f64,
}

/// Everything that a run leaves, before it is judged.
#[derive(Debug)]
pub(crate) struct Measured {
    pub(crate) run: u32,
    pub(crate) seed: u64,
    pub(crate) harvest: Harvest,
    pub(crate) connecting: Connecting,
    pub(crate) reconciled: Reconciled,
    /// None when the hold was cut short.
    pub(crate) samples: Option<Samples>,
    pub(crate) environment: Environment,
    pub(crate) times: Times,
    pub(crate) interrupted: bool,
}

impl Measured {
    /// A count of the hold as a rate.
    fn rate(args: &Run, count: u64) -> f64 {
        count as f64 / args.duration.as_secs_f64().max(0.001)
    }

    /// What the verdict is made of.
    fn facts(&self, args: &Run, latency: &Latencies) -> Facts {
        let Harvest { ledger, tally, .. } = &self.harvest;
        Facts {
            users: args.users as usize,
            connected: self.connecting.connected,
            local_failures: self.connecting.local_failures,
            disconnected: tally.disconnected,
            hold_s: args.duration.as_secs_f64().max(0.001),
            offered_rate: Self::rate(args, tally.offered),
            unsent_rate: Self::rate(args, tally.unsent_in_hold),
            // Where latency must not block, late counts as well as in time.
            delivered_rate: match args.no_latency_gate {
                true => Self::rate(args, latency.delivery.count),
                false => Self::rate(args, tally.delivered),
            },
            delivery_p99_ms: latency.delivery.p99_ms,
            lag_p99_ms: latency.schedule_lag.p99_ms,
            busy: tally.busy,
            steal: self.samples.map_or(0.0, |samples| samples.steal),
            rate_limited: tally.rate_limited + self.reconciled.rate_limited,
            refused: ledger.outcomes.refused,
            undelivered: ledger.outcomes.undelivered,
            unanswered: ledger.outcomes.sent - ledger.outcomes.acknowledged - ledger.outcomes.refused,
            unread_conversations: self.reconciled.unread,
            violations: ledger.violations.total(),
            interrupted: self.interrupted,
        }
    }
}

/// Three digits behind the point say enough.
fn round(number: f64) -> f64 {
    (number * 1000.0).round() / 1000.0
}

impl Side {
    fn new(usage: Usage, delivered: u64, hold: f64) -> Self {
        Self {
            cpu_us_per_message: (delivered > 0)
                .then(|| round(usage.cpu.as_secs_f64() * 1e6 / delivered as f64)),
            cpus: round(usage.cpu.as_secs_f64() / hold.max(0.001)),
            rss_bytes: usage.rss_bytes,
            rss_peak_bytes: usage.rss_peak_bytes,
        }
    }
}

impl Phases {
    fn new(args: &Run, times: &Times) -> Self {
        let seconds = |time: Duration| round(time.as_secs_f64());
        Self {
            provision_s: seconds(times.provision),
            connect_s: seconds(times.connect),
            warmup_s: seconds(args.warmup),
            hold_s: seconds(args.duration),
            drain_s: seconds(times.drain),
            reconcile_s: seconds(times.reconcile),
        }
    }
}

impl Report {
    /// Judges what was measured and puts it together.
    pub(crate) fn new(args: &Run, measured: Measured) -> Self {
        let (hold, harvest) = (args.duration.as_secs_f64(), &measured.harvest);
        let latency = Latencies {
            delivery: harvest.delivery.figures(),
            accept: harvest.accept.figures(),
            schedule_lag: harvest.lag.figures(),
        };
        let p99_ms = (!args.no_latency_gate).then_some(args.p99.as_secs_f64() * 1000.0);
        let gate = Gate { p99_ms, rate: args.rate };
        let facts = measured.facts(args, &latency);
        let Measured { run, seed, harvest, connecting, reconciled, samples, environment, times, .. } =
            measured;
        let Harvest { ledger, tally, .. } = harvest;
        let side = |usage| Side::new(usage, tally.delivered, hold);
        Self {
            version: VERSION,
            chatbench: env!("CARGO_PKG_VERSION"),
            judgement: judge(&gate, &facts),
            interrupted: facts.interrupted,
            run: format!("{run:08x}"),
            seed,
            line: args.line(seed),
            gate,
            users: args.users,
            connected: connecting.connected,
            duration_s: hold,
            message_bytes: args.size,
            rates: Rates {
                planned: args.rate,
                offered: facts.offered_rate,
                accepted: Measured::rate(args, tally.accepted),
                delivered: Measured::rate(args, tally.delivered),
            },
            latency,
            outcomes: ledger.outcomes,
            violations: Found { total: facts.violations, by: ledger.violations },
            reconciled,
            server: samples.and_then(|samples| samples.server).map(side),
            generator: side(samples.map(|samples| samples.generator).unwrap_or_default()),
            generator_busy: round(tally.busy),
            steal: round(facts.steal),
            environment,
            phases: Phases::new(args, &times),
            sockets: Sockets {
                local_failures: connecting.local_failures,
                connect_errors: connecting.errors,
                disconnected: tally.disconnected,
                closes: tally.closes,
                unsent: tally.unsent,
            },
            refusals: tally.refusals.into_iter().collect(),
            notes: Vec::new(),
        }
    }
}
