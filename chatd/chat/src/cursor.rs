//! Cursors as text: opaque, signed, bound to the caller.

use crate::Chat;
use edge::Signer;
use schema::{Cursor, UserId};

/// What the signature of a log cursor covers besides its bytes.
const PURPOSE: &str = "log";

/// Why a cursor is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CursorError {
    /// Not one of ours, or not this caller's.
    #[error("cursor is not one that was given to you")]
    Malformed,
    /// Of another life of the log: start anew.
    #[error("cursor is of another life of the log")]
    OtherEpoch,
}

/// A cursor as this person gets it.
pub fn seal(signer: &Signer, user: UserId, cursor: &Cursor) -> String {
    signer.seal(user, PURPOSE, &cursor.to_bytes())
}

/// The cursor in a text of this person; `now` is a position of the log that it must fit.
///
/// # Errors
/// [`CursorError`]; the caller decides whether another epoch starts anew or is an error.
pub fn open(signer: &Signer, user: UserId, text: &str, now: &Cursor) -> Result<Cursor, CursorError> {
    let bytes = signer.open(user, PURPOSE, text).ok_or(CursorError::Malformed)?;
    let cursor = Cursor::from_bytes(&bytes).ok_or(CursorError::Malformed)?;
    if cursor.epoch != now.epoch || cursor.next.len() != now.next.len() {
        return Err(CursorError::OtherEpoch);
    }
    Ok(cursor)
}

impl Chat {
    /// A cursor as this person gets it.
    pub fn seal(&self, user: UserId, cursor: &Cursor) -> String {
        seal(&self.0.signer, user, cursor)
    }

    /// The cursor in a text of this person.
    ///
    /// # Errors
    /// [`CursorError`]; the caller decides whether another epoch starts anew or is an error.
    pub fn open_cursor(&self, user: UserId, text: &str) -> Result<Cursor, CursorError> {
        open(&self.0.signer, user, text, &self.position())
    }
}
