//! What is on its way: a list for each user, oldest first, in one slab for the thread.
//!
//! A user without anything on its way costs the eight bytes of his [`Line`].

use slab::Slab;

/// Items of all lines of a thread together; beyond it the oldest items of a line make room. 64 MiB.
pub(crate) const ITEMS: usize = 4 << 20;
const END: u32 = u32::MAX;

/// The first and the last of a user's items.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line {
    first: u32,
    last: u32,
}

impl Default for Line {
    fn default() -> Self {
        Self { first: END, last: END }
    }
}

/// A number (a sequence) and the planned time that belongs to it.
#[derive(Clone, Copy, Debug)]
struct Item {
    number: u32,
    next: u32,
    at_us: u64,
}

/// All lines.
#[derive(Debug, Default)]
pub(crate) struct Flights {
    items: Slab<Item>,
}

impl Flights {
    /// Adds to the end of a line.
    pub(crate) fn push(&mut self, line: &mut Line, number: u32, at_us: u64) {
        if self.items.len() >= ITEMS && self.pop(line).is_none() {
            return;
        }
        let new = self.items.insert(Item { number, next: END, at_us }) as u32;
        match self.items.get_mut(line.last as usize) {
            Some(last) => last.next = new,
            None => line.first = new,
        }
        line.last = new;
    }

    /// Takes one out and answers its planned time; answers come in order mostly, so it is the first mostly.
    pub(crate) fn take(&mut self, line: &mut Line, number: u32) -> Option<u64> {
        let (mut before, mut at) = (END, line.first);
        while at != END {
            let item = *self.items.get(at as usize)?;
            if item.number == number {
                self.items.remove(at as usize);
                match self.items.get_mut(before as usize) {
                    Some(before) => before.next = item.next,
                    None => line.first = item.next,
                }
                if item.next == END {
                    line.last = before;
                }
                return Some(item.at_us);
            }
            (before, at) = (at, item.next);
        }
        None
    }

    /// Takes each one out whose number is at most this, from the front.
    pub(crate) fn take_to(&mut self, line: &mut Line, number: u32, mut tell: impl FnMut(u64)) {
        while self.first(*line).is_some_and(|item| item.number <= number) {
            if let Some(item) = self.pop(line) {
                tell(item.at_us);
            }
        }
    }

    /// A line, oldest first: numbers and planned times.
    pub(crate) fn iter(&self, line: Line) -> impl Iterator<Item = (u32, u64)> + '_ {
        let mut next = line;
        std::iter::from_fn(move || {
            let item = self.first(next)?;
            next.first = item.next;
            Some((item.number, item.at_us))
        })
    }

    fn first(&self, line: Line) -> Option<Item> {
        self.items.get(line.first as usize).copied()
    }

    fn pop(&mut self, line: &mut Line) -> Option<Item> {
        let item = self.items.try_remove(line.first as usize)?;
        line.first = item.next;
        if item.next == END {
            line.last = END;
        }
        Some(item)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_keep_their_order_and_do_not_mix() {
        let (mut flights, mut a, mut b) = (Flights::default(), Line::default(), Line::default());
        for number in 0..10 {
            flights.push(&mut a, number, u64::from(number) * 100);
            flights.push(&mut b, number, u64::from(number) * 7);
        }
        assert_eq!(flights.take(&mut a, 0), Some(0));
        assert_eq!(flights.take(&mut a, 5), Some(500));
        assert_eq!(flights.take(&mut a, 9), Some(900));
        assert_eq!(flights.take(&mut a, 5), None);
        flights.push(&mut a, 10, 1000);
        let numbers: Vec<u32> = flights.iter(a).map(|(number, _)| number).collect();
        assert_eq!(numbers, [1, 2, 3, 4, 6, 7, 8, 10]);
        let mut times = Vec::new();
        flights.take_to(&mut b, 3, |at| times.push(at));
        assert_eq!(times, [0, 7, 14, 21]);
        flights.take_to(&mut b, 99, |_| {});
        flights.take_to(&mut a, 99, |_| {});
        assert!(flights.items.is_empty());
    }
}
