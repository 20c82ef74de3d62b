//! One batch of the sequencer.

use super::{View, codec, keys, unread};
use fjall::OwnedWriteBatch;
use schema::{ConversationId, Position, SessionId, UserId, limits};
use std::collections::HashMap;
use store::Error;
use store::messages::{Head, StoredMessage, Write};

type Device = (UserId, SessionId, u32);

impl View {
    pub(super) fn write(&self, writes: &[Write]) -> Result<(), Error> {
        let mut changed = self.writing.lock();
        self.health()?;
        let _running = self.begin();
        let mut batch = OwnedWriteBatch::with_capacity(self.db.clone(), writes.len())
            .durability(Some(fjall::PersistMode::Buffer));
        // What is read before it is written is merged here first: in a batch nobody sees what it wrote.
        let erased = self.put_blocks(&mut batch, writes)?;
        let mut heads: HashMap<ConversationId, &Head> = HashMap::new();
        let mut devices: HashMap<Device, u64> = HashMap::new();
        for write in writes {
            match write {
                Write::Message(row) => {
                    let key = keys::row(row.conversation_id, row.sequence, row.position.write_timestamp());
                    let value = if self.is_erased(row, &erased)? {
                        let mut row = StoredMessage::clone(row);
                        row.erase();
                        codec::encode_row(&row)
                    } else {
                        codec::encode_row(row)
                    };
                    batch.insert(&self.rows, key, value);
                }
                Write::Id(entry) => {
                    batch.insert(&self.ids, keys::id(entry.message_id), codec::encode_id(entry));
                }
                Write::Head(head) => self.newer_head(&mut heads, &changed, head)?,
                Write::Member { user, conversation } => {
                    batch.insert(&self.members, keys::member(*user, *conversation), []);
                }
                Write::Feed { user, entry } => {
                    let key = keys::feed(*user, entry.position, keys::kind(&entry.change));
                    batch.insert(&self.feed, key, codec::encode_feed(entry));
                }
                Write::Device { user, session, partition, next } => {
                    let furthest = devices.entry((*user, *session, *partition)).or_insert(*next);
                    *furthest = (*next).max(*furthest);
                }
                Write::Block { .. } | Write::Erase { .. } => {} // are in the batch already
            }
        }
        if changed.len() + heads.len() > limits::HEADS {
            changed.clear();
        }
        for (conversation, head) in heads {
            batch.insert(&self.heads, keys::head(conversation), codec::encode_head(head));
            changed.insert(conversation, head.changed);
        }
        self.put_devices(&mut batch, devices)?;
        batch.commit().map_err(|cause| self.fatal(&cause))?;
        erased.into_iter().try_for_each(|whose| self.erase_rows(whose))
    }

    /// Keeps the head that the later record changed, so that a late writer can't win.
    fn newer_head<'a>(
        &self,
        heads: &mut HashMap<ConversationId, &'a Head>,
        changed: &HashMap<ConversationId, Position>,
        head: &'a Head,
    ) -> Result<(), Error> {
        let id = head.conversation_id;
        let stored = match (heads.get(&id), changed.get(&id)) {
            (Some(kept), _) => Some(kept.changed),
            (None, Some(changed)) => Some(*changed),
            (None, None) => self.head(id)?.map(|stored| stored.changed),
        };
        if !stored.is_some_and(|stored| head.changed.is_before(stored)) {
            heads.insert(id, head);
        }
        Ok(())
    }

    fn put_devices(&self, batch: &mut OwnedWriteBatch, devices: HashMap<Device, u64>) -> Result<(), Error> {
        for ((user, session, partition), next) in devices {
            let key = keys::device(user, session, partition);
            let value = codec::encode_device(self.epoch, next);
            let stored = self.devices.get(key).map_err(unread)?;
            if stored.is_none_or(|stored| *stored < value[..]) {
                batch.insert(&self.devices, key, value);
            }
        }
        Ok(())
    }
}
