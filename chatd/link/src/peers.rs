//! Other chat processes, for a process that has chat itself.

use crate::Client;
use crate::mesh::{Mesh, Side};
use crate::wire::{Deliveries, Wants};
use async_trait::async_trait;
use chat::{Batch, Chat};
use schema::UserId;
use std::sync::Arc;

/// Who hears what sequencers of other processes applied; chat does.
#[async_trait]
pub trait Hears: Send + Sync + 'static {
    /// A batch of another process, in the order of its partition. While it is heard nothing more is read from
    /// that process.
    async fn hear(&self, batch: Arc<Batch>);

    /// Batches may have been missed: what they held is in the view.
    async fn missed(&self);
}

#[async_trait]
impl Hears for Chat {
    async fn hear(&self, batch: Arc<Batch>) {
        self.hear(batch).await;
    }

    async fn missed(&self) {
        self.missed().await;
    }
}

/// The links to other chat processes.
pub struct Peers(Arc<Mesh>);

struct Heard(Arc<dyn Hears>);

#[async_trait]
impl Side for Heard {
    async fn batch(&self, batch: Batch) {
        self.0.hear(Arc::new(batch)).await;
    }

    /// So that a process that has just come knows how far the view is where nothing happens.
    async fn moved(&self, partition: u32, next: u64) {
        let nothing = Batch { partition, first: false, next, answers: Vec::new(), deliveries: Vec::new() };
        self.0.hear(Arc::new(nothing)).await;
    }

    async fn missed(&self) {
        self.0.missed().await;
    }
}

impl Peers {
    /// Connects to every other process of the directory and hands on what they tell. Call it within the
    /// runtime. `client.node` must be the one that records of this process name.
    pub fn open(
        client: Client,
        hears: Arc<dyn Hears>,
        deliveries: Deliveries,
        metrics: &edge::Metrics,
    ) -> Self {
        let wants = Wants { deliveries, news: false };
        Self(Mesh::start(client, wants, Arc::new(Heard(hears)), metrics))
    }

    /// From its return on this person's deliveries are told by every process that is linked; needed with
    /// [`Deliveries::Attended`] only. Where none is linked there is nobody else to tell. Calls are counted: each
    /// is ended by one [`Peers::leave`].
    pub async fn attend(&self, user: UserId) {
        self.0.attend(user).await;
    }

    /// Ends one [`Peers::attend`].
    pub fn leave(&self, user: UserId) {
        self.0.leave(user);
    }

    /// How many processes are linked now.
    pub fn links(&self) -> usize {
        self.0.links()
    }
}
