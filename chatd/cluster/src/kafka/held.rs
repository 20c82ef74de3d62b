//! A partition in the hands of a member.

use super::failure;
use super::member::Member;
use super::reader::{Found, Lane, Place};
use super::shared::blocking;
use super::state::Look;
use async_trait::async_trait;
use schema::limits::{KAFKA_ASK_TIME, KAFKA_METADATA_BYTES};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use store::Error;
use store::events::{Partition, Record};
use tokio::sync::watch;
use tokio::time::sleep;

/// After a failure that may pass, before Kafka is asked again.
const RETRY: Duration = Duration::from_millis(100);

pub(super) struct Held {
    member: Arc<Member>,
    lane: Arc<Lane>,
    /// Tells this owner of the lane from every other.
    owner: u64,
    partition: u32,
    turn: u64,
    turns: watch::Receiver<u64>,
    looks: watch::Receiver<Look>,
    /// `None`: where the group stands, which was not asked for yet.
    place: Option<Place>,
    fetches: bool,
    /// An end that the partition is known to have reached.
    end: u64,
}

impl Held {
    pub(super) fn new(member: Arc<Member>, partition: u32, turn: u64) -> Result<Self, Error> {
        static OWNERS: AtomicU64 = AtomicU64::new(1);
        let lane = member.clients.reader.lane(partition)?;
        let (turns, looks) = (member.clients.seats.listen(), member.shared.state.listen());
        let owner = OWNERS.fetch_add(1, Ordering::Relaxed);
        let (place, fetches, end) = (None, false, 0);
        Ok(Self { member, lane, owner, partition, turn, turns, looks, place, fetches, end })
    }

    fn check(&self) -> Result<(), Error> {
        if *self.turns.borrow() != self.turn {
            return Err(Error::Revoked);
        }
        self.member.shared.state.readable()
    }

    /// The partition's first offset, and the one behind its last record.
    async fn bounds(&mut self) -> Result<(u64, u64), Error> {
        let (first, end) =
            self.member.shared.watermarks(&self.member.clients.topic.name, self.partition).await?;
        self.end = end;
        Ok((first, end))
    }

    /// Where reading goes on; at first where the group stands.
    async fn place(&mut self) -> Result<Place, Error> {
        if let Some(place) = self.place {
            return Ok(place);
        }
        let clients = &self.member.clients;
        let committed =
            self.member.shared.committed(&clients.topic.name, self.partition, &clients.name).await?;
        let place = Place { next: committed.map_or(0, |committed| committed.offset), since: None };
        self.place = Some(place);
        Ok(place)
    }

    /// Begins to fetch at the place.
    async fn fetch(&mut self, mut place: Place) -> Result<(), Error> {
        place.since = Some(Instant::now());
        let (lane, owner) = (Arc::clone(&self.lane), self.owner);
        blocking(move || lane.start(owner, place.next)).await?;
        self.place = Some(place);
        self.fetches = true;
        Ok(())
    }

    /// Kafka has no record where one was asked for. Soft state may be gone at both ends; elsewhere a place
    /// outside of the log is an error.
    async fn settle(&mut self, next: u64) -> Result<(), Error> {
        let (first, end) = self.bounds().await?;
        let settled = if self.member.clients.topic.topic.durable() {
            self.within(next, first, end)?;
            next
        } else {
            next.clamp(first, end.max(first))
        };
        self.place = Some(Place { next: settled, since: None });
        self.fetches = false;
        sleep(RETRY).await;
        Ok(())
    }

    fn within(&self, offset: u64, first: u64, end: u64) -> Result<(), Error> {
        let (topic, partition) = (&self.member.clients.topic.name, self.partition);
        if offset < first {
            return Err(Error::Corrupt(format!(
                "{topic}-{partition}: records before offset {first} were removed by retention, but offset \
                 {offset} is asked for: restore the log, or the history that was built from it"
            )));
        }
        if offset > end {
            let group = &self.member.clients.name;
            return Err(Error::Corrupt(format!(
                "{topic}-{partition}: the log ends at offset {end}, but group {group} asks for {offset}: the \
                 log lost its end or is another one; restore it, or chatctl topic adopt message-events"
            )));
        }
        Ok(())
    }

    /// Looks into the queue.
    async fn take(&mut self, max: usize) -> Result<Vec<Record>, Error> {
        let mut place = self.place().await?;
        if !self.fetches {
            self.fetch(place).await?;
            place = self.place().await?;
        }
        let next = place.next;
        let found = self.lane.take(self.owner, &mut place, max)?;
        self.place = Some(place);
        match found {
            Found::Records(records) => Ok(records),
            Found::OutOfRange => self.settle(next).await.map(|()| Vec::new()),
            Found::Gap(offset) => {
                let (first, end) = self.bounds().await?;
                self.within(place.next, first, end)?;
                Err(Error::Corrupt(format!(
                    "{}-{}: offset {offset} follows where {} is missing",
                    self.member.clients.topic.name, self.partition, place.next
                )))
            }
        }
    }
}

#[async_trait]
impl Partition for Held {
    fn number(&self) -> u32 {
        self.partition
    }

    async fn seek(&mut self, offset: u64) -> Result<(), Error> {
        self.check()?;
        let (first, end) = self.bounds().await?;
        self.within(offset, first, end)?;
        self.place = Some(Place { next: offset, since: None });
        self.fetches = false;
        Ok(())
    }

    async fn next(&mut self, max: usize, wait: Duration) -> Result<Vec<Record>, Error> {
        let deadline = sleep(wait);
        tokio::pin!(deadline);
        loop {
            self.check()?;
            let records = self.take(max).await?;
            if !records.is_empty() {
                return Ok(records);
            }
            tokio::select! {
                biased;
                _ = self.turns.changed() => {}
                _ = self.looks.changed() => {}
                () = self.lane.filled() => {}
                () = &mut deadline => return Ok(Vec::new()),
            }
        }
    }

    async fn commit(&mut self, offset: u64, metadata: &str) -> Result<(), Error> {
        self.check()?;
        if metadata.len() > KAFKA_METADATA_BYTES {
            return Err(Error::Corrupt(format!(
                "the text beside a committed offset has {} bytes, at most {KAFKA_METADATA_BYTES} are taken",
                metadata.len()
            )));
        }
        let read = self.place.map_or(0, |place| place.next);
        if offset > read.max(self.end) {
            let (_, end) = self.bounds().await?;
            self.within(offset, 0, end)?;
        }
        let clients = &self.member.clients;
        let place = (clients.topic.name.as_str(), self.partition);
        let sent = clients.seats.commit(&clients.group, self.turn, place, (offset, metadata))?;
        match blocking(move || Ok(sent.wait(KAFKA_ASK_TIME))).await? {
            Some(answer) => answer.map_err(failure::commit),
            None => Err(Error::Unknown("Kafka, committing an offset: no answer in time".into())),
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.lane.stop(self.owner);
    }
}
