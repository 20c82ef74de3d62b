//! Blocks and erasures: who has blocked whom, as of each record, and whose content is gone.

use super::{View, codec, keys, unread};
use fjall::OwnedWriteBatch;
use schema::limits::ERASE_BATCH;
use schema::{ConversationId, Position, Timestamp, UserId};
use std::collections::{HashMap, HashSet};
use std::sync::atomic::Ordering;
use store::Error;
use store::messages::{Block, StoredMessage, Write};

/// Somebody and whom they have blocked, or no more.
pub(super) type Pair = (UserId, UserId);

/// The newest word on a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Word {
    /// Of the record that said it.
    pub(super) written: u64,
    pub(super) blocked: bool,
    pub(super) at: Timestamp,
}

/// Whose rows have no content, in which conversation.
pub(super) type Erased = HashSet<(ConversationId, UserId)>;

impl View {
    /// What blocks and erasures a batch holds goes into it here. Answers what the batch erases, for its rows.
    pub(super) fn put_blocks(&self, batch: &mut OwnedWriteBatch, writes: &[Write]) -> Result<Erased, Error> {
        let mut words: HashMap<Pair, Word> = HashMap::new();
        let mut erased = Erased::new();
        for write in writes {
            match write {
                Write::Block { conversation, user, peer, blocked, position, at } => {
                    let word = Word { written: position.write_timestamp(), blocked: *blocked, at: *at };
                    let key = keys::block(*conversation, word.written);
                    batch.insert(&self.blocks, key, codec::encode_block(*user, *peer, *blocked));
                    let newest = words.entry((*user, *peer)).or_insert(word);
                    if newest.written < word.written {
                        *newest = word;
                    }
                }
                Write::Erase { user, conversation } => {
                    batch.insert(&self.erased, keys::erased(*conversation, *user), []);
                    self.any_erased.store(true, Ordering::Relaxed);
                    erased.insert((*conversation, *user));
                }
                _ => {}
            }
        }
        for ((user, peer), word) in words {
            if self.word(user, peer)?.is_none_or(|stored| stored.written <= word.written) {
                batch.insert(&self.blockers, keys::blocker(user, peer), codec::encode_word(word));
            }
        }
        Ok(erased)
    }

    /// Whether a person's rows of a conversation have no content. Nobody was ever erased in most views: then
    /// this costs nothing.
    pub(super) fn is_erased(&self, row: &StoredMessage, batch: &Erased) -> Result<bool, Error> {
        if !self.any_erased.load(Ordering::Relaxed) {
            return Ok(false);
        }
        let key = (row.conversation_id, row.sender_id);
        Ok(batch.contains(&key) || self.erased.contains_key(keys::erased(key.0, key.1)).map_err(unread)?)
    }

    /// Takes the content of the rows that are there. The mark is written already: a crash on the way leaves
    /// it to the replay, which the checkpoint does not go past before this returns.
    pub(super) fn erase_rows(&self, (conversation, user): (ConversationId, UserId)) -> Result<(), Error> {
        let mut from = 0;
        loop {
            let rows = self.from(conversation, from, ERASE_BATCH)?;
            let Some(last) = rows.last() else { return Ok(()) };
            from = last.sequence + 1;
            let mut batch = OwnedWriteBatch::with_capacity(self.db.clone(), rows.len())
                .durability(Some(fjall::PersistMode::Buffer));
            for row in rows.iter().filter(|row| row.sender_id == user && !row.erased) {
                let mut row = StoredMessage::clone(row);
                row.erase();
                let key = keys::row(conversation, row.sequence, row.position.write_timestamp());
                batch.insert(&self.rows, key, codec::encode_row(&row));
            }
            batch.commit().map_err(|cause| self.fatal(&cause))?;
        }
    }

    /// Who of a conversation had blocked the other before the record at `at`: at most two, and those only
    /// who have said so last.
    pub(super) fn blocked_before(
        &self,
        conversation: ConversationId,
        at: Position,
    ) -> Result<Option<BlockedBefore>, Error> {
        let mut found: Option<BlockedBefore> = None;
        let range = keys::block(conversation, 0)..keys::block(conversation, at.write_timestamp());
        for guard in self.blocks.range(range) {
            let value = guard.value().map_err(unread)?;
            let (user, peer, blocked) = codec::decode_block(&value).ok_or_else(unreadable)?;
            let mut members = [user, peer];
            members.sort_unstable();
            let now = found.get_or_insert(BlockedBefore { members, blocked: [false; 2] });
            now.blocked[usize::from(user != members[0])] = blocked;
        }
        Ok(found)
    }

    fn word(&self, user: UserId, peer: UserId) -> Result<Option<Word>, Error> {
        let Some(bytes) = self.blockers.get(keys::blocker(user, peer)).map_err(unread)? else {
            return Ok(None);
        };
        codec::decode_word(&bytes).map(Some).ok_or_else(unreadable)
    }

    pub(super) fn has_blocked(&self, user: UserId, peer: UserId) -> Result<bool, Error> {
        Ok(self.word(user, peer)?.is_some_and(|word| word.blocked))
    }

    pub(super) fn blocks_of(
        &self,
        user: UserId,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<Vec<Block>, Error> {
        let mut blocks = Vec::new();
        for guard in self.blockers.prefix(user.as_bytes()) {
            let (key, value) = guard.into_inner().map_err(unread)?;
            let peer = keys::parse_blocker(&key).ok_or_else(unreadable)?;
            let word = codec::decode_word(&value).ok_or_else(unreadable)?;
            if blocks.len() == limit {
                break;
            }
            if word.blocked && after.is_none_or(|after| peer > after) {
                blocks.push(Block { peer, since: word.at });
            }
        }
        Ok(blocks)
    }
}

/// Blocks of a conversation at a moment.
pub(super) struct BlockedBefore {
    pub(super) members: [UserId; 2],
    pub(super) blocked: [bool; 2],
}

fn unreadable() -> Error {
    Error::Corrupt("history: a block can't be read".into())
}
