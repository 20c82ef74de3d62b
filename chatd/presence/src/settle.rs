//! Who came, who went, who looks different now: leases, last seens, and what the log is told.

use crate::desk::Local;
use crate::worker::Worker;
use schema::limits::PRESENCE_BATCH;
use schema::presence::{Chosen, Status};
use schema::{Timestamp, UserId};
use std::collections::HashSet;
use std::sync::Arc;
use store::Error;

impl Worker {
    /// Deals with people who came, went or chose anew, and says whose watchers should look. What a store did
    /// not take is tried again.
    pub(crate) async fn settle(&mut self, people: &[UserId], look: &mut HashSet<UserId>) {
        self.settle_as(people, look, Teller::Here).await;
    }

    /// The same of people of whom another process has told everybody already.
    pub(crate) async fn settle_told(&mut self, people: &[UserId], look: &mut HashSet<UserId>) {
        self.settle_as(people, look, Teller::Another).await;
    }

    async fn settle_as(&mut self, people: &[UserId], look: &mut HashSet<UserId>, teller: Teller) {
        for (n, some) in people.chunks(PRESENCE_BATCH).enumerate() {
            if let Err(error) = self.settle_some(some, look, teller).await {
                // The others would wait for the same store.
                let rest = &people[n * PRESENCE_BATCH..];
                tracing::debug!(%error, people = rest.len(), "presence waits for a store");
                self.inner.metrics.retries.inc();
                self.unsettled.extend(rest);
                break;
            }
        }
        self.inner.metrics.online.set(i64::try_from(self.known.len()).unwrap_or(i64::MAX));
    }

    async fn settle_some(
        &mut self,
        some: &[UserId],
        look: &mut HashSet<UserId>,
        teller: Teller,
    ) -> Result<(), Error> {
        let (inner, now) = (Arc::clone(&self.inner), Timestamp::now());
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
        let states = inner.states(some).await?;
        let hides = |user: &UserId| states.get(user).is_some_and(|state| state.chosen() == Chosen::Invisible);
        // Before they are let go, so that nobody finds them gone and never seen.
        let seen = some.iter().zip(&locals).filter_map(|(user, local)| match local {
            Local::Left(at) if !hides(user) => Some((*user, *at)),
            _ => None,
        });
        self.remember(&seen.collect::<Vec<_>>()).await?;
        // Of two processes that let go at once, one is told that nobody is left.
        let gone = presence.release(inner.node, &left, now).await?;
        let gone: HashSet<UserId> =
            left.iter().zip(gone).filter(|(_, gone)| *gone).map(|(user, _)| *user).collect();
        let mut vanished = Vec::new();
        for (user, local) in some.iter().zip(&locals) {
            let Some(state) = states.get(user) else { continue };
            let (here, elsewhere, at) = match local {
                Local::Here => (true, state.elsewhere, now),
                Local::Left(at) => (false, !gone.contains(user), *at),
                Local::Unknown => (false, state.elsewhere, now),
            };
            let public = if here || elsewhere { state.chosen().shown() } else { Status::Offline };
            let unknown = if elsewhere { public } else { Status::Offline };
            let before = self.known.get(user).copied().unwrap_or(unknown);
            if here {
                self.known.insert(*user, public);
            } else {
                self.known.remove(user);
            }
            if here && before != Status::Offline && public == Status::Offline {
                vanished.push((*user, now));
            }
            if teller == Teller::Here {
                self.say(*user, before, public, at);
            }
            look.insert(*user);
        }
        self.remember(&vanished).await?;
        // Neither who is gone nor who hides is typing.
        for user in left.iter().chain(some.iter().filter(|user| hides(user))) {
            for peer in inner.table.by(*user) {
                inner.stop_typing(*user, peer).await?;
            }
        }
        inner.desk.settled(&left);
        Ok(())
    }

    /// Tells the log and the other processes what everybody could see change.
    pub(crate) fn say(&self, user: UserId, before: Status, now: Status, at: Timestamp) {
        self.inner.say_change(user, before, now, at);
        if before != now {
            self.inner.others.look(user);
        }
    }
}

/// Who tells of a change.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Teller {
    Here,
    Another,
}
