//! Guesses at a password, at a sign-in as at a change: counted against the account and the address.
//!
//! An account has one count, by whichever name it is guessed at. A guess counts before it is known how it
//! ends, so guesses made at once count like guesses in a row.

use crate::Auth;
use crate::throttle::Window;
use edge::{Peer, Problem};
use store::profiles::Name;

/// A guess that may be made. Dropped, it was wrong.
pub(crate) struct Guess<'a> {
    auth: &'a Auth,
    name: Name,
    peer: Peer,
}

impl Auth {
    /// Counts a guess at an account, named by its id if it is known, or else by the name that nobody has.
    pub(crate) async fn guess(&self, name: Name, peer: Peer) -> Result<Guess<'_>, Problem> {
        let refused = |window: &Window, seconds| {
            Problem::too_many("too many wrong passwords; come back later", seconds, window.used_up(seconds))
        };
        let (address, account) = (&self.0.failures_by_address, &self.0.failures_by_account);
        address.take(&peer).await.map_err(|seconds| refused(address, seconds))?;
        if let Err(seconds) = account.take(&name).await {
            // The guess was not made, so the address has not made it.
            address.give_back(&peer).await;
            return Err(refused(account, seconds));
        }
        Ok(Guess { auth: self, name, peer })
    }
}

impl Guess<'_> {
    /// Whether the password has this hash; without one, the same work is done for nothing.
    pub(crate) async fn verify(&self, password: String, hash: Option<String>) -> Result<bool, Problem> {
        let verified = self.auth.0.hasher.verify(password, hash).await;
        if verified.is_err() {
            // No guess was made.
            self.auth.0.failures_by_account.give_back(&self.name).await;
            self.auth.0.failures_by_address.give_back(&self.peer).await;
        }
        verified
    }

    /// The right password makes the account's wrong ones forgotten.
    pub(crate) async fn was_right(self) {
        self.auth.0.failures_by_account.forget(&self.name).await;
        self.auth.0.failures_by_address.give_back(&self.peer).await;
    }
}
