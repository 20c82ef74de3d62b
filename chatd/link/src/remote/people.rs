//! The sockets of this process and what they watch, to tell the next home; and presence for which an outbox
//! had no room.

use super::Inner;
use crate::mesh::Line;
use crate::wire::{Call, Shown, Up};
use parking_lot::Mutex;
use presence::{Ear, Heard};
use schema::UserId;
use schema::limits::{LINK_CHUNK, PRESENCE_ASKS, PRESENCE_RETRY};
use std::collections::HashMap;
use std::sync::{Arc, Weak};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// Watches that are asked for at once when the home changes.
const AT_ONCE: usize = 256;

/// The open sockets.
#[derive(Default)]
pub(super) struct People {
    sockets: Mutex<HashMap<u64, Socket>>,
    /// By connection, subscription and person: the latest that there was no room for.
    waiting: Mutex<HashMap<(u64, u32, UserId), Shown>>,
}

struct Socket {
    user: UserId,
    ear: Option<Weak<dyn Ear>>,
    /// By subscription; without a name it is the contacts.
    watches: Vec<(u32, Option<String>)>,
}

impl People {
    pub(super) fn connected(&self, user: UserId, connection: u64) {
        let socket = || Socket { user, ear: None, watches: Vec::new() };
        self.sockets.lock().entry(connection).or_insert_with(socket);
    }

    pub(super) fn disconnected(&self, connection: u64) {
        self.sockets.lock().remove(&connection);
    }

    pub(super) fn watch(&self, connection: u64, number: u32, ear: &Weak<dyn Ear>, name: Option<String>) {
        if let Some(socket) = self.sockets.lock().get_mut(&connection) {
            socket.ear.get_or_insert_with(|| Weak::clone(ear));
            socket.watches.push((number, name));
        }
    }

    pub(super) fn unwatch(&self, connection: u64, number: u32) {
        if let Some(socket) = self.sockets.lock().get_mut(&connection) {
            socket.watches.retain(|(other, _)| *other != number);
        }
    }

    /// Tells a new home of every socket at once, and of what they watch as fast as it answers.
    pub(super) fn introduce(&self, home: &Arc<Line>) {
        let mut watches = Vec::new();
        let sockets: Vec<(UserId, u64)> = {
            let sockets = self.sockets.lock();
            for (connection, socket) in sockets.iter() {
                watches.extend(socket.watches.iter().map(|(number, name)| Call::Watch {
                    viewer: socket.user,
                    connection: *connection,
                    subscription: *number,
                    name: name.clone(),
                }));
            }
            sockets.iter().map(|(connection, socket)| (socket.user, *connection)).collect()
        };
        for sockets in sockets.chunks(LINK_CHUNK) {
            home.note(&Up::Connected(sockets.to_vec()));
        }
        if !watches.is_empty() {
            tokio::spawn(watch_again(Arc::clone(home), watches));
        }
    }

    /// Shows somebody's presence to a socket.
    pub(super) fn show(&self, line: &Line, shown: Shown) {
        let key = (shown.connection, shown.subscription, shown.presence.user_id);
        self.waiting.lock().remove(&key);
        match self.offer(&shown) {
            Heard::Yes => {}
            Heard::Full => self.keep(key, shown),
            Heard::Gone => line.note(&Up::Unwatch(shown.connection, shown.subscription)),
        }
    }

    fn offer(&self, shown: &Shown) -> Heard {
        let ear = self.sockets.lock().get(&shown.connection).and_then(|socket| socket.ear.clone());
        match ear.and_then(|ear| ear.upgrade()) {
            Some(ear) => ear.presence(shown.subscription, &shown.presence),
            None => Heard::Gone,
        }
    }

    /// Keeps what there was no room for; beyond the bound it is left out until that person's next change.
    fn keep(&self, key: (u64, u32, UserId), shown: Shown) {
        let mut waiting = self.waiting.lock();
        if waiting.len() < PRESENCE_ASKS {
            waiting.entry(key).or_insert(shown);
        }
    }
}

async fn watch_again(home: Arc<Line>, watches: Vec<Call>) {
    let mut watches = watches.into_iter();
    loop {
        let asked: Vec<_> = watches.by_ref().take(AT_ONCE).map(|call| home.ask(call)).collect();
        if asked.is_empty() {
            return;
        }
        for told in asked {
            // Each is settled in bounded time; one that is refused is told nothing until it asks anew.
            if told.await.is_ok_and(|outcome| outcome.is_err()) {
                tracing::debug!(node = %home.node, "a subscription to presence could not be taken over");
            }
        }
    }
}

/// Offers again what there was no room for, until the process ends.
pub(super) async fn offer_again(inner: Weak<Inner>, stop: CancellationToken) {
    while timeout(PRESENCE_RETRY, stop.cancelled()).await.is_err() {
        let Some(inner) = inner.upgrade() else { return };
        let people = &inner.people;
        let waiting = std::mem::take(&mut *people.waiting.lock());
        for (key, shown) in waiting {
            if people.offer(&shown) == Heard::Full {
                people.keep(key, shown);
            }
        }
    }
}
