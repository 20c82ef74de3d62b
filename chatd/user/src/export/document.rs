//! The document of an export: what is in it, in which order, and how it is handed over.

use crate::Users;
use axum::body::Bytes;
use edge::Caller;
use schema::api::{Block, ExportedContact, SessionInfo};
use schema::limits::{EXPORT_CHUNK_BYTES, EXPORT_CONVERSATIONS, EXPORT_SESSIONS, EXPORT_STALL, PAGE};
use schema::{ConversationId, Timestamp, User};
use serde::Serialize;
use store::messages::{Head, Page};
use tokio::sync::mpsc;

/// What the writer hands over.
pub(super) enum Part {
    Bytes(Bytes),
    /// The document is whole.
    End,
}

/// Why a document broke off.
#[derive(Debug, thiserror::Error)]
pub(super) enum Stopped {
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error("a part that is no JSON: {0}")]
    Json(#[from] serde_json::Error),
    #[error("the caller went away")]
    Gone,
    #[error("the caller read nothing for {} seconds", EXPORT_STALL.as_secs())]
    Stalled,
}

/// A document that is being written.
pub(super) struct Document {
    users: Users,
    caller: Caller,
    parts: mpsc::Sender<Part>,
    /// What is not handed over yet, and the last byte of everything so far.
    buffer: Vec<u8>,
    last: u8,
}

impl Document {
    pub(super) fn new(users: Users, caller: Caller, parts: mpsc::Sender<Part>) -> Self {
        Self { users, caller, parts, buffer: Vec::new(), last: 0 }
    }

    pub(super) async fn write(mut self, profile: User, now: Timestamp) -> Result<(), Stopped> {
        self.raw("{");
        self.field("exportedAt", &now)?;
        self.field("profile", &profile)?;
        self.contacts().await?;
        self.blocks().await?;
        self.sessions(now).await?;
        let truncated = self.conversations().await?;
        if truncated {
            self.field("truncated", &true)?;
        }
        self.raw("}");
        self.hand_over().await?;
        self.send(Part::End).await
    }

    async fn contacts(&mut self) -> Result<(), Stopped> {
        self.open_list("contacts")?;
        let mut after = None;
        loop {
            let rows = self.users.profiles().contacts(self.caller.user, after, PAGE).await?;
            let Some(last) = rows.last() else { break };
            after = Some(last.user_id);
            for row in rows {
                let (user_id, alias, created_at) = (row.user_id, row.alias, row.created_at);
                self.item(&ExportedContact { user_id, alias, created_at }).await?;
            }
        }
        self.raw("]");
        Ok(())
    }

    async fn blocks(&mut self) -> Result<(), Stopped> {
        self.open_list("blocks")?;
        let mut after = None;
        loop {
            let rows = self.users.0.parts.messages.blocks(self.caller.user, after, PAGE).await?;
            let Some(last) = rows.last() else { break };
            after = Some(last.peer);
            for row in rows {
                self.item(&Block { user_id: row.peer, created_at: row.since }).await?;
            }
        }
        self.raw("]");
        Ok(())
    }

    async fn sessions(&mut self, now: Timestamp) -> Result<(), Stopped> {
        self.open_list("sessions")?;
        for row in self.users.0.parts.accounts.sessions(self.caller.user, now, EXPORT_SESSIONS).await? {
            let session = SessionInfo {
                current: row.session_id == self.caller.session,
                session_id: row.session_id,
                device_name: row.device_name,
                created_at: row.created_at,
                last_used_at: row.last_used_at,
            };
            self.item(&session).await?;
        }
        self.raw("]");
        Ok(())
    }

    /// Whether there are more than the document has.
    async fn conversations(&mut self) -> Result<bool, Stopped> {
        self.open_list("conversations")?;
        let user = self.caller.user;
        let mut ids = self.users.0.parts.messages.conversations(user, EXPORT_CONVERSATIONS + 1).await?;
        let truncated = ids.len() > EXPORT_CONVERSATIONS;
        ids.truncate(EXPORT_CONVERSATIONS);
        ids.sort_unstable();
        for some in ids.chunks(PAGE) {
            for head in self.users.0.parts.messages.heads(some, None).await?.into_iter().flatten() {
                self.conversation(&head).await?;
            }
        }
        self.raw("]");
        Ok(truncated)
    }

    /// All messages up to the last one that the head knows: one that goes on growing has an end nevertheless.
    async fn conversation(&mut self, head: &Head) -> Result<(), Stopped> {
        let (user, id): (_, ConversationId) = (self.caller.user, head.conversation_id);
        self.separate();
        self.raw("{");
        self.field("conversationId", &id)?;
        self.field("peer", &head.peer(user))?;
        self.open_list("messages")?;
        let mut after = 0;
        while after < head.last_sequence {
            let rows = self.users.0.parts.messages.history(id, Page::After(after), PAGE).await?;
            let Some(last) = rows.last() else { break };
            after = last.sequence;
            for row in rows.iter().filter(|row| row.sequence <= head.last_sequence) {
                self.item(&row.shown_to(user, head)).await?;
            }
        }
        self.raw("]}");
        Ok(())
    }

    fn raw(&mut self, text: &str) {
        self.buffer.extend_from_slice(text.as_bytes());
        self.last = text.bytes().last().unwrap_or(self.last);
    }

    /// A comma, unless this is the first in a list or an object.
    fn separate(&mut self) {
        if !matches!(self.last, b'[' | b'{') {
            self.raw(",");
        }
    }

    fn value(&mut self, value: &impl Serialize) -> Result<(), Stopped> {
        serde_json::to_writer(&mut self.buffer, value)?;
        // No value of JSON is empty, and none ends with an opening bracket.
        self.last = b' ';
        Ok(())
    }

    fn field(&mut self, name: &str, value: &impl Serialize) -> Result<(), Stopped> {
        self.separate();
        self.value(&name)?;
        self.raw(":");
        self.value(value)
    }

    fn open_list(&mut self, name: &str) -> Result<(), Stopped> {
        self.separate();
        self.value(&name)?;
        self.raw(":[");
        Ok(())
    }

    async fn item(&mut self, value: &impl Serialize) -> Result<(), Stopped> {
        self.separate();
        self.value(value)?;
        if self.buffer.len() >= EXPORT_CHUNK_BYTES { self.hand_over().await } else { Ok(()) }
    }

    async fn hand_over(&mut self) -> Result<(), Stopped> {
        let bytes = Bytes::from(std::mem::take(&mut self.buffer));
        self.send(Part::Bytes(bytes)).await
    }

    async fn send(&self, part: Part) -> Result<(), Stopped> {
        match tokio::time::timeout(EXPORT_STALL, self.parts.send(part)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Stopped::Gone),
            Err(_) => Err(Stopped::Stalled),
        }
    }
}
