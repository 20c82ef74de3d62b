//! What users do beside sending: they type, change their presence, leave and come back, are cut off, come late, stop reading.
//!
//! All of it has planned times, and who is hit follows from the seed.

use super::traffic::chosen;
use super::{Thread, What};
use crate::driver::{Framing, Outbox};
use crate::socket::Step;
use crate::websocket::{self, CLOSE};
use plan::payload::mix;
use plan::{Behaviour, Plan};

/// Tell the draws of one behaviour from those of another.
const OFFLINE: u64 = 0x0ff1;
const SLOW: u64 = 0x510e;
const STORM: u64 = 0x5709;
/// People who are looked at to find one who is there.
const LOOKS: usize = 64;
/// Deeds between two looks at the sockets.
const STREAK: u32 = 16;

/// What happens at a rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deed {
    Typing,
    Presence,
    History,
    Leave,
}

/// Something that happens evenly between two planned times.
#[derive(Clone, Copy, Debug)]
struct Beat {
    deed: Deed,
    /// Deeds a second of this thread.
    rate: f64,
    done: u64,
    from_us: u64,
    to_us: u64,
}

impl Beat {
    /// Planned time of the next one.
    fn next_us(&self) -> Option<u64> {
        let at = self.from_us + ((self.done as f64 + 0.5) / self.rate * 1e6) as u64;
        (at < self.to_us).then_some(at)
    }
}

/// Something that happens once, at a planned time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    Storm,
    Deaf,
    Hear,
}

/// What is still to happen.
#[derive(Debug, Default)]
pub(super) struct Life {
    begin_us: u64,
    beats: Vec<Beat>,
    turns: Vec<(u64, Turn)>,
}

impl Life {
    /// `share` of all users belong to this thread.
    pub(super) fn begin(plan: &Plan, share: f64, begin_us: u64) -> Self {
        let Behaviour { typing_rate, presence_rate, history_rate, churn, storm, slow, .. } = plan.behaviour;
        let (warmup_us, end_us) = (plan.phases.warmup_us, plan.phases.end_us());
        let beat =
            |deed, rate: f64, from_us| Beat { deed, rate: rate * share, done: 0, from_us, to_us: end_us };
        let beats = [
            beat(Deed::Typing, typing_rate, 0),
            beat(Deed::Presence, presence_rate, 0),
            beat(Deed::History, history_rate, 0),
            beat(Deed::Leave, churn.map_or(0.0, |churn| churn.rate), warmup_us),
        ];
        let mut turns = Vec::new();
        if let Some(storm) = storm {
            turns.push((storm.at_us, Turn::Storm));
        }
        if let Some(slow) = slow {
            turns.push((warmup_us, Turn::Deaf));
            turns.push((warmup_us + slow.pause_us, Turn::Hear));
        }
        Self { begin_us, beats: beats.into_iter().filter(|beat| beat.rate > 0.0).collect(), turns }
    }

    /// When the next thing is to happen, on the run clock.
    pub(super) fn next_us(&self) -> Option<u64> {
        let beats = self.beats.iter().filter_map(Beat::next_us);
        beats.chain(self.turns.iter().map(|(at, _)| *at)).min().map(|at| self.begin_us + at)
    }

    /// Nothing more happens.
    pub(super) fn stop(&mut self) {
        self.beats.clear();
        self.turns.clear();
    }

    /// Takes a deed that is due, and which of its kind it is.
    fn deed(&mut self, now_us: u64) -> Option<(Deed, u64)> {
        let planned = now_us.checked_sub(self.begin_us)?;
        let beat = self.beats.iter_mut().find(|beat| beat.next_us().is_some_and(|at| at <= planned))?;
        beat.done += 1;
        Some((beat.deed, beat.done))
    }

    fn turn(&mut self, now_us: u64) -> Option<Turn> {
        let planned = now_us.checked_sub(self.begin_us)?;
        let due = self.turns.iter().position(|(at, _)| *at <= planned)?;
        Some(self.turns.swap_remove(due).1)
    }
}

impl Thread {
    fn draw(&self, index: usize, salt: u64) -> u64 {
        mix(self.setup.plan.seed ^ mix(salt << 32 | u64::from(self.setup.user(index))))
    }

    /// Whether a user does not come before the hold has ended.
    pub(super) fn is_offline(&self, index: usize) -> bool {
        self.setup
            .plan
            .behaviour
            .offline
            .is_some_and(|offline| chosen(self.draw(index, OFFLINE), offline.share))
    }

    /// Those come now.
    pub(super) fn come_late(&mut self, now: u64) {
        if self.setup.plan.behaviour.offline.is_none() || self.ramp.is_stopped() {
            return;
        }
        for index in 0..self.connections.len() {
            if self.connections[index].step == Step::Away && self.is_offline(index) {
                self.come(index, now);
            }
        }
    }

    /// Does what is due, a bounded number of deeds at a time.
    pub(super) fn live(&mut self) {
        while let Some(turn) = self.life.turn(self.now()) {
            match turn {
                Turn::Storm => self.storm(),
                Turn::Deaf => self.deafen(),
                Turn::Hear => self.hear(),
            }
        }
        for _ in 0..STREAK {
            let Some((deed, number)) = self.life.deed(self.now()) else {
                return;
            };
            if let Some(index) = self.pick(deed, number) {
                self.act(index, deed);
            }
        }
    }

    /// Somebody who is there, by the seed.
    fn pick(&self, deed: Deed, number: u64) -> Option<usize> {
        let users = self.connections.len();
        let first = mix(self.setup.plan.seed ^ mix((deed as u64) << 56 | self.setup.number as u64) ^ number);
        (0..LOOKS.min(users))
            .map(|look| (first as usize).wrapping_add(look) % users)
            .find(|index| self.connections[*index].step == Step::Ready && !self.connections[*index].deaf)
    }

    fn act(&mut self, index: usize, deed: Deed) {
        self.out.clear();
        self.scratch.clear();
        let (me, driver) = (self.setup.me(index), &self.setup.driver);
        let mut out = Outbox::new(driver.framing(), &mut self.out);
        match deed {
            Deed::Typing => driver.typing(me, &mut self.scratch, &mut out),
            Deed::Presence => {
                let connection = &mut self.connections[index];
                connection.absent = !connection.absent;
                driver.presence(me, !connection.absent, &mut self.scratch, &mut out);
            }
            Deed::History => return self.read_history(index),
            Deed::Leave => return self.leave(index),
        }
        if !self.out.is_empty() && self.write(index) {
            let tally = &mut self.book.harvest.tally;
            tally.typing += u64::from(deed == Deed::Typing);
            tally.presence += u64::from(deed == Deed::Presence);
        }
    }

    /// A user says good-bye, and comes back later.
    fn leave(&mut self, index: usize) {
        let Some(churn) = self.setup.plan.behaviour.churn else {
            return;
        };
        let framing = self.setup.driver.framing();
        self.out.clear();
        self.setup.driver.close(&mut Outbox::new(framing, &mut self.out));
        if framing != Framing::Raw {
            websocket::write(CLOSE, &1000_u16.to_be_bytes(), websocket::mask(), &mut self.out);
        }
        match self.connections[index].finish(&self.out) {
            Ok(()) => self.cut(index, self.now() + churn.away_us),
            Err(why) => self.lost(index, why),
        }
    }

    /// Many sockets end without a word, and come back evenly over a while.
    fn storm(&mut self) {
        let Some(storm) = self.setup.plan.behaviour.storm else {
            return;
        };
        let now = self.now();
        for index in 0..self.connections.len() {
            let draw = self.draw(index, STORM);
            if self.connections[index].step == Step::Ready && chosen(draw, storm.share) {
                self.cut(index, now + mix(draw) % storm.within_us.max(1));
            }
        }
    }

    fn cut(&mut self, index: usize, back_us: u64) {
        let user = self.setup.user(index);
        self.book.left(user, None);
        let connection = &mut self.connections[index];
        connection.shut();
        connection.step = Step::Away;
        connection.cut = true;
        connection.planned_us = back_us;
        self.set(index, back_us, What::Return);
    }

    /// Who was cut comes back, at the time that was planned for it.
    pub(super) fn come_back(&mut self, index: usize) {
        let connection = &self.connections[index];
        if connection.step == Step::Away && !self.ramp.is_stopped() {
            let planned = connection.planned_us;
            self.come(index, planned);
        }
    }

    fn deafen(&mut self) {
        let share = self.setup.plan.behaviour.slow.map_or(0.0, |slow| slow.share);
        for index in 0..self.connections.len() {
            if self.connections[index].step == Step::Ready && chosen(self.draw(index, SLOW), share) {
                self.connections[index].deaf = true;
            }
        }
    }

    /// They read again; what was sent meanwhile counts as sent to somebody who was away.
    pub(super) fn hear(&mut self) {
        for index in 0..self.connections.len() {
            if std::mem::take(&mut self.connections[index].deaf) {
                let user = self.setup.user(index);
                self.book.hears(user, self.now());
                self.listen(index, true);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beats_are_even_and_stay_between_their_times() {
        let mut life = Life {
            begin_us: 1_000,
            beats: vec![Beat { deed: Deed::Typing, rate: 4.0, done: 0, from_us: 500, to_us: 1_000_500 }],
            turns: vec![(700, Turn::Deaf), (600, Turn::Storm)],
        };
        assert_eq!(life.next_us(), Some(1_600));
        assert_eq!(life.turn(1_650), Some(Turn::Storm));
        assert_eq!(life.turn(1_650), None);
        assert_eq!(life.turn(1_700), Some(Turn::Deaf));
        let mut times = Vec::new();
        while let Some(at) = life.next_us() {
            assert_eq!(life.deed(at - 1), None, "never early");
            assert_eq!(life.deed(at), Some((Deed::Typing, times.len() as u64 + 1)));
            times.push(at);
        }
        assert_eq!(times, [126_500, 376_500, 626_500, 876_500]);
    }
}
