//! The delivery link: what the sequencer hands to the processes that hold sockets.
//!
//! Within a process a link is a bounded channel; package `link` carries it to other processes. The sequencer
//! waits for a full one, so nothing is lost in it; whoever reads it must never wait for a single session.

use crate::apply::Outcome;
use parking_lot::Mutex;
use schema::event::ReplyTo;
use schema::limits::DELIVERY_BATCHES;
use schema::{ConversationId, Cursor, MessageId, MessageStatus, Position, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use store::messages::StoredMessage;
use tokio::sync::mpsc;

/// Something that live sessions should hear of.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Delivery {
    /// A new message, for all sessions of both people but the one that sent it. In a note to oneself that
    /// one gets it too; one that is hidden is for the sender's only ([`Delivery::people`]).
    Message {
        message: Arc<StoredMessage>,
        status: MessageStatus,
        /// The connection that sent it: it has its receipt and gets no copy.
        origin: Option<u64>,
    },
    /// `user` has everything of `peer` up to a sequence, as far as `status` says.
    Mark {
        position: Position,
        conversation: ConversationId,
        user: UserId,
        peer: UserId,
        status: MessageStatus,
        /// What `peer` is told of it, if anything.
        shown: Option<MessageStatus>,
        up_to: u64,
        at: Timestamp,
        /// The message at `up_to`: its id and its client id.
        message: Option<(MessageId, String)>,
    },
}

impl Delivery {
    /// The record that made it.
    pub fn position(&self) -> Position {
        match self {
            Delivery::Message { message, .. } => message.position,
            Delivery::Mark { position, .. } => *position,
        }
    }

    /// The two people it concerns; twice the same in a note to oneself, and in a message that is hidden from
    /// its recipient.
    pub fn people(&self) -> [UserId; 2] {
        match self {
            Delivery::Message { message, .. } if message.hidden => [message.sender_id; 2],
            Delivery::Message { message, .. } => [message.recipient_id, message.sender_id],
            Delivery::Mark { user, peer, .. } => [*peer, *user],
        }
    }
}

/// What one batch of records gave, in log order.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Batch {
    pub partition: u32,
    /// The first of a new owner, empty: the view shows everything before `next`, and what former owners told
    /// of it may come late or never.
    pub first: bool,
    /// The offset behind the batch's last record: the view shows everything before it.
    pub next: u64,
    /// Outcomes that processes elsewhere wait for.
    pub answers: Vec<(ReplyTo, Outcome)>,
    pub deliveries: Vec<Delivery>,
}

impl Batch {
    /// What those who hold sockets hear of it; `None` when it is nothing to them.
    pub fn heard(self: Arc<Self>) -> Option<Heard> {
        if self.first {
            return Some(Heard::Missed);
        }
        (!self.deliveries.is_empty()).then_some(Heard::Batch(self))
    }
}

/// What comes over a link.
#[derive(Clone, Debug)]
pub enum Heard {
    Batch(Arc<Batch>),
    /// A link was broken, or a log partition has a new owner: whatever was not told is in the view and must be
    /// pulled from there.
    Missed,
}

/// The links of the sequencers, and how far the view is.
pub(crate) struct Links {
    /// To the sockets of this process.
    sockets: Mutex<Vec<mpsc::Sender<Heard>>>,
    /// To other processes.
    outbound: Mutex<Vec<mpsc::Sender<Arc<Batch>>>>,
    position: Mutex<Cursor>,
}

impl Links {
    pub(crate) fn new(start: Cursor) -> Self {
        Self { sockets: Mutex::default(), outbound: Mutex::default(), position: Mutex::new(start) }
    }

    /// A new link to sockets here; it carries everything from here on, wherever it was applied.
    pub(crate) fn open(&self) -> mpsc::Receiver<Heard> {
        let (sender, receiver) = mpsc::channel(DELIVERY_BATCHES);
        self.sockets.lock().push(sender);
        receiver
    }

    /// A new link to another process; it carries what is applied here.
    pub(crate) fn outbound(&self) -> mpsc::Receiver<Arc<Batch>> {
        let (sender, receiver) = mpsc::channel(DELIVERY_BATCHES);
        self.outbound.lock().push(sender);
        receiver
    }

    /// Whether another process listens.
    pub(crate) fn has_outbound(&self) -> bool {
        !self.outbound.lock().is_empty()
    }

    /// Notes that the view shows everything of a partition before `next`.
    pub(crate) fn advance(&self, partition: u32, next: u64) {
        if let Some(slot) = self.position.lock().next.get_mut(partition as usize) {
            *slot = next.max(*slot);
        }
    }

    /// Behind the last record that the view shows.
    pub(crate) fn position(&self) -> Cursor {
        self.position.lock().clone()
    }

    /// Hands a batch over that was applied here, in order, waiting while a link is full.
    pub(crate) async fn hand_over(&self, batch: Batch) {
        if batch.deliveries.is_empty() && !batch.first && !self.has_outbound() {
            return;
        }
        let batch = Arc::new(batch);
        let outbound = self.outbound.lock().clone();
        for link in &outbound {
            if link.send(Arc::clone(&batch)).await.is_err() {
                self.outbound.lock().retain(|link| !link.is_closed());
            }
        }
        self.tell_batch(batch).await;
    }

    /// Tells the sockets of this process what was applied, here or elsewhere.
    pub(crate) async fn tell_batch(&self, batch: Arc<Batch>) {
        if let Some(heard) = batch.heard() {
            self.tell_sockets(heard).await;
        }
    }

    /// Tells the sockets of this process.
    pub(crate) async fn tell_sockets(&self, heard: Heard) {
        let links = self.sockets.lock().clone();
        for link in &links {
            if link.send(heard.clone()).await.is_err() {
                self.sockets.lock().retain(|link| !link.is_closed());
            }
        }
    }
}
