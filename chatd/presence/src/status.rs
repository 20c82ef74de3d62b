//! Choosing a status.

use crate::desk::Local;
use crate::see::nobody;
use crate::{Inner, Presence};
use edge::Problem;
use schema::limits::TYPING_PER_SECOND;
use schema::presence::signal::{CameOnline, Said, StatusChanged, WentOffline};
use schema::presence::{Chosen, Status};
use schema::{Code, Timestamp, UserId};
use store::Error;
use tokio::time::Instant;

impl Presence {
    /// Chooses how a person looks while they are there, durably. ONLINE clears an earlier choice.
    ///
    /// # Errors
    /// `rate-limited` beyond `limits::TYPING_PER_SECOND` changes a second, or when the store does not answer.
    pub async fn set_status(&self, user: UserId, chosen: Chosen) -> Result<(), Problem> {
        let inner = &self.0;
        let person = inner.people.find(&[user]).await?.pop().flatten().ok_or_else(nobody)?;
        if person.chosen == chosen {
            return Ok(());
        }
        if !inner.table.take_turn(user, Instant::now()) {
            let detail = format!("a person may change their status {TYPING_PER_SECOND} times a second");
            return Err(Problem::new(Code::RateLimited, detail).retry_after(1));
        }
        inner.stores.profiles.set_chosen_status(user, chosen.kept()).await?;
        inner.people.forget(user, None);
        if inner.others.alone() || inner.desk.local(user) != Local::Unknown {
            inner.desk.look_again(user);
        } else {
            inner.chose_elsewhere(user, person.chosen, chosen).await?;
        }
        if chosen == Chosen::Invisible {
            for peer in inner.table.by(user) {
                inner.stop_typing(user, peer).await?;
            }
        }
        Ok(())
    }
}

impl Inner {
    /// Somebody chose here how they look, and has sockets at other processes, if at all. Those processes only
    /// look again: the log and the others are told here.
    async fn chose_elsewhere(&self, user: UserId, from: Chosen, to: Chosen) -> Result<(), Error> {
        let now = Timestamp::now();
        let trace = self.stores.presence.look(self.node, &[user], now).await?.pop();
        if trace.is_some_and(|trace| trace.elsewhere) {
            self.say_change(user, from.shown(), to.shown(), now);
            self.others.look(user);
            self.desk.ring();
        }
        Ok(())
    }

    /// Writes down what everybody could see change.
    pub(crate) fn say_change(&self, user: UserId, before: Status, now: Status, at: Timestamp) {
        let said = match (before, now) {
            (before, now) if before == now => return,
            (Status::Offline, status) => Said::Online(CameOnline { status }),
            (_, Status::Offline) => Said::Offline(WentOffline { last_seen: at }),
            (previous, status) => Said::Changed(StatusChanged { status, previous }),
        };
        self.journal.write(user, said, at);
    }
}
