//! The lines of this process, by the session's name.

use super::line::Line;
use super::no_session;
use super::owner::{Owner, Visitor};
use crate::Hub;
use edge::{Peer, Problem, SocketPermit, Verifier};
use parking_lot::Mutex;
use schema::{Code, limits};
use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// Time between two looks for lines that are over.
const SWEEP: Duration = Duration::from_millis(500);

/// A line and whose it is.
struct Kept {
    line: Arc<Line>,
    owner: Owner,
}

impl Kept {
    fn admit(&self, visitor: Visitor<'_>, verifier: &Verifier) -> Result<Arc<Line>, Problem> {
        self.owner.admits(visitor, verifier).then(|| Arc::clone(&self.line)).ok_or_else(no_session)
    }
}

/// Every SockJS session over HTTP.
#[derive(Default)]
pub(crate) struct Lines {
    kept: Mutex<Book>,
}

#[derive(Default)]
struct Book {
    by_name: HashMap<Box<str>, Arc<Kept>>,
    by_peer: HashMap<Peer, usize>,
}

/// The line of a request.
pub(super) enum Found {
    Known(Arc<Line>),
    /// It was opened for this request, with what counts it.
    New(Arc<Line>, Option<SocketPermit>),
}

impl Lines {
    /// The line of this name, if the visitor may come on it.
    ///
    /// # Errors
    /// 404 when there is none, and when it is somebody else's.
    pub(super) fn find(
        &self,
        name: &str,
        visitor: Visitor<'_>,
        verifier: &Verifier,
    ) -> Result<Arc<Line>, Problem> {
        // Whose it is may take the check of a signature: nobody waits for that.
        let kept = self.kept.lock().by_name.get(name).cloned();
        kept.ok_or_else(no_session)?.admit(visitor, verifier)
    }

    /// The line of this name; a new one where there is none and `admit` has nothing against it.
    ///
    /// # Errors
    /// 404 when it is somebody else's, 429 when the address has as many as it may, and what `admit` says.
    pub(super) fn find_or_open(
        &self,
        name: &str,
        visitor: Visitor<'_>,
        verifier: &Verifier,
        admit: impl FnOnce() -> Result<Option<SocketPermit>, Problem>,
    ) -> Result<Found, Problem> {
        let kept = self.kept.lock().by_name.get(name).cloned();
        if let Some(kept) = kept {
            return kept.admit(visitor, verifier).map(Found::Known);
        }
        let owner = Owner::new(visitor, verifier);
        let mut book = self.kept.lock();
        let Book { by_name, by_peer } = &mut *book;
        if by_name.contains_key(name) {
            // Two first requests at once: one was first.
            drop(book);
            return self.find(name, visitor, verifier).map(Found::Known);
        }
        let bound = limits::SOCKJS_SESSIONS_PER_ADDRESS;
        let count = by_peer.get(&visitor.peer).copied().unwrap_or_default();
        if count >= bound {
            let detail = format!("too many sessions: an address may have {bound} over HTTP; close one");
            return Err(Problem::new(Code::RateLimited, detail).retry_after(limits::RETRY_AFTER_S));
        }
        let permit = admit()?;
        by_peer.insert(visitor.peer, count + 1);
        let line = Line::new();
        by_name.insert(name.into(), Arc::new(Kept { line: Arc::clone(&line), owner }));
        Ok(Found::New(line, permit))
    }

    /// Lines that are remembered now, those that are over included.
    pub(crate) fn len(&self) -> usize {
        self.kept.lock().by_name.len()
    }

    /// Forgets what is over for long, and ends what nobody asks for.
    fn sweep(&self, now: Instant) {
        let mut book = self.kept.lock();
        let Book { by_name, by_peer } = &mut *book;
        by_name.retain(|_, kept| {
            let expired = kept.line.expire(now);
            if expired && let Some(count) = by_peer.get_mut(&kept.owner.peer) {
                *count -= 1;
                if *count == 0 {
                    by_peer.remove(&kept.owner.peer);
                }
            }
            !expired
        });
    }
}

/// Looks after the lines until the service is gone.
pub(crate) async fn sweep(hub: Weak<Hub>) {
    let mut interval = tokio::time::interval(SWEEP);
    loop {
        interval.tick().await;
        let Some(hub) = hub.upgrade() else { return };
        hub.lines.sweep(Instant::now());
        hub.metrics.lines.set(i64::try_from(hub.lines.len()).unwrap_or(i64::MAX));
    }
}
