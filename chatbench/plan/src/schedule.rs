//! The plan of sends: who sends his how-manieth message at which microsecond.

use crate::Plan;
use std::ops::Range;
use uuid::{Builder, Uuid};

/// One planned send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Planned {
    pub user: u32,
    /// Which of the user's messages this is, from 0.
    pub sequence: u32,
    /// Microseconds from the begin of the warm-up.
    pub at_us: u64,
}

/// The sends of some users, in the order of their planned times; of all users together they are the same whoever asks.
#[derive(Debug)]
pub struct Schedule {
    _own: Range<u32>,
}

impl Schedule {
    /// The sends of the users `own` in a plan; nothing for [`crate::Arrivals::None`] and [`crate::Arrivals::Closed`].
    #[must_use]
    pub fn new(_plan: &Plan, own: Range<u32>) -> Self {
        Self { _own: own }
    }
}

impl Iterator for Schedule {
    type Item = Planned;

    fn next(&mut self) -> Option<Planned> {
        None
    }
}

/// The client message id of a send: a UUIDv7 of its planned time, the same for each repeat.
/// `begin_wall_ms` is the wall clock at planned time 0.
#[must_use]
pub fn client_id(seed: u64, begin_wall_ms: u64, send: Planned) -> Uuid {
    let millis = begin_wall_ms + send.at_us / 1000;
    let high = crate::payload::mix(
        seed ^ crate::payload::mix(u64::from(send.user) << 32 | u64::from(send.sequence)),
    );
    let mut random = [0; 10];
    random[..8].copy_from_slice(&high.to_be_bytes());
    random[8..].copy_from_slice(&crate::payload::mix(high).to_be_bytes()[..2]);
    Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
}
