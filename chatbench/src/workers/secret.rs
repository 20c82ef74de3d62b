//! The secret that workers and their coordinator share: a file that only its owner may read.

use load::control::greeting::Secret;
use schema::exit::Failure;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Bytes of a secret; white space around it is none of it, so that an editor's last line end makes no difference.
const BYTES: std::ops::RangeInclusive<usize> = 16..=4096;
/// Rights of anybody but the owner.
const OTHERS: u32 = 0o077;
/// How to make one.
pub(crate) const MAKE: &str = "make one with `(umask 077; openssl rand -hex 32 > FILE)`, copy it to the other machines, \
and give --secret FILE to the workers and to the coordinator";

/// Reads a secret.
///
/// # Errors
/// The file can't be read, others may read it, or it is no secret by its size.
pub(crate) fn read(path: &Path) -> Result<Secret, Failure> {
    let name = path.display();
    let failed = |error: std::io::Error| Failure::usage(format!("--secret {name}: {error}"), MAKE);
    let mut file = File::open(path).map_err(failed)?;
    let mode = file.metadata().map_err(failed)?.permissions().mode() & 0o777;
    if mode & OTHERS != 0 {
        let what = format!("--secret {name} is open to others (mode {mode:04o})");
        return Err(Failure::usage(what, format!("run `chmod 600 {name}`, or make a new one")));
    }
    let mut bytes = Vec::new();
    // One more than there may be, and room for a line end.
    file.by_ref().take(*BYTES.end() as u64 + 2).read_to_end(&mut bytes).map_err(failed)?;
    let secret = bytes.trim_ascii();
    if !BYTES.contains(&secret.len()) {
        let (least, most) = BYTES.into_inner();
        let size = if secret.len() > most { format!("more than {most}") } else { secret.len().to_string() };
        let what = format!("--secret {name} has {size} bytes, a secret has {least}-{most}");
        return Err(Failure::usage(what, MAKE));
    }
    Ok(Secret::new(secret))
}

#[cfg(test)]
mod tests {
    use super::*;
    use schema::exit::Exit;

    fn file(bytes: &[u8], mode: u32) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        std::fs::set_permissions(file.path(), PermissionsExt::from_mode(mode)).unwrap();
        file
    }

    #[test]
    fn what_its_owner_alone_may_read_is_a_secret() {
        for (bytes, mode) in [(16, 0o600), (4096, 0o400)] {
            let mut bytes = vec![b'x'; bytes];
            bytes.extend(b"\n");
            assert!(read(file(&bytes, mode).path()).is_ok());
        }
    }

    #[test]
    fn what_is_no_secret_is_refused_with_the_fix() {
        let long = [b'x'; 5000];
        for (bytes, mode, named) in [
            (&long[..32], 0o640, "chmod 600"),
            (&long[..32], 0o604, "chmod 600"),
            (&long[..15], 0o600, "has 15 bytes, a secret has 16-4096"),
            (b"", 0o600, "has 0 bytes"),
            (b" \n  \n", 0o600, "has 0 bytes"),
            (&long[..4097], 0o600, "more than 4096"),
            (&long, 0o600, "more than 4096"),
        ] {
            let failure = read(file(bytes, mode).path()).unwrap_err();
            assert_eq!(failure.exit, Exit::Usage);
            assert!(failure.to_string().contains(named), "{failure}");
        }
        let failure = read(Path::new("/nothing/here")).unwrap_err();
        assert!(failure.message.contains("--secret /nothing/here"), "{failure}");
    }
}
