//! The newest client message ids of a conversation: proof that a send is new, without a read.

use schema::MessageId;
use schema::limits::CLIENT_WINDOW;
use std::collections::VecDeque;
use uuid::Uuid;

/// Remembers the newest UUIDv7 client ids by their embedded time. The same id means the same time, so an
/// id whose time lies above everything that was ever forgotten, and that is not remembered, is new. This
/// trusts no clock: a wrong time costs a read, never a wrong answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Window {
    /// The largest time that was forgotten.
    horizon_ms: u64,
    newest_ms: u64,
    recent: VecDeque<(u64, MessageId)>,
}

impl Window {
    /// A window that remembers nothing and has forgotten everything up to this time.
    pub(crate) fn behind(newest_ms: u64) -> Self {
        Self { horizon_ms: newest_ms, newest_ms, recent: VecDeque::new() }
    }

    /// Whether a send with this client id was surely never applied before.
    pub(crate) fn proves_new(&self, client_message_id: &str, id: MessageId) -> bool {
        time_of(client_message_id)
            .is_some_and(|ms| ms > self.horizon_ms && self.recent.iter().all(|(_, known)| *known != id))
    }

    /// Remembers a send that was applied.
    pub(crate) fn remember(&mut self, client_message_id: &str, id: MessageId) {
        let Some(ms) = time_of(client_message_id) else { return };
        self.newest_ms = self.newest_ms.max(ms);
        if ms <= self.horizon_ms {
            return;
        }
        if self.recent.len() == CLIENT_WINDOW
            && let Some((forgotten, _)) = self.recent.pop_front()
        {
            self.horizon_ms = self.horizon_ms.max(forgotten);
        }
        self.recent.push_back((ms, id));
    }

    /// The newest time so far.
    pub(crate) fn newest(&self) -> u64 {
        self.newest_ms
    }
}

/// The time in a UUIDv7 in its canonical text; other texts have none.
fn time_of(client_message_id: &str) -> Option<u64> {
    if client_message_id.len() != 36 {
        return None;
    }
    let id = Uuid::parse_str(client_message_id).ok()?;
    // Another spelling of the same id is another client id: only one spelling may prove anything.
    if id.get_version_num() != 7 || client_message_id.bytes().any(|b| b.is_ascii_uppercase()) {
        return None;
    }
    let (seconds, nanos) = id.get_timestamp()?.to_unix();
    Some(seconds * 1000 + u64::from(nanos) / 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn v7(ms: u64, tail: u8) -> String {
        uuid::Builder::from_unix_timestamp_millis(ms, &[tail; 10]).into_uuid().to_string()
    }

    fn id(n: u8) -> MessageId {
        MessageId::from_bytes([n; 16])
    }

    #[test]
    fn a_remembered_id_is_not_new_and_others_of_its_millisecond_are() {
        let mut window = Window::behind(100);
        assert!(window.proves_new(&v7(101, 1), id(1)));
        window.remember(&v7(101, 1), id(1));
        assert!(!window.proves_new(&v7(101, 1), id(1)));
        assert!(window.proves_new(&v7(101, 2), id(2)));
        assert!(!window.proves_new(&v7(100, 3), id(3)));
    }

    #[test]
    fn what_is_forgotten_raises_the_horizon() {
        let mut window = Window::behind(0);
        for n in 0..=u8::try_from(CLIENT_WINDOW).unwrap() {
            window.remember(&v7(1000 + u64::from(n), n), id(n));
        }
        assert!(!window.proves_new(&v7(1000, 0), id(0)));
        assert!(!window.proves_new(&v7(999, 99), id(99)));
        assert!(window.proves_new(&v7(1500, 99), id(99)));
    }

    #[test]
    fn only_uuid_v7_in_canonical_text_proves_anything() {
        let window = Window::behind(0);
        let upper = v7(5, 0xaa).to_uppercase();
        for text in ["", "c-1", "6ba7b810-9dad-41d1-80b4-00c04fd430c8", upper.as_str()] {
            assert!(!window.proves_new(text, id(1)), "{text}");
        }
    }
}
