//! Presence, over the link.

use super::{NO_SENSE, Remote};
use crate::mesh::Fault;
use crate::wire::{Call, Reply, Up};
use async_trait::async_trait;
use edge::Problem;
use presence::{Attend, Typed, Watch};
use schema::presence::Chosen;
use schema::{Code, UserId};
use tokio::sync::mpsc;

/// What a fault means to one who asks: what is soft may be asked again.
pub(super) fn away(fault: Fault) -> Problem {
    Problem::new(Code::Unavailable, "that part of the server is away; try again later")
        .caused_by(fault.reason())
}

impl Remote {
    async fn tell(&self, call: Call) -> Result<(), Problem> {
        match self.0.ask(call).await {
            Ok(Reply::Done) => Ok(()),
            Ok(Reply::Problem(refusal)) => Err(refusal.into()),
            Ok(_) => Err(away(NO_SENSE)),
            Err(fault) => Err(away(fault)),
        }
    }

    /// Watches, and remembers it for the next home.
    async fn watch_over(&self, watch: Watch, name: Option<String>) -> Result<(), Problem> {
        let Watch { viewer, connection, subscription, ref ear } = watch;
        self.0.people.watch(connection, subscription, ear, name.clone());
        let watched = self.tell(Call::Watch { viewer, connection, subscription, name }).await;
        if watched.is_err() {
            self.0.people.unwatch(connection, subscription);
        }
        watched
    }
}

#[async_trait]
impl Attend for Remote {
    fn connected(&self, user: UserId, connection: u64) {
        self.0.people.connected(user, connection);
        self.0.note(&Up::Connected(vec![(user, connection)]));
    }

    fn disconnected(&self, user: UserId, connection: u64) {
        self.0.people.disconnected(connection);
        self.0.note(&Up::Disconnected(user, connection));
    }

    fn typings(&self) -> mpsc::Receiver<Typed> {
        self.0.typings()
    }

    async fn typing(&self, user: UserId, peer: &str, on: bool) -> Result<(), Problem> {
        self.tell(Call::Typing { user, peer: peer.to_owned(), on }).await
    }

    async fn set_status(&self, user: UserId, chosen: Chosen) -> Result<(), Problem> {
        self.tell(Call::SetStatus(user, chosen)).await
    }

    async fn watch(&self, watch: Watch, name: &str) -> Result<(), Problem> {
        self.watch_over(watch, Some(name.to_owned())).await
    }

    async fn watch_contacts(&self, watch: Watch) -> Result<(), Problem> {
        self.watch_over(watch, None).await
    }

    fn unwatch(&self, connection: u64, subscription: u32) {
        self.0.people.unwatch(connection, subscription);
        self.0.note(&Up::Unwatch(connection, subscription));
    }
}
