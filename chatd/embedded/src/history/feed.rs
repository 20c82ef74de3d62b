//! What changed for a person, over all partitions of the log.

use super::{View, codec, keys, unread};
use fjall::{Guard, Iter};
use schema::{Cursor, Position, UserId};
use std::iter::{Map, Peekable};
use store::Error;
use store::messages::FeedEntry;

/// The entries of one partition that are still to come.
struct Lane {
    partition: u32,
    entries: Entries,
}

type Entries = Peekable<Map<Iter, fn(Guard) -> Result<FeedEntry, Error>>>;

impl Lane {
    /// All entries of the next record: a cursor stands between records, so a page never parts them.
    fn next_record(&mut self) -> Result<Option<Vec<FeedEntry>>, Error> {
        let Some(first) = self.entries.next().transpose()? else { return Ok(None) };
        let offset = first.position.offset;
        let mut record = vec![first];
        while let Some(entry) =
            self.entries.next_if(|entry| entry.as_ref().is_ok_and(|entry| entry.position.offset == offset))
        {
            record.push(entry?);
        }
        Ok(Some(record))
    }
}

impl View {
    /// One record of each partition in turn, so that a busy partition can't keep the others waiting. A page
    /// of less than one record's entries is one record.
    pub(super) fn feed(
        &self,
        user: UserId,
        mut cursor: Cursor,
        limit: usize,
    ) -> Result<(Vec<FeedEntry>, Cursor), Error> {
        let mut lanes = self.lanes(user, &cursor)?;
        if let Some(last) = lanes.last() {
            let partitions = last.partition as usize + 1;
            cursor.next.resize(cursor.next.len().max(partitions), 0);
        }
        let mut page = Vec::new();
        while !lanes.is_empty() {
            let mut waiting = Vec::with_capacity(lanes.len());
            for mut lane in lanes {
                let Some(record) = lane.next_record()? else { continue };
                if !page.is_empty() && page.len() + record.len() > limit {
                    return Ok((page, cursor));
                }
                if let Some(last) = record.last() {
                    cursor.advance(last.position);
                }
                page.extend(record);
                waiting.push(lane);
            }
            lanes = waiting;
        }
        Ok((page, cursor))
    }

    /// The partitions that have something behind the cursor, by number. Jumps from one to the next, so
    /// partitions without entries cost nothing.
    fn lanes(&self, user: UserId, cursor: &Cursor) -> Result<Vec<Lane>, Error> {
        let mut lanes = Vec::new();
        let mut partition = Some(0);
        while let Some(number) = partition {
            let from = Position { epoch: cursor.epoch, partition: number, offset: cursor.next_in(number) };
            let end = Position { epoch: cursor.epoch, partition: u32::MAX, offset: u64::MAX };
            let Some(found) =
                self.feed.range(keys::feed(user, from, 0)..=keys::feed(user, end, u8::MAX)).next()
            else {
                break;
            };
            let key = found.key().map_err(unread)?;
            let (found, _) = keys::parse_feed(&key).ok_or_else(unreadable)?;
            if found.partition > number {
                partition = Some(found.partition); // its entries may all lie before the cursor
                continue;
            }
            let end = Position { offset: u64::MAX, ..from };
            let entries = self.feed.range(keys::feed(user, from, 0)..=keys::feed(user, end, u8::MAX));
            lanes.push(Lane { partition: number, entries: entries.map(entry as fn(_) -> _).peekable() });
            partition = number.checked_add(1);
        }
        Ok(lanes)
    }
}

fn entry(guard: Guard) -> Result<FeedEntry, Error> {
    let (key, value) = guard.into_inner().map_err(unread)?;
    let (position, kind) = keys::parse_feed(&key).ok_or_else(unreadable)?;
    codec::decode_feed(position, kind, &value).ok_or_else(unreadable)
}

fn unreadable() -> Error {
    Error::Corrupt("history: a feed entry can't be read".into())
}
