//! Consumers: who owns a partition in a group, and how it reads.

use super::disk;
use super::groups;
use super::lane::Lane;
use super::retention;
use super::shared::Shared;
use async_trait::async_trait;
use parking_lot::Mutex;
use schema::event::Topic;
use std::collections::HashMap;
use std::future;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use store::Error;
use store::events::{Assignments, Committed, Partition, Record};
use tokio::sync::watch;
use tokio::task::spawn_blocking;

/// Which member of each group came last: it owns all partitions of its topic.
#[derive(Default)]
pub(crate) struct Owners(Mutex<HashMap<(Topic, String), watch::Sender<u64>>>);

/// One member's claim.
#[derive(Clone)]
struct Owner {
    member: u64,
    last: watch::Receiver<u64>,
}

impl Owners {
    fn claim(&self, topic: Topic, group: &str) -> Owner {
        let mut owners = self.0.lock();
        let last = owners.entry((topic, group.to_owned())).or_default();
        last.send_modify(|member| *member += 1);
        let last = last.subscribe();
        let member = *last.borrow();
        Owner { member, last }
    }
}

impl Owner {
    fn lost(&self) -> bool {
        *self.last.borrow() != self.member
    }

    /// Returns when another member came.
    async fn revoked(&mut self) {
        let member = self.member;
        if self.last.wait_for(|last| *last != member).await.is_err() {
            future::pending::<()>().await;
        }
    }
}

/// Gives a member its partitions.
pub(crate) struct Member {
    shared: Arc<Shared>,
    topic: Topic,
    group: String,
    owner: Owner,
    given: u32,
}

impl Member {
    pub(crate) fn join(shared: &Arc<Shared>, topic: Topic, group: &str) -> Result<Self, Error> {
        if !groups::is_name(group) {
            return Err(Error::Corrupt(format!(
                "{group:?} is no name of a group: 1 to 64 of a-z, 0-9 and - are meant"
            )));
        }
        let owner = shared.owners.claim(topic, group);
        Ok(Self { shared: shared.clone(), topic, group: group.to_owned(), owner, given: 0 })
    }
}

#[async_trait]
impl Assignments for Member {
    async fn next(&mut self) -> Result<Box<dyn Partition>, Error> {
        if self.given == self.shared.partitions {
            self.owner.revoked().await;
        }
        if self.owner.lost() {
            return Err(Error::Revoked);
        }
        let lane = self.shared.lane(self.topic, self.given)?.clone();
        self.given += 1;
        let position = lane.groups.get(&self.group).map_or(0, |committed| committed.offset);
        let (shared, group, owner) = (self.shared.clone(), self.group.clone(), self.owner.clone());
        Ok(Box::new(Held { shared, lane, group, owner, position }))
    }
}

/// A partition in the hands of a member.
struct Held {
    shared: Arc<Shared>,
    lane: Arc<Lane>,
    group: String,
    owner: Owner,
    /// Offset of the record that is read next.
    position: u64,
}

impl Held {
    /// Soft state may be gone at both ends; elsewhere a place outside of the log is an error.
    fn settle(&mut self, end: u64) -> Result<(), Error> {
        let first = self.lane.first();
        if !self.lane.topic.durable() {
            self.position = self.position.clamp(first, end.max(first));
            return Ok(());
        }
        self.check(self.position, first, end)
    }

    fn check(&self, offset: u64, first: u64, end: u64) -> Result<(), Error> {
        if offset < first {
            return Err(self.lane.cut_off(offset, first));
        }
        if offset > end {
            return Err(self.lane.beyond(offset, end, &self.group));
        }
        Ok(())
    }
}

#[async_trait]
impl Partition for Held {
    fn number(&self) -> u32 {
        self.lane.number
    }

    async fn seek(&mut self, offset: u64) -> Result<(), Error> {
        if self.owner.lost() {
            return Err(Error::Revoked);
        }
        self.check(offset, self.lane.first(), self.lane.end())?;
        self.position = offset;
        Ok(())
    }

    async fn next(&mut self, max: usize, wait: Duration) -> Result<Vec<Record>, Error> {
        let mut ends = self.lane.watch();
        let deadline = tokio::time::sleep(wait);
        tokio::pin!(deadline);
        loop {
            if self.owner.lost() {
                return Err(Error::Revoked);
            }
            let end = *ends.borrow_and_update();
            self.settle(end)?;
            if self.position < end && max > 0 {
                let records = match self.lane.recent(self.position, max) {
                    Some(records) => records,
                    None => {
                        let (lane, from) = (self.lane.clone(), self.position);
                        run(move || lane.stored(from, max)).await?
                    }
                };
                // Nothing readable before the end: only where damage is passed over.
                self.position = records.last().map_or(end, |last| last.offset + 1);
                if !records.is_empty() {
                    return Ok(records);
                }
                continue;
            }
            tokio::select! {
                _ = ends.changed() => {}
                () = self.owner.revoked() => return Err(Error::Revoked),
                () = &mut deadline => return Ok(Vec::new()),
            }
        }
    }

    async fn commit(&mut self, offset: u64, metadata: &str) -> Result<(), Error> {
        let end = self.lane.end();
        if offset > end {
            return Err(self.lane.beyond(offset, end, &self.group));
        }
        if let Some(cause) = self.shared.queue.failure() {
            return Err(Error::Unavailable(format!("the log stopped: {cause}")));
        }
        let (shared, lane, group, owner) =
            (self.shared.clone(), self.lane.clone(), self.group.clone(), self.owner.clone());
        let committed = Committed { offset, metadata: metadata.to_owned() };
        run(move || {
            match lane.groups.save(&*shared.disk, &group, committed, || !owner.lost()) {
                Ok(true) => {}
                Ok(false) => return Err(Error::Revoked),
                Err(error) => return Err(unsaved(&shared, &lane, &group, &error)),
            }
            if let Err(error) = retention::cut(&lane, shared.retention_bytes) {
                tracing::warn!(%error, dir = lane.dir, "old segments could not be removed");
            }
            Ok(())
        })
        .await
    }
}

/// What a failed commit means.
fn unsaved(shared: &Shared, lane: &Lane, group: &str, error: &io::Error) -> Error {
    let what = format!("offset of group {group} in {}: {error}", shared.disk.describe(&lane.dir));
    if disk::is_full(error) {
        return Error::Unavailable(what);
    }
    if error.kind() == io::ErrorKind::InvalidInput {
        return Error::Corrupt(what);
    }
    shared.fail(what.clone());
    Error::Unknown(what)
}

/// Runs what blocks where it may.
pub(crate) async fn run<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let ended = |error| Error::Unavailable(format!("reading the log was ended: {error}"));
    spawn_blocking(work).await.map_err(ended)?
}
