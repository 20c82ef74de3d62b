//! The signing keys: Ed25519, one file each, kept over restarts.
//!
//! Rotation: put a second key into the directory and restart. Both verify, the newest by name signs, and the
//! old file may go when the last token that it signed has ended.

use crate::OpenError;
use aws_lc_rs::signature::Ed25519KeyPair;
use edge::secret;
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk, JwkSet, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use std::io;
use std::path::{Path, PathBuf};

const PREFIX: &str = "ed25519-";
const SUFFIX: &str = ".p8";
/// The name between them of the key that a first start draws: one for all, so that of several processes on a new
/// directory one draws it and the others find it. It sorts before names that are dates, times or UUIDs.
const FIRST: &str = "0";

/// The keys of this installation.
pub(crate) struct Keys {
    signing: EncodingKey,
    /// The id of the signing key.
    kid: String,
    public: JwkSet,
}

impl Keys {
    /// Reads every key in the directory; draws one when there is none.
    pub(crate) fn open(dir: &Path) -> Result<Self, OpenError> {
        Self::read(dir).map_err(|cause| OpenError::Keys { dir: dir.to_owned(), cause })
    }

    fn read(dir: &Path) -> io::Result<Self> {
        secret::private_dir(dir)?;
        let mut files = key_files(dir)?;
        if files.is_empty() {
            let file = dir.join(format!("{PREFIX}{FIRST}{SUFFIX}"));
            secret::read_or_draw(&file, draw)?;
            files.push(file);
        }
        files.sort();
        let mut public = JwkSet::default();
        let mut newest = None;
        for file in &files {
            let key = EncodingKey::from_ed_der(&secret::read(file)?);
            let bad =
                |error| io::Error::new(io::ErrorKind::InvalidData, format!("{}: {error}", file.display()));
            let jwk = public_jwk(&key).map_err(bad)?;
            newest = Some((key, jwk.common.key_id.clone().unwrap_or_default()));
            public.keys.push(jwk);
        }
        let (signing, kid) = newest.ok_or_else(|| io::Error::other("no key could be read"))?;
        Ok(Self { signing, kid, public })
    }

    /// The key that signs, and its id.
    pub(crate) fn signing(&self) -> (&EncodingKey, &str) {
        (&self.signing, &self.kid)
    }

    /// The public halves.
    pub(crate) fn public(&self) -> &JwkSet {
        &self.public
    }

    /// The keys that verify, by id.
    pub(crate) fn verifying(&self) -> Vec<(String, DecodingKey)> {
        let keys = self.public.keys.iter();
        keys.filter_map(|jwk| Some((jwk.common.key_id.clone()?, DecodingKey::from_jwk(jwk).ok()?))).collect()
    }
}

fn key_files(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name();
        if name.to_str().is_some_and(|name| name.starts_with(PREFIX) && name.ends_with(SUFFIX)) {
            files.push(entry.path());
        }
    }
    Ok(files)
}

fn draw() -> io::Result<Vec<u8>> {
    let broken = |_| io::Error::other("no key could be drawn");
    let pair = Ed25519KeyPair::generate().map_err(broken)?;
    Ok(pair.to_pkcs8v1().map_err(broken)?.as_ref().to_vec())
}

/// The public half, with its RFC 7638 thumbprint as its id.
fn public_jwk(key: &EncodingKey) -> jsonwebtoken::errors::Result<Jwk> {
    let mut jwk = Jwk::from_encoding_key(key, Algorithm::EdDSA)?;
    debug_assert!(matches!(jwk.algorithm, AlgorithmParameters::OctetKeyPair(_)));
    jwk.common.key_id = Some(jwk.thumbprint(ThumbprintHash::SHA256)?);
    jwk.common.public_key_use = Some(PublicKeyUse::Signature);
    Ok(jwk)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::sync::Barrier;
    use std::thread;

    #[test]
    fn keys_survive_and_a_second_one_signs_while_both_verify() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().join("keys");
        let first = Keys::open(&dir).unwrap();
        assert_eq!(Keys::open(&dir).unwrap().kid, first.kid);
        let second = dir.join(format!("{PREFIX}{}{SUFFIX}", uuid::Uuid::now_v7().simple()));
        secret::read_or_draw(&second, draw).unwrap();
        let both = Keys::open(&dir).unwrap();
        assert_ne!(both.kid, first.kid);
        let ids: Vec<_> = both.verifying().into_iter().map(|(kid, _)| kid).collect();
        assert_eq!(ids, [first.kid, both.kid]);
    }

    #[test]
    fn processes_that_start_at_once_on_a_new_directory_have_one_key() {
        const STARTS: usize = 8;
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().join("keys");
        let together = Barrier::new(STARTS);
        let start = || {
            together.wait();
            Keys::open(&dir).unwrap().kid
        };
        let kids: Vec<_> = thread::scope(|scope| {
            let started: Vec<_> = (0..STARTS).map(|_| scope.spawn(start)).collect();
            started.into_iter().map(|one| one.join().unwrap()).collect()
        });
        assert!(kids.iter().all(|kid| *kid == kids[0]), "{kids:?}");
        assert_eq!(key_files(&dir).unwrap().len(), 1);
    }

    #[test]
    fn looser_modes_and_broken_keys_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().join("keys");
        Keys::open(&dir).unwrap();
        let file = key_files(&dir).unwrap().remove(0);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(Keys::open(&dir).err().unwrap().to_string().contains("chmod 600"));
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(&file, b"no key").unwrap();
        assert!(Keys::open(&dir).is_err());
    }
}
