//! Who has blocked whom.

use super::View;
use super::fault::unreadable;
use futures_util::{StreamExt, TryStreamExt, stream};
use schema::limits::{CASSANDRA_PAGE, CASSANDRA_REQUESTS};
use schema::{Timestamp, UserId};
use store::Error;
use store::messages::Block;

impl View {
    pub(super) async fn blocked(&self, pairs: &[(UserId, UserId)]) -> Result<Vec<bool>, Error> {
        let keys: Vec<_> = pairs.iter().map(|(user, peer)| (user.0, peer.as_bytes().to_vec())).collect();
        stream::iter(keys)
            .map(|key| async move {
                let word: Option<(Option<bool>,)> = self.one(&self.statements.blocked, key).await?;
                Ok(word.and_then(|(blocked,)| blocked).unwrap_or(false))
            })
            .buffered(CASSANDRA_REQUESTS)
            .try_collect()
            .await
    }

    /// Those who no more are blocked keep a row that says so, and are passed over.
    pub(super) async fn blocks(
        &self,
        user: UserId,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<Vec<Block>, Error> {
        let mut after = after.map_or_else(Vec::new, |after| after.as_bytes().to_vec());
        let mut blocks = Vec::new();
        let most = i32::try_from(CASSANDRA_PAGE).map_err(unreadable)?;
        while blocks.len() < limit {
            let rows: Vec<(Vec<u8>, bool, i64)> =
                self.all(&self.statements.blocks, (user.0, &after, most)).await?;
            let page = rows.len();
            for (peer, blocked, since) in rows {
                let id = <[u8; 16]>::try_from(&peer[..]).map_err(unreadable)?;
                if blocked && blocks.len() < limit {
                    blocks.push(Block { peer: UserId::from_bytes(id), since: Timestamp(since) });
                }
                after = peer;
            }
            if page < CASSANDRA_PAGE {
                break;
            }
        }
        Ok(blocks)
    }
}
