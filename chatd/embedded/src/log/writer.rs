//! The one thread that writes: takes what waits as a group, writes it, syncs once, then tells everybody.

use super::disk;
use super::lane::Lane;
use super::queue::{self, Pending, Work};
use super::record;
use super::retention;
use super::segment::{self, Mark, Segment};
use super::shared::Shared;
use schema::limits::GATHER;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;
use store::Error;
use store::events::{Done, Record};

/// A group's buffer that is larger than this is given back.
const BUFFER_KEPT_BYTES: usize = 4 << 20;
/// Records of a group from which on the next one is let gather: a sync, and all that follows it down to the
/// sockets, then serves more of them. A lone record never waits.
const BUSY: usize = 3;
/// Bytes written to see whether there is space again.
const PROBE_BYTES: usize = 64 << 10;
/// The file they are written to.
const PROBE: &str = "probe";

/// The writer's side of a lane.
pub(crate) struct Output {
    lane: Arc<Lane>,
    active: Arc<Segment>,
    /// Offset of the next record.
    next: u64,
    group: Vec<Pending>,
    bytes: u64,
    buffer: Vec<u8>,
}

/// Why a group was not written.
enum Failure {
    /// No space; the segment is as it was before.
    Full(String),
    /// What the disk holds is not known.
    Fatal(String),
}

pub(crate) struct Writer {
    pub(crate) shared: Arc<Shared>,
    pub(crate) outputs: Vec<Output>,
    pub(crate) segment_bytes: u64,
    pub(crate) probe_every: Duration,
}

impl Writer {
    /// Starts the thread.
    pub(crate) fn start(mut self) -> io::Result<JoinHandle<()>> {
        thread::Builder::new().name("log-writer".to_owned()).spawn(move || {
            let _alarm = Alarm(self.shared.clone());
            let mut spare = Vec::new();
            loop {
                match self.shared.queue.take(std::mem::take(&mut spare), self.probe_every) {
                    Work::Group(group) => {
                        let busy = group.len() >= BUSY;
                        spare = self.commit(group);
                        if busy {
                            thread::sleep(GATHER);
                        }
                    }
                    Work::Probe => self.probe(),
                    Work::End => break,
                }
            }
        })
    }

    /// Writes a group; returns its list, empty.
    fn commit(&mut self, mut group: Vec<Pending>) -> Vec<Pending> {
        let cost: usize = group.iter().map(|pending| queue::cost(&pending.payload)).sum();
        for pending in group.drain(..) {
            if let Some(output) = self.outputs.get_mut(pending.lane) {
                output.stage(pending);
            }
        }
        match self.write_and_sync() {
            // Its bytes stay counted: nothing is taken any more.
            Err(cause) => self.stop(cause),
            Ok(full) => {
                let dones: Vec<_> = self.outputs.iter_mut().flat_map(Output::publish).collect();
                match full {
                    Some(cause) => self.shared.queue.set_full(&cause),
                    None => self.shared.queue.set_healed(),
                }
                self.shared.queue.release(cost);
                for (done, offset) in dones {
                    tell(done, Ok(offset));
                }
            }
        }
        group
    }

    /// One write for each lane, then one sync for each durable one. Those without space are refused; the
    /// cause is returned. An error means that nothing may be acknowledged any more.
    fn write_and_sync(&mut self) -> Result<Option<String>, String> {
        let mut full = None;
        for output in self.outputs.iter_mut().filter(|output| !output.group.is_empty()) {
            match output.write(&self.shared, self.segment_bytes) {
                Ok(()) => {}
                Err(Failure::Fatal(cause)) => return Err(cause),
                Err(Failure::Full(cause)) => {
                    output.refuse(&Error::Unavailable(format!("the log's disk is full: {cause}")));
                    full = Some(cause);
                }
            }
        }
        for output in self.outputs.iter().filter(|o| !o.group.is_empty() && o.lane.topic.durable()) {
            let synced = output.active.file.sync_data();
            synced.map_err(|error| output.cause("sync", &error))?;
        }
        match self.shared.queue.failure() {
            Some(cause) => Err(cause),
            None => Ok(full),
        }
    }

    /// Nothing is acknowledged from here on.
    fn stop(&mut self, cause: String) {
        let unknown = Error::Unknown(format!("the log stopped while this was written: {cause}"));
        for output in &mut self.outputs {
            output.refuse(&unknown);
        }
        self.shared.fail(cause);
    }

    fn probe(&self) {
        let disk = &*self.shared.disk;
        let written = disk.create(PROBE).and_then(|file| {
            file.write_at(0, &[0; PROBE_BYTES])?;
            file.sync_data()
        });
        let removed = disk.remove(PROBE);
        if written.and(removed).is_ok() {
            self.shared.queue.set_healed();
        }
    }
}

impl Output {
    pub(crate) fn new(lane: Arc<Lane>, active: Arc<Segment>, next: u64) -> Self {
        Self { lane, active, next, group: Vec::new(), bytes: 0, buffer: Vec::new() }
    }

    pub(crate) fn lane(&self) -> Arc<Lane> {
        self.lane.clone()
    }

    fn stage(&mut self, pending: Pending) {
        self.bytes += (record::HEAD_BYTES + pending.payload.len()) as u64;
        self.group.push(pending);
    }

    fn write(&mut self, shared: &Shared, segment_bytes: u64) -> Result<(), Failure> {
        let used = self.active.size();
        if used > segment::HEAD_BYTES && used + self.bytes > segment_bytes {
            self.roll(shared)?;
        }
        for (offset, pending) in (self.next..).zip(&self.group) {
            record::encode(self.active.salt, offset, &pending.payload, &mut self.buffer);
        }
        let position = self.active.size();
        let written = self.active.file.write_at(position, &self.buffer);
        self.buffer.clear();
        self.buffer.shrink_to(BUFFER_KEPT_BYTES);
        match written {
            Ok(()) => Ok(()),
            Err(error) if disk::is_full(&error) => {
                // Synced, so that nothing of what is refused now comes back after power loss.
                let file = &self.active.file;
                let undone = file.truncate(position).and_then(|()| file.sync_data());
                undone.map_err(|error| Failure::Fatal(self.cause("truncate", &error)))?;
                Err(Failure::Full(self.cause("write", &error)))
            }
            Err(error) => Err(Failure::Fatal(self.cause("write", &error))),
        }
    }

    /// Goes on in a new segment. The old one holds synced records only.
    fn roll(&mut self, shared: &Shared) -> Result<(), Failure> {
        let (disk, dir) = (&*shared.disk, self.lane.dir.as_str());
        match Segment::create(disk, dir, self.next, self.lane.topic.durable()) {
            Ok(segment) => {
                self.active = Arc::new(segment);
                self.lane.segments.write().push(self.active.clone());
            }
            Err(error) if disk::is_full(&error) => {
                // The old segment goes on: a new one that came back after power loss would hide its records.
                let path = disk::join(dir, &segment::name(self.next));
                let undone = match disk.remove(&path) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                    _ => disk.sync_dir(dir),
                };
                undone.map_err(|error| Failure::Fatal(self.cause("remove", &error)))?;
                return Err(Failure::Full(self.cause("new segment", &error)));
            }
            Err(error) => return Err(Failure::Fatal(self.cause("new segment", &error))),
        }
        if !self.lane.topic.durable()
            && let Err(error) = retention::cut(&self.lane, shared.retention_bytes)
        {
            tracing::warn!(%error, dir, "old segments could not be removed");
        }
        Ok(())
    }

    /// Shows what was written to consumers; who waits for it is told next.
    fn publish(&mut self) -> Vec<(Done, u64)> {
        if self.group.is_empty() {
            return Vec::new();
        }
        let mut position = self.active.size();
        let mut records = Vec::with_capacity(self.group.len());
        let mut dones = Vec::with_capacity(self.group.len());
        for Pending { payload, done, .. } in self.group.drain(..) {
            self.active.mark(Mark { offset: self.next, position });
            position += (record::HEAD_BYTES + payload.len()) as u64;
            records.push(Record { offset: self.next, payload });
            dones.push((done, self.next));
            self.next += 1;
        }
        self.bytes = 0;
        self.active.set_size(position);
        self.lane.publish(records.into_iter(), self.next);
        dones
    }

    fn refuse(&mut self, error: &Error) {
        self.bytes = 0;
        for pending in self.group.drain(..) {
            tell(pending.done, Err(error.clone()));
        }
    }

    fn cause(&self, what: &str, error: &io::Error) -> String {
        format!("{} of {} failed: {error}", what, self.lane.disk.describe(&self.active.path))
    }
}

/// Calls back; a panic there must not take the log with it.
pub(crate) fn tell(done: Done, result: Result<u64, Error>) {
    if catch_unwind(AssertUnwindSafe(|| done(result))).is_err() {
        tracing::error!("who waited for an append panicked");
    }
}

/// Says that the log stopped when its thread ends by a panic.
struct Alarm(Arc<Shared>);

impl Drop for Alarm {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.fail("the log's writer panicked".to_owned());
        }
    }
}
