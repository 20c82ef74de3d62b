//! Sync: everything that happened to a person behind a cursor, over plain HTTP.

use crate::{Chat, CursorError, Delivery, Error};
use edge::Caller;
use schema::api::{Sync, SyncEvent};
use schema::limits::SYNC_WAIT_S_MAX;
use schema::{Cursor, UserId};
use serde::Deserialize;
use std::time::Duration;
use tracing::debug;
use utoipa::IntoParams;

/// What to read.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct SyncQuery {
    /// `nextCursor` of the last call, or a MESSAGE's `cursor`; without one, from the beginning.
    pub(crate) cursor: Option<String>,
    /// 1-200, 50 unless told.
    pub(crate) limit: Option<usize>,
    /// Seconds to wait when nothing is there, 0-30.
    pub(crate) wait: Option<u64>,
}

impl Chat {
    pub(crate) async fn sync(&self, caller: &Caller, query: SyncQuery) -> Result<Sync, Error> {
        let limit = self.limit(query.limit)?;
        let wait = query.wait.unwrap_or(0);
        if wait > SYNC_WAIT_S_MAX {
            return Err(Error::field("wait", "is too long", format!("0-{SYNC_WAIT_S_MAX} seconds")));
        }
        let start =
            || Cursor::start(self.position().epoch, u32::try_from(self.position().next.len()).unwrap_or(1));
        let (cursor, reset) = match query.cursor.as_deref().map(|text| self.open_cursor(caller.user, text)) {
            None => (start(), false),
            Some(Ok(cursor)) => {
                self.note_passed(caller, cursor.clone());
                (cursor, false)
            }
            Some(Err(CursorError::OtherEpoch)) => (start(), true),
            Some(Err(CursorError::Malformed)) => {
                return Err(Error::field(
                    "cursor",
                    "is not one that was given to you",
                    "nextCursor of an earlier call",
                ));
            }
        };
        let (deliveries, next) =
            self.wait_for(caller.user, &cursor, limit, Duration::from_secs(wait)).await?;
        let has_more = deliveries.len() >= limit;
        let events = deliveries.into_iter().map(event).collect();
        Ok(Sync { events, next_cursor: self.seal(caller.user, &next), has_more, reset })
    }

    /// Reads the feed; when there is nothing, waits for the person's next change and reads again.
    async fn wait_for(
        &self,
        user: UserId,
        cursor: &Cursor,
        limit: usize,
        wait: Duration,
    ) -> Result<(Vec<Delivery>, Cursor), Error> {
        let watch = self.0.shared.watchers.watch(user);
        let deadline = tokio::time::Instant::now() + wait;
        loop {
            let changed = watch.changed();
            let (deliveries, next) = self.feed(user, cursor, limit).await?;
            if !deliveries.is_empty() || tokio::time::timeout_at(deadline, changed).await.is_err() {
                return Ok((deliveries, next));
            }
        }
    }

    /// A cursor that comes back tells that the device has what lies before it.
    fn note_passed(&self, caller: &Caller, cursor: Cursor) {
        let (chat, caller) = (self.clone(), caller.clone());
        tokio::spawn(async move {
            if let Err(error) = chat.passed(caller.user, caller.session, &cursor).await {
                debug!(%error, "marking what a sync cursor passed");
            }
        });
    }
}

fn event(delivery: Delivery) -> SyncEvent {
    match delivery {
        Delivery::Message { message, status, .. } => SyncEvent::Message {
            conversation_id: message.conversation_id,
            sequence: message.sequence,
            message: message.to_message(status),
        },
        Delivery::Mark { conversation, user, status, up_to, .. } => {
            SyncEvent::Mark { conversation_id: conversation, sequence: up_to, user_id: user, status }
        }
    }
}
