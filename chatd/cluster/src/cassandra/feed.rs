//! What changed for a person, over all partitions of the log.

use super::View;
use super::codec::decode_feed;
use super::fault::unreadable;
use super::read::position;
use futures_util::{StreamExt, TryStreamExt, stream};
use schema::limits::{CASSANDRA_PAGE, CASSANDRA_REQUESTS};
use schema::{Cursor, Position, UserId};
use std::collections::{BTreeMap, VecDeque};
use store::Error;
use store::messages::FeedEntry;

/// Entries that a lane reads at a time, at least.
const LANE: usize = 8;

/// What of one log partition is still to come.
struct Lane {
    user: UserId,
    partition: u32,
    /// Buckets that are known to have entries; the first is being read.
    buckets: VecDeque<i64>,
    entries: VecDeque<FeedEntry>,
    /// The timestamp behind the last entry that was read.
    next: i64,
    /// How many entries are read at a time.
    page: usize,
}

impl View {
    /// One record of each partition in turn, so that a busy partition can't keep the others waiting. A page
    /// of less than one record's entries is one record.
    pub(super) async fn feed(
        &self,
        user: UserId,
        mut cursor: Cursor,
        limit: usize,
    ) -> Result<(Vec<FeedEntry>, Cursor), Error> {
        let mut behind = (self.first_bucket(&cursor), -1);
        loop {
            let found = self.buckets(user, behind).await?;
            let Some(last) = found.last().copied() else { return Ok((Vec::new(), cursor)) };
            let lanes = self.lanes(user, &cursor, found, limit);
            let page = self.take(lanes, &mut cursor, limit).await?;
            if !page.is_empty() {
                return Ok((page, cursor));
            }
            behind = last;
        }
    }

    /// The first bucket that may have something behind the cursor, in any partition.
    fn first_bucket(&self, cursor: &Cursor) -> i64 {
        let known = cursor.next.len() >= self.partitions as usize;
        let least = if known { cursor.next.iter().copied().min().unwrap_or(0) } else { 0 };
        bucket(Position { epoch: cursor.epoch, partition: 0, offset: least }, self.settings.feed_bits)
    }

    /// Which buckets of which partitions a person's feed has, from one on behind another.
    async fn buckets(&self, user: UserId, (bucket, partition): (i64, i32)) -> Result<Vec<(i64, i32)>, Error> {
        let most = i32::try_from(CASSANDRA_PAGE).map_err(unreadable)?;
        let after = (user.0, bucket, partition.saturating_add(1), most);
        self.all(&self.statements.feed_buckets, after).await
    }

    fn lanes(&self, user: UserId, cursor: &Cursor, found: Vec<(i64, i32)>, limit: usize) -> Vec<Lane> {
        let bits = self.settings.feed_bits;
        let mut partitions: BTreeMap<u32, VecDeque<i64>> = BTreeMap::new();
        for (number, partition) in found {
            let partition = partition.cast_unsigned();
            let from = Position { epoch: cursor.epoch, partition, offset: cursor.next_in(partition) };
            let epoch = number >> (EPOCH_BITS - bits);
            if epoch == i64::from(cursor.epoch) && number >= bucket(from, bits) {
                partitions.entry(partition).or_default().push_back(number);
            }
        }
        // What each needs if all have enough, and one more to see a record's end.
        let page = (limit / partitions.len().max(1) + 2).clamp(LANE, CASSANDRA_PAGE);
        let lane = |(partition, buckets)| {
            let from = Position { epoch: cursor.epoch, partition, offset: cursor.next_in(partition) };
            let next = from.write_timestamp().cast_signed();
            Lane { user, partition, buckets, entries: VecDeque::new(), next, page }
        };
        partitions.into_iter().map(lane).collect()
    }

    async fn take(
        &self,
        lanes: Vec<Lane>,
        cursor: &mut Cursor,
        limit: usize,
    ) -> Result<Vec<FeedEntry>, Error> {
        // The first page of each at once.
        let fill = async |mut lane: Lane| {
            lane.fill(self).await?;
            Ok::<_, Error>(lane)
        };
        let mut lanes: Vec<Lane> =
            stream::iter(lanes).map(fill).buffered(CASSANDRA_REQUESTS).try_collect().await?;
        if let Some(last) = lanes.last() {
            let partitions = last.partition as usize + 1;
            cursor.next.resize(cursor.next.len().max(partitions), 0);
        }
        let mut page = Vec::new();
        while !lanes.is_empty() {
            let mut waiting = Vec::with_capacity(lanes.len());
            for mut lane in lanes {
                let record = lane.next_record(self).await?;
                let Some(last) = record.last() else { continue };
                if !page.is_empty() && page.len() + record.len() > limit {
                    return Ok(page);
                }
                cursor.advance(last.position);
                page.extend(record);
                waiting.push(lane);
            }
            lanes = waiting;
        }
        Ok(page)
    }

    async fn entries(&self, lane: &Lane, bucket: i64) -> Result<VecDeque<FeedEntry>, Error> {
        let (partition, limit) =
            (lane.partition.cast_signed(), i32::try_from(lane.page).map_err(unreadable)?);
        let rows: Vec<(i64, i8, Vec<u8>)> =
            self.all(&self.statements.feed, (lane.user.0, partition, bucket, lane.next, limit)).await?;
        let decode = |(written, kind, bytes): (i64, i8, Vec<u8>)| {
            decode_feed(position(lane.partition, written), kind, &bytes)
                .ok_or_else(|| Error::Corrupt(format!("cassandra: feed of user {} can't be read", lane.user)))
        };
        let mut entries: VecDeque<FeedEntry> = rows.into_iter().map(decode).collect::<Result<_, _>>()?;
        // The last record of a full page may have more entries: it is read once more.
        if entries.len() == lane.page
            && let Some(last) = entries.back().map(|entry| entry.position)
            && entries.front().is_some_and(|first| first.position != last)
        {
            entries.retain(|entry| entry.position != last);
        }
        Ok(entries)
    }
}

impl Lane {
    /// All entries of the next record: a cursor stands between records, so a page never parts them.
    async fn next_record(&mut self, view: &View) -> Result<Vec<FeedEntry>, Error> {
        self.fill(view).await?;
        let mut record: Vec<FeedEntry> = Vec::new();
        while let Some(entry) = self.entries.pop_front() {
            if record.last().is_some_and(|last| last.position != entry.position) {
                self.entries.push_front(entry);
                break;
            }
            record.push(entry);
        }
        Ok(record)
    }

    /// Makes sure that the next record is here, if there is one.
    async fn fill(&mut self, view: &View) -> Result<(), Error> {
        while self.entries.is_empty() {
            let Some(current) = self.buckets.front().copied() else { return Ok(()) };
            self.entries = view.entries(self, current).await?;
            if self.entries.is_empty() {
                self.leave(view, current).await?;
            }
        }
        if let Some(last) = self.entries.back() {
            self.next = last.position.write_timestamp().cast_signed() + 1;
        }
        Ok(())
    }

    /// Goes to the next bucket. Between looking into this one and into the next, entries may have come to both:
    /// whoever sees something in the next looks into this one again.
    async fn leave(&mut self, view: &View, current: i64) -> Result<(), Error> {
        let Some(next) = self.buckets.get(1).copied() else {
            self.buckets.clear();
            return Ok(());
        };
        let behind = view.entries(self, next).await?;
        self.entries = view.entries(self, current).await?;
        if self.entries.is_empty() {
            self.buckets.pop_front();
            self.entries = behind;
        }
        Ok(())
    }
}

/// Bits of a timestamp that hold the offset.
const EPOCH_BITS: u32 = 44;

fn bucket(position: Position, bits: u32) -> i64 {
    position.write_timestamp().cast_signed() >> bits
}
