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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_several_saw_in_a_second_adds_up() {
        let mut one = Second { connected: 3, offered: 5, delivered: 4, ..Second::new(9) };
        one.delivery.record(1000);
        let mut two =
            Second { connected: 1, planned: 2, accepted: 1, refused: 1, disconnected: 1, ..Second::new(9) };
        two.delivery.record(9000);
        two.lag.record(50);
        let bytes = postcard::to_allocvec(&two).unwrap();
        one.merge(&postcard::from_bytes(&bytes).unwrap());
        assert_eq!((one.at_s, one.connected, one.planned, one.offered), (9, 4, 2, 5));
        assert_eq!((one.accepted, one.refused, one.delivered, one.disconnected), (1, 1, 4, 1));
        assert_eq!((one.delivery.len(), one.lag.len(), one.accept.len()), (2, 1, 0));
        assert!(bytes.len() < 200, "a quiet second is short on the wire: {}", bytes.len());
    }
}
