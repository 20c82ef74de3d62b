//! Erasing what a deleted person wrote: a record in each of their conversations.
//!
//! The profile is gone at once; its tombstone says what is still to be erased, so neither a crash nor a log
//! that is away leaves anything behind.

use crate::{Chat, Error, Inner};
use schema::UserId;
use schema::event::{Body, Peer};
use schema::limits::{ERASE_RETRY, ERASED_CONVERSATIONS_MAX};
use std::sync::{Arc, Weak};
use tokio::sync::Notify;
use tracing::{info, warn};

/// Deleted people that are looked up at a time.
const TOGETHER: usize = 16;

/// Erases whoever is to be, now and whenever `deleted` says that there may be more, until chat is gone.
pub(crate) async fn run(chat: Weak<Inner>, deleted: Arc<Notify>) {
    loop {
        // Before the look, so that a deletion after it is not slept through.
        let more = deleted.notified();
        let Some(inner) = chat.upgrade() else { return };
        let erased = Chat(inner).erase_all().await;
        match erased {
            Ok(()) => more.await,
            Err(error) => {
                warn!(%error, "erasing what deleted people wrote is tried again");
                tokio::time::sleep(ERASE_RETRY).await;
            }
        }
    }
}

impl Chat {
    async fn erase_all(&self) -> Result<(), Error> {
        loop {
            let people = self.0.people.unerased(TOGETHER).await?;
            if people.is_empty() {
                return Ok(());
            }
            for user in people {
                self.erase(user).await?;
                self.0.people.set_erased(user).await?;
            }
        }
    }

    async fn erase(&self, user: UserId) -> Result<(), Error> {
        let conversations = self.0.shared.messages.conversations(user, ERASED_CONVERSATIONS_MAX).await?;
        for conversation in &conversations {
            let Some(head) = self.head(*conversation).await? else { continue };
            let peer_id = head.peer(user);
            self.append_and_wait(user, peer_id, Body::Erased(Peer { peer_id })).await?;
        }
        info!(%user, conversations = conversations.len(), "a deleted person's messages are erased");
        Ok(())
    }
}
