//! The plan of sends: who sends his how-manieth message at which microsecond. An open model.
//!
//! Planned times follow from the rate alone and never from an answer; a server that is slow changes how late
//! messages arrive, not when they are due. Everybody sends once in a round, in an order drawn from the seed,
//! so that any send's planned time can be computed again from (user, sequence) without being kept.

use crate::payload::mix;
use rand::SeedableRng;
use rand::rngs::SmallRng;
use rand::seq::SliceRandom;
use uuid::{Builder, Uuid};

/// One planned send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Planned {
    pub(crate) user: u32,
    pub(crate) sequence: u32,
    /// Microseconds from the start.
    pub(crate) at: u64,
}

/// The whole plan of a run.
#[derive(Debug)]
pub(crate) struct Schedule {
    /// Users in the order of a round.
    order: Vec<u32>,
    /// Where a user stands in it.
    place: Vec<u32>,
    rate: f64,
    /// Microseconds of warm-up and of hold.
    warmup: u64,
    hold: u64,
    seed: u64,
    /// Wall clock at planned time 0, in milliseconds: what the client message ids are made of.
    wall_ms: u64,
}

impl Schedule {
    /// A plan for `users` people who send `rate` messages a second in all, first to warm up, then measured.
    pub(crate) fn new(users: usize, rate: f64, warmup: u64, hold: u64, seed: u64, wall_ms: u64) -> Self {
        let count = u32::try_from(users).unwrap_or(u32::MAX);
        let mut order: Vec<u32> = (0..count).collect();
        order.shuffle(&mut SmallRng::seed_from_u64(seed));
        let mut place = vec![0; order.len()];
        for (position, user) in (0..count).zip(&order) {
            place[*user as usize] = position;
        }
        Self { order, place, rate, warmup, hold, seed, wall_ms }
    }

    /// Sends in the whole plan.
    pub(crate) fn len(&self) -> u64 {
        ((self.warmup + self.hold) as f64 * self.rate / 1e6).floor() as u64
    }

    /// The send with this number, from 0.
    pub(crate) fn send(&self, number: u64) -> Planned {
        let users = self.order.len() as u64;
        let user = self.order[(number % users) as usize];
        Planned { user, sequence: (number / users) as u32, at: self.at(number) }
    }

    /// When a user's send was planned.
    pub(crate) fn planned(&self, user: u32, sequence: u32) -> u64 {
        let place = self.place.get(user as usize).copied().unwrap_or_default();
        self.at(u64::from(sequence) * self.order.len() as u64 + u64::from(place))
    }

    /// Whether a planned time counts: after the warm-up, before the end.
    pub(crate) fn counts(&self, at: u64) -> bool {
        (self.warmup..self.warmup + self.hold).contains(&at)
    }

    /// Microseconds of warm-up.
    pub(crate) fn warmup(&self) -> u64 {
        self.warmup
    }

    /// Microseconds from the start to the end of the hold.
    pub(crate) fn end(&self) -> u64 {
        self.warmup + self.hold
    }

    /// The client message id of a send: a UUIDv7 of its planned time, the same for each repeat.
    pub(crate) fn client_id(&self, user: u32, sequence: u32) -> Uuid {
        let millis = self.wall_ms + self.planned(user, sequence) / 1000;
        let high = mix(self.seed ^ mix(u64::from(user) << 32 | u64::from(sequence)));
        let mut random = [0; 10];
        random[..8].copy_from_slice(&high.to_be_bytes());
        random[8..].copy_from_slice(&mix(high).to_be_bytes()[..2]);
        Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
    }

    fn at(&self, number: u64) -> u64 {
        (number as f64 * 1e6 / self.rate) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn plan() -> Schedule {
        Schedule::new(10, 1000.0, 1_000_000, 2_000_000, 7, 1_700_000_000_000)
    }

    #[test]
    fn sends_are_spaced_evenly_whatever_is_answered() {
        let plan = plan();
        assert_eq!(plan.len(), 3000);
        // The plan is a function of the number alone: there is nothing that an answer could delay.
        for number in 0..plan.len() {
            assert_eq!(plan.send(number).at, number * 1000);
        }
    }

    #[test]
    fn everybody_sends_once_in_a_round_and_times_can_be_had_again() {
        let plan = plan();
        for round in 0..3 {
            let users: HashSet<_> = (0..10).map(|n| plan.send(round * 10 + n).user).collect();
            assert_eq!(users.len(), 10);
        }
        for number in 0..plan.len() {
            let send = plan.send(number);
            assert_eq!(plan.planned(send.user, send.sequence), send.at);
        }
    }

    #[test]
    fn only_the_hold_counts() {
        let plan = plan();
        assert!(!plan.counts(999_999));
        assert!(plan.counts(1_000_000));
        assert!(plan.counts(2_999_999));
        assert!(!plan.counts(3_000_000));
    }

    #[test]
    fn client_ids_are_version_7_unique_and_repeatable() {
        let plan = plan();
        let ids: HashSet<_> =
            (0..10).flat_map(|u| (0..100).map(move |s| (u, s))).map(|(u, s)| plan.client_id(u, s)).collect();
        assert_eq!(ids.len(), 1000);
        assert!(ids.iter().all(|id| id.get_version_num() == 7));
        assert_eq!(plan.client_id(3, 4), plan.client_id(3, 4));
    }

    #[test]
    fn the_seed_makes_the_order() {
        let other = Schedule::new(10, 1000.0, 0, 1, 8, 0);
        assert_ne!(plan().order, other.order);
        assert_eq!(plan().order, plan().order);
    }
}
