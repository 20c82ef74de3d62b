//! Typing: in from a session, out to the sockets of the peer. It never waits for an outbox.

use crate::Hub;
use crate::send::Pending;
use crate::session::Session;
use edge::Problem;
use presence::Typed;
use schema::presence::TypingRequest;
use schema::wire::stomp::Frame;
use std::sync::{Arc, Weak};
use tokio::sync::mpsc;

/// Reads the link of typing until the service is gone.
pub(crate) async fn run(hub: Weak<Hub>, mut typings: mpsc::Receiver<Typed>) {
    while let Some(Typed { peer, typing }) = typings.recv().await {
        let Some(hub) = hub.upgrade() else { return };
        let typing = Arc::new(typing);
        hub.connections.of_user(peer, |connection| {
            let shed = connection.typing(&typing);
            hub.metrics.typing_shed.inc_by(shed);
        });
    }
}

impl Session {
    /// `/app/chat.typing`.
    pub(crate) async fn type_to(&mut self, frame: &Frame, pending: Pending) {
        let Some(who) = self.connection.identity.get().copied() else { return };
        let request: TypingRequest = match edge::parse(&frame.body) {
            Ok(request) => request,
            Err(problem) => return pending.refused(&problem),
        };
        if request.peer_id.trim().is_empty() {
            return pending.refused(&Problem::field("peerId", "is blank", "a user id or a username"));
        }
        match Box::pin(self.hub.presence.typing(who.user, &request.peer_id, request.typing)).await {
            Ok(()) => pending.done(Ok(())),
            Err(problem) => pending.refused(&problem),
        }
    }
}
