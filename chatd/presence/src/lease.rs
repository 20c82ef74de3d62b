//! That this process lives, what it holds, and when people were last there: what others rely on, and what is
//! put right when the store has lost it.

use crate::Inner;
use crate::desk::Local;
use crate::metrics::Reason;
use crate::typing::later;
use crate::worker::Worker;
use schema::limits::{LAST_SEEN_UNSAVED, LEASE_TIME, PRESENCE_BATCH, PRESENCE_RETRY};
use schema::presence::{Chosen, Status};
use schema::{Timestamp, UserId};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use store::Error;
use store::presence::{Signal, Turn};
use tokio::time::Instant;

/// Last seens made durable, or people taken up, in one step.
const STEP: usize = 4 * PRESENCE_BATCH;
/// How often the end of the service tries to save them.
const TRIES: u32 = 3;

impl Worker {
    /// Says that this process lives, and takes up what others let go by falling silent.
    pub(crate) async fn beat(&mut self, now: Instant) -> Result<(), Error> {
        let inner = Arc::clone(&self.inner);
        let at = Timestamp::now();
        let lease = i64::try_from(LEASE_TIME.as_secs()).unwrap_or(i64::MAX);
        let known = inner.stores.presence.beat(inner.node, at.plus_seconds(lease)).await?;
        if !known || self.lost || now.saturating_duration_since(self.beaten) >= LEASE_TIME {
            // Silent for too long, or the store lost it: others may have taken everybody here for gone.
            self.lost = true;
            self.hold_again().await?;
            self.lost = false;
        }
        self.beaten = now;
        self.take_up_lapsed(at).await
    }

    /// Makes the store know again what this process holds, and has others look again.
    async fn hold_again(&mut self) -> Result<(), Error> {
        let inner = Arc::clone(&self.inner);
        let people: Vec<UserId> = self.known.keys().copied().collect();
        tracing::info!(people = people.len(), "the store of presence has lost this process; it is told anew");
        for some in people.chunks(PRESENCE_BATCH) {
            inner.stores.presence.hold(inner.node, some).await?;
        }
        let seen: Vec<(UserId, Timestamp)> = self.seen.iter().map(|(user, at)| (*user, *at)).collect();
        inner.stores.presence.seen(&seen).await?;
        let now = Timestamp::now();
        let until = Some(later(now, inner.table.time()));
        let turn = |(user, peer)| Turn { user, peer, until };
        let turns: Vec<Turn> = inner.table.among(None).into_iter().map(turn).collect();
        inner.stores.presence.turn(&turns, now).await?;
        if !inner.others.alone() {
            inner.others.everybody();
            self.look_at.get_or_insert(Instant::now() + PRESENCE_RETRY);
        }
        Ok(())
    }

    async fn take_up_lapsed(&mut self, at: Timestamp) -> Result<(), Error> {
        let inner = Arc::clone(&self.inner);
        let lapsed = inner.stores.presence.lapsed(at, STEP).await?;
        if lapsed.len() == STEP {
            self.beat_at = Instant::now(); // there are more
        }
        let states = inner.states(&lapsed).await?;
        let gone = lapsed.iter().filter(|user| states.get(user).is_some_and(|state| !state.there()));
        let gone: Vec<UserId> = gone.copied().collect();
        let shown = |user: &UserId| states.get(user).map_or(Status::Offline, |state| state.chosen().shown());
        let visible = gone.iter().filter(|user| shown(user) != Status::Offline);
        let seen: Vec<(UserId, Timestamp)> = visible.map(|user| (*user, at)).collect();
        seen.iter().for_each(|(user, _)| self.say(*user, shown(user), Status::Offline, at));
        self.remember(&seen).await?;
        self.sync(&gone.into_iter().collect()).await;
        Ok(())
    }

    /// Keeps last seens until they are saved.
    pub(crate) async fn remember(&mut self, seen: &[(UserId, Timestamp)]) -> Result<(), Error> {
        if seen.is_empty() {
            return Ok(());
        }
        self.unsaved = true;
        for (user, at) in seen {
            if self.seen.len() < LAST_SEEN_UNSAVED || self.seen.contains_key(user) {
                let kept = self.seen.entry(*user).or_insert(*at);
                *kept = (*kept).max(*at);
            }
        }
        let dropped = self.inner.stores.presence.seen(seen).await?;
        self.inner.metrics.shed.add(Reason::LastSeen, dropped);
        Ok(())
    }

    /// Makes last seens durable: those from here, be they lost in the store or not, then what else waits there.
    pub(crate) async fn save(&mut self) -> Result<(), Error> {
        let inner = Arc::clone(&self.inner);
        let seen: Vec<(UserId, Timestamp)> = self.seen.iter().map(|(user, at)| (*user, *at)).collect();
        let mut kept = Ok(());
        for some in seen.chunks(STEP) {
            inner.save(some).await?;
            for (user, _) in some {
                self.seen.remove(user);
            }
            // While the store of presence is away the profiles need not wait for it.
            kept = kept.and(inner.stores.presence.saved(some).await);
        }
        kept?;
        self.seen.shrink_to_fit(); // after a storm nothing stays of it
        loop {
            let some = inner.stores.presence.unsaved(STEP).await?;
            if some.is_empty() {
                self.unsaved = false;
                return Ok(());
            }
            inner.save(&some).await?;
            inner.stores.presence.saved(&some).await?;
        }
    }

    /// Saves what is to be saved, once the desk is closed and everybody was sent away.
    pub(crate) async fn end(mut self) {
        for _ in 0..TRIES {
            let people: Vec<UserId> = std::mem::take(&mut self.unsettled).into_iter().collect();
            self.settle(&people, &mut HashSet::new()).await;
            self.tell_others().await;
            match self.save().await {
                Ok(()) if self.unsettled.is_empty() => return,
                Ok(()) => {}
                Err(error) => tracing::warn!(%error, "last seens could not be saved"),
            }
        }
        // What the store of presence did not take, the profiles may.
        if let Err(error) = self.save_unsettled().await {
            let people = self.unsettled.len() + self.seen.len();
            tracing::error!(%error, people, "the last seens of the last seconds are lost");
        }
    }

    /// Saves when those were last there who could not be dealt with, past the store of presence.
    async fn save_unsettled(&self) -> Result<(), Error> {
        let left: HashMap<UserId, Timestamp> = (self.unsettled.iter())
            .filter_map(|user| match self.inner.desk.local(*user) {
                Local::Left(at) => Some((*user, at)),
                Local::Here | Local::Unknown => None,
            })
            .collect();
        let users: Vec<UserId> = left.keys().copied().collect();
        for some in users.chunks(STEP) {
            let people = self.inner.people.find(some).await?;
            let shown = people.into_iter().flatten().filter(|person| person.chosen != Chosen::Invisible);
            let seen: Vec<(UserId, Timestamp)> =
                shown.filter_map(|person| left.get(&person.user).map(|at| (person.user, *at))).collect();
            self.inner.stores.profiles.set_last_seen(&seen).await?;
        }
        let seen: Vec<(UserId, Timestamp)> = self.seen.iter().map(|(user, at)| (*user, *at)).collect();
        self.inner.stores.profiles.set_last_seen(&seen).await
    }
}

impl Inner {
    /// Makes these last seens durable; then the store of presence may forget them. In this order whoever asks
    /// meanwhile finds it in at least one of the two.
    async fn save(&self, some: &[(UserId, Timestamp)]) -> Result<(), Error> {
        self.stores.profiles.set_last_seen(some).await?;
        for (user, _) in some {
            self.people.forget(*user, None);
            self.others.saved(*user);
        }
        Ok(())
    }

    /// Those turns of typing whose peer has sockets at another process; none if the store can't say.
    pub(crate) async fn for_others(&self, typing: Vec<(UserId, UserId, bool)>) -> Vec<Signal> {
        if typing.is_empty() {
            return Vec::new();
        }
        let peers: Vec<UserId> = typing.iter().map(|(_, peer, _)| *peer).collect();
        let Ok(traces) = self.stores.presence.look(self.node, &peers, Timestamp::now()).await else {
            self.metrics.shed.add(Reason::Typing, typing.len());
            return Vec::new();
        };
        let there = typing.into_iter().zip(traces).filter(|(_, trace)| trace.elsewhere);
        there.map(|((user, peer, on), _)| Signal::Typing { user, peer, on }).collect()
    }
}
