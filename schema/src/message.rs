//! Messages: what a person sends (a draft) and what everybody reads.

use crate::limits::CLIENT_MESSAGE_ID_CHARS;
use crate::{ConversationId, MessageId, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

/// Kind of content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum MessageType {
    Text,
    Image,
    Video,
    Audio,
    File,
    /// Carries its place in `metadata`.
    Location,
    /// Carries the contact in `metadata`.
    Contact,
    /// Written by the server only.
    System,
}

/// How far a message has come. It never goes back.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema, ToSchema,
)]
#[serde(rename_all = "UPPERCASE")]
pub enum MessageStatus {
    /// In the log and visible.
    Sent,
    /// A device of the recipient has it.
    Delivered,
    /// The recipient said so.
    Seen,
}

/// A message as everybody reads it: the seed's fields and ours.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    pub message_id: MessageId,
    pub conversation_id: ConversationId,
    /// 1, 2, 3 … in the conversation, without gaps.
    pub sequence: u64,
    pub sender_id: UserId,
    pub recipient_id: UserId,
    pub content: String,
    pub message_type: MessageType,
    pub timestamp: Timestamp,
    pub status: MessageStatus,
    pub client_message_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply_to_message_id: Option<MessageId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<Box<RawValue>>,
    /// Its content is gone: the sender was deleted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deleted: bool,
}

/// One place of a conversation, as a person sees it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum Entry {
    Message(Box<Message>),
    /// Somebody whom the person had blocked sent it: it keeps its sequence and shows nothing else.
    Hidden(Hidden),
}

impl Entry {
    pub fn sequence(&self) -> u64 {
        match self {
            Entry::Message(message) => message.sequence,
            Entry::Hidden(hidden) => hidden.sequence,
        }
    }

    /// The message, unless it is hidden.
    pub fn message(self) -> Option<Message> {
        match self {
            Entry::Message(message) => Some(*message),
            Entry::Hidden(_) => None,
        }
    }
}

/// The place of a message that is not shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Hidden {
    pub sequence: u64,
    /// Always true.
    pub hidden: bool,
}

/// What a person sends: the body of `POST /api/chat/messages` and of `/app/chat.sendMessage`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Draft {
    /// Must name the caller when present: the sender is the token's user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender_id: Option<String>,
    /// A user id or a username.
    pub recipient_id: String,
    pub content: String,
    #[serde(default = "text")]
    pub message_type: MessageType,
    /// Unique per sender and conversation; a repeat answers with the stored message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_message_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to_message_id: Option<MessageId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<Box<RawValue>>,
}

fn text() -> MessageType {
    MessageType::Text
}

/// One field that breaks a rule, as it stands in a problem's `errors[]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldError {
    /// The JSON name of the field, or of the parameter.
    pub field: String,
    pub reason: String,
    /// What would be accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bound: Option<String>,
}

impl FieldError {
    pub fn new(field: &str, reason: impl Into<String>, bound: impl Into<String>) -> Self {
        Self { field: field.to_owned(), reason: reason.into(), bound: Some(bound.into()) }
    }
}

impl Draft {
    /// Checks everything about a draft that needs no look-up.
    ///
    /// # Errors
    /// Every field that breaks a rule, not only the first.
    pub fn check(&self, content_chars_max: usize, metadata_bytes_max: usize) -> Result<(), Vec<FieldError>> {
        let mut errors = Vec::new();
        self.check_content(content_chars_max, &mut errors);
        if self.message_type == MessageType::System {
            errors.push(FieldError::new("messageType", "is written by the server only", "any other type"));
        }
        if matches!(self.message_type, MessageType::Location | MessageType::Contact)
            && self.metadata.is_none()
        {
            errors.push(FieldError::new("metadata", "is missing", "an object, for LOCATION and CONTACT"));
        }
        if let Some(metadata) = &self.metadata {
            if metadata.get().len() > metadata_bytes_max {
                errors.push(FieldError::new(
                    "metadata",
                    "is too large",
                    format!("{metadata_bytes_max} bytes"),
                ));
            } else if !metadata.get().starts_with('{') {
                errors.push(FieldError::new("metadata", "is no object", "a JSON object"));
            }
        }
        if let Some(id) = &self.client_message_id {
            check_client_message_id(id, &mut errors);
        }
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }

    fn check_content(&self, chars_max: usize, errors: &mut Vec<FieldError>) {
        // A byte count below the bound settles it without counting characters.
        if self.content.len() > chars_max && self.content.chars().count() > chars_max {
            errors.push(FieldError::new("content", "is too long", format!("{chars_max} characters")));
        }
        let control = |c: char| matches!(c, '\0'..='\u{1f}' | '\u{7f}') && !matches!(c, '\t' | '\n' | '\r');
        if self.content.chars().any(control) {
            errors.push(FieldError::new("content", "holds a control character", "TAB, LF and CR only"));
        }
        if self.message_type == MessageType::Text && self.content.trim().is_empty() {
            errors.push(FieldError::new("content", "must not be blank", "1 character or more"));
        }
    }
}

fn check_client_message_id(id: &str, errors: &mut Vec<FieldError>) {
    let bound = || format!("1-{CLIENT_MESSAGE_ID_CHARS} characters, no control characters");
    if id.is_empty() || id.chars().count() > CLIENT_MESSAGE_ID_CHARS {
        errors.push(FieldError::new("clientMessageId", "is empty or too long", bound()));
    } else if id.chars().any(char::is_control) {
        errors.push(FieldError::new("clientMessageId", "holds a control character", bound()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(json: &str) -> Draft {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn the_seeds_body_is_a_draft() {
        let draft =
            draft(r#"{"senderId":"user1","recipientId":"user2","content":"Hello!","messageType":"TEXT"}"#);
        assert!(draft.check(4096, 4096).is_ok());
    }

    #[test]
    fn every_broken_field_is_named_with_its_bound() {
        let bad = draft(
            r#"{"recipientId":"u","content":"\u0007","messageType":"SYSTEM","clientMessageId":"","metadata":[1]}"#,
        );
        let errors = bad.check(4096, 4096).unwrap_err();
        let fields: Vec<_> = errors.iter().map(|e| e.field.as_str()).collect();
        assert_eq!(fields, ["content", "messageType", "metadata", "clientMessageId"]);
        assert!(errors.iter().all(|e| e.bound.is_some()));
    }

    #[test]
    fn content_counts_characters_not_bytes() {
        let json = |n| format!(r#"{{"recipientId":"u","content":"{}"}}"#, "日".repeat(n));
        assert!(draft(&json(10)).check(10, 4096).is_ok());
        assert!(draft(&json(11)).check(10, 4096).is_err());
        assert!(draft(r#"{"recipientId":"u","content":" \n "}"#).check(10, 4096).is_err());
        assert!(draft(r#"{"recipientId":"u","content":"a\tb\r\n"}"#).check(10, 4096).is_ok());
    }
}
