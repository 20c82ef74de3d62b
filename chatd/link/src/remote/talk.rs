//! Chat, over the link.

use super::{Inner, NO_HOME, NO_SENSE, Remote};
use crate::mesh::Fault;
use crate::wire::{Call, Reply};
use async_trait::async_trait;
use chat::{Answer, Backlog, CursorError, Delivery, Error, Heard, MarkKind, Origin, Talk, cursor};
use schema::event::DevicePosition;
use schema::{Cursor, Draft, SessionId, UserId};
use std::sync::Arc;
use tokio::sync::mpsc;

/// What a fault means where nothing is written.
fn unread(fault: Fault) -> Error {
    Error::Store(store::Error::Unavailable(fault.reason().to_owned()))
}

/// What a fault means where something is.
fn unwritten(fault: Fault) -> Error {
    match fault {
        Fault::NotDone(reason) => Error::NotAccepted(reason.to_owned()),
        Fault::Unknown(_) => Error::OutcomeUnknown,
    }
}

impl Inner {
    /// Asks for something that is read.
    async fn read<T>(&self, call: Call, take: impl FnOnce(Reply) -> Option<T>) -> Result<T, Error> {
        match self.ask(call).await {
            Ok(Reply::Refused(error)) => Err(error),
            Ok(reply) => take(reply).ok_or_else(|| unread(NO_SENSE)),
            Err(fault) => Err(unread(fault)),
        }
    }

    /// Asks for something of a session's history, in turn with the other sessions.
    async fn page<T>(&self, call: Call, take: impl FnOnce(Reply) -> Option<T>) -> Result<T, Error> {
        let _turn = self.pages.acquire().await;
        self.read(call, take).await
    }

    /// Asks for something that is written.
    async fn write(&self, call: Call) -> Result<(), Error> {
        match self.ask(call).await {
            Ok(Reply::Done) => Ok(()),
            Ok(Reply::Refused(error)) => Err(error),
            Ok(_) => Err(unwritten(NO_SENSE)),
            Err(fault) => Err(unwritten(fault)),
        }
    }
}

#[async_trait]
impl Talk for Remote {
    fn deliveries(&self) -> mpsc::Receiver<Heard> {
        self.0.deliveries()
    }

    async fn attend(&self, user: UserId) -> Result<(), Error> {
        match self.0.mesh.get() {
            Some(mesh) if mesh.attend(user).await => Ok(()),
            _ => Err(unread(NO_HOME)),
        }
    }

    fn leave(&self, user: UserId) {
        if let Some(mesh) = self.0.mesh.get() {
            mesh.leave(user);
        }
    }

    fn position(&self) -> Cursor {
        self.0.mesh.get().map(|mesh| mesh.position()).unwrap_or_default()
    }

    async fn resolve(&self, name: &str) -> Result<UserId, Error> {
        let take = |reply| match reply {
            Reply::User(user) => Some(user),
            _ => None,
        };
        self.0.read(Call::Resolve(name.to_owned()), take).await
    }

    /// Returns once it is on its way in its socket's order.
    async fn send(&self, origin: Origin, draft: Draft, answer: Answer) {
        let Some(home) = self.0.home() else { return answer(Err(unwritten(NO_HOME))) };
        let inner = Arc::clone(&self.0);
        home.call(
            Call::Send { origin, draft },
            Box::new(move |outcome| {
                answer(match outcome {
                    Ok(Reply::Sent(sent)) => {
                        // Acknowledged is visible: who asks for the position now finds it behind this.
                        inner.shown(sent.message.position);
                        Ok(sent)
                    }
                    Ok(Reply::Refused(error)) => Err(error),
                    Ok(_) => Err(unwritten(NO_SENSE)),
                    Err(fault) => Err(unwritten(fault)),
                });
            }),
        );
    }

    async fn mark(
        &self,
        user: UserId,
        peer: UserId,
        kind: MarkKind,
        up_to: u64,
        device: Option<DevicePosition>,
    ) -> Result<(), Error> {
        self.0.write(Call::Mark { user, peer, kind, up_to, device }).await
    }

    async fn passed(&self, user: UserId, session: SessionId, cursor: &Cursor) -> Result<(), Error> {
        self.0.write(Call::Passed { user, session, cursor: cursor.clone() }).await
    }

    async fn feed(
        &self,
        user: UserId,
        after: &Cursor,
        limit: usize,
    ) -> Result<(Vec<Delivery>, Cursor), Error> {
        let take = |reply| match reply {
            Reply::Feed(deliveries, next) => Some((deliveries, next)),
            _ => None,
        };
        self.0.page(Call::Feed { user, after: after.clone(), limit }, take).await
    }

    async fn backlog(&self, user: UserId, session: SessionId, until: Cursor) -> Result<Backlog, Error> {
        let take = |reply| match reply {
            Reply::Backlog(backlog) => Some(backlog),
            _ => None,
        };
        self.0.page(Call::Backlog { user, session, until }, take).await
    }

    fn seal(&self, user: UserId, cursor: &Cursor) -> String {
        cursor::seal(&self.0.local.signer, user, cursor)
    }

    fn open_cursor(&self, user: UserId, text: &str) -> Result<Cursor, CursorError> {
        cursor::open(&self.0.local.signer, user, text, &self.position())
    }
}
