//! The plan of sends: who sends his how-manieth message at which microsecond.
//!
//! The sends of a run are numbered; when number k is due follows from the rate ([`Curve`]), who sends it from the seed.
//! Where everybody sends once a round, a worker jumps to the numbers of its own users; where senders are drawn, each
//! worker draws all of them, the same ones, and keeps its own: well below a microsecond for a send of the whole run.
//! `next` looks ahead to the next own send, so its time grows with how seldom the own users send.

use crate::curve::Curve;
use crate::{Arrivals, Pairing, Plan};
use rand::rngs::SmallRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, Exp1, Zipf};
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
///
/// Costs 8 bytes for each of the `own` users, and with [`Pairing::Zipf`] 4 for each pair of the run.
#[derive(Clone, Debug)]
pub struct Schedule {
    curve: Curve,
    senders: Senders,
}

#[derive(Clone, Debug)]
enum Senders {
    /// Everybody once a round, in an order drawn from the seed.
    Rounds(Rounds),
    /// Each sender drawn, so that somebody may send twice in a row.
    Drawn(Box<Draws>),
}

#[derive(Clone, Debug)]
struct Rounds {
    /// Place in the round and number of the own users, ascending.
    own: Vec<(u32, u32)>,
    /// The next of them.
    next: usize,
    round: u64,
    /// Sends in a round: users of the whole run.
    length: u64,
}

#[derive(Clone, Debug)]
struct Draws {
    rng: SmallRng,
    /// Position of the next send in the count of all.
    position: f64,
    /// Whether the distance between two sends is drawn too.
    exponential: bool,
    who: Who,
    own: Range<u32>,
    /// Next sequence of each own user.
    sequences: Vec<u32>,
}

#[derive(Clone, Debug)]
enum Who {
    /// One of so many users.
    Anyone(u32),
    /// A pair by its rank, then one of the two.
    Ranked { ranks: Zipf<f64>, pairs: Vec<u32> },
}

impl Schedule {
    /// The sends of the users `own` in a plan; nothing for [`Arrivals::None`] and [`Arrivals::Closed`].
    #[must_use]
    pub fn new(plan: &Plan, own: Range<u32>) -> Self {
        let own = own.start.min(plan.users)..own.end.min(plan.users);
        let exponential = matches!(plan.arrivals, Arrivals::Poisson { .. });
        let who = match plan.pairing {
            Pairing::Zipf { exponent } => ranked(plan.users / 2, exponent, plan.seed),
            Pairing::Uniform if exponential => Some(Who::Anyone(plan.users)),
            Pairing::Uniform => None,
        };
        let senders = match who {
            Some(who) => Senders::Drawn(Box::new(Draws::new(plan.seed, exponential, who, own))),
            None => Senders::Rounds(Rounds::new(plan.seed, plan.users, &own)),
        };
        Self { curve: Curve::new(&plan.arrivals, plan.phases.end_us()), senders }
    }
}

impl Iterator for Schedule {
    type Item = Planned;

    fn next(&mut self) -> Option<Planned> {
        match &mut self.senders {
            Senders::Rounds(rounds) => rounds.next(&mut self.curve),
            Senders::Drawn(draws) => draws.next(&mut self.curve),
        }
    }
}

impl Rounds {
    fn new(seed: u64, users: u32, own: &Range<u32>) -> Self {
        let order = shuffled(users, seed);
        let own = (0..users).zip(order).filter(|(_, user)| own.contains(user)).collect();
        Self { own, next: 0, round: 0, length: u64::from(users) }
    }

    fn next(&mut self, curve: &mut Curve) -> Option<Planned> {
        if self.next == self.own.len() {
            (self.next, self.round) = (0, self.round + 1);
        }
        let (place, user) = *self.own.get(self.next)?;
        self.next += 1;
        let number = self.round * self.length + u64::from(place);
        let sequence = u32::try_from(self.round).ok()?;
        Some(Planned { user, sequence, at_us: curve.at(number as f64)? })
    }
}

impl Draws {
    fn new(seed: u64, exponential: bool, who: Who, own: Range<u32>) -> Self {
        let sequences = vec![0; own.len()];
        let rng = SmallRng::seed_from_u64(crate::payload::mix(seed));
        Self { rng, position: 0.0, exponential, who, own, sequences }
    }

    fn next(&mut self, curve: &mut Curve) -> Option<Planned> {
        if self.own.is_empty() {
            return None;
        }
        loop {
            if self.exponential {
                let gap: f64 = Exp1.sample(&mut self.rng);
                self.position += gap;
            }
            let at_us = curve.at(self.position)?;
            if !self.exponential {
                self.position += 1.0;
            }
            let user = self.who.draw(&mut self.rng);
            if self.own.contains(&user) {
                let next = &mut self.sequences[(user - self.own.start) as usize];
                let sequence = *next;
                *next += 1;
                return Some(Planned { user, sequence, at_us });
            }
        }
    }
}

impl Who {
    fn draw(&self, rng: &mut SmallRng) -> u32 {
        match self {
            Self::Anyone(users) => rng.random_range(0..*users),
            Self::Ranked { ranks, pairs } => {
                let rank = (ranks.sample(rng) as usize).clamp(1, pairs.len());
                2 * pairs[rank - 1] + u32::from(rng.random::<bool>())
            }
        }
    }
}

/// Which pair has which rank is drawn, so that each worker gets its share of the busy ones. None without a pair or
/// with an exponent that is no number.
fn ranked(pairs: u32, exponent: f64, seed: u64) -> Option<Who> {
    let ranks = Zipf::new(f64::from(pairs), exponent).ok()?;
    Some(Who::Ranked { ranks, pairs: shuffled(pairs, seed) })
}

fn shuffled(count: u32, seed: u64) -> Vec<u32> {
    let mut order: Vec<u32> = (0..count).collect();
    order.shuffle(&mut SmallRng::seed_from_u64(seed));
    order
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

#[cfg(test)]
mod tests;
