//! Every statement, prepared once.

use super::bound::Bound;
use scylla::client::session::Session;
use scylla::errors::PrepareError;
use scylla::statement::Consistency;
use scylla::statement::prepared::PreparedStatement;

/// What is asked and written. All of it may be repeated.
pub(super) struct Statements {
    put_row: PreparedStatement,
    put_id: PreparedStatement,
    put_head: PreparedStatement,
    put_member: PreparedStatement,
    put_feed: PreparedStatement,
    put_feed_bucket: PreparedStatement,
    put_device: PreparedStatement,
    put_toggle: PreparedStatement,
    put_block: PreparedStatement,
    put_erased: PreparedStatement,
    put_trail: PreparedStatement,
    put_newest: PreparedStatement,
    pub(super) rows_down: PreparedStatement,
    pub(super) rows_up: PreparedStatement,
    pub(super) places_down: PreparedStatement,
    pub(super) first_rows: PreparedStatement,
    pub(super) ids: PreparedStatement,
    pub(super) heads: PreparedStatement,
    pub(super) heads_and_toggles: PreparedStatement,
    pub(super) toggles_before: PreparedStatement,
    pub(super) members: PreparedStatement,
    pub(super) feed: PreparedStatement,
    pub(super) feed_buckets: PreparedStatement,
    pub(super) device: PreparedStatement,
    pub(super) blocked: PreparedStatement,
    pub(super) blocks: PreparedStatement,
    pub(super) applied: PreparedStatement,
    /// Which life of a node this is; each node answers for itself.
    pub(super) life: PreparedStatement,
}

impl Statements {
    pub(super) async fn prepare(session: &Session, keyspace: &str) -> Result<Self, PrepareError> {
        let text = async |text: &str| {
            let mut statement = session.prepare(text.replace("{k}", keyspace)).await?;
            statement.set_is_idempotent(true);
            Ok::<_, PrepareError>(statement)
        };
        let mut life = text("SELECT gossip_generation FROM system.local WHERE key = 'local'").await?;
        life.set_consistency(Consistency::One);
        Ok(Self {
            put_row: text("INSERT INTO {k}.messages (conversation, bucket, sequence, written, payload) VALUES (?, ?, ?, ?, ?) USING TIMESTAMP ?").await?,
            put_id: text("INSERT INTO {k}.message_ids (id, entry) VALUES (?, ?) USING TIMESTAMP ?").await?,
            put_head: text("INSERT INTO {k}.heads (conversation, head) VALUES (?, ?) USING TIMESTAMP ?").await?,
            put_member: text("INSERT INTO {k}.members (person, bucket, conversation) VALUES (?, ?, ?) USING TIMESTAMP ?").await?,
            put_feed: text("INSERT INTO {k}.feed (person, log_partition, bucket, written, kind, entry) VALUES (?, ?, ?, ?, ?, ?) USING TIMESTAMP ?").await?,
            put_feed_bucket: text("INSERT INTO {k}.feed_buckets (person, bucket, log_partition) VALUES (?, ?, ?) USING TIMESTAMP ?").await?,
            put_device: text("INSERT INTO {k}.devices (person, session, log_partition, next) VALUES (?, ?, ?, ?) USING TIMESTAMP ?").await?,
            put_toggle: text("INSERT INTO {k}.heads (conversation, written, person, peer, blocked) VALUES (?, ?, ?, ?, ?) USING TIMESTAMP ?").await?,
            put_block: text("INSERT INTO {k}.blocks (person, peer, blocked, since) VALUES (?, ?, ?, ?) USING TIMESTAMP ?").await?,
            put_erased: text("UPDATE {k}.messages USING TIMESTAMP ? SET erased = erased + ? WHERE conversation = ? AND bucket = ?").await?,
            put_trail: text("INSERT INTO {k}.applied (log_partition, trail) VALUES (?, ?) USING TIMESTAMP ?").await?,
            put_newest: text("INSERT INTO {k}.applied (log_partition, newest) VALUES (?, ?) USING TIMESTAMP ?").await?,
            rows_down: text("SELECT sequence, written, payload, erased FROM {k}.messages WHERE conversation = ? AND bucket = ? AND sequence <= ? ORDER BY sequence DESC, written DESC LIMIT ?").await?,
            rows_up: text("SELECT sequence, written, payload, erased FROM {k}.messages WHERE conversation = ? AND bucket = ? AND sequence >= ? ORDER BY sequence ASC, written ASC LIMIT ?").await?,
            places_down: text("SELECT sequence, written FROM {k}.messages WHERE conversation = ? AND bucket = ? AND sequence <= ? ORDER BY sequence DESC, written DESC LIMIT ?").await?,
            first_rows: text("SELECT conversation, sequence FROM {k}.messages WHERE conversation IN ? AND bucket = 0 PER PARTITION LIMIT 1").await?,
            ids: text("SELECT id, entry FROM {k}.message_ids WHERE id IN ?").await?,
            heads: text("SELECT conversation, head FROM {k}.heads WHERE conversation IN ? PER PARTITION LIMIT 1").await?,
            heads_and_toggles: text("SELECT conversation, head, written, person, peer, blocked FROM {k}.heads WHERE conversation IN ? PER PARTITION LIMIT 16").await?,
            toggles_before: text("SELECT written, person, peer, blocked FROM {k}.heads WHERE conversation = ? AND written < ? LIMIT 100").await?,
            members: text("SELECT conversation FROM {k}.members WHERE person = ? AND bucket = ? LIMIT ?").await?,
            feed: text("SELECT written, kind, entry FROM {k}.feed WHERE person = ? AND log_partition = ? AND bucket = ? AND written >= ? LIMIT ?").await?,
            feed_buckets: text("SELECT bucket, log_partition FROM {k}.feed_buckets WHERE person = ? AND (bucket, log_partition) >= (?, ?) LIMIT ?").await?,
            device: text("SELECT log_partition, next FROM {k}.devices WHERE person = ? AND session = ?").await?,
            blocked: text("SELECT blocked FROM {k}.blocks WHERE person = ? AND peer = ?").await?,
            blocks: text("SELECT peer, blocked, since FROM {k}.blocks WHERE person = ? AND peer > ? LIMIT ?").await?,
            applied: text("SELECT trail, newest FROM {k}.applied WHERE log_partition = ?").await?,
            life,
        })
    }

    /// The statement that these values belong to.
    pub(super) fn of(&self, bound: &Bound) -> &PreparedStatement {
        match bound {
            Bound::Row { .. } => &self.put_row,
            Bound::Id { .. } => &self.put_id,
            Bound::Head { .. } => &self.put_head,
            Bound::Member { .. } => &self.put_member,
            Bound::Feed { .. } => &self.put_feed,
            Bound::FeedBucket { .. } => &self.put_feed_bucket,
            Bound::Device { .. } => &self.put_device,
            Bound::Toggle { .. } => &self.put_toggle,
            Bound::Block { .. } => &self.put_block,
            Bound::Erased { .. } => &self.put_erased,
            Bound::Trail { .. } => &self.put_trail,
            Bound::Newest { .. } => &self.put_newest,
        }
    }
}
