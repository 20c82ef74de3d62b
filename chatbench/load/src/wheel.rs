//! A hashed timing wheel: one timer costs an entry in a slot, whatever its time; cancelling is forgetting.
//!
//! Whoever sets a timer gives it a word of his own to tell later whether it still matters (a generation).

/// Width of a slot, in microseconds, and slots: together 8 s. What is due later waits more than one turn.
const SLOT_US: u64 = 1_000;
const SLOTS: usize = 8_192;
const WORDS: usize = SLOTS / 64;

/// A timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry<T> {
    pub(crate) at_us: u64,
    pub(crate) what: T,
}

pub(crate) struct Wheel<T> {
    slots: Vec<Vec<Entry<T>>>,
    /// Which slots have entries, so that the next one is found without a look at each.
    used: [u64; WORDS],
    /// Every slot before this one (counted from time zero) has been emptied of what was due.
    turned: u64,
    entries: usize,
}

impl<T: Copy> Wheel<T> {
    pub(crate) fn new() -> Self {
        Self { slots: (0..SLOTS).map(|_| Vec::new()).collect(), used: [0; WORDS], turned: 0, entries: 0 }
    }

    /// Sets a timer; it rings up to a millisecond late, never early.
    pub(crate) fn set(&mut self, at_us: u64, what: T) {
        let slot = at_us.div_ceil(SLOT_US).max(self.turned) as usize % SLOTS;
        self.slots[slot].push(Entry { at_us, what });
        self.used[slot / 64] |= 1 << (slot % 64);
        self.entries += 1;
    }

    /// When to look again: no timer rings before. None without timers.
    pub(crate) fn next_us(&self) -> Option<u64> {
        if self.entries == 0 {
            return None;
        }
        let first = self.turned as usize % SLOTS;
        for step in 0..=WORDS {
            let word = (first / 64 + step) % WORDS;
            let mut bits = self.used[word];
            if step == 0 {
                bits &= u64::MAX << (first % 64);
            }
            if bits != 0 {
                let slot = word * 64 + bits.trailing_zeros() as usize;
                let ahead = (slot + SLOTS - first) % SLOTS;
                return Some((self.turned + ahead as u64) * SLOT_US);
            }
        }
        None
    }

    /// Moves what is due by now to `due`, in the order of the slots.
    pub(crate) fn turn(&mut self, now_us: u64, due: &mut Vec<T>) {
        let end = now_us / SLOT_US + 1;
        // After a long sleep one turn sees every slot.
        let begin = self.turned.max(end.saturating_sub(SLOTS as u64));
        for number in begin..end {
            if self.entries == 0 {
                break;
            }
            let slot = number as usize % SLOTS;
            if self.used[slot / 64] & 1 << (slot % 64) == 0 {
                continue;
            }
            let entries = &mut self.slots[slot];
            let before = entries.len();
            entries.retain(|entry| {
                let later = entry.at_us > now_us;
                if !later {
                    due.push(entry.what);
                }
                later
            });
            self.entries -= before - entries.len();
            if entries.is_empty() {
                // A slot keeps no room for the most that it ever held.
                *entries = Vec::new();
                self.used[slot / 64] &= !(1 << (slot % 64));
            }
        }
        self.turned = self.turned.max(end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_timer_rings_once_at_its_time_and_not_before() {
        let mut wheel = Wheel::new();
        let times: Vec<u64> =
            (0..2_000_u64).map(|n| plan::payload::mix(n + 1) % 30_000_000).chain([0, 1, 999, 1000]).collect();
        for (number, at) in times.iter().enumerate() {
            wheel.set(*at, number);
        }
        let (mut now, mut rung, mut due) = (0, vec![None; times.len()], Vec::new());
        while let Some(next) = wheel.next_us() {
            now = now.max(next);
            wheel.turn(now, &mut due);
            for number in due.drain(..) {
                assert_eq!(rung[number].replace(now), None, "once");
            }
        }
        for (at, rung) in times.iter().zip(rung) {
            let rung = rung.unwrap();
            assert!((*at..=*at + SLOT_US).contains(&rung), "{at} rang at {rung}");
        }
    }

    #[test]
    fn a_timer_of_the_past_rings_at_the_next_turn_and_a_long_sleep_loses_none() {
        let (mut wheel, mut due) = (Wheel::new(), Vec::new());
        wheel.turn(5_000_000, &mut due);
        wheel.set(10, 'a');
        wheel.set(70_000_000, 'b');
        wheel.turn(5_001_000, &mut due);
        assert_eq!(due, ['a']);
        wheel.turn(900_000_000, &mut due);
        assert_eq!(due, ['a', 'b']);
        assert_eq!(wheel.next_us(), None);
    }
}
