//! Heads in memory, bounded: those that were used lately stay.

use crate::apply::Live;
use schema::ConversationId;
use std::collections::HashMap;

/// Two generations. What is used moves to the young one; when that is full, the old one is forgotten and
/// the young one grows old. Forgetting costs a read, nothing else: heads are in the view.
pub(super) struct Heads {
    young: HashMap<ConversationId, Live>,
    old: HashMap<ConversationId, Live>,
    generation: usize,
}

impl Heads {
    /// Holds at most `bound` heads.
    pub(super) fn new(bound: usize) -> Self {
        Self { young: HashMap::new(), old: HashMap::new(), generation: (bound / 2).max(1) }
    }

    /// Forgets all.
    pub(super) fn clear(&mut self) {
        self.young.clear();
        self.old.clear();
    }

    /// Takes a head out: while its writes are in flight it can't be forgotten.
    pub(super) fn take(&mut self, conversation: ConversationId) -> Option<Live> {
        self.young.remove(&conversation).or_else(|| self.old.remove(&conversation))
    }

    /// Puts a head back.
    pub(super) fn put(&mut self, conversation: ConversationId, live: Live) {
        if self.young.len() >= self.generation {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(conversation, live);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use schema::{Position, UserId};
    use store::messages::Head;

    #[test]
    fn what_is_used_stays_and_the_bound_holds() {
        let id = |n: u8| ConversationId::from_bytes([n; 16]);
        let live = |n| {
            let head = Head { last_sequence: 1, ..Head::empty(id(n), [UserId::from_bytes([0; 16]); 2]) };
            Live::loaded(head, Position::default())
        };
        let mut heads = Heads::new(10);
        heads.put(id(0), live(0));
        for n in 1..100 {
            heads.put(id(n), live(n));
            let used = heads.take(id(0)).expect("is used all the time");
            heads.put(id(0), used);
            assert!(heads.young.len() + heads.old.len() <= 10);
        }
        assert!(heads.take(id(1)).is_none());
    }
}
