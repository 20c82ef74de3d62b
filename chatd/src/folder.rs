//! The data folder: for nobody but chatd's user, because messages lie in it.

use crate::exit::Failure;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// Makes the folder, closes an empty one to others, and refuses one that has something in it and is open.
pub(crate) fn private(data: &Path) -> Result<(), Failure> {
    let made = match edge::secret::private_dir(data) {
        // Just made by somebody for us: nothing in it can have been meant for others.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied && is_empty(data) => {
            fs::set_permissions(data, fs::Permissions::from_mode(0o700))
        }
        other => other,
    };
    made.map_err(|error| Failure::io(format!("data folder {}", data.display()), &error))
}

fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;

    #[test]
    fn a_new_or_empty_folder_is_closed_to_others_and_a_full_open_one_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let new = folder.path().join("a/b");
        private(&new).unwrap();
        assert_eq!(mode(&new), 0o700);

        let open = folder.path().join("open");
        fs::create_dir(&open).unwrap();
        fs::set_permissions(&open, fs::Permissions::from_mode(0o755)).unwrap();
        private(&open).unwrap();
        assert_eq!(mode(&open), 0o700);

        fs::set_permissions(&open, fs::Permissions::from_mode(0o755)).unwrap();
        fs::write(open.join("x"), "").unwrap();
        let failure = private(&open).unwrap_err();
        assert_eq!(failure.exit, Exit::NoPermission);
        assert!(failure.message.contains("chmod 700"), "{failure}");
        assert_eq!(mode(&open), 0o755);
    }
}
