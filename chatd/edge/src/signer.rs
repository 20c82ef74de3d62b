//! Opaque texts that a caller hands back: sealed to the user and the purpose, so that nobody can make one
//! up or use another's.

use crate::secret;
use aws_lc_rs::hmac;
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use schema::UserId;
use std::io;
use std::path::Path;

/// Bytes of the tag: the left half of HMAC-SHA256.
const TAG: usize = 16;
/// Characters of a sealed text at most; ours have below 300.
const TEXT_CHARS: usize = 2048;

/// Seals and opens cursors with a key of this installation (HMAC-SHA256). It hides nothing.
pub struct Signer(hmac::Key);

impl Signer {
    /// A signer with this key, of 32 bytes or more.
    pub fn new(key: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    /// A signer with the key kept in this directory, drawn at the first start.
    ///
    /// # Errors
    /// When the key cannot be read or written, or others may read it.
    pub fn in_dir(keys_dir: &Path) -> io::Result<Self> {
        let key = secret::read_or_draw(&keys_dir.join("cursor.key"), || {
            let mut key = vec![0; 32];
            SystemRandom::new().fill(&mut key).map_err(|_| io::Error::other("no randomness"))?;
            Ok(key)
        })?;
        if key.len() < 32 {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "cursor.key has less than 32 bytes"));
        }
        Ok(Self::new(&key))
    }

    /// A text that only this user can hand back, and only for this purpose.
    pub fn seal(&self, user: UserId, purpose: &str, bytes: &[u8]) -> String {
        let mut text = self.tag(user, purpose, bytes).as_ref()[..TAG].to_vec();
        text.extend_from_slice(bytes);
        URL_SAFE_NO_PAD.encode(text)
    }

    /// What was sealed; `None` when this signer did not seal it for this user and purpose.
    pub fn open(&self, user: UserId, purpose: &str, text: &str) -> Option<Vec<u8>> {
        if text.len() > TEXT_CHARS {
            return None;
        }
        let sealed = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (tag, bytes) = sealed.split_at_checked(TAG)?;
        let expected = self.tag(user, purpose, bytes);
        aws_lc_rs::constant_time::verify_slices_are_equal(tag, &expected.as_ref()[..TAG]).ok()?;
        Some(bytes.to_vec())
    }

    fn tag(&self, user: UserId, purpose: &str, bytes: &[u8]) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(user.as_bytes());
        // The length keeps purpose and bytes from running into each other.
        context.update(&(purpose.len() as u64).to_be_bytes());
        context.update(purpose.as_bytes());
        context.update(bytes);
        context.sign()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_user_and_purpose_open_what_was_sealed() {
        let signer = Signer::new(&[7; 32]);
        let (user, other) = (UserId::draw(), UserId::draw());
        let text = signer.seal(user, "sync", b"12");
        assert_eq!(signer.open(user, "sync", &text).as_deref(), Some(&b"12"[..]));
        assert_eq!(signer.open(other, "sync", &text), None);
        assert_eq!(signer.open(user, "page", &text), None);
        assert_eq!(Signer::new(&[8; 32]).open(user, "sync", &text), None);
        for bad in ["", "?", "AAAA", &text[1..], &"A".repeat(100_000)] {
            assert_eq!(signer.open(user, "sync", bad), None, "{bad}");
        }
    }

    #[test]
    fn the_key_survives_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let user = UserId::draw();
        let text = Signer::in_dir(&dir.path().join("keys")).unwrap().seal(user, "p", b"x");
        let again = Signer::in_dir(&dir.path().join("keys")).unwrap();
        assert_eq!(again.open(user, "p", &text).as_deref(), Some(&b"x"[..]));
    }
}
