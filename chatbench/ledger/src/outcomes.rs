//! Counts of sends.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What became of sends whose outcome is no violation by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Outcomes {
    pub sent: u64,
    pub acknowledged: u64,
    /// Refused with an error: it must not be in history.
    pub refused: u64,
    /// Received live, each message once.
    pub received: u64,
    /// Received once more after the recipient had connected anew.
    pub redelivered: u64,
    /// Accepted, not received live during the run, and not known to be lost: still on its way, its recipient not
    /// connected at the end, or received as something that counts as another violation.
    pub undelivered: u64,
    /// Unanswered at first, repeated once under the same client id, then acknowledged.
    pub settled_by_repeat: u64,
    /// Never answered: found in history, and not found.
    pub ambiguous_stored: u64,
    pub ambiguous_absent: u64,
    /// Never answered, and of a conversation whose history was not read.
    pub ambiguous_unchecked: u64,
}

impl Outcomes {
    pub(crate) fn merge(&mut self, other: Outcomes) {
        self.sent += other.sent;
        self.acknowledged += other.acknowledged;
        self.refused += other.refused;
        self.received += other.received;
        self.redelivered += other.redelivered;
        self.undelivered += other.undelivered;
        self.settled_by_repeat += other.settled_by_repeat;
        self.ambiguous_stored += other.ambiguous_stored;
        self.ambiguous_absent += other.ambiguous_absent;
        self.ambiguous_unchecked += other.ambiguous_unchecked;
    }
}
