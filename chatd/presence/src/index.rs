//! Who watches whom: every pair of a subscription and a person, and what was told last. The worker's own.

use crate::watch::{Ask, Ear};
use schema::UserId;
use schema::limits::{PRESENCE_WATCHES, PRESENCE_WATCHES_OF_USER};
use schema::presence::Status;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Weak};

/// A person who is watched, by the subscription of a connection.
pub(crate) type Edge = (UserId, u64, u32);

/// The index. Adding, removing and finding an edge costs the same whoever is watched, and by how many.
#[derive(Default)]
pub(crate) struct Index {
    watchers: HashMap<u64, Watcher>,
    by_viewer: HashMap<UserId, Viewer>,
    /// With what was told last; at most [`PRESENCE_WATCHES`].
    edges: BTreeMap<Edge, Option<Status>>,
}

/// Who watches, with all their connections.
#[derive(Default)]
struct Viewer {
    connections: Vec<u64>,
    /// Of all of them; at most [`PRESENCE_WATCHES_OF_USER`].
    edges: usize,
}

/// A connection that watches.
struct Watcher {
    viewer: UserId,
    ear: Weak<dyn Ear>,
    subscriptions: Vec<Subscription>,
}

struct Subscription {
    number: u32,
    contacts: bool,
    people: HashSet<UserId>,
}

impl Index {
    /// Takes up a subscription, of nobody yet.
    pub(crate) fn open(&mut self, ask: &Ask, contacts: bool) {
        let Ask { viewer, connection, subscription, ear, .. } = ask;
        let watcher = self.watchers.entry(*connection).or_insert_with(|| {
            self.by_viewer.entry(*viewer).or_default().connections.push(*connection);
            Watcher { viewer: *viewer, ear: Weak::clone(ear), subscriptions: Vec::with_capacity(1) }
        });
        watcher.subscriptions.push(Subscription { number: *subscription, contacts, people: HashSet::new() });
    }

    /// From now on a subscription watches these people. Who is new starts as if `told` had been told. Returns
    /// who is new, and how many found no room.
    pub(crate) fn set(
        &mut self,
        connection: u64,
        number: u32,
        people: &[UserId],
        told: Option<Status>,
    ) -> (Vec<UserId>, usize) {
        let Some(watcher) = self.watchers.get_mut(&connection) else { return (Vec::new(), 0) };
        let viewer = self.by_viewer.entry(watcher.viewer).or_default();
        let subscription = watcher.subscriptions.iter_mut().find(|one| one.number == number);
        let Some(subscription) = subscription else { return (Vec::new(), 0) };
        let wanted: HashSet<UserId> = people.iter().copied().collect();
        for gone in subscription.people.difference(&wanted) {
            self.edges.remove(&(*gone, connection, number));
            viewer.edges -= 1;
        }
        subscription.people.retain(|person| wanted.contains(person));
        let mut new = Vec::new();
        let mut dropped = 0;
        for person in wanted {
            if subscription.people.contains(&person) {
                continue;
            }
            if self.edges.len() >= PRESENCE_WATCHES || viewer.edges >= PRESENCE_WATCHES_OF_USER {
                dropped += 1;
                continue;
            }
            self.edges.insert((person, connection, number), told);
            viewer.edges += 1;
            subscription.people.insert(person);
            new.push(person);
        }
        (new, dropped)
    }

    /// A subscription ended.
    pub(crate) fn end(&mut self, connection: u64, number: u32) {
        let Some(watcher) = self.watchers.get_mut(&connection) else { return };
        if let Some(at) = watcher.subscriptions.iter().position(|one| one.number == number) {
            let ended = watcher.subscriptions.swap_remove(at);
            if let Some(viewer) = self.by_viewer.get_mut(&watcher.viewer) {
                viewer.edges -= ended.people.len();
            }
            for person in ended.people {
                self.edges.remove(&(person, connection, number));
            }
        }
        if watcher.subscriptions.is_empty() {
            self.remove(connection);
        }
    }

    /// A connection is gone.
    pub(crate) fn remove(&mut self, connection: u64) {
        let Some(watcher) = self.watchers.remove(&connection) else { return };
        let mut edges = 0;
        for subscription in watcher.subscriptions {
            edges += subscription.people.len();
            for person in subscription.people {
                self.edges.remove(&(person, connection, subscription.number));
            }
        }
        if let Some(viewer) = self.by_viewer.get_mut(&watcher.viewer) {
            viewer.edges -= edges;
            viewer.connections.retain(|other| *other != connection);
            if viewer.connections.is_empty() {
                self.by_viewer.remove(&watcher.viewer);
            }
        }
    }

    /// Who watches a person: the edge, the viewer, and what was told last.
    pub(crate) fn of(&self, person: UserId) -> impl Iterator<Item = (Edge, UserId, Option<Status>)> {
        self.edges.range((person, 0, 0)..=(person, u64::MAX, u32::MAX)).filter_map(|(edge, told)| {
            self.watchers.get(&edge.1).map(|watcher| (*edge, watcher.viewer, *told))
        })
    }

    /// Whether anybody watches a person.
    pub(crate) fn watched(&self, person: UserId) -> bool {
        self.edges.range((person, 0, 0)..=(person, u64::MAX, u32::MAX)).next().is_some()
    }

    /// Notes what was told.
    pub(crate) fn told(&mut self, edge: Edge, status: Status) {
        if let Some(told) = self.edges.get_mut(&edge) {
            *told = Some(status);
        }
    }

    /// Where a connection is told things, if it is still there.
    pub(crate) fn ear(&self, connection: u64) -> Option<Arc<dyn Ear>> {
        self.watchers.get(&connection)?.ear.upgrade()
    }

    /// The subscriptions of a viewer to their contacts.
    pub(crate) fn contacts_of(&self, viewer: UserId) -> Vec<(u64, u32)> {
        let connections = self.by_viewer.get(&viewer).map_or(&[][..], |viewer| &viewer.connections);
        let of = |connection: &u64| {
            let subscriptions = self.watchers.get(connection).map(|watcher| watcher.subscriptions.as_slice());
            let contacts = subscriptions.unwrap_or_default().iter().filter(|one| one.contacts);
            contacts.map(|one| (*connection, one.number)).collect::<Vec<_>>()
        };
        connections.iter().flat_map(of).collect()
    }

    /// Everybody that a viewer watches.
    pub(crate) fn seen_by(&self, viewer: UserId) -> impl Iterator<Item = UserId> {
        let connections = self.by_viewer.get(&viewer).map_or(&[][..], |viewer| &viewer.connections);
        let watchers = connections.iter().filter_map(|connection| self.watchers.get(connection));
        watchers.flat_map(|one| one.subscriptions.iter().flat_map(|one| one.people.iter().copied()))
    }

    /// Who watches.
    pub(crate) fn viewers(&self) -> Vec<UserId> {
        self.by_viewer.keys().copied().collect()
    }

    /// Everybody who is watched; may name somebody more than once.
    pub(crate) fn everybody(&self) -> impl Iterator<Item = UserId> {
        self.edges.keys().map(|(person, _, _)| *person)
    }

    /// Pairs of a subscription and a person.
    pub(crate) fn len(&self) -> usize {
        self.edges.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watch::{Heard, Whom};
    use schema::presence::Presence;

    struct Deaf;

    impl Ear for Deaf {
        fn presence(&self, _: u32, _: &Arc<Presence>) -> Heard {
            Heard::Gone
        }
    }

    fn ask(viewer: UserId, connection: u64, subscription: u32) -> Ask {
        Ask { viewer, connection, subscription, ear: Weak::<Deaf>::new(), whom: Whom::Contacts }
    }

    #[test]
    fn a_viewer_takes_no_more_than_their_share() {
        let mut index = Index::default();
        let ann = UserId::draw();
        let people: Vec<UserId> = (0..PRESENCE_WATCHES_OF_USER - 1).map(|_| UserId::draw()).collect();
        index.open(&ask(ann, 1, 7), true);
        index.open(&ask(ann, 2, 7), true);
        assert_eq!(index.set(1, 7, &people, None).1, 0);
        assert_eq!(index.set(2, 7, &people[..3], None).1, 2);
        index.open(&ask(people[0], 3, 1), false);
        assert_eq!(index.set(3, 1, &[ann], None), (vec![ann], 0), "others have theirs");
        index.end(1, 7);
        assert_eq!(index.set(2, 7, &people[..3], None).1, 0, "what was given back can be taken");
        assert_eq!(index.by_viewer[&ann].edges, 3);
    }

    #[test]
    fn edges_follow_what_is_watched_and_nothing_stays_behind() {
        let mut index = Index::default();
        let [ann, bob, eve, tom] = [0; 4].map(|_| UserId::draw());
        index.open(&ask(ann, 1, 7), true);
        index.open(&ask(ann, 1, 8), false);
        index.open(&ask(tom, 2, 1), false);
        assert_eq!(index.set(1, 7, &[bob, eve], Some(Status::Offline)).0.len(), 2);
        assert_eq!(index.set(1, 8, &[bob], None).0, [bob]);
        index.set(2, 1, &[bob], None);
        assert_eq!((index.of(bob).count(), index.of(eve).count(), index.len()), (3, 1, 4));
        index.told((bob, 1, 7), Status::Busy);
        let (new, _) = index.set(1, 7, &[bob, tom], Some(Status::Offline));
        assert_eq!((new, index.watched(eve)), (vec![tom], false));
        let kept = index.of(bob).find(|(edge, ..)| *edge == (bob, 1, 7)).unwrap();
        assert_eq!((kept.1, kept.2), (ann, Some(Status::Busy)), "who stays is not told again");
        assert_eq!(index.contacts_of(ann), [(1, 7)]);
        assert_eq!(index.seen_by(ann).count(), 3);
        index.end(1, 8);
        assert_eq!(index.of(bob).count(), 2);
        index.end(1, 8);
        index.remove(1);
        index.remove(2);
        assert_eq!((index.len(), index.watchers.len(), index.by_viewer.len()), (0, 0, 0));
    }
}
