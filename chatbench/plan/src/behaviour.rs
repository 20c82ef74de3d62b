//! What users do beside sending: the knobs that scenarios turn. All off is plain chat.

use serde::{Deserialize, Serialize};

/// Beside the messages of the plan.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Behaviour {
    /// Log in with name and password before connecting, instead of with a minted token.
    pub login: bool,
    /// Share of the received messages that are marked as seen at once.
    pub seen_share: f64,
    /// Typing notices, presence changes and history pages a second, of all together, in warm-up and hold.
    pub typing_rate: f64,
    pub presence_rate: f64,
    pub history_rate: f64,
    /// Users a second who leave and come back.
    pub churn: Option<Churn>,
    pub storm: Option<Storm>,
    pub offline: Option<Offline>,
    pub slow: Option<Slow>,
}

/// Users leave and come back, evenly over the hold.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Churn {
    pub rate: f64,
    /// How long each stays away.
    pub away_us: u64,
}

/// Many sockets are cut at once, as when a node dies, and come back.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Storm {
    /// Planned time of the cut.
    pub at_us: u64,
    /// Share of the users that it hits.
    pub share: f64,
    /// Over which they come back.
    pub within_us: u64,
}

/// Some do not connect before the hold has ended; what they were sent waits for them.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Offline {
    pub share: f64,
}

/// Some stop reading for a while.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Slow {
    pub share: f64,
    /// How long, from the begin of the hold on.
    pub pause_us: u64,
}
