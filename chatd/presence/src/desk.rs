//! Who has which sockets here, and the news for the worker. Noting is one short lock, whoever notes.

use crate::watch::Ask;
use parking_lot::Mutex;
use schema::limits::{PRESENCE_ASKS, PRESENCE_CHANGES};
use schema::{Timestamp, UserId};
use std::collections::{HashMap, HashSet};
use tokio::sync::Notify;

/// The desk.
#[derive(Default)]
pub(crate) struct Desk {
    book: Mutex<Book>,
    bell: Notify,
}

#[derive(Default)]
struct Book {
    /// Who has sockets here, or had until the worker has dealt with it.
    here: HashMap<UserId, Sockets>,
    /// Connections that watch somebody.
    watching: HashSet<u64>,
    news: News,
}

struct Sockets {
    /// Connections; few people have more than one.
    open: Vec<u64>,
    /// When the last one closed.
    left: Timestamp,
    /// Among the news.
    noted: bool,
}

/// What happened since the worker looked last.
#[derive(Default)]
pub(crate) struct News {
    /// Who came, went or chose anew; each once, so it is bounded by the sockets there are and were.
    pub(crate) people: Vec<UserId>,
    /// About whom something changed; at most [`PRESENCE_CHANGES`], beyond it `everybody`.
    pub(crate) changed: HashSet<UserId>,
    pub(crate) everybody: bool,
    /// Who wants to be told; at most [`PRESENCE_ASKS`].
    pub(crate) asks: Vec<Ask>,
    /// Connections that watched and are gone; bounded by the sockets there are and were.
    pub(crate) gone: Vec<u64>,
    /// Subscriptions that ended; at most [`PRESENCE_ASKS`], the rest are noticed when they are to be told.
    pub(crate) ended: Vec<(u64, u32)>,
    pub(crate) closing: bool,
}

/// Whether somebody has a socket here; if not any more, since when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Local {
    Here,
    /// The worker has not dealt with it yet.
    Left(Timestamp),
    Unknown,
}

impl Desk {
    pub(crate) fn connected(&self, user: UserId, connection: u64) {
        let mut book = self.book.lock();
        let book = &mut *book;
        if book.news.closing {
            return;
        }
        let sockets = book.here.entry(user).or_insert_with(|| Sockets {
            open: Vec::with_capacity(1),
            left: Timestamp::default(),
            noted: false,
        });
        if sockets.open.contains(&connection) {
            return;
        }
        sockets.open.push(connection);
        if sockets.open.len() == 1 {
            note(&mut book.news, user, sockets);
            self.bell.notify_one();
        }
    }

    pub(crate) fn disconnected(&self, user: UserId, connection: u64) {
        let mut book = self.book.lock();
        let book = &mut *book;
        if book.watching.remove(&connection) {
            book.news.gone.push(connection);
            self.bell.notify_one();
        }
        let Some(sockets) = book.here.get_mut(&user) else { return };
        let before = sockets.open.len();
        sockets.open.retain(|open| *open != connection);
        if before > 0 && sockets.open.is_empty() {
            sockets.left = Timestamp::now();
            note(&mut book.news, user, sockets);
            self.bell.notify_one();
        }
    }

    /// Somebody looks different from now on, if they are here at all.
    pub(crate) fn look_again(&self, user: UserId) {
        let mut book = self.book.lock();
        let book = &mut *book;
        if let Some(sockets) = book.here.get_mut(&user) {
            note(&mut book.news, user, sockets);
            self.bell.notify_one();
        }
    }

    /// Something about a person has changed.
    pub(crate) fn changed(&self, user: UserId) {
        let news = &mut self.book.lock().news;
        if news.changed.len() < PRESENCE_CHANGES {
            news.changed.insert(user);
        } else {
            news.everybody = true;
        }
        self.bell.notify_one();
    }

    /// Something about somebody has changed, and nobody knows about whom.
    pub(crate) fn changed_somebody(&self) {
        self.book.lock().news.everybody = true;
        self.bell.notify_one();
    }

    /// Somebody wants to be told. False: too many are waiting.
    pub(crate) fn ask(&self, ask: Ask) -> bool {
        let mut book = self.book.lock();
        let room = book.news.asks.len() < PRESENCE_ASKS && !book.news.closing;
        if room {
            book.watching.insert(ask.connection);
            book.news.asks.push(ask);
            self.bell.notify_one();
        }
        room
    }

    /// A subscription ended.
    pub(crate) fn ended(&self, connection: u64, subscription: u32) {
        let mut book = self.book.lock();
        if book.watching.contains(&connection) && book.news.ended.len() < PRESENCE_ASKS {
            book.news.ended.push((connection, subscription));
            self.bell.notify_one();
        }
    }

    /// Whether somebody has a socket here.
    pub(crate) fn local(&self, user: UserId) -> Local {
        match self.book.lock().here.get(&user) {
            None => Local::Unknown,
            Some(sockets) if sockets.open.is_empty() => Local::Left(sockets.left),
            Some(_) => Local::Here,
        }
    }

    /// Takes the news. Who is named in them is looked at anew with [`Desk::local`].
    pub(crate) fn take(&self) -> News {
        let mut book = self.book.lock();
        let book = &mut *book;
        let closing = book.news.closing;
        let news = std::mem::replace(&mut book.news, News { closing, ..News::default() });
        for user in &news.people {
            if let Some(sockets) = book.here.get_mut(user) {
                sockets.noted = false;
            }
        }
        news
    }

    /// The worker has dealt with these: who has no socket is forgotten, unless something came meanwhile.
    pub(crate) fn settled(&self, users: &[UserId]) {
        let mut book = self.book.lock();
        for user in users {
            if book.here.get(user).is_some_and(|sockets| sockets.open.is_empty() && !sockets.noted) {
                book.here.remove(user);
            }
        }
        if book.here.is_empty() {
            book.here.shrink_to_fit(); // after a storm nothing stays of it
        }
    }

    /// Everybody is gone, and nothing is noted from now on.
    pub(crate) fn close(&self) {
        let mut book = self.book.lock();
        let book = &mut *book;
        let now = Timestamp::now();
        for (user, sockets) in book.here.iter_mut().filter(|(_, sockets)| !sockets.open.is_empty()) {
            sockets.open = Vec::new();
            sockets.left = now;
            note(&mut book.news, *user, sockets);
        }
        book.news.closing = true;
        self.bell.notify_one();
    }

    /// Returns when there is news.
    pub(crate) async fn rung(&self) {
        self.bell.notified().await;
    }

    /// Wakes the worker.
    pub(crate) fn ring(&self) {
        self.bell.notify_one();
    }
}

fn note(news: &mut News, user: UserId, sockets: &mut Sockets) {
    if !std::mem::replace(&mut sockets.noted, true) {
        news.people.push(user);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_and_the_last_socket_are_news_and_each_person_once() {
        let desk = Desk::default();
        let ann = UserId::draw();
        desk.connected(ann, 1);
        desk.connected(ann, 2);
        desk.connected(ann, 2);
        assert_eq!(desk.take().people, [ann]);
        desk.disconnected(ann, 1);
        desk.disconnected(ann, 9);
        assert_eq!((desk.take().people.len(), desk.local(ann)), (0, Local::Here));
        desk.disconnected(ann, 2);
        desk.connected(ann, 3);
        desk.disconnected(ann, 3);
        assert_eq!(desk.take().people, [ann]);
        assert!(matches!(desk.local(ann), Local::Left(_)));
        desk.settled(&[ann]);
        assert_eq!(desk.local(ann), Local::Unknown);
        desk.disconnected(ann, 3);
        assert!(desk.take().people.is_empty(), "somebody who is not here can't go");
    }

    #[test]
    fn who_comes_back_meanwhile_is_not_forgotten() {
        let desk = Desk::default();
        let ann = UserId::draw();
        desk.connected(ann, 1);
        desk.disconnected(ann, 1);
        desk.take();
        desk.connected(ann, 2);
        desk.settled(&[ann]);
        assert_eq!(desk.local(ann), Local::Here);
        assert_eq!(desk.take().people, [ann]);
    }

    #[test]
    fn changes_are_bounded_and_then_everybody_is_looked_at() {
        let desk = Desk::default();
        (0..PRESENCE_CHANGES + 5).for_each(|_| desk.changed(UserId::draw()));
        let news = desk.take();
        assert!(news.everybody && news.changed.len() == PRESENCE_CHANGES);
        assert!(!desk.take().everybody);
    }

    #[test]
    fn closing_sends_everybody_away() {
        let desk = Desk::default();
        let ann = UserId::draw();
        desk.connected(ann, 1);
        desk.take();
        desk.close();
        assert_eq!(desk.take().people, [ann]);
        assert!(matches!(desk.local(ann), Local::Left(_)));
        desk.connected(ann, 2);
        assert!(matches!(desk.local(ann), Local::Left(_)), "too late");
    }
}
