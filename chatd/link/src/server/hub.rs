//! Who is linked, whom they attend, and what they are told: batches, typing, ended sessions, beats.
//!
//! One task reads chat, presence and the revocations, and puts frames into the outboxes of links. A delivery
//! is written as JSON once, however many are told of it.

use super::Parts;
use super::links::Link;
use super::telling::Telling;
use crate::Token;
use crate::frame::encode;
use crate::metrics;
use crate::outbox::{NotTaken, Rank};
use crate::wire::{Deliveries, Down};
use chat::{Batch, Talk};
use edge::{Identify, Revocations};
use parking_lot::{Mutex, RwLock};
use presence::{Attend, Typed};
use schema::limits::{LINK_BEAT, LINK_CHUNK, LINKS};
use schema::{SessionId, Timestamp, UserId};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// A set of links, by place; there are at most [`LINKS`] places.
type Places = u128;

/// What every link of a server shares.
pub(crate) struct Hub {
    pub(super) node: Uuid,
    pub(super) talk: Arc<dyn Talk>,
    pub(super) presence: Arc<dyn Attend>,
    pub(super) identify: Arc<dyn Identify>,
    pub(super) token: Token,
    pub(super) metrics: metrics::Server,
    pub(super) stop: CancellationToken,
    revocations: Arc<Revocations>,
    book: RwLock<Book>,
    /// Which link said last that a socket is open: a link that died unnoticed must not take away what its
    /// successor brought.
    claims: Mutex<HashMap<u64, (UserId, u64)>>,
    next_link: AtomicU64,
}

#[derive(Default)]
struct Book {
    links: Vec<Option<Arc<Link>>>,
    /// Places of links that are told of everybody.
    all: Places,
    attended: HashMap<UserId, Places>,
}

impl Hub {
    pub(super) fn start(parts: Parts, metrics: metrics::Server, stop: CancellationToken) -> Arc<Self> {
        let Parts { node, talk, outbound, presence, identify, revocations, token } = parts;
        let typings = presence.typings();
        let hub = Arc::new(Self {
            node,
            talk,
            presence,
            identify,
            token,
            metrics,
            stop,
            revocations,
            book: RwLock::default(),
            claims: Mutex::default(),
            next_link: AtomicU64::new(0),
        });
        tokio::spawn(Arc::clone(&hub).run(outbound, typings));
        hub
    }

    async fn run(self: Arc<Self>, mut outbound: mpsc::Receiver<Arc<Batch>>, typings: mpsc::Receiver<Typed>) {
        let mut typings = Some(typings);
        let mut ends = self.revocations.subscribe();
        let mut beat = interval(LINK_BEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = self.stop.cancelled() => break,
                batch = outbound.recv() => match batch {
                    Some(batch) => self.batch(&batch),
                    None => break,
                },
                Some(typed) = next(&mut typings) => self.typed(typed),
                end = ends.recv() => match end {
                    Ok(session) => self.ended(session),
                    Err(RecvError::Lagged(_)) => self.links().iter().for_each(|link| self.all_ended(link)),
                    Err(RecvError::Closed) => break,
                },
                _ = beat.tick() => self.beat(),
            }
        }
        self.stop.cancel();
        self.links().iter().for_each(|link| link.outbox.cut.cancel());
    }

    /// Puts a link on the books; it is told of everything from here on. `None`: there is no place left.
    pub(super) fn register(&self, make: impl FnOnce(u64, usize) -> Arc<Link>) -> Option<Arc<Link>> {
        let link = {
            let mut book = self.book.write();
            let free = book.links.iter().position(Option::is_none).unwrap_or(book.links.len());
            if free >= LINKS {
                return None;
            }
            let link = make(self.next_link.fetch_add(1, Ordering::Relaxed), free);
            if free == book.links.len() {
                book.links.push(None);
            }
            book.links[free] = Some(Arc::clone(&link));
            if link.wants.deliveries == Deliveries::All {
                book.all |= 1 << free;
            }
            link
        };
        self.metrics.links.inc();
        if link.wants.news {
            self.all_ended(&link);
        }
        Some(link)
    }

    /// Undoes everything of a link that has ended.
    pub(super) fn forget(&self, link: &Link) {
        {
            let mut book = self.book.write();
            let others: Places = !(1 << link.place);
            book.links[link.place] = None;
            book.all &= others;
            book.attended.retain(|_, places| {
                *places &= others;
                *places != 0
            });
        }
        // Presence only notes; under the lock nobody can claim a socket between.
        self.claims.lock().retain(|connection, (user, by)| {
            let ours = *by == link.number;
            if ours {
                self.presence.disconnected(*user, *connection);
            }
            !ours
        });
        self.metrics.links.dec();
    }

    pub(super) fn attend(&self, link: &Link, users: &[UserId]) {
        let mut book = self.book.write();
        for user in users {
            *book.attended.entry(*user).or_default() |= 1 << link.place;
        }
    }

    pub(super) fn leave(&self, link: &Link, user: UserId) {
        let mut book = self.book.write();
        if let Some(places) = book.attended.get_mut(&user) {
            *places &= !(1 << link.place);
            if *places == 0 {
                book.attended.remove(&user);
            }
        }
    }

    pub(super) fn connected(&self, link: &Link, sockets: &[(UserId, u64)]) {
        let mut claims = self.claims.lock();
        for (user, connection) in sockets {
            claims.insert(*connection, (*user, link.number));
            self.presence.connected(*user, *connection);
        }
    }

    pub(super) fn disconnected(&self, link: &Link, user: UserId, connection: u64) {
        let mut claims = self.claims.lock();
        if claims.get(&connection).is_none_or(|(_, by)| *by == link.number) {
            claims.remove(&connection);
            self.presence.disconnected(user, connection);
        }
    }

    /// Whether a link still speaks for a socket.
    pub(super) fn is_claimed(&self, connection: u64) -> bool {
        self.claims.lock().contains_key(&connection)
    }

    fn links(&self) -> Vec<Arc<Link>> {
        self.book.read().links.iter().flatten().cloned().collect()
    }

    /// Tells a batch to every link: its position always, of the rest what concerns them.
    fn batch(&self, batch: &Batch) {
        let book = self.book.read();
        let partition = batch.partition;
        let mut tellings: Vec<Telling> = book.links.iter().map(|_| Telling::default()).collect();
        let told = |place: usize, full: Option<_>| {
            if let (Some(link), Some(frame)) = (&book.links[place], full) {
                link.tell_batch(self, frame);
            }
        };
        for answer in &batch.answers {
            let waits = |link: &Arc<Link>| link.node == answer.0.node;
            for place in places_of(&book.links, waits) {
                let Ok(json) = serde_json::to_vec(answer) else { continue };
                told(place, tellings[place].answer(partition, &json));
            }
        }
        for delivery in &batch.deliveries {
            let people = delivery.people().map(|user| book.attended.get(&user).copied().unwrap_or(0));
            let concerned = book.all | people[0] | people[1];
            if concerned == 0 {
                continue;
            }
            let Ok(json) = serde_json::to_vec(delivery) else { continue };
            for place in each(concerned) {
                told(place, tellings[place].delivery(partition, &json));
            }
        }
        for (place, telling) in tellings.into_iter().enumerate() {
            told(place, Some(telling.frame(partition, batch.next, batch.first)));
        }
    }

    fn typed(&self, typed: Typed) {
        let book = self.book.read();
        let Some(places) = book.attended.get(&typed.peer) else { return };
        let Ok(frame) = encode(&Down::Typed { peer: typed.peer, typing: typed.typing }) else { return };
        for link in each(*places).filter_map(|place| book.links[place].as_ref()) {
            if link.wants.news && link.outbox.push(Rank::Soft, None, frame.clone()) == Err(NotTaken::Full) {
                self.metrics.shed.inc();
            }
        }
    }

    fn ended(&self, session: SessionId) {
        let until = self.revocations.until(session).unwrap_or_else(Timestamp::now);
        let Ok(frame) = encode(&Down::Ended(vec![(session, until)])) else { return };
        for link in self.links().iter().filter(|link| link.wants.news) {
            link.tell(self, Rank::Hard, frame.clone());
        }
    }

    /// Tells of every session that has ended.
    fn all_ended(&self, link: &Link) {
        for ended in self.revocations.all().chunks(LINK_CHUNK) {
            if let Ok(frame) = encode(&Down::Ended(ended.to_vec())) {
                link.tell(self, Rank::Hard, frame);
            }
        }
    }

    fn beat(&self) {
        let position = self.talk.position();
        for link in self.links() {
            let batches = link.batches.load(Ordering::Relaxed);
            if let Ok(frame) = encode(&Down::Beat { batches, position: position.clone() }) {
                link.tell(self, Rank::Hard, frame);
            }
        }
    }
}

/// The next turn of typing; when there are none any more, never.
async fn next(typings: &mut Option<mpsc::Receiver<Typed>>) -> Option<Typed> {
    match typings {
        None => std::future::pending().await,
        Some(open) => {
            let typed = open.recv().await;
            if typed.is_none() {
                *typings = None;
            }
            typed
        }
    }
}

/// The places in a set.
fn each(mut places: Places) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let place = (places != 0).then(|| places.trailing_zeros() as usize)?;
        places &= places - 1;
        Some(place)
    })
}

/// The places of the links of which this is true.
fn places_of(links: &[Option<Arc<Link>>], so: impl Fn(&Arc<Link>) -> bool) -> impl Iterator<Item = usize> {
    links
        .iter()
        .enumerate()
        .filter_map(move |(place, link)| link.as_ref().filter(|link| so(link)).map(|_| place))
}
