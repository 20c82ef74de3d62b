//! Whether the cluster lives, and whether it is still the one that answered our writes.
//!
//! A node that is killed loses what it answered in the last moments (its commit log is synced every ten
//! seconds). So every node is asked once a second in which life it is (`gossip_generation`, which each start
//! raises). When one says another than before, writes that were answered may be gone, and
//! [`Pulse::generation`] rises. A node that was out of reach and comes back in the same life has lost nothing.
//! One that stays away counts as lost after a while: what it may have taken along is written again to the
//! others.
//!
//! A write, and a read of the sequencer, is answered only when every node is known to have lived
//! [`CASSANDRA_FRESH`] ago or later: a node needs longer than that from its end to its next answer, so whoever
//! answered was in the life that is known. This holds for a process too that was stopped for a minute and does
//! not know it. While a node is away each such call asks again, and gives that node [`CASSANDRA_AWAY`] to answer.

use super::fault::failed;
use super::statements::Statements;
use parking_lot::Mutex;
use schema::limits::{CASSANDRA_AWAY, CASSANDRA_FRESH, CASSANDRA_GONE, CASSANDRA_PULSE};
use scylla::client::session::Session;
use scylla::cluster::Node;
use scylla::policies::load_balancing::{NodeIdentifier, SingleTargetLoadBalancingPolicy};
use scylla::policies::retry::FallthroughRetryPolicy;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use store::Error;
use tokio::sync::Notify;
use uuid::Uuid;

/// By node, in which life it is.
pub(super) type Lives = BTreeMap<Uuid, i32>;

/// What is known of the nodes.
pub(super) struct Pulse {
    datacenter: Option<String>,
    known: Mutex<Known>,
    /// Held while the nodes are asked, so that those who want to know share the answers.
    asking: tokio::sync::Mutex<()>,
    /// Rung when something went wrong: look now.
    pub(super) alarm: Notify,
}

#[derive(Default)]
struct Known {
    generation: u64,
    lives: Lives,
    /// Nodes that do not answer, since when.
    away: BTreeMap<Uuid, Instant>,
    /// When the nodes were last asked, and when they were last asked with an answer of every one.
    asked: Option<Instant>,
    complete: Option<Instant>,
    /// Why the last probe failed.
    failed: Option<String>,
}

/// The nodes at one moment.
pub(super) struct Beat {
    pub(super) generation: u64,
    pub(super) lives: Lives,
    /// Since when they have been in these lives without a doubt.
    pub(super) complete: Option<Instant>,
}

impl Pulse {
    /// `datacenter`: whose nodes count; all if there is none.
    pub(super) fn new(datacenter: Option<String>) -> Self {
        Self {
            datacenter,
            known: Mutex::default(),
            asking: tokio::sync::Mutex::default(),
            alarm: Notify::new(),
        }
    }

    /// Rises when writes that were answered may be gone.
    pub(super) fn generation(&self) -> u64 {
        self.known.lock().generation
    }

    /// What is known without asking.
    pub(super) fn now(&self) -> Beat {
        let known = self.known.lock();
        Beat { generation: known.generation, lives: known.lives.clone(), complete: known.complete }
    }

    pub(super) fn health(&self) -> Result<(), Error> {
        match &self.known.lock().failed {
            None => Ok(()),
            Some(cause) => Err(Error::Unavailable(cause.clone())),
        }
    }

    /// Notes how the last probe went.
    pub(super) fn probed(&self, outcome: Result<(), Error>) {
        let mut known = self.known.lock();
        let failed = outcome.err().map(|error| error.to_string());
        match (&known.failed, &failed) {
            (None, Some(cause)) => tracing::warn!(%cause, "cassandra is away"),
            (Some(_), None) => tracing::info!("cassandra is back"),
            _ => {}
        }
        known.failed = failed;
    }

    /// Until the next look is due.
    pub(super) async fn rest(&self) {
        let _ = tokio::time::timeout(CASSANDRA_PULSE, self.alarm.notified()).await;
    }

    /// Makes sure that whatever was answered until now was answered by nodes in the lives that are known.
    pub(super) async fn confirm(&self, session: &Session, statements: &Statements) -> Result<(), Error> {
        let answered = Instant::now();
        if self.known.lock().complete.is_some_and(|at| answered.duration_since(at) < CASSANDRA_FRESH) {
            return Ok(());
        }
        self.ask(session, statements, answered).await
    }

    /// Asks the nodes, unless somebody has since `wanted`.
    pub(super) async fn ask(
        &self,
        session: &Session,
        statements: &Statements,
        wanted: Instant,
    ) -> Result<(), Error> {
        let _asking = self.asking.lock().await;
        if self.known.lock().asked.is_some_and(|at| at >= wanted) {
            return Ok(());
        }
        let began = Instant::now();
        let state = session.get_cluster_state();
        let nodes = state.get_nodes_info().iter().filter(|node| self.counts(node));
        let away: Vec<Uuid> = self.known.lock().away.keys().copied().collect();
        let asked = nodes.map(|node| {
            let time = if away.contains(&node.host_id) { CASSANDRA_AWAY } else { CASSANDRA_PULSE };
            life(session, statements, node, time)
        });
        let answers = futures_util::future::join_all(asked).await;
        let mut lives = Lives::new();
        let mut cause = None;
        for answer in answers {
            match answer {
                Ok((host, life)) => _ = lives.insert(host, life),
                Err(error) => cause = Some(error),
            }
        }
        if lives.is_empty() {
            self.known.lock().complete = None;
            return Err(cause.unwrap_or_else(|| Error::Unavailable("cassandra: no node is known".into())));
        }
        self.known.lock().learn(lives, began);
        Ok(())
    }

    fn counts(&self, node: &Node) -> bool {
        self.datacenter.is_none() || node.datacenter == self.datacenter
    }
}

impl Known {
    /// Takes in what those nodes said that answered.
    fn learn(&mut self, lives: Lives, began: Instant) {
        let first = self.asked.is_none();
        let mut lost = Vec::new();
        for (host, life) in &lives {
            self.away.remove(host);
            if self.lives.insert(*host, *life) != Some(*life) {
                lost.push(*host);
            }
        }
        let silent: Vec<Uuid> = self.lives.keys().filter(|host| !lives.contains_key(host)).copied().collect();
        for host in &silent {
            let since = *self.away.entry(*host).or_insert(began);
            if began.saturating_duration_since(since) > CASSANDRA_GONE {
                self.lives.remove(host);
                self.away.remove(host);
                lost.push(*host);
            }
        }
        self.asked = Some(began);
        if lives.len() == self.lives.len() {
            self.complete = Some(began);
        }
        if !lost.is_empty() && !first {
            self.generation += 1;
            tracing::warn!(
                nodes = ?lost,
                generation = self.generation,
                "nodes of cassandra were started again or are gone; what they had answered is written once more"
            );
        }
    }
}

/// In which life a node is, as it says itself.
async fn life(
    session: &Session,
    statements: &Statements,
    node: &Arc<Node>,
    time: Duration,
) -> Result<(Uuid, i32), Error> {
    let mut statement = statements.life.clone();
    let only = SingleTargetLoadBalancingPolicy::new(NodeIdentifier::Node(Arc::clone(node)), None);
    statement.set_load_balancing_policy(Some(only));
    statement.set_retry_policy(Some(Arc::new(FallthroughRetryPolicy::new())));
    statement.set_request_timeout(Some(time));
    let answer = session.execute_unpaged(&statement, ()).await.map_err(|cause| failed(&cause))?;
    let rows = answer.into_rows_result().map_err(super::fault::unreadable)?;
    let (life,) = rows.single_row::<(i32,)>().map_err(super::fault::unreadable)?;
    Ok((node.host_id, life))
}

#[cfg(test)]
mod tests;
