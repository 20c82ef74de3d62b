//! Scenarios: named sets of what a run does, in TOML, shipped or a file of one's own.
//!
//! A scenario says what people do, not where: [`Scenario::plan`] makes a [`Plan`] of it for given servers. What is not said
//! has the value of [`Scenario::default`], plain chat. All its times count from the begin of the hold, so that a longer
//! warm-up moves nothing.

mod bounds;
mod caution;
mod check;
mod parts;
mod read;
mod trace;

pub use check::Problem;
pub use parts::{Chaos, Churn, Habits, Offline, Slow, Storm, When};
pub use read::SHIPPED;
pub use trace::{Moment, Trace, read as read_trace};

use crate::duration::{self, maybe_text, text};
use crate::{Arrivals, Pairing, Phases, Plan, Protocol, Step, Target, Transport};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Version of the form.
pub const VERSION: u32 = 1;
/// Time between two connections of the ramp, where the ramp is not said.
const RAMP_STEP: Duration = Duration::from_micros(400);

/// What a run does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// The shipped name, or the file's without its ending.
    #[serde(skip)]
    pub name: String,
    /// Version of this form: 1.
    #[schemars(range(min = 1, max = 1))]
    pub version: u32,
    /// What it is for, in a sentence.
    #[serde(default)]
    pub description: String,

    /// People, an even number; each even one talks with the next.
    #[serde(default = "default_users")]
    #[schemars(range(min = 2, max = 1_000_000))]
    pub users: u32,
    /// Messages a second, of all together. 1000 where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<f64>,
    /// How they are spread in time.
    #[serde(default)]
    pub arrivals: When,
    /// Rates over time instead of one rate: moments, or the path of a CSV of `at_s,rate` beside this file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<Trace>,
    /// With `arrivals = "closed"`: time between an answer and the next send. 1s where nothing is said.
    #[serde(default, with = "maybe_text", skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "text::schema")]
    pub think: Option<Duration>,
    /// Which pairs send how often: `uniform`, or `zipf:1.1` with the exponent.
    #[serde(default, with = "crate::pairing::text")]
    #[schemars(schema_with = "crate::pairing::text::schema")]
    pub pairing: Pairing,
    /// Bytes of a message's content.
    #[serde(default = "default_size")]
    #[schemars(range(min = 53, max = 4096))]
    pub size: u32,

    /// Time over which connections are spread. 400 µs a user where nothing is said.
    #[serde(default, with = "maybe_text", skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "text::schema")]
    pub ramp: Option<Duration>,
    /// How long it runs before it is measured.
    #[serde(default = "default_warmup", with = "text")]
    #[schemars(schema_with = "text::schema")]
    pub warmup: Duration,
    /// How long the load is held and measured.
    #[serde(default = "default_duration", with = "text")]
    #[schemars(schema_with = "text::schema")]
    pub duration: Duration,
    /// How long to wait for what is on its way at the end.
    #[serde(default = "default_drain", with = "text")]
    #[schemars(schema_with = "text::schema")]
    pub drain: Duration,

    /// The server's protocol, such as `protocol.chatd.transport = "sockjs"`.
    #[serde(default = "default_protocol")]
    pub protocol: Protocol,
    /// What people do beside sending.
    #[serde(default)]
    pub behaviour: Habits,
    /// Commands of the shell at set times.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chaos: Vec<Chaos>,
    /// What is asked for: the name of a profile, or gates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "gate_schema")]
    pub gate: Option<toml::Value>,
}

fn default_users() -> u32 {
    1000
}

fn default_size() -> u32 {
    128
}

fn default_warmup() -> Duration {
    Duration::from_secs(2)
}

fn default_duration() -> Duration {
    Duration::from_secs(20)
}

fn default_drain() -> Duration {
    Duration::from_secs(10)
}

fn default_protocol() -> Protocol {
    Protocol::Chatd { transport: Transport::Websocket }
}

fn gate_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "description": "The name of a profile of gates, or gates as a file of thresholds has them.",
        "oneOf": [{ "type": "string" }, { "type": "array", "items": { "type": "object" } }]
    })
}

impl Default for Scenario {
    /// Plain chat.
    fn default() -> Self {
        Self {
            name: String::new(),
            version: VERSION,
            description: String::new(),
            users: default_users(),
            rate: None,
            arrivals: When::default(),
            trace: None,
            think: None,
            pairing: Pairing::default(),
            size: default_size(),
            ramp: None,
            warmup: default_warmup(),
            duration: default_duration(),
            drain: default_drain(),
            protocol: default_protocol(),
            behaviour: Habits::default(),
            chaos: Vec::new(),
            gate: None,
        }
    }
}

impl Scenario {
    /// Messages a second where neither rate nor trace is said.
    pub const RATE: f64 = 1000.0;
    /// Time between an answer and the next send where none is said.
    pub const THINK: Duration = Duration::from_secs(1);

    /// Time over which connections are spread.
    #[must_use]
    pub fn ramp(&self) -> Duration {
        self.ramp.unwrap_or(RAMP_STEP * self.users)
    }

    /// The parts of the run.
    #[must_use]
    pub fn phases(&self) -> Phases {
        Phases {
            ramp_us: duration::micros(self.ramp()),
            warmup_us: duration::micros(self.warmup),
            hold_us: duration::micros(self.duration),
            drain_us: duration::micros(self.drain),
        }
    }

    /// When messages are due, in planned times. A trace's first rate holds in the warm-up too.
    #[must_use]
    pub fn planned_arrivals(&self) -> Arrivals {
        let warmup_us = duration::micros(self.warmup);
        if let Some(trace) = &self.trace {
            let step = |moment: &Moment| {
                let at_us = duration::micros(moment.at);
                Step { at_us: if at_us == 0 { 0 } else { at_us + warmup_us }, rate: moment.rate }
            };
            return Arrivals::Trace { steps: trace.moments().iter().map(step).collect() };
        }
        let rate = self.rate.unwrap_or(Self::RATE);
        match self.arrivals {
            When::Constant => Arrivals::Constant { rate },
            When::Poisson => Arrivals::Poisson { rate },
            When::Closed => {
                Arrivals::Closed { think_us: duration::micros(self.think.unwrap_or(Self::THINK)) }
            }
            When::None => Arrivals::None,
        }
    }

    /// The plan of a run of this scenario, which trusts the machine's own authorities. It should be valid
    /// ([`Scenario::validate`]).
    #[must_use]
    pub fn plan(&self, run: u32, seed: u64, targets: Vec<Target>, api: Option<String>) -> Plan {
        Plan {
            run,
            reused: false,
            seed,
            users: self.users,
            pairing: self.pairing,
            arrivals: self.planned_arrivals(),
            phases: self.phases(),
            message_bytes: self.size,
            protocol: self.protocol.clone(),
            targets,
            api,
            ca: None,
            behaviour: self.behaviour.planned(self.warmup),
        }
    }

    /// More or less of the same: users and all rates times `factor`, an even number of users. Times, shares and gates stay.
    #[must_use]
    pub fn scale(mut self, factor: f64) -> Self {
        self.users = ((f64::from(self.users) * factor / 2.0).round() as u32).max(1).saturating_mul(2);
        // A rate that is not said is one too; where there is none, it stays unsaid.
        if self.trace.is_none() && matches!(self.arrivals, When::Constant | When::Poisson) {
            self.rate = Some(self.rate.unwrap_or(Self::RATE) * factor);
        }
        if let Some(trace) = &mut self.trace {
            trace.scale(factor);
        }
        self.behaviour.scale(factor);
        self
    }

    /// The form's JSON schema.
    #[must_use]
    pub fn json_schema() -> Schema {
        schemars::schema_for!(Scenario)
    }
}

#[cfg(test)]
mod tests;
