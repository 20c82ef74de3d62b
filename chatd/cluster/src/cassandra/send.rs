//! Batches on their way to Cassandra.

use super::View;
use super::bound::Bound;
use futures_util::{TryStreamExt, stream};
use schema::limits::{CASSANDRA_BATCH, CASSANDRA_BATCH_BYTES, CASSANDRA_REQUESTS};
use scylla::statement::batch::{Batch, BatchType};
use std::collections::BTreeMap;
use store::Error;
use uuid::Uuid;

/// Cuts groups, each of which stays together, into batches that Cassandra takes without a warning. A group that
/// is too large by itself goes alone.
pub(super) fn cut(groups: Vec<Vec<Bound>>) -> Vec<Vec<Bound>> {
    let mut batches = Vec::new();
    let (mut batch, mut bytes, mut partitions) = (Vec::new(), 0, 0);
    for group in groups {
        let size: usize = group.iter().map(Bound::size).sum();
        if !batch.is_empty() && (partitions == CASSANDRA_BATCH || bytes + size > CASSANDRA_BATCH_BYTES) {
            batches.push(std::mem::take(&mut batch));
            (bytes, partitions) = (0, 0);
        }
        batch.extend(group);
        bytes += size;
        partitions += 1;
    }
    if !batch.is_empty() {
        batches.push(batch);
    }
    batches
}

impl View {
    /// Sends groups, each of one partition of a table, in whatever order; all are answered when this returns.
    pub(super) async fn send_all(&self, groups: Vec<Vec<Bound>>) -> Result<(), Error> {
        let batches: Vec<Vec<Bound>> = self.by_replica(groups).into_iter().flat_map(cut).collect();
        stream::iter(batches.into_iter().map(Ok))
            .try_for_each_concurrent(CASSANDRA_REQUESTS, |batch| self.send(batch))
            .await
    }

    async fn send(&self, bounds: Vec<Bound>) -> Result<(), Error> {
        if let [bound] = &bounds[..] {
            let sent = self.reach.session().execute_unpaged(self.statements.of(bound), bound).await;
            return sent.map(|_| ()).map_err(|cause| self.alarmed(&cause));
        }
        // Unlogged: each part may be repeated, so there is nothing for a log to keep together.
        let mut batch = Batch::new(BatchType::Unlogged);
        batch.set_is_idempotent(true);
        for bound in &bounds {
            batch.append_statement(self.statements.of(bound).clone());
        }
        self.reach.session().batch(&batch, &bounds).await.map(|_| ()).map_err(|cause| self.alarmed(&cause))
    }

    /// Groups of one node together: the driver sends a batch to a replica of its first statement, which then
    /// has none to send on. One node has everything.
    fn by_replica(&self, groups: Vec<Vec<Bound>>) -> Vec<Vec<Vec<Bound>>> {
        let state = self.reach.session().get_cluster_state();
        if state.get_nodes_info().len() < 2 {
            return vec![groups];
        }
        let mut nodes: BTreeMap<Option<Uuid>, Vec<Vec<Bound>>> = BTreeMap::new();
        for group in groups {
            let node = group.first().and_then(|bound| {
                let statement = self.statements.of(bound);
                let (token, table) = (statement.calculate_token(bound).ok()??, statement.get_table_spec()?);
                let replicas = state.get_token_endpoints(table.ks_name(), table.table_name(), token);
                replicas.first().map(|(node, _)| node.host_id)
            });
            nodes.entry(node).or_default().push(group);
        }
        nodes.into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(bytes: usize) -> Vec<Bound> {
        vec![Bound::Id { id: Uuid::nil(), entry: vec![0; bytes], at: 0 }]
    }

    #[test]
    fn batches_stay_below_what_cassandra_warns_of_and_groups_stay_together() {
        let sizes = |groups| cut(groups).iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!(sizes((0..25).map(|_| id(50)).collect()), [10, 10, 5]);
        assert_eq!(sizes(vec![id(3000), id(3000), id(60_000), id(10)]), [1, 1, 1, 1]);
        let together: Vec<Bound> = (0..40).flat_map(|_| id(50)).collect();
        assert_eq!(sizes(vec![id(10), together, id(10)]), [1, 40, 1]);
        assert!(cut(Vec::new()).is_empty());
    }
}
