//! What `websocket` asks of presence: the border that may lie within a process or between two.

use crate::{Presence, Typed, Watch};
use async_trait::async_trait;
use edge::Problem;
use schema::UserId;
use schema::presence::Chosen;
use tokio::sync::mpsc;

/// Presence, as sockets see it. Each call does what the function of the same name of [`Presence`] does.
#[async_trait]
pub trait Attend: Send + Sync {
    fn connected(&self, user: UserId, connection: u64);
    fn disconnected(&self, user: UserId, connection: u64);
    /// Who types to whom from now on. Its reader must not wait for sessions.
    fn typings(&self) -> mpsc::Receiver<Typed>;
    async fn typing(&self, user: UserId, peer: &str, on: bool) -> Result<(), Problem>;
    async fn set_status(&self, user: UserId, chosen: Chosen) -> Result<(), Problem>;
    async fn watch(&self, watch: Watch, name: &str) -> Result<(), Problem>;
    async fn watch_contacts(&self, watch: Watch) -> Result<(), Problem>;
    fn unwatch(&self, connection: u64, subscription: u32);
}

#[async_trait]
impl Attend for Presence {
    fn connected(&self, user: UserId, connection: u64) {
        self.connected(user, connection);
    }

    fn disconnected(&self, user: UserId, connection: u64) {
        self.disconnected(user, connection);
    }

    fn typings(&self) -> mpsc::Receiver<Typed> {
        self.typings()
    }

    async fn typing(&self, user: UserId, peer: &str, on: bool) -> Result<(), Problem> {
        self.typing(user, peer, on).await
    }

    async fn set_status(&self, user: UserId, chosen: Chosen) -> Result<(), Problem> {
        self.set_status(user, chosen).await
    }

    async fn watch(&self, watch: Watch, name: &str) -> Result<(), Problem> {
        self.watch(watch, name).await
    }

    async fn watch_contacts(&self, watch: Watch) -> Result<(), Problem> {
        self.watch_contacts(watch)
    }

    fn unwatch(&self, connection: u64, subscription: u32) {
        self.unwatch(connection, subscription);
    }
}
