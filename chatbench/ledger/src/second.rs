//! What happened in one second of a run: a column of the timeline and of the heat map.

use crate::Latency;
use serde::{Deserialize, Serialize};

/// Sums of one second; several threads' and workers' are added up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Second {
    /// Whole seconds since the begin of the ramp.
    pub at_s: u32,
    /// Sockets that were connected and subscribed at its end.
    pub connected: u64,
    /// Sends that were due, were written, were acknowledged, were refused; messages that were received.
    pub planned: u64,
    pub offered: u64,
    pub accepted: u64,
    pub refused: u64,
    pub delivered: u64,
    /// Sockets that closed without being told to.
    pub disconnected: u64,
    /// Delivery and accept latency of what arrived in this second; schedule lag of what was written. Coarse: two digits.
    pub delivery: Latency,
    pub accept: Latency,
    pub lag: Latency,
}

impl Second {
    /// A second in which nothing happened.
    #[must_use]
    pub fn new(at_s: u32) -> Self {
        Self {
            at_s,
            connected: 0,
            planned: 0,
            offered: 0,
            accepted: 0,
            refused: 0,
            delivered: 0,
            disconnected: 0,
            delivery: Latency::coarse(),
            accept: Latency::coarse(),
            lag: Latency::coarse(),
        }
    }

    /// Adds what others saw in the same second.
    pub fn merge(&mut self, other: &Second) {
        self.connected += other.connected;
        self.planned += other.planned;
        self.offered += other.offered;
        self.accepted += other.accepted;
        self.refused += other.refused;
        self.delivered += other.delivered;
        self.disconnected += other.disconnected;
        self.delivery.merge(&other.delivery);
        self.accept.merge(&other.accept);
        self.lag.merge(&other.lag);
    }
}
