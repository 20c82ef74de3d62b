//! Sessions that have ended although tokens of theirs still live.

use parking_lot::RwLock;
use schema::limits::MINTED_TOKEN_S_MAX;
use schema::{SessionId, Timestamp};
use std::collections::HashMap;
use tokio::sync::broadcast;

/// Ends that a slow subscriber may be behind.
const BEHIND: usize = 4096;
/// Entries before the first sweep.
const SWEEP_FROM: usize = 1024;

/// The deny list of this process. An entry goes when no token of its session can be alive any more, so it
/// holds what was ended within the longest life of a token, about 40 bytes each.
pub struct Revocations {
    ended: RwLock<Ended>,
    ends: broadcast::Sender<SessionId>,
}

struct Ended {
    until: HashMap<SessionId, Timestamp>,
    sweep_at: usize,
}

impl Default for Revocations {
    fn default() -> Self {
        Self::new()
    }
}

impl Revocations {
    /// An empty list.
    pub fn new() -> Self {
        let ended = Ended { until: HashMap::new(), sweep_at: SWEEP_FROM };
        Self { ended: RwLock::new(ended), ends: broadcast::channel(BEHIND).0 }
    }

    /// Refuses every token of this session from now on, and tells the subscribers to close its sockets.
    pub fn end(&self, session: SessionId) {
        self.end_until(session, Timestamp::now().plus_seconds(MINTED_TOKEN_S_MAX));
    }

    /// As [`Self::end`], when it is known that the session's tokens are dead after `until`.
    pub fn end_until(&self, session: SessionId, until: Timestamp) {
        {
            let mut ended = self.ended.write();
            let entry = ended.until.entry(session).or_insert(until);
            *entry = (*entry).max(until);
            if ended.until.len() >= ended.sweep_at {
                let now = Timestamp::now();
                ended.until.retain(|_, until| *until > now);
                ended.sweep_at = SWEEP_FROM.max(ended.until.len().saturating_mul(2));
            }
        }
        // No subscriber is no fault: a process without sockets has none.
        let _ = self.ends.send(session);
    }

    /// Whether this session was ended.
    pub fn is_ended(&self, session: SessionId) -> bool {
        self.ended.read().until.contains_key(&session)
    }

    /// Until when tokens of this session could live, if it was ended.
    pub fn until(&self, session: SessionId) -> Option<Timestamp> {
        self.ended.read().until.get(&session).copied()
    }

    /// Every session that was ended, as far as tokens of it could still live.
    pub fn all(&self) -> Vec<(SessionId, Timestamp)> {
        let now = Timestamp::now();
        let ended = self.ended.read();
        ended.until.iter().filter(|(_, until)| **until > now).map(|(id, until)| (*id, *until)).collect()
    }

    /// Every end from now on. A subscriber that is told it lagged asks [`Self::is_ended`] for each of its
    /// sessions.
    pub fn subscribe(&self) -> broadcast::Receiver<SessionId> {
        self.ends.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_seen_and_told_and_forgotten_when_no_token_lives() {
        let revocations = Revocations::new();
        let mut ends = revocations.subscribe();
        let session = SessionId::draw();
        assert!(!revocations.is_ended(session));
        revocations.end(session);
        assert!(revocations.is_ended(session));
        assert_eq!(ends.try_recv().unwrap(), session);

        for _ in 0..2 * SWEEP_FROM {
            revocations.end_until(SessionId::draw(), Timestamp(0));
        }
        assert!(revocations.ended.read().until.len() <= SWEEP_FROM);
        assert!(revocations.is_ended(session));
    }
}
