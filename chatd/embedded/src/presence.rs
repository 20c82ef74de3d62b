//! `store::Presence` in memory: one process, so what it holds lapses only when a test says so.

use async_trait::async_trait;
use parking_lot::Mutex;
use schema::limits::{LAST_SEEN_UNSAVED, TYPISTS};
use schema::{Timestamp, UserId};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use store::Error;
use store::presence::{Presence, Trace, Turn};
use uuid::Uuid;

/// Presence of one process, gone with it.
#[derive(Default)]
pub struct MemoryPresence(Mutex<State>);

#[derive(Default)]
struct State {
    /// Until when each process lives.
    nodes: HashMap<Uuid, Timestamp>,
    /// Who is held, and by whom; bounded by the sockets of the processes.
    held: HashMap<UserId, Vec<Uuid>>,
    /// At most [`LAST_SEEN_UNSAVED`].
    unsaved: HashMap<UserId, Timestamp>,
    /// By who types to whom: until when. At most [`TYPISTS`].
    typing: HashMap<(UserId, UserId), Timestamp>,
}

impl State {
    fn lives(&self, node: Uuid, now: Timestamp) -> bool {
        self.nodes.get(&node).is_some_and(|until| *until > now)
    }

    fn held_by_another(&self, node: Uuid, user: UserId, now: Timestamp) -> bool {
        let holders = self.held.get(&user).map(Vec::as_slice).unwrap_or_default();
        holders.iter().any(|holder| *holder != node && self.lives(*holder, now))
    }
}

#[async_trait]
impl Presence for MemoryPresence {
    async fn beat(&self, node: Uuid, until: Timestamp) -> Result<bool, Error> {
        Ok(self.0.lock().nodes.insert(node, until).is_some())
    }

    async fn hold(&self, node: Uuid, users: &[UserId]) -> Result<(), Error> {
        let mut state = self.0.lock();
        for user in users {
            let holders = state.held.entry(*user).or_insert_with(|| Vec::with_capacity(1));
            if !holders.contains(&node) {
                holders.push(node);
            }
        }
        Ok(())
    }

    async fn release(&self, node: Uuid, users: &[UserId], now: Timestamp) -> Result<Vec<bool>, Error> {
        let mut state = self.0.lock();
        let mut gone = Vec::with_capacity(users.len());
        for user in users {
            if let Entry::Occupied(mut entry) = state.held.entry(*user) {
                entry.get_mut().retain(|holder| *holder != node);
                if entry.get().is_empty() {
                    entry.remove();
                }
            }
            gone.push(!state.held_by_another(node, *user, now));
        }
        Ok(gone)
    }

    async fn look(&self, node: Uuid, users: &[UserId], now: Timestamp) -> Result<Vec<Trace>, Error> {
        let state = self.0.lock();
        let trace = |user: &UserId| Trace {
            elsewhere: state.held_by_another(node, *user, now),
            last_seen: state.unsaved.get(user).copied(),
        };
        Ok(users.iter().map(trace).collect())
    }

    async fn lapsed(&self, now: Timestamp, limit: usize) -> Result<Vec<UserId>, Error> {
        let mut state = self.0.lock();
        if state.nodes.values().all(|until| *until > now) {
            return Ok(Vec::new());
        }
        let silent = |(user, holders): (&UserId, &Vec<Uuid>)| {
            holders.iter().all(|holder| !state.lives(*holder, now)).then_some(*user)
        };
        let lapsed: Vec<UserId> = state.held.iter().filter_map(silent).take(limit).collect();
        for user in &lapsed {
            state.held.remove(user);
        }
        if lapsed.len() < limit {
            // Whom it held together with others, those hold on alone.
            let State { nodes, held, .. } = &mut *state;
            nodes.retain(|_, until| *until > now);
            held.values_mut().for_each(|holders| holders.retain(|holder| nodes.contains_key(holder)));
        }
        Ok(lapsed)
    }

    async fn seen(&self, seen: &[(UserId, Timestamp)]) -> Result<usize, Error> {
        let mut state = self.0.lock();
        let mut dropped = 0;
        for (user, at) in seen {
            let room = state.unsaved.len() < LAST_SEEN_UNSAVED;
            match state.unsaved.entry(*user) {
                Entry::Occupied(mut entry) => *entry.get_mut() = (*entry.get()).max(*at),
                Entry::Vacant(entry) if room => drop(entry.insert(*at)),
                Entry::Vacant(_) => dropped += 1,
            }
        }
        Ok(dropped)
    }

    async fn unsaved(&self, limit: usize) -> Result<Vec<(UserId, Timestamp)>, Error> {
        Ok(self.0.lock().unsaved.iter().take(limit).map(|(user, at)| (*user, *at)).collect())
    }

    async fn saved(&self, seen: &[(UserId, Timestamp)]) -> Result<(), Error> {
        let mut state = self.0.lock();
        for (user, at) in seen {
            if state.unsaved.get(user) == Some(at) {
                state.unsaved.remove(user);
            }
        }
        if state.unsaved.is_empty() {
            state.unsaved.shrink_to_fit(); // after a storm nothing stays of it
        }
        Ok(())
    }

    async fn turn(&self, turns: &[Turn], now: Timestamp) -> Result<(), Error> {
        let mut state = self.0.lock();
        for Turn { user, peer, until } in turns {
            match until {
                None => drop(state.typing.remove(&(*user, *peer))),
                Some(until) => {
                    if state.typing.len() >= TYPISTS && !state.typing.contains_key(&(*user, *peer)) {
                        state.typing.retain(|_, until| *until > now);
                    }
                    if state.typing.len() < TYPISTS {
                        state.typing.insert((*user, *peer), *until);
                    }
                }
            }
        }
        Ok(())
    }

    async fn typing(&self, peer: UserId, users: &[UserId], now: Timestamp) -> Result<Vec<bool>, Error> {
        let state = self.0.lock();
        let types = |user: &UserId| state.typing.get(&(*user, peer)).is_some_and(|until| *until > now);
        Ok(users.iter().map(types).collect())
    }
}
