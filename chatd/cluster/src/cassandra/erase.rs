//! People whose content is gone.
//!
//! What is there is written over with a timestamp above every record's, so no replay brings it back. And each
//! bucket, the one behind the last included, is marked, so that what was still on its way is read without
//! content: this process writes such rows without it, another that takes the partition over may not know.

use super::View;
use schema::limits::{CASSANDRA_ERASED, CASSANDRA_PAGE};
use schema::{ConversationId, UserId};
use std::collections::{HashSet, VecDeque};
use store::Error;

/// Who was erased lately, bounded: the marks are what counts.
#[derive(Default)]
pub(super) struct Gone {
    people: HashSet<(ConversationId, UserId)>,
    order: VecDeque<(ConversationId, UserId)>,
}

impl Gone {
    pub(super) fn remember(&mut self, erased: &[(ConversationId, UserId)]) {
        for whose in erased {
            if self.people.insert(*whose) {
                self.order.push_back(*whose);
            }
        }
        while self.order.len() > CASSANDRA_ERASED {
            if let Some(oldest) = self.order.pop_front() {
                self.people.remove(&oldest);
            }
        }
    }

    pub(super) fn knows(&self, conversation: ConversationId, user: UserId) -> bool {
        !self.people.is_empty() && self.people.contains(&(conversation, user))
    }
}

impl View {
    pub(super) async fn erase(&self, conversation: ConversationId, user: UserId) -> Result<(), Error> {
        let last = self.last_bucket(conversation, i64::MAX).await?;
        let marks = (0..=last + 1).map(|bucket| vec![Self::erased_mark(conversation, bucket, user)]);
        self.send_all(marks.collect()).await?;
        let mut next = 0;
        loop {
            let rows = self.from(conversation, next, CASSANDRA_PAGE - 1).await?;
            let Some(newest) = rows.last() else { return Ok(()) };
            next = newest.sequence + 1;
            let mine = rows.iter().filter(|row| row.sender_id == user);
            let empty = mine.map(|row| Ok(vec![self.erased_row(row)?])).collect::<Result<_, Error>>()?;
            self.send_all(empty).await?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_are_forgotten_first() {
        let whose = |n: usize| {
            let mut bytes = [0; 16];
            bytes[..8].copy_from_slice(&n.to_be_bytes());
            (ConversationId::from_bytes(bytes), UserId::from_bytes(bytes))
        };
        let mut gone = Gone::default();
        for n in 0..=CASSANDRA_ERASED {
            gone.remember(&[whose(n), whose(n)]);
        }
        assert_eq!(gone.people.len(), CASSANDRA_ERASED);
        let knows = |n| gone.knows(whose(n).0, whose(n).1);
        assert!(!knows(0) && knows(1) && knows(CASSANDRA_ERASED));
    }
}
