//! A disk in memory that can lose power and space, and remembers what was done to it.
//!
//! What was not synced is gone after [`DoubleDisk::power_loss`]: bytes without `sync_data`, names without
//! `sync_dir`. With a seed, parts of it stay: a prefix of the unsynced bytes (a torn tail), some names.

use super::disk::{Disk, DiskFile};
use parking_lot::Mutex;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;

const ENOSPC: i32 = 28;
const EIO: i32 = 5;

/// One thing that was done, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    Write(String),
    Sync(String),
    SyncDir(String),
    Truncate(String),
    /// Noted by the test.
    Note(u64),
}

/// The disk. Clones are the same disk.
#[derive(Clone, Default)]
pub struct DoubleDisk(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// Names as a running process sees them, and as they would be found after power loss.
    names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    dirs: BTreeSet<String>,
    durable_dirs: BTreeSet<String>,
    files: Vec<Content>,
    acts: Vec<Act>,
    /// Bytes that may still be written.
    space: Option<usize>,
    fail_syncs: bool,
    /// Changes until the power goes.
    power: Option<u64>,
    /// Raised by power loss: handles from before are dead.
    life: u64,
}

#[derive(Clone, Default)]
struct Content {
    now: Vec<u8>,
    durable: Vec<u8>,
    /// The least size since the last sync: bytes before it were not cut in between.
    least: usize,
    /// What was cut since the last sync, and may be found again.
    past: Vec<Vec<u8>>,
}

struct DoubleFile {
    disk: DoubleDisk,
    path: String,
    id: usize,
    life: u64,
}

impl DoubleDisk {
    pub fn new() -> Self {
        Self::default()
    }

    /// Everything since the last call.
    pub fn take_acts(&self) -> Vec<Act> {
        std::mem::take(&mut self.0.lock().acts)
    }

    /// Adds a note of the test's to what was done.
    pub fn note(&self, what: u64) {
        self.0.lock().acts.push(Act::Note(what));
    }

    /// From now on so many bytes fit, then writes end with ENOSPC, partly done; `None` is no bound.
    pub fn set_space(&self, bytes: Option<usize>) {
        self.0.lock().space = bytes;
    }

    /// Whether syncs of files end with EIO.
    pub fn fail_syncs(&self, fail: bool) {
        self.0.lock().fail_syncs = fail;
    }

    /// The power goes before the change after so many (writes, syncs, names): all fail from there on.
    pub fn cut_power_after(&self, changes: Option<u64>) {
        self.0.lock().power = changes;
    }

    /// Forgets what was not synced; without a seed all of it, with one some of it stays.
    pub fn power_loss(&self, seed: Option<u64>) {
        let mut random = seed.map(StdRng::seed_from_u64);
        let mut state = self.0.lock();
        let state = &mut *state;
        state.life += 1;
        state.power = None;
        if let Some(random) = &mut random {
            state.keep_some_names(random);
        }
        state.names = state.durable_names.clone();
        state.dirs = state.durable_dirs.clone();
        state.names.retain(|path, _| state.dirs.contains(parent(path)) || parent(path).is_empty());
        for content in &mut state.files {
            if let Some(random) = &mut random {
                content.keep_some(random);
            }
            content.now = content.durable.clone();
            content.least = content.now.len();
            content.past.clear();
        }
    }

    /// The process is killed, the disk stays on: nothing is lost, old handles are dead.
    pub fn kill(&self) {
        let mut state = self.0.lock();
        state.life += 1;
        state.power = None;
    }

    /// Changes a file's bytes behind everybody's back, durably.
    pub fn alter(&self, path: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let mut state = self.0.lock();
        let id = state.names[path];
        let content = &mut state.files[id];
        change(&mut content.now);
        content.durable = content.now.clone();
    }

    /// What a file holds now.
    pub fn bytes(&self, path: &str) -> Vec<u8> {
        let state = self.0.lock();
        state.files[state.names[path]].now.clone()
    }

    /// A disk of its own with the same content, all of it durable.
    pub fn copy(&self) -> Self {
        let from = self.0.lock();
        let durable = |f: &Content| {
            let (now, least) = (f.now.clone(), f.now.len());
            Content { durable: now.clone(), now, least, past: Vec::new() }
        };
        let files = from.files.iter().map(durable);
        Self(Arc::new(Mutex::new(State {
            names: from.names.clone(),
            durable_names: from.names.clone(),
            dirs: from.dirs.clone(),
            durable_dirs: from.dirs.clone(),
            files: files.collect(),
            ..State::default()
        })))
    }

    fn handle(&self, path: &str, id: usize, life: u64) -> Arc<dyn DiskFile> {
        Arc::new(DoubleFile { disk: self.clone(), path: path.to_owned(), id, life })
    }
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(dir, _)| dir)
}

impl State {
    /// Counts a change; the power may be gone.
    fn change(&mut self) -> io::Result<()> {
        match &mut self.power {
            Some(0) => Err(io::Error::from_raw_os_error(EIO)),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn keep_some_names(&mut self, random: &mut StdRng) {
        for dir in &self.dirs {
            if random.random_bool(0.5) {
                self.durable_dirs.insert(dir.clone());
            }
        }
        let paths: BTreeSet<String> = self.names.keys().chain(self.durable_names.keys()).cloned().collect();
        for path in paths {
            if random.random_bool(0.5) {
                match self.names.get(&path) {
                    Some(id) => self.durable_names.insert(path, *id),
                    None => self.durable_names.remove(&path),
                };
            }
        }
    }
}

impl Content {
    fn keep_some(&mut self, random: &mut StdRng) {
        let common = self.least.min(self.durable.len());
        let mut found = std::mem::take(&mut self.past);
        found.push(self.now.clone());
        let mut found = found.swap_remove(random.random_range(0..found.len()));
        if random.random_bool(0.5) && found.len() >= common {
            found.truncate(random.random_range(common..=found.len()));
            self.durable = found;
        }
    }
}

impl Disk for DoubleDisk {
    fn create_dir(&self, dir: &str) -> io::Result<()> {
        let mut state = self.0.lock();
        state.change()?;
        state.dirs.insert(dir.to_owned());
        Ok(())
    }

    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        let state = self.0.lock();
        let all = state.names.keys().chain(&state.dirs).filter(|path| parent(path) == dir);
        Ok(all.map(|path| path.rsplit('/').next().unwrap_or(path).to_owned()).collect())
    }

    fn create(&self, path: &str) -> io::Result<Arc<dyn DiskFile>> {
        let mut state = self.0.lock();
        state.change()?;
        if !parent(path).is_empty() && !state.dirs.contains(parent(path)) {
            return Err(io::Error::from(io::ErrorKind::NotFound));
        }
        let id = match state.names.get(path).copied() {
            Some(id) => {
                state.files[id].now.clear();
                state.files[id].least = 0;
                id
            }
            None => {
                state.files.push(Content::default());
                let id = state.files.len() - 1;
                state.names.insert(path.to_owned(), id);
                id
            }
        };
        Ok(self.handle(path, id, state.life))
    }

    fn open(&self, path: &str) -> io::Result<Arc<dyn DiskFile>> {
        let state = self.0.lock();
        let id = state.names.get(path).copied().ok_or(io::ErrorKind::NotFound)?;
        Ok(self.handle(path, id, state.life))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.0.lock();
        state.change()?;
        let id = state.names.remove(from).ok_or(io::ErrorKind::NotFound)?;
        state.names.insert(to.to_owned(), id);
        Ok(())
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        let mut state = self.0.lock();
        state.change()?;
        state.names.remove(path).map(|_| ()).ok_or(io::ErrorKind::NotFound.into())
    }

    fn sync_dir(&self, dir: &str) -> io::Result<()> {
        let mut state = self.0.lock();
        state.change()?;
        let state = &mut *state;
        let here = |path: &str| parent(path) == dir;
        state.durable_names.retain(|path, _| !here(path));
        state
            .durable_names
            .extend(state.names.iter().filter(|(path, _)| here(path)).map(|(p, i)| (p.clone(), *i)));
        state.durable_dirs.extend(state.dirs.iter().filter(|path| here(path)).cloned());
        state.acts.push(Act::SyncDir(dir.to_owned()));
        Ok(())
    }

    fn describe(&self, path: &str) -> String {
        path.to_owned()
    }
}

impl DoubleFile {
    fn with<T>(&self, work: impl FnOnce(&mut State) -> io::Result<T>) -> io::Result<T> {
        let mut state = self.disk.0.lock();
        if state.life == self.life { work(&mut state) } else { Err(io::Error::from_raw_os_error(EIO)) }
    }
}

impl DiskFile for DoubleFile {
    fn read_at(&self, position: u64, into: &mut [u8]) -> io::Result<usize> {
        self.with(|state| {
            let bytes = state.files[self.id].now.get(position as usize..).unwrap_or_default();
            let n = bytes.len().min(into.len());
            into[..n].copy_from_slice(&bytes[..n]);
            Ok(n)
        })
    }

    fn write_at(&self, position: u64, bytes: &[u8]) -> io::Result<()> {
        self.with(|state| {
            state.change()?;
            let fits = state.space.map_or(bytes.len(), |space| space.min(bytes.len()));
            state.space = state.space.map(|space| space - fits);
            let (now, position) = (&mut state.files[self.id].now, position as usize);
            now.resize(now.len().max(position + fits), 0);
            now[position..position + fits].copy_from_slice(&bytes[..fits]);
            state.acts.push(Act::Write(self.path.clone()));
            if fits < bytes.len() { Err(io::Error::from_raw_os_error(ENOSPC)) } else { Ok(()) }
        })
    }

    fn size(&self) -> io::Result<u64> {
        self.with(|state| Ok(state.files[self.id].now.len() as u64))
    }

    fn truncate(&self, size: u64) -> io::Result<()> {
        self.with(|state| {
            state.change()?;
            let content = &mut state.files[self.id];
            content.past.push(content.now.clone());
            content.now.resize(size as usize, 0);
            content.least = content.least.min(size as usize);
            state.acts.push(Act::Truncate(self.path.clone()));
            Ok(())
        })
    }

    fn sync_data(&self) -> io::Result<()> {
        self.with(|state| {
            state.change()?;
            if state.fail_syncs {
                return Err(io::Error::from_raw_os_error(EIO));
            }
            let content = &mut state.files[self.id];
            content.durable = content.now.clone();
            content.least = content.now.len();
            content.past.clear();
            state.acts.push(Act::Sync(self.path.clone()));
            Ok(())
        })
    }
}
