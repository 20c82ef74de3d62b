//! The lock on the data folder.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;

/// Holds the data folder for this process until it is dropped; the kernel drops it with the process.
#[derive(Debug)]
pub struct FolderLock {
    _file: File,
}

/// Why the folder is not ours.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    #[error("another chatd holds the data folder {0}: stop it, or give this one another folder")]
    Held(String),
    #[error("data folder {folder} cannot be used: {cause}")]
    Io { folder: String, cause: io::Error },
}

impl FolderLock {
    /// Takes the folder, which is made when it is missing.
    ///
    /// # Errors
    /// [`LockError::Held`] when another process, or another opener in this one, has it.
    pub fn take(data: &Path) -> Result<Self, LockError> {
        let failed = |cause| LockError::Io { folder: data.display().to_string(), cause };
        fs::create_dir_all(data).map_err(failed)?;
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(data.join("lock"))
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(LockError::Held(data.display().to_string())),
            Err(TryLockError::Error(cause)) => Err(failed(cause)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_one_holder_at_a_time() {
        let data = tempfile::tempdir().unwrap();
        let first = FolderLock::take(data.path()).unwrap();
        let refusal = FolderLock::take(data.path()).unwrap_err();
        assert!(matches!(refusal, LockError::Held(_)), "{refusal}");
        assert!(refusal.to_string().contains("another chatd holds the data folder"));
        drop(first);
        FolderLock::take(data.path()).unwrap();
    }
}
