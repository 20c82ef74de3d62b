//! From chat's deliveries to the outboxes of the people's sessions. It never waits for a session.

use crate::Hub;
use crate::outbox::Shared;
use chat::{Delivery, Heard};
use schema::api::StatusUpdate;
use schema::{Position, UserId};
use std::collections::HashMap;
use std::sync::{Arc, Weak};
use tokio::sync::mpsc;

/// Reads the delivery link until the service is gone.
pub(crate) async fn run(hub: Weak<Hub>, mut deliveries: mpsc::Receiver<Heard>) {
    // By log partition: what was handed over comes again when a partition is applied anew, or by two owners.
    let mut next: HashMap<u32, Position> = HashMap::new();
    while let Some(heard) = deliveries.recv().await {
        let Some(hub) = hub.upgrade() else { return };
        match heard {
            Heard::Batch(batch) => {
                let next = next.entry(batch.partition).or_default();
                for delivery in batch.deliveries.iter().filter(|delivery| delivery.position() >= *next) {
                    hub.deliver(delivery);
                }
                if let Some(last) = batch.deliveries.last().map(Delivery::position) {
                    *next = (*next).max(Position { offset: last.offset + 1, ..last });
                }
            }
            Heard::Missed => hub.connections.all().iter().for_each(|connection| connection.missed()),
        }
    }
}

impl Hub {
    fn deliver(&self, delivery: &Delivery) {
        match delivery {
            Delivery::Message { message, status, origin } => {
                let shared = Arc::new(Shared::new(Arc::clone(message), *status));
                let note = message.sender_id == message.recipient_id;
                let [recipient, sender] = delivery.people();
                for user in people(recipient, sender) {
                    self.connections.of_user(user, |connection| {
                        // The sending session has its receipt; a note to oneself goes to all.
                        if note || *origin != Some(connection.id) {
                            connection.deliver(message.position, &shared);
                        } else {
                            connection.passed(message.position);
                        }
                    });
                }
            }
            Delivery::Mark { conversation, user, peer, status, shown, up_to, at, message, .. } => {
                let (message_id, client_message_id) = message.clone().unzip();
                let own = StatusUpdate {
                    message_id,
                    client_message_id,
                    conversation_id: *conversation,
                    sequence: *up_to,
                    status: *status,
                    up_to: *up_to,
                    timestamp: *at,
                    user_id: Some(*user),
                };
                if let Some(shown) = *shown {
                    let told = Arc::new(StatusUpdate { status: shown, ..own.clone() });
                    self.connections.of_user(*peer, |connection| connection.status(&told));
                }
                if user != peer {
                    let own = Arc::new(own);
                    self.connections.of_user(*user, |connection| connection.own_mark(*peer, &own));
                }
            }
        }
    }
}

/// Both people, once in a note to oneself.
fn people(a: UserId, b: UserId) -> impl Iterator<Item = UserId> {
    std::iter::once(a).chain((a != b).then_some(b))
}
