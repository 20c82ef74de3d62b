//! The parts of a scenario as its file has them.

use crate::behaviour::{self, Behaviour};
use crate::duration::{micros, text};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How messages are spread in time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum When {
    /// Evenly.
    #[default]
    Constant,
    /// Independent of each other.
    Poisson,
    /// Each user sends a while after his last answer: not an open model, a slow server is asked less.
    Closed,
    /// Nobody sends.
    None,
}

/// What people do beside sending. Rates are of all together, a second.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Habits {
    /// Log in with name and password before connecting.
    pub login: bool,
    /// Share of the received messages that are marked as seen at once, 0 to 1.
    pub seen_share: f64,
    /// Typing notices a second.
    pub typing_rate: f64,
    /// Presence changes a second.
    pub presence_rate: f64,
    /// Pages of history a second.
    pub history_rate: f64,
    /// Users leave and come back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub churn: Option<Churn>,
    /// Many sockets are cut at once, and come back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storm: Option<Storm>,
    /// Some connect only after the hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offline: Option<Offline>,
    /// Some stop reading for a while.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slow: Option<Slow>,
}

/// Users leave and come back, evenly over the hold.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Churn {
    /// Users who leave, a second.
    pub rate: f64,
    /// How long each stays away.
    #[serde(with = "text")]
    #[schemars(schema_with = "text::schema")]
    pub away: Duration,
}

/// Many sockets are cut at once, as when a node dies, and come back.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Storm {
    /// Time of the cut, from the begin of the hold.
    #[serde(with = "text")]
    #[schemars(schema_with = "text::schema")]
    pub at: Duration,
    /// Share of the users that it hits, above 0 to 1.
    pub share: f64,
    /// Over which they come back.
    #[serde(with = "text")]
    #[schemars(schema_with = "text::schema")]
    pub within: Duration,
}

/// Some do not connect before the hold has ended; what they were sent waits for them.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Offline {
    /// Of the users, above 0 and below 1.
    pub share: f64,
}

/// Some stop reading at the begin of the hold.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Slow {
    /// Of the users, above 0 and below 1.
    pub share: f64,
    /// For how long.
    #[serde(with = "text")]
    #[schemars(schema_with = "text::schema")]
    pub pause: Duration,
}

/// A command of the shell at a set time, marked in the charts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Chaos {
    /// From the begin of the hold.
    #[serde(with = "text")]
    #[schemars(schema_with = "text::schema")]
    pub at: Duration,
    /// For `sh -c`; the pids of the servers are in `CHATBENCH_SERVER_PIDS`.
    pub command: String,
    /// What the charts call it; the command unless told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl Habits {
    /// In planned times, which count from the begin of the warm-up.
    pub(super) fn planned(&self, warmup: Duration) -> Behaviour {
        Behaviour {
            login: self.login,
            seen_share: self.seen_share,
            typing_rate: self.typing_rate,
            presence_rate: self.presence_rate,
            history_rate: self.history_rate,
            churn: self.churn.map(|churn| behaviour::Churn { rate: churn.rate, away_us: micros(churn.away) }),
            storm: self.storm.map(|storm| behaviour::Storm {
                at_us: micros(storm.at + warmup),
                share: storm.share,
                within_us: micros(storm.within),
            }),
            offline: self.offline.map(|offline| behaviour::Offline { share: offline.share }),
            slow: self.slow.map(|slow| behaviour::Slow { share: slow.share, pause_us: micros(slow.pause) }),
        }
    }

    pub(super) fn scale(&mut self, factor: f64) {
        self.typing_rate *= factor;
        self.presence_rate *= factor;
        self.history_rate *= factor;
        if let Some(churn) = &mut self.churn {
            churn.rate *= factor;
        }
    }
}
