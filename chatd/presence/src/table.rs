//! Who is typing to whom from this process, until when, and how often people may turn it on and off.

use parking_lot::Mutex;
use schema::UserId;
use schema::limits::{TYPING_PEERS, TYPING_PER_SECOND, TYPISTS};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Duration;
use tokio::time::Instant;

/// What a turn of typing comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turned {
    /// It may begin, if the peer may be told: [`Table::begin`].
    Begins,
    /// It goes on; nobody needs to be told.
    Renewed,
    /// It is not going on, and was not.
    Idle,
    /// It was going on: [`Table::end`].
    Ends,
    /// Beyond a bound.
    Shed,
}

/// The table. Telling happens under its lock, so the peer hears of turns in their order.
pub(crate) struct Table {
    time: Duration,
    rows: Mutex<Rows>,
}

#[derive(Default)]
struct Rows {
    /// By who types: to whom, until when.
    live: HashMap<UserId, Vec<(UserId, Instant)>>,
    /// The same by time, at most [`TYPISTS`].
    ends: BTreeSet<(Instant, UserId, UserId)>,
    /// Turns in this second, by person.
    turns: HashMap<UserId, u32>,
    second: Option<Instant>,
}

impl Table {
    pub(crate) fn new(time: Duration) -> Self {
        Self { time, rows: Mutex::default() }
    }

    /// How long typing lasts that is not renewed.
    pub(crate) fn time(&self) -> Duration {
        self.time
    }

    /// One turn of a person's allowance, if one is left in this second.
    pub(crate) fn take_turn(&self, user: UserId, now: Instant) -> bool {
        self.rows.lock().take_turn(user, now)
    }

    /// What a turn comes to. What goes on is renewed by this.
    pub(crate) fn turn(&self, user: UserId, peer: UserId, on: bool, now: Instant) -> Turned {
        let mut rows = self.rows.lock();
        let going_on = rows.until(user, peer);
        match (going_on, on) {
            (Some(_), false) => Turned::Ends,
            (None, false) => Turned::Idle,
            (Some(until), true) => {
                rows.remove(user, peer, until);
                rows.insert(user, peer, now + self.time);
                Turned::Renewed
            }
            (None, true) => {
                let to = rows.live.get(&user).map_or(0, Vec::len);
                let room = to < TYPING_PEERS && rows.ends.len() < TYPISTS;
                if room && rows.take_turn(user, now) { Turned::Begins } else { Turned::Shed }
            }
        }
    }

    /// Typing begins; `tell` is called unless it has begun meanwhile. True: it is the only one.
    pub(crate) fn begin(&self, user: UserId, peer: UserId, now: Instant, tell: impl FnOnce()) -> bool {
        let mut rows = self.rows.lock();
        if rows.until(user, peer).is_none() {
            rows.insert(user, peer, now + self.time);
            tell();
        }
        rows.ends.len() == 1
    }

    /// Typing ends; `tell` is called unless it has ended meanwhile. Whether it was called.
    pub(crate) fn end(&self, user: UserId, peer: UserId, tell: impl FnOnce()) -> bool {
        let mut rows = self.rows.lock();
        let Some(until) = rows.until(user, peer) else { return false };
        rows.remove(user, peer, until);
        tell();
        true
    }

    /// Ends what was not renewed in time, `tell`ing of each; returns whom it was.
    pub(crate) fn expire(&self, now: Instant, mut tell: impl FnMut(UserId, UserId)) -> Vec<(UserId, UserId)> {
        let mut rows = self.rows.lock();
        let mut expired = Vec::new();
        while let Some((until, user, peer)) = rows.ends.first().copied().filter(|(until, ..)| *until <= now) {
            rows.remove(user, peer, until);
            tell(user, peer);
            expired.push((user, peer));
        }
        expired
    }

    /// When the first one ends by itself.
    pub(crate) fn next_end(&self) -> Option<Instant> {
        self.rows.lock().ends.first().map(|(until, ..)| *until)
    }

    /// To whom somebody is typing.
    pub(crate) fn by(&self, user: UserId) -> Vec<UserId> {
        let rows = self.rows.lock();
        rows.live.get(&user).map(|live| live.iter().map(|(peer, _)| *peer).collect()).unwrap_or_default()
    }

    /// Who types to whom, where one of the two is among these; `None` is everybody.
    pub(crate) fn among(&self, users: Option<&HashSet<UserId>>) -> Vec<(UserId, UserId)> {
        let rows = self.rows.lock();
        let pairs = rows.ends.iter().map(|(_, user, peer)| (*user, *peer));
        pairs
            .filter(|(user, peer)| users.is_none_or(|some| some.contains(user) || some.contains(peer)))
            .collect()
    }
}

impl Rows {
    fn take_turn(&mut self, user: UserId, now: Instant) -> bool {
        if self.second.is_none_or(|second| now.saturating_duration_since(second) >= Duration::from_secs(1)) {
            self.second = Some(now);
            self.turns.clear();
        }
        if self.turns.len() >= TYPISTS && !self.turns.contains_key(&user) {
            return false;
        }
        let turns = self.turns.entry(user).or_default();
        *turns += 1;
        *turns <= TYPING_PER_SECOND
    }

    fn until(&self, user: UserId, peer: UserId) -> Option<Instant> {
        self.live.get(&user)?.iter().find(|(to, _)| *to == peer).map(|(_, until)| *until)
    }

    fn insert(&mut self, user: UserId, peer: UserId, until: Instant) {
        self.live.entry(user).or_insert_with(|| Vec::with_capacity(1)).push((peer, until));
        self.ends.insert((until, user, peer));
    }

    fn remove(&mut self, user: UserId, peer: UserId, until: Instant) {
        self.ends.remove(&(until, user, peer));
        if let Some(live) = self.live.get_mut(&user) {
            live.retain(|(to, _)| *to != peer);
            if live.is_empty() {
                self.live.remove(&user);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    const TIME: Duration = Duration::from_secs(6);

    #[test]
    fn typing_begins_once_is_renewed_and_ends_once() {
        let (table, now) = (Table::new(TIME), Instant::now());
        let (ann, bob) = (UserId::draw(), UserId::draw());
        let told = Cell::new(0);
        let tell = || told.set(told.get() + 1);
        assert_eq!(table.turn(ann, bob, false, now), Turned::Idle);
        assert_eq!(table.turn(ann, bob, true, now), Turned::Begins);
        assert!(table.begin(ann, bob, now, tell));
        table.begin(ann, bob, now, tell);
        assert_eq!(told.get(), 1, "two devices of one person begin once");
        assert_eq!(table.turn(ann, bob, true, now + TIME / 2), Turned::Renewed);
        assert!(table.expire(now + TIME, |_, _| tell()).is_empty(), "it was renewed");
        assert_eq!(table.expire(now + TIME * 2, |_, _| tell()), [(ann, bob)]);
        assert!(!table.end(ann, bob, tell), "it has ended by itself");
        assert_eq!((told.get(), table.next_end()), (2, None));
    }

    #[test]
    fn turns_peers_and_time_are_bounded() {
        let (table, now) = (Table::new(TIME), Instant::now());
        let (ann, bob) = (UserId::draw(), UserId::draw());
        let mut begun = 0;
        for _ in 0..100 {
            if table.turn(ann, bob, true, now) == Turned::Begins {
                begun += 1;
                table.begin(ann, bob, now, || {});
            }
            table.end(ann, bob, || {});
        }
        assert_eq!(begun, TYPING_PER_SECOND);
        let later = now + Duration::from_secs(1);
        assert_eq!(table.turn(ann, bob, true, later), Turned::Begins);
        for _ in 0..TYPING_PEERS {
            table.begin(ann, UserId::draw(), later, || {});
        }
        assert_eq!(table.turn(ann, bob, true, later), Turned::Shed);
        assert_eq!((table.by(ann).len(), table.among(Some(&HashSet::from([bob]))).len()), (TYPING_PEERS, 0));
    }
}
