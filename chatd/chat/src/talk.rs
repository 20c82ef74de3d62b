//! What `websocket` asks of chat: the border that may lie within a process or between two.
//!
//! [`Chat`] answers beside the stores; the delivery link answers for a `websocket` that runs in a process of
//! its own. Both keep the same promises.

use crate::{Answer, Backlog, Chat, CursorError, Delivery, Error, Heard, MarkKind, Origin};
use async_trait::async_trait;
use schema::event::DevicePosition;
use schema::{Cursor, Draft, SessionId, UserId};
use tokio::sync::mpsc;

/// Chat, as sockets see it. Each call does what the function of the same name of [`Chat`] does.
#[async_trait]
pub trait Talk: Send + Sync {
    /// What sessions should hear of, in log order. Its reader must not wait for sessions.
    fn deliveries(&self) -> mpsc::Receiver<Heard>;

    /// From its return on, everything that concerns this person is among the deliveries. Calls are counted, and
    /// one that fails counts too: each is ended by one [`Talk::leave`].
    ///
    /// # Errors
    /// When nobody can deliver now.
    async fn attend(&self, user: UserId) -> Result<(), Error>;

    /// Ends one [`Talk::attend`].
    fn leave(&self, user: UserId);

    /// Behind the last record that the view is known to show.
    fn position(&self) -> Cursor;

    async fn resolve(&self, name: &str) -> Result<UserId, Error>;
    async fn send(&self, origin: Origin, draft: Draft, answer: Answer);
    async fn mark(
        &self,
        user: UserId,
        peer: UserId,
        kind: MarkKind,
        up_to: u64,
        device: Option<DevicePosition>,
    ) -> Result<(), Error>;
    async fn passed(&self, user: UserId, session: SessionId, cursor: &Cursor) -> Result<(), Error>;
    async fn feed(
        &self,
        user: UserId,
        after: &Cursor,
        limit: usize,
    ) -> Result<(Vec<Delivery>, Cursor), Error>;
    async fn backlog(&self, user: UserId, session: SessionId, until: Cursor) -> Result<Backlog, Error>;
    fn seal(&self, user: UserId, cursor: &Cursor) -> String;

    /// # Errors
    /// [`CursorError`]; the caller decides whether another epoch starts anew or is an error.
    fn open_cursor(&self, user: UserId, text: &str) -> Result<Cursor, CursorError>;
}

#[async_trait]
impl Talk for Chat {
    fn deliveries(&self) -> mpsc::Receiver<Heard> {
        self.0.shared.links.open()
    }

    /// In one process everything is delivered; who is not here is passed over.
    async fn attend(&self, _user: UserId) -> Result<(), Error> {
        Ok(())
    }

    fn leave(&self, _user: UserId) {}

    fn position(&self) -> Cursor {
        self.position()
    }

    async fn resolve(&self, name: &str) -> Result<UserId, Error> {
        self.resolve(name).await
    }

    async fn send(&self, origin: Origin, draft: Draft, answer: Answer) {
        self.send(origin, draft, answer).await;
    }

    async fn mark(
        &self,
        user: UserId,
        peer: UserId,
        kind: MarkKind,
        up_to: u64,
        device: Option<DevicePosition>,
    ) -> Result<(), Error> {
        self.mark(user, peer, kind, up_to, device).await
    }

    async fn passed(&self, user: UserId, session: SessionId, cursor: &Cursor) -> Result<(), Error> {
        self.passed(user, session, cursor).await
    }

    async fn feed(
        &self,
        user: UserId,
        after: &Cursor,
        limit: usize,
    ) -> Result<(Vec<Delivery>, Cursor), Error> {
        self.feed(user, after, limit).await
    }

    async fn backlog(&self, user: UserId, session: SessionId, until: Cursor) -> Result<Backlog, Error> {
        self.backlog(user, session, until).await
    }

    fn seal(&self, user: UserId, cursor: &Cursor) -> String {
        self.seal(user, cursor)
    }

    fn open_cursor(&self, user: UserId, text: &str) -> Result<Cursor, CursorError> {
        self.open_cursor(user, text)
    }
}
