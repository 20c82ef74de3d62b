//! Sockets of an address at once, and of the process.

use crate::limiter::Allowance;
use crate::{Peer, Problem};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use parking_lot::Mutex;
use schema::limits::{RETRY_AFTER_S, SOCKETS};
use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;

/// Counts what is open: a WebSocket, or a SockJS session, whichever transport carries it.
pub struct Sockets {
    /// 0 is no bound.
    per_address: usize,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    all: usize,
    by_peer: HashMap<Peer, usize>,
}

impl Sockets {
    /// This many sockets for each address, 0 is no bound; and `limits::SOCKETS` for all of them.
    pub fn new(per_address: usize) -> Self {
        Self { per_address, open: Mutex::default() }
    }

    /// One more socket of this address, for as long as the permit lives.
    ///
    /// # Errors
    /// `rate-limited` when the address, or the process, has as many as it may.
    pub fn take(self: &Arc<Self>, peer: Peer) -> Result<SocketPermit, Problem> {
        let mut open = self.open.lock();
        if open.all >= SOCKETS {
            return Err(refused("the server has as many sockets as it takes", SOCKETS));
        }
        if self.per_address > 0 {
            let count = open.by_peer.entry(peer).or_default();
            if *count >= self.per_address {
                let detail = format!("too many sockets: an address may have {}; close one", self.per_address);
                return Err(refused(&detail, self.per_address));
            }
            *count += 1;
        }
        open.all += 1;
        Ok(SocketPermit { sockets: Arc::clone(self), peer })
    }

    /// Sockets that are open now.
    pub fn open(&self) -> usize {
        self.open.lock().all
    }
}

fn refused(detail: &str, bound: usize) -> Problem {
    let limit = u32::try_from(bound).unwrap_or(u32::MAX);
    // Nobody knows when a socket will close; the time only keeps clients from trying at once.
    Problem::too_many(detail, RETRY_AFTER_S, Allowance { limit, remaining: 0, reset_s: RETRY_AFTER_S })
}

/// A socket that is counted until this is dropped.
pub struct SocketPermit {
    sockets: Arc<Sockets>,
    peer: Peer,
}

impl Drop for SocketPermit {
    fn drop(&mut self) {
        let mut open = self.sockets.open.lock();
        open.all -= 1;
        if let Some(count) = open.by_peer.get_mut(&self.peer) {
            *count -= 1;
            // An address that has none is forgotten, so that the table is as long as what is open.
            if *count == 0 {
                open.by_peer.remove(&self.peer);
            }
        }
    }
}

/// What a request may take its permit from: the door's count, and the address that it came from. An
/// extractor; without a door nothing is counted.
#[derive(Clone)]
pub struct SocketPermits {
    sockets: Option<Arc<Sockets>>,
    peer: Peer,
}

impl SocketPermits {
    /// One more socket of the address behind the request. `None` where nobody counts.
    ///
    /// # Errors
    /// As [`Sockets::take`].
    pub fn take(&self) -> Result<Option<SocketPermit>, Problem> {
        self.sockets.as_ref().map(|sockets| sockets.take(self.peer)).transpose()
    }
}

impl<S: Sync> FromRequestParts<S> for SocketPermits {
    type Rejection = Infallible;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let sockets = parts.extensions.get::<Arc<Sockets>>().cloned();
        Ok(Self { sockets, peer: Peer::of_connection(&parts.extensions) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use schema::Code;

    #[test]
    fn an_address_has_so_many_at_once_and_gets_them_back() {
        let sockets = Arc::new(Sockets::new(2));
        let (home, away) = (Peer("10.0.0.1".parse().unwrap()), Peer("10.0.0.2".parse().unwrap()));
        let first = sockets.take(home).ok();
        let _second = sockets.take(home).ok();
        assert_eq!(sockets.take(home).err().unwrap().code(), Code::RateLimited);
        let _other = sockets.take(away).ok();
        assert_eq!(sockets.open(), 3);
        drop(first);
        assert!(sockets.take(home).is_ok());
        assert_eq!(sockets.open(), 2);
    }

    #[test]
    fn zero_counts_no_addresses() {
        let sockets = Arc::new(Sockets::new(0));
        let home = Peer("10.0.0.1".parse().unwrap());
        let permits: Vec<_> = (0..1000).map(|_| sockets.take(home).ok().unwrap()).collect();
        assert_eq!((sockets.open(), sockets.open.lock().by_peer.len()), (1000, 0));
        drop(permits);
        assert_eq!(sockets.open(), 0);
    }
}
