//! A session in small: reads deliveries, and pulls from the view what a broken link kept from it.

use crate::world::PATIENCE;
use chat::{Delivery, Heard, Talk};
use schema::{Cursor, UserId};
use std::sync::Arc;
use store::messages::StoredMessage;
use tokio::sync::mpsc;
use tokio::time::timeout;

pub(crate) struct Reader<T: Talk> {
    talk: T,
    user: UserId,
    deliveries: mpsc::Receiver<Heard>,
    /// Behind what was taken.
    cursor: Cursor,
    /// Deliveries that this covers came by a pull.
    floor: Cursor,
    pub(crate) taken: Vec<Arc<StoredMessage>>,
    pub(crate) missed: u32,
}

impl<T: Talk> Reader<T> {
    /// Hears whatever comes from here on.
    pub(crate) async fn open(talk: T, user: UserId) -> Self {
        let deliveries = talk.deliveries();
        talk.attend(user).await.unwrap();
        let cursor = talk.position();
        Self { talk, user, deliveries, floor: cursor.clone(), cursor, taken: Vec::new(), missed: 0 }
    }

    /// Reads until so many messages were taken.
    pub(crate) async fn read(&mut self, count: usize) -> &[Arc<StoredMessage>] {
        while self.taken.len() < count {
            let heard = timeout(PATIENCE, self.deliveries.recv()).await;
            let heard = heard.unwrap_or_else(|_| panic!("{} of {count} came", self.taken.len()));
            match heard.unwrap() {
                Heard::Batch(batch) => {
                    for delivery in &batch.deliveries {
                        assert!(delivery.people().contains(&self.user), "somebody else's: {delivery:?}");
                        if !self.floor.covers(delivery.position()) {
                            self.take(delivery);
                        }
                    }
                }
                Heard::Missed => self.pull().await,
            }
        }
        &self.taken
    }

    async fn pull(&mut self) {
        self.missed += 1;
        loop {
            // A page that fails is pulled again: there is no link for a moment.
            let Ok((page, next)) = self.talk.feed(self.user, &self.cursor, 50).await else {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                continue;
            };
            page.iter().for_each(|delivery| self.take(delivery));
            self.cursor.merge(&next);
            if page.is_empty() {
                self.floor = self.cursor.clone();
                return;
            }
        }
    }

    fn take(&mut self, delivery: &Delivery) {
        self.cursor.advance(delivery.position());
        if let Delivery::Message { message, .. } = delivery {
            self.taken.push(Arc::clone(message));
        }
    }

    /// Checks that the one conversation came whole: each message once, in order.
    pub(crate) fn assert_whole(&self) {
        let sequences: Vec<u64> = self.taken.iter().map(|message| message.sequence).collect();
        let expected: Vec<u64> = (1..=sequences.len() as u64).collect();
        assert_eq!(sequences, expected);
    }
}
