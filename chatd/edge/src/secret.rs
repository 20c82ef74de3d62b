//! Secrets on disk: files that only the server's user may read, drawn once and kept.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// Bytes of a secret file at most.
const FILE_BYTES: u64 = 65_536;

/// Makes a directory that only its owner may enter, or refuses one that others may.
///
/// # Errors
/// When it cannot be made, or is open to group or others.
pub fn private_dir(dir: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    owner_only(dir, 0o700)
}

/// The secret in a file, drawn by `draw` when there is none yet. Of two processes that draw at once, one
/// wins and both answer its secret.
///
/// # Errors
/// When the file cannot be read or written, or is open to group or others.
pub fn read_or_draw(path: &Path, draw: impl FnOnce() -> io::Result<Vec<u8>>) -> io::Result<Vec<u8>> {
    match read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        other => return other,
    }
    let dir = path.parent().unwrap_or(Path::new("."));
    private_dir(dir)?;
    // Written and synced aside, then linked: a crash leaves a whole secret or none.
    let aside = path.with_extension(format!("new-{}", uuid::Uuid::new_v4().simple()));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&aside)?;
    file.write_all(&draw()?)?;
    file.sync_all()?;
    let linked = fs::hard_link(&aside, path);
    fs::remove_file(&aside)?;
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    fs::File::open(dir)?.sync_all()?;
    read(path)
}

/// The secret in a file.
///
/// # Errors
/// When it cannot be read, is open to group or others, or is no secret of ours by its size.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    owner_only(path, 0o600)?;
    let bytes = fs::metadata(path)?.size();
    if bytes == 0 || bytes > FILE_BYTES {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("{} has {bytes} bytes, a secret has 1-{FILE_BYTES}", path.display()),
        ));
    }
    fs::read(path)
}

fn owner_only(path: &Path, mode: u32) -> io::Result<()> {
    let found = fs::metadata(path)?.permissions().mode() & 0o777;
    if found & 0o077 == 0 {
        return Ok(());
    }
    Err(io::Error::new(
        io::ErrorKind::PermissionDenied,
        format!(
            "{path} is open to others (mode {found:04o}): run `chmod {mode:o} {path}`",
            path = path.display()
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_drawn_once_and_kept_from_others() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys/a.key");
        let first = read_or_draw(&path, || Ok(vec![1; 32])).unwrap();
        assert_eq!(read_or_draw(&path, || Ok(vec![2; 32])).unwrap(), first);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(path.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "nothing is left aside");
    }

    #[test]
    fn a_secret_that_others_may_read_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys/a.key");
        read_or_draw(&path, || Ok(vec![1; 32])).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let error = read_or_draw(&path, || Ok(vec![1; 32])).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
        assert!(error.to_string().contains("chmod 600"), "{error}");
        fs::set_permissions(path.parent().unwrap(), fs::Permissions::from_mode(0o755)).unwrap();
        assert!(private_dir(path.parent().unwrap()).is_err());
    }
}
