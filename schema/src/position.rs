//! Where a record stands in the log.
//!
//! A position is (epoch, partition, offset): the epoch is bound to the log's identity, so a log that was
//! recreated never reuses one. Cursors are vectors of positions and never come from clocks.

use serde::{Deserialize, Serialize};

/// Bits of a view write timestamp that hold the offset; the epoch stands above them.
const OFFSET_BITS: u32 = 44;

/// The place of one record in the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Position {
    /// Which life of the log; raised when the log is replaced.
    pub epoch: u32,
    /// Log partition.
    pub partition: u32,
    /// Record number in the partition, from 0.
    pub offset: u64,
}

impl Position {
    /// Write timestamp of whatever this record wrote: a later record of the partition always wins.
    pub fn write_timestamp(self) -> u64 {
        (u64::from(self.epoch) << OFFSET_BITS) | self.offset
    }

    /// Whether this record comes before `other` in their partition.
    pub fn is_before(self, other: Self) -> bool {
        self.write_timestamp() < other.write_timestamp()
    }
}

/// How far somebody has read: for each partition, the offset *behind* the last record that was read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// The log's epoch when the cursor was made; another epoch answers "reset".
    pub epoch: u32,
    /// Next unread offset by partition number.
    pub next: Vec<u64>,
}

impl Cursor {
    /// The cursor before the first record of a log with this many partitions.
    pub fn start(epoch: u32, partitions: u32) -> Self {
        Self { epoch, next: vec![0; partitions as usize] }
    }

    /// Next unread offset of a partition.
    pub fn next_in(&self, partition: u32) -> u64 {
        self.next.get(partition as usize).copied().unwrap_or(0)
    }

    /// Whether the record at `position` has been read.
    pub fn covers(&self, position: Position) -> bool {
        position.epoch == self.epoch && position.offset < self.next_in(position.partition)
    }

    /// Moves behind the record at `position`; never back.
    pub fn advance(&mut self, position: Position) {
        if let Some(next) = self.next.get_mut(position.partition as usize) {
            *next = (*next).max(position.offset.saturating_add(1));
        }
    }

    /// The cursor's bytes, as they are sealed: epoch, then the offsets, big-endian.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(4 + 8 * self.next.len());
        bytes.extend(self.epoch.to_be_bytes());
        for next in &self.next {
            bytes.extend(next.to_be_bytes());
        }
        bytes
    }

    /// The cursor in these bytes; `None` when they are no whole one.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (epoch, rest) = bytes.split_first_chunk::<4>()?;
        let (offsets, []) = rest.as_chunks::<8>() else { return None };
        let next = offsets.iter().map(|offset| u64::from_be_bytes(*offset)).collect();
        Some(Self { epoch: u32::from_be_bytes(*epoch), next })
    }

    /// Moves to the further of the two in each partition.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.next.iter_mut().zip(&other.next) {
            *mine = (*mine).max(*theirs);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_outranks_every_offset() {
        let old = Position { epoch: 1, partition: 0, offset: 1 << 40 };
        let new = Position { epoch: 2, partition: 0, offset: 0 };
        assert!(old.is_before(new));
        assert!(!new.is_before(old));
    }

    #[test]
    fn a_cursor_covers_what_it_passed_and_never_goes_back() {
        let mut cursor = Cursor::start(1, 2);
        let at = |offset| Position { epoch: 1, partition: 1, offset };
        cursor.advance(at(7));
        cursor.advance(at(3));
        assert!(cursor.covers(at(7)));
        assert!(!cursor.covers(at(8)));
        assert!(!cursor.covers(Position { epoch: 2, ..at(7) }));
        assert_eq!(cursor.next, [0, 8]);
    }
}
