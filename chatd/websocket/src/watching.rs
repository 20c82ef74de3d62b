//! Subscriptions to people's presence, and the status that a session's person chooses.
//!
//! Who may know what, and when there is news, `presence` decides; here it is only put into the outbox, in
//! the half of it that may be left out.

use crate::connection::Connection;
use crate::destination::{PRESENCE_OF, Queue};
use crate::outbox::{Body, Full, Item};
use crate::send::Pending;
use crate::session::Session;
use edge::Problem;
use presence::{Ear, Heard, Watch};
use schema::presence::{Presence, StatusChoice};
use schema::wire::stomp::Frame;
use std::sync::{Arc, Weak};

impl Ear for Connection {
    fn presence(&self, subscription: u32, presence: &Arc<Presence>) -> Heard {
        let mut state = self.state();
        let listens = state.subscriptions.iter().any(|one| one.number == subscription);
        if !listens || state.close.is_some() {
            return Heard::Gone;
        }
        let item = Item::Message { subscription, body: Body::Presence(Arc::clone(presence)) };
        match state.outbox.push_soft(item, self.outbox_bytes()) {
            Err(Full) => Heard::Full,
            Ok(()) => {
                state.wake();
                Heard::Yes
            }
        }
    }
}

impl Session {
    /// Asks for what a subscription to presence wants. A refusal is told, and the subscription taken back:
    /// then it is false.
    pub(crate) async fn watch(&mut self, number: u32, queue: Queue, frame: &Frame) -> bool {
        let Err(problem) =
            self.ask_to_watch(number, queue, frame.header("destination").unwrap_or_default()).await
        else {
            return true;
        };
        self.subscriptions.retain(|one| one.number != number);
        self.connection.state().subscriptions.retain(|one| one.number != number);
        self.connection.refuse(&problem, frame.header("receipt"));
        false
    }

    async fn ask_to_watch(
        &mut self,
        subscription: u32,
        queue: Queue,
        destination: &str,
    ) -> Result<(), Problem> {
        // It makes the server look up as much as a send does.
        self.take_turn()?;
        let Some(who) = self.connection.identity.get().copied() else { return Ok(()) };
        let ear: Weak<dyn Ear> = Arc::downgrade(&self.connection) as Weak<dyn Ear>;
        let watch = Watch { viewer: who.user, connection: self.connection.id, subscription, ear };
        match (queue, destination.strip_prefix(PRESENCE_OF)) {
            (Queue::PresenceOf, Some(name)) => Box::pin(self.hub.presence.watch(watch, name)).await,
            _ => Box::pin(self.hub.presence.watch_contacts(watch)).await,
        }
    }

    /// `/app/presence.update`.
    pub(crate) async fn update_presence(&mut self, frame: &Frame, pending: Pending) {
        let Some(who) = self.connection.identity.get().copied() else { return };
        let choice: StatusChoice = match edge::parse(&frame.body) {
            Ok(choice) => choice,
            Err(problem) => return pending.refused(&problem),
        };
        match Box::pin(self.hub.presence.set_status(who.user, choice.status)).await {
            Ok(()) => pending.done(Ok(())),
            Err(problem) => pending.refused(&problem),
        }
    }
}
