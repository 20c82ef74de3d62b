//! Telling who watches: not what happened, but how it is, to whom that is news.
//!
//! What was told last stands with each pair, so a state that was shed is offered again as it is then, and a
//! change of privacy, contacts or blocks is nothing special: it only makes somebody look.

use crate::index::Edge;
use crate::metrics::Reason;
use crate::see::{Sight, State};
use crate::watch::{Ask, Heard, Whom};
use crate::worker::Worker;
use schema::UserId;
use schema::limits::{CONTACTS, PRESENCE_BATCH};
use schema::presence::{Presence as Shown, Status};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use store::Error;

/// Somebody to be told, perhaps.
type Told = (Edge, UserId, Option<Status>);

impl Worker {
    /// Takes up a subscription.
    pub(crate) async fn take_up(&mut self, ask: Ask, look: &mut HashSet<UserId>) {
        let (connection, subscription) = (ask.connection, ask.subscription);
        match ask.whom {
            Whom::Person(person) => {
                self.index.open(&ask, false);
                // Whatever the state is, it is told first.
                let (new, dropped) = self.index.set(connection, subscription, &[person], None);
                self.inner.metrics.shed.add(Reason::Watch, dropped);
                look.extend(new);
            }
            Whom::Contacts => {
                self.index.open(&ask, true);
                self.load_contacts(ask.viewer, &[(connection, subscription)], look).await;
            }
        }
    }

    /// Has these subscriptions watch the contacts that their viewer has now.
    pub(crate) async fn load_contacts(
        &mut self,
        viewer: UserId,
        subscriptions: &[(u64, u32)],
        look: &mut HashSet<UserId>,
    ) {
        if subscriptions.is_empty() {
            return;
        }
        match self.inner.stores.profiles.contacts(viewer, None, CONTACTS).await {
            Ok(contacts) => {
                let people: Vec<UserId> = contacts.iter().map(|contact| contact.user_id).collect();
                for (connection, subscription) in subscriptions {
                    // Who is away need not be told of.
                    let told = Some(Status::Offline);
                    let (new, dropped) = self.index.set(*connection, *subscription, &people, told);
                    self.inner.metrics.shed.add(Reason::Watch, dropped);
                    look.extend(new);
                }
            }
            Err(error) => {
                tracing::debug!(%error, "a list of contacts waits for its store");
                self.inner.metrics.retries.inc();
                self.reload.insert(viewer);
            }
        }
    }

    /// Looks at people and tells who watches them what is news.
    pub(crate) async fn sync(&mut self, people: &HashSet<UserId>) {
        let watched: Vec<UserId> = people.iter().copied().filter(|user| self.index.watched(*user)).collect();
        for (n, some) in watched.chunks(PRESENCE_BATCH).enumerate() {
            if let Err(error) = self.sync_some(some).await {
                tracing::debug!(%error, "presence waits for a store");
                self.inner.metrics.retries.inc();
                // The others would wait for the same store.
                self.later.extend(&watched[n * PRESENCE_BATCH..]);
                break;
            }
        }
        self.inner.metrics.watches.set(i64::try_from(self.index.len()).unwrap_or(i64::MAX));
    }

    async fn sync_some(&mut self, people: &[UserId]) -> Result<(), Error> {
        let states = self.inner.states(people).await?;
        let mut edges: Vec<Told> = Vec::new();
        for person in people {
            let Some(state) = states.get(person) else { continue };
            let away = state.public() == Status::Offline;
            // Who was told that somebody is away, and is not that somebody, hears nothing new.
            let news =
                |(_, viewer, told): &Told| !(away && *told == Some(Status::Offline) && viewer != person);
            edges.extend(self.index.of(*person).filter(news));
        }
        for some in edges.chunks(PRESENCE_BATCH) {
            let pairs: Vec<(UserId, UserId)> =
                some.iter().map(|(edge, viewer, _)| (*viewer, edge.0)).collect();
            let sights = self.inner.sights(&pairs, &states).await?;
            self.tell(some, &sights, &states);
        }
        Ok(())
    }

    fn tell(&mut self, edges: &[Told], sights: &[Sight], states: &HashMap<UserId, State>) {
        // One body for everybody who sees the same.
        let mut last: Option<(UserId, Sight, Arc<Shown>)> = None;
        for ((edge, _, told), sight) in edges.iter().zip(sights) {
            let (person, connection, subscription) = *edge;
            let Some(state) = states.get(&person) else { continue };
            let shown = match &last {
                Some((of, to, shown)) if (*of, *to) == (person, *sight) => Arc::clone(shown),
                _ => Arc::new(state.shown(person, *sight)),
            };
            last = Some((person, *sight, Arc::clone(&shown)));
            if *told == Some(shown.status) {
                continue;
            }
            let heard =
                self.index.ear(connection).map_or(Heard::Gone, |ear| ear.presence(subscription, &shown));
            match heard {
                Heard::Yes => {
                    self.index.told(*edge, shown.status);
                    self.inner.metrics.told.inc();
                }
                Heard::Full => {
                    self.inner.metrics.shed.count(Reason::Outbox);
                    self.later.insert(person);
                }
                Heard::Gone => self.index.end(connection, subscription),
            }
        }
    }
}
