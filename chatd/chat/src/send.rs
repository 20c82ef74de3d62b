//! Sending, from the door to the log: check, admit, append.
//!
//! `POST /api/chat/messages` and `/app/chat.sendMessage` both enter here. The answer comes from the
//! sequencer, after the message is in the log and visible.

use crate::apply::Outcome;
use crate::people::Person;
use crate::{Chat, Error};
use schema::event::EventType;
use schema::event::{
    APPLY_VERSION, Body, Envelope, Event, ReplyTo, SCHEMA_VERSION, Sent as SentPayload, Topic,
};
use schema::{ConversationId, Draft, MessageId, MessageStatus, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use store::messages::StoredMessage;
use uuid::Uuid;

/// Who sends, and from where.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Origin {
    pub user: UserId,
    /// The socket that sends, if it is one: it gets a receipt instead of a copy.
    pub connection: Option<u64>,
    /// W3C trace context of the request.
    pub traceparent: Option<String>,
}

/// A message that is in the log and visible.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Sent {
    pub message: Arc<StoredMessage>,
    pub status: MessageStatus,
    /// It was there already: this send repeated an earlier one.
    pub repeat: bool,
}

/// Called exactly once with the outcome, possibly from the sequencer's thread: quick, never blocking.
pub type Answer = Box<dyn FnOnce(Result<Sent, Error>) + Send>;

impl Chat {
    /// Sends a message. Returns once it is queued for the log, so whoever awaits one send before the next
    /// keeps their order; `answer` hears the outcome later.
    pub async fn send(&self, origin: Origin, draft: Draft, answer: Answer) {
        match self.prepare(&origin, draft).await {
            Ok(event) => self.append_send(event, origin.connection, answer),
            Err(error) => answer(Err(error)),
        }
    }

    /// Everything that can be said about a draft before anything is stored.
    async fn prepare(&self, origin: &Origin, draft: Draft) -> Result<Event, Error> {
        draft.check(self.0.config.content_chars, self.0.config.metadata_bytes).map_err(Error::Invalid)?;
        if let Some(sender) = &draft.sender_id
            && self.0.people.resolve(sender).await.ok() != Some(origin.user)
        {
            return Err(Error::NotYou);
        }
        let recipient = self.0.people.resolve(&draft.recipient_id).await?;
        let conversation = ConversationId::between(origin.user, recipient);
        let client_message_id = draft.client_message_id.unwrap_or_else(|| Uuid::now_v7().to_string());
        let event_id = MessageId::derive(conversation, origin.user, &client_message_id);
        if let Err(refusal) = self.may_write(origin.user, recipient).await {
            // What was accepted once is answered to each repeat, whatever has changed since.
            let known = self.0.shared.messages.ids(&[event_id]).await?;
            if known.iter().all(Option::is_none) {
                return Err(refusal);
            }
        }
        Ok(Envelope {
            event_id,
            event_type: EventType::MessageSent,
            schema_version: SCHEMA_VERSION,
            apply_version: APPLY_VERSION,
            conversation_id: conversation,
            actor_id: origin.user,
            occurred_at: Timestamp::now(),
            traceparent: origin.traceparent.clone(),
            reply_to: None,
            payload: Body::Sent(SentPayload {
                recipient_id: recipient,
                client_message_id,
                content: draft.content,
                message_type: draft.message_type,
                reply_to_message_id: draft.reply_to_message_id,
                metadata: draft.metadata,
            }),
        })
    }

    /// Whether a person may write to another. Blocks of the recipient play no part: the sender can't tell.
    async fn may_write(&self, sender: UserId, recipient: UserId) -> Result<(), Error> {
        if sender == recipient {
            return Ok(());
        }
        if self.0.shared.messages.blocked(&[(sender, recipient)]).await?.first() == Some(&true) {
            return Err(Error::Blocking(recipient));
        }
        match self.0.people.person(recipient).await? {
            None => Err(Error::not_found("user")),
            Some(Person::Here { takes_unknown: true, .. }) => Ok(()),
            Some(Person::Here { .. }) if self.is_known(sender, recipient).await? => Ok(()),
            Some(Person::Here { .. } | Person::Gone) => Err(Error::RecipientUnavailable),
        }
    }

    /// Whether the recipient knows the sender: has them as a contact, or has written to them before.
    async fn is_known(&self, sender: UserId, recipient: UserId) -> Result<bool, Error> {
        if self.0.people.has_contact(recipient, sender).await? {
            return Ok(true);
        }
        let head = self.head(ConversationId::between(sender, recipient)).await?;
        Ok(head.is_some_and(|head| head.marks_of(sender).received > 0))
    }

    fn append_send(&self, event: Event, connection: Option<u64>, answer: Answer) {
        let chat = self.clone();
        let runtime = tokio::runtime::Handle::current();
        self.append(
            event,
            connection,
            Box::new(move |outcome| match outcome {
                Ok(Outcome::Sent(message)) => {
                    answer(Ok(Sent { message, status: MessageStatus::Sent, repeat: false }));
                }
                // The stored message takes a read: not on the sequencer's thread.
                Ok(Outcome::Repeat { conversation, sequence }) => {
                    runtime.spawn(async move { answer(chat.repeated(conversation, sequence).await) });
                }
                Ok(Outcome::Conflict | Outcome::Applied) => answer(Err(Error::ClientMessageIdReused)),
                Err(error) => answer(Err(error)),
            }),
        );
        self.0.shared.metrics.sends.inc();
    }

    /// The answer to a repeat: the message as it is stored.
    async fn repeated(&self, conversation: ConversationId, sequence: u64) -> Result<Sent, Error> {
        let messages = &self.0.shared.messages;
        let message = messages.message(conversation, sequence).await?.ok_or(Error::not_found("message"))?;
        let head = messages.heads(&[conversation], None).await?.pop().flatten();
        let status = head.map_or(MessageStatus::Sent, |head| head.status(&message, message.sender_id));
        Ok(Sent { message, status, repeat: true })
    }

    /// Takes a waiter's slot and queues the record: its place in the log is that of this call. Whatever
    /// happens, `settle` is called once.
    pub(crate) fn append(&self, mut event: Event, connection: Option<u64>, settle: crate::waiters::Settle) {
        let shared = &self.0.shared;
        let partition = self.partition(event.conversation_id);
        let reply_to = match shared.waiters.admit(partition, connection, settle) {
            Ok(reply_to) => reply_to,
            Err((settle, cause)) => {
                shared.metrics.refused.inc();
                return settle(Err(Error::NotAccepted(cause)));
            }
        };
        event.reply_to = Some(reply_to);
        let done = {
            let shared = Arc::clone(shared);
            Box::new(move |result: Result<u64, store::Error>| {
                if let Err(error) = result {
                    shared.waiters.settle(reply_to, Err(not_durable(error)));
                }
            })
        };
        if let Err(error) = shared.events.append(Topic::Messages, partition, event.encode().into(), done) {
            self.refuse(reply_to, &error);
        }
    }

    fn refuse(&self, reply_to: ReplyTo, error: &store::Error) {
        self.0.shared.metrics.refused.inc();
        self.0.shared.waiters.settle(reply_to, Err(Error::NotAccepted(error.to_string())));
    }
}

/// What a failed append means for the one who waits: refused only if the log says that nothing was stored.
fn not_durable(error: store::Error) -> Error {
    match error {
        store::Error::Overloaded(_) | store::Error::Unavailable(_) => Error::NotAccepted(error.to_string()),
        _ => Error::OutcomeUnknown,
    }
}
