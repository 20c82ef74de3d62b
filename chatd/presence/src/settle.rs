//! Who came, who went, who looks different now: leases, last seens, and what the log is told.

use crate::desk::Local;
use crate::metrics::Reason;
use crate::worker::Worker;
use schema::limits::PRESENCE_BATCH;
use schema::presence::signal::{CameOnline, Said, StatusChanged, WentOffline};
use schema::presence::{Chosen, Status};
use schema::{Timestamp, UserId};
use std::collections::HashSet;
use store::Error;

impl Worker {
    /// Deals with people who came, went or chose anew, and says whose watchers should look. What a store did
    /// not take is tried again.
    pub(crate) async fn settle(&mut self, people: &[UserId], look: &mut HashSet<UserId>) {
        for some in people.chunks(PRESENCE_BATCH) {
            if let Err(error) = self.settle_some(some, look).await {
                tracing::debug!(%error, people = some.len(), "presence waits for a store");
                self.inner.metrics.retries.inc();
                self.unsettled.extend(some);
            }
        }
        self.inner.metrics.online.set(i64::try_from(self.known.len()).unwrap_or(i64::MAX));
    }

    async fn settle_some(&mut self, some: &[UserId], look: &mut HashSet<UserId>) -> Result<(), Error> {
        let (inner, now) = (std::sync::Arc::clone(&self.inner), Timestamp::now());
        let presence = &inner.stores.presence;
        // As it is at this moment: who comes or goes meanwhile is among the next news.
        let locals: Vec<Local> = some.iter().map(|user| inner.desk.local(*user)).collect();
        let those = |wanted: fn(Local) -> bool| {
            let here = some.iter().zip(&locals).filter(move |(_, local)| wanted(**local));
            here.map(|(user, _)| *user).collect::<Vec<_>>()
        };
        let came = those(|local| local == Local::Here);
        let left = those(|local| matches!(local, Local::Left(_)));
        presence.hold(inner.node, &came).await?;
        presence.release(inner.node, &left, now).await?;
        let states = inner.states(some).await?;
        let mut seen = Vec::new();
        for (user, local) in some.iter().zip(&locals) {
            let Some(state) = states.get(user) else { continue };
            let (here, elsewhere) = (*local == Local::Here, state.elsewhere);
            let public = if here || elsewhere { state.chosen().shown() } else { Status::Offline };
            let before = match self.known.get(user) {
                Some(known) => *known,
                None if elsewhere => public,
                None => Status::Offline,
            };
            if here {
                self.known.insert(*user, public);
            } else {
                self.known.remove(user);
            }
            let at = match local {
                Local::Left(at) => *at,
                Local::Here | Local::Unknown => now,
            };
            let vanished = before != Status::Offline && public == Status::Offline;
            let went = matches!(local, Local::Left(_)) && !elsewhere && state.chosen() != Chosen::Invisible;
            if went || vanished {
                seen.push((*user, at));
            }
            self.journal(*user, before, public, at);
            look.insert(*user);
        }
        self.remember(&seen).await?;
        // Neither who is gone nor who hides is typing.
        let hides =
            |user: &&UserId| states.get(user).is_some_and(|state| state.chosen() == Chosen::Invisible);
        for user in left.iter().chain(some.iter().filter(hides)) {
            for peer in inner.table.by(*user) {
                inner.stop_typing(*user, peer).await?;
            }
        }
        inner.desk.settled(&left);
        Ok(())
    }

    /// Keeps last seens until they are saved.
    pub(crate) async fn remember(&mut self, seen: &[(UserId, Timestamp)]) -> Result<(), Error> {
        if !seen.is_empty() {
            let dropped = self.inner.stores.presence.seen(seen).await?;
            self.inner.metrics.shed.add(Reason::LastSeen, dropped);
            self.unsaved = true;
        }
        Ok(())
    }

    /// Writes down what everybody could see change.
    pub(crate) fn journal(&self, user: UserId, before: Status, now: Status, at: Timestamp) {
        let said = match (before, now) {
            (before, now) if before == now => return,
            (Status::Offline, status) => Said::Online(CameOnline { status }),
            (_, Status::Offline) => Said::Offline(WentOffline { last_seen: at }),
            (previous, status) => Said::Changed(StatusChanged { status, previous }),
        };
        self.inner.journal.write(user, said, at);
    }
}
