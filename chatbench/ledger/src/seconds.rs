//! All seconds of a run, in little memory: a soak of hours has tens of thousands.

use crate::Second;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// Seconds that are kept ready: workers still tell of the latest, and the live view looks at them. Older ones are packed.
const READY: usize = 16;

/// The seconds of a run, ascending. One that is kept ready takes up to 60 KiB for its three histograms; a packed one as many bytes
/// as it has filled buckets, or about twice that. Nothing is lost by packing: what comes out is what went in, count by count.
#[derive(Clone, Debug, Default)]
pub struct Seconds {
    /// The latest; each is later than all packed ones.
    ready: BTreeMap<u32, Second>,
    packed: BTreeMap<u32, Box<[u8]>>,
}

impl Seconds {
    /// Adds what one more worker saw in a second; any second, in any order.
    pub fn add(&mut self, second: Second) {
        let at = second.at_s;
        if let Some(packed) = self.packed.get_mut(&at) {
            let mut known = unpack(at, packed);
            known.merge(&second);
            *packed = pack(&known);
            return;
        }
        match self.ready.entry(at) {
            Entry::Occupied(mut known) => known.get_mut().merge(&second),
            Entry::Vacant(place) => drop(place.insert(second)),
        }
        if self.ready.len() > READY
            && let Some((at, oldest)) = self.ready.pop_first()
        {
            self.packed.insert(at, pack(&oldest));
        }
    }

    /// Those from `from` on and before `to`, ascending.
    pub fn range(&self, from: u32, to: u32) -> impl Iterator<Item = Cow<'_, Second>> {
        let span = from..to.max(from);
        let packed = self.packed.range(span.clone()).map(|(at, packed)| Cow::Owned(unpack(*at, packed)));
        packed.chain(self.ready.range(span).map(|(_, second)| Cow::Borrowed(second)))
    }

    /// All, ascending.
    pub fn iter(&self) -> impl Iterator<Item = Cow<'_, Second>> {
        self.range(0, u32::MAX)
    }

    /// The latest that is not later than `at`.
    #[must_use]
    pub fn until(&self, at: u32) -> Option<Cow<'_, Second>> {
        let ready = self.ready.range(..=at).next_back().map(|(_, second)| Cow::Borrowed(second));
        let packed = || self.packed.range(..=at).next_back();
        ready.or_else(|| packed().map(|(at, packed)| Cow::Owned(unpack(*at, packed))))
    }

    /// When the latest was.
    #[must_use]
    pub fn last_s(&self) -> Option<u32> {
        self.ready.last_key_value().map(|(at, _)| *at)
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ready.is_empty()
    }
}

impl FromIterator<Second> for Seconds {
    fn from_iter<I: IntoIterator<Item = Second>>(seconds: I) -> Self {
        let mut all = Self::default();
        seconds.into_iter().for_each(|second| all.add(second));
        all
    }
}

#[expect(clippy::expect_used, reason = "counts and histograms always have a form in bytes")]
fn pack(second: &Second) -> Box<[u8]> {
    postcard::to_allocvec(second).expect("a second").into()
}

#[expect(clippy::expect_used, reason = "the bytes are those of `pack`, which never left this process")]
fn unpack(at: u32, packed: &[u8]) -> Second {
    let second: Second = postcard::from_bytes(packed).expect("a packed second");
    debug_assert_eq!(second.at_s, at, "a second lies where it was packed");
    second
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Latency;

    /// Made-up traffic: a few thousand messages a second, spread over two decades, with a stall now and then.
    fn busy(at_s: u32, messages: u32) -> Second {
        let mut second = Second { connected: 1000, delivered: messages.into(), ..Second::new(at_s) };
        let mut state = at_s.wrapping_mul(2_654_435_761) | 1;
        for n in 0..messages {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let spread = f64::from(state >> 8) / f64::from(1 << 24);
            let slow = if at_s == 0 && n.is_multiple_of(4) { 500.0 } else { 1.0 };
            second.delivery.record((400.0 * slow * 60_f64.powf(spread * spread)) as u64);
            second.accept.record((300.0 * slow * 40_f64.powf(spread * spread)) as u64);
            second.lag.record(20 + u64::from(state >> 25));
        }
        second
    }

    #[test]
    fn four_hours_take_little_memory_and_every_figure_stays() {
        /// What a second of 1,000 messages over two decades may take on average: 28 MiB in all, where 60 KiB each were 840.
        const BYTES: usize = 2048;
        const FOUR_HOURS: u32 = 4 * 3600;
        let kinds: Vec<Second> = (0..50).map(|at| busy(at, 1000)).collect();
        let second = |at_s: u32| Second { at_s, ..kinds[at_s as usize % kinds.len()].clone() };
        let (mut all, mut whole) = (Seconds::default(), Latency::coarse());
        for at in 0..FOUR_HOURS {
            whole.merge(&second(at).delivery);
            all.add(second(at));
        }
        assert_eq!((all.ready.len(), all.packed.len()), (READY, FOUR_HOURS as usize - READY));
        let bytes: usize = all.packed.values().map(|packed| packed.len()).sum();
        assert!(bytes / all.packed.len() < BYTES, "{} bytes a second", bytes / all.packed.len());
        let mut merged = Latency::coarse();
        all.iter().for_each(|second| merged.merge(&second.delivery));
        assert_eq!(merged.figures(), whole.figures());
        for at in [0, 1, 600, 7777, FOUR_HOURS - READY as u32, FOUR_HOURS - 1] {
            assert_eq!(all.range(at, at + 1).next().unwrap().into_owned(), second(at));
        }
    }

    #[test]
    fn a_worker_that_tells_late_is_added_where_it_belongs() {
        let mut all: Seconds = (10..60).map(|at| busy(at, 10)).collect();
        for at in [5, 12, 59, 12] {
            all.add(busy(at, 10));
        }
        let counts: Vec<(u32, u64)> = all.iter().map(|second| (second.at_s, second.delivery.len())).collect();
        assert!(counts.is_sorted() && counts.len() == 51, "{counts:?}");
        assert_eq!([counts[0], counts[3], counts[50]], [(5, 10), (12, 30), (59, 20)]);
    }

    #[test]
    fn the_latest_is_found_however_old_it_is() {
        let all: Seconds = (10..40).chain(50..60).map(|at| busy(at, 1)).collect();
        let until = |at| all.until(at).map(|second| second.at_s);
        assert_eq!([9, 10, 45, 59, 99].map(until), [None, Some(10), Some(39), Some(59), Some(59)]);
        assert_eq!((all.last_s(), Seconds::default().last_s()), (Some(59), None));
        assert_eq!(all.range(38, 51).map(|second| second.at_s).collect::<Vec<_>>(), [38, 39, 50]);
        assert_eq!(all.range(50, 40).count(), 0);
    }
}
