//! What the log needs from a disk, so that tests can take power and space away.
//!
//! Paths are relative to the log's folder, with `/` between the parts.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A folder tree on a disk.
///
/// Promise: a file's bytes survive power loss after `sync_data`, its name (made, renamed or removed) after
/// `sync_dir` of the folder that holds it.
pub trait Disk: Send + Sync {
    /// Makes a folder; its parent exists. Nothing happens when it is there.
    fn create_dir(&self, dir: &str) -> io::Result<()>;
    /// Names in a folder; none when there is no such folder.
    fn list(&self, dir: &str) -> io::Result<Vec<String>>;
    /// Makes a file, empty even if it was there, for reading and writing.
    fn create(&self, path: &str) -> io::Result<Arc<dyn DiskFile>>;
    /// Opens a file that is there, for reading and writing.
    fn open(&self, path: &str) -> io::Result<Arc<dyn DiskFile>>;
    /// Moves a file, over the target if that is there.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, path: &str) -> io::Result<()>;
    /// Makes the names in a folder durable; `""` is the root.
    fn sync_dir(&self, dir: &str) -> io::Result<()>;
    /// The path as a person would type it.
    fn describe(&self, path: &str) -> String;
}

/// An open file.
pub trait DiskFile: Send + Sync {
    /// Bytes read at `position`: 0 at the end only.
    fn read_at(&self, position: u64, into: &mut [u8]) -> io::Result<usize>;
    /// Writes all bytes; after an error any part of them may be there.
    fn write_at(&self, position: u64, bytes: &[u8]) -> io::Result<()>;
    /// Bytes in the file.
    fn size(&self) -> io::Result<u64>;
    /// Cuts the file.
    fn truncate(&self, size: u64) -> io::Result<()>;
    /// Makes its bytes and size durable.
    fn sync_data(&self) -> io::Result<()>;
}

/// Reads until `into` is full or the file ends.
pub(crate) fn read_full(file: &dyn DiskFile, position: u64, into: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < into.len() {
        match file.read_at(position + filled as u64, &mut into[filled..])? {
            0 => break,
            n => filled += n,
        }
    }
    Ok(filled)
}

/// The whole of a small file.
pub(crate) fn read_all(disk: &dyn Disk, path: &str, bound: usize) -> io::Result<Vec<u8>> {
    let file = disk.open(path)?;
    let size = usize::try_from(file.size()?).unwrap_or(usize::MAX);
    if size > bound {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("{size} bytes, at most {bound} are meant"),
        ));
    }
    let mut bytes = vec![0; size];
    let read = read_full(&*file, 0, &mut bytes)?;
    bytes.truncate(read);
    Ok(bytes)
}

/// Replaces a small file so that either the old or the new one is there, whatever happens.
pub(crate) fn replace(disk: &dyn Disk, dir: &str, name: &str, bytes: &[u8]) -> io::Result<()> {
    let target = join(dir, name);
    let temporary = format!("{target}.new");
    let file = disk.create(&temporary)?;
    file.write_at(0, bytes)?;
    file.sync_data()?;
    disk.rename(&temporary, &target)?;
    disk.sync_dir(dir)
}

/// `dir/name`.
pub(crate) fn join(dir: &str, name: &str) -> String {
    if dir.is_empty() { name.to_owned() } else { format!("{dir}/{name}") }
}

/// Whether more space would cure this.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// The file system.
#[derive(Debug)]
pub struct RealDisk {
    root: PathBuf,
}

impl RealDisk {
    /// A disk whose root is this folder, which is made when missing.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn new(root: &Path) -> io::Result<Self> {
        fs::create_dir_all(root)?;
        if let Some(parent) = root.parent().filter(|p| !p.as_os_str().is_empty()) {
            File::open(parent)?.sync_all()?;
        }
        Ok(Self { root: root.to_owned() })
    }

    fn path(&self, path: &str) -> PathBuf {
        if path.is_empty() { self.root.clone() } else { self.root.join(path) }
    }
}

impl Disk for RealDisk {
    fn create_dir(&self, dir: &str) -> io::Result<()> {
        match fs::create_dir(self.path(dir)) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            other => other,
        }
    }

    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        let entries = match fs::read_dir(self.path(dir)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other?,
        };
        entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
    }

    fn create(&self, path: &str) -> io::Result<Arc<dyn DiskFile>> {
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(true).open(self.path(path))?;
        Ok(Arc::new(RealFile(file)))
    }

    fn open(&self, path: &str) -> io::Result<Arc<dyn DiskFile>> {
        let file = OpenOptions::new().read(true).write(true).open(self.path(path))?;
        Ok(Arc::new(RealFile(file)))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path(from), self.path(to))
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        fs::remove_file(self.path(path))
    }

    fn sync_dir(&self, dir: &str) -> io::Result<()> {
        File::open(self.path(dir))?.sync_all()
    }

    fn describe(&self, path: &str) -> String {
        self.path(path).display().to_string()
    }
}

struct RealFile(File);

impl DiskFile for RealFile {
    fn read_at(&self, position: u64, into: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.0.read_at(into, position) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => return other,
            }
        }
    }

    fn write_at(&self, position: u64, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all_at(bytes, position)
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn truncate(&self, size: u64) -> io::Result<()> {
        self.0.set_len(size)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }
}
