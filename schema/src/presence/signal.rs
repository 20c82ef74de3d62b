//! The records of `presence-events` and `typing-events`: what others could see change.
//!
//! They are soft: not synced, shed when the log is busy, and no view is built from them. They say what
//! everybody could see, never more, so a consumer can't betray somebody who is invisible.

use crate::event::{APPLY_VERSION, SCHEMA_VERSION, Topic};
use crate::presence::Status;
use crate::{ConversationId, MessageId, Timestamp, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which kind of signal this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SignalType {
    UserOnline,
    UserOffline,
    UserStatusChanged,
    UserTyping,
    UserStoppedTyping,
}

/// The envelope: that of `message-events`, with a conversation only where there is one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Signal<P> {
    pub event_id: MessageId,
    pub event_type: SignalType,
    pub schema_version: u32,
    pub apply_version: u32,
    /// Of typing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation_id: Option<ConversationId>,
    /// Who did it.
    pub actor_id: UserId,
    pub occurred_at: Timestamp,
    /// W3C trace context, when there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    pub payload: P,
}

/// Payload of USER_ONLINE.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CameOnline {
    /// ONLINE, AWAY or BUSY.
    pub status: Status,
}

/// Payload of USER_OFFLINE.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WentOffline {
    /// When the last socket closed, or the person became invisible.
    pub last_seen: Timestamp,
}

/// Payload of USER_STATUS_CHANGED.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StatusChanged {
    pub status: Status,
    pub previous: Status,
}

/// Payload of USER_TYPING and USER_STOPPED_TYPING.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TypingTo {
    pub peer_id: UserId,
}

/// A signal of whatever kind, as it goes into the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    Online(CameOnline),
    Offline(WentOffline),
    Changed(StatusChanged),
    Typing(TypingTo),
    StoppedTyping(TypingTo),
}

impl Said {
    /// Where it belongs.
    pub fn topic(self) -> Topic {
        match self {
            Said::Online(_) | Said::Offline(_) | Said::Changed(_) => Topic::Presence,
            Said::Typing(_) | Said::StoppedTyping(_) => Topic::Typing,
        }
    }

    /// The partition's key: the user, of typing the conversation.
    pub fn key(self, actor: UserId) -> String {
        match self {
            Said::Typing(TypingTo { peer_id }) | Said::StoppedTyping(TypingTo { peer_id }) => {
                ConversationId::between(actor, peer_id).to_string()
            }
            _ => actor.to_string(),
        }
    }

    /// The bytes of the record.
    pub fn encode(self, actor: UserId, at: Timestamp) -> Vec<u8> {
        use SignalType::{UserOffline, UserOnline, UserStatusChanged, UserStoppedTyping, UserTyping};
        let bytes = match self {
            Said::Online(payload) => serde_json::to_vec(&signal(UserOnline, actor, at, None, payload)),
            Said::Offline(payload) => serde_json::to_vec(&signal(UserOffline, actor, at, None, payload)),
            Said::Changed(payload) => {
                serde_json::to_vec(&signal(UserStatusChanged, actor, at, None, payload))
            }
            Said::Typing(payload) => {
                serde_json::to_vec(&signal(UserTyping, actor, at, Some(payload.peer_id), payload))
            }
            Said::StoppedTyping(payload) => {
                serde_json::to_vec(&signal(UserStoppedTyping, actor, at, Some(payload.peer_id), payload))
            }
        };
        bytes.unwrap_or_default() // no map key and no failing serializer in these types
    }
}

fn signal<P>(
    event_type: SignalType,
    actor: UserId,
    at: Timestamp,
    peer: Option<UserId>,
    payload: P,
) -> Signal<P> {
    Signal {
        event_id: MessageId::draw(),
        event_type,
        schema_version: SCHEMA_VERSION,
        apply_version: APPLY_VERSION,
        conversation_id: peer.map(|peer| ConversationId::between(actor, peer)),
        actor_id: actor,
        occurred_at: at,
        traceparent: None,
        payload,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::assert_current;

    #[test]
    fn signals_go_to_their_topic_and_key_with_an_envelope() {
        let (ann, bob) = (UserId::draw(), UserId::draw());
        let at = Timestamp(1_701_424_800_000);
        let typing = Said::Typing(TypingTo { peer_id: bob });
        let record: Signal<TypingTo> = serde_json::from_slice(&typing.encode(ann, at)).unwrap();
        assert_eq!((record.event_type, record.actor_id), (SignalType::UserTyping, ann));
        assert_eq!(record.conversation_id, Some(ConversationId::between(bob, ann)));
        assert_eq!(typing.key(ann), ConversationId::between(ann, bob).to_string());
        let left = Said::Offline(WentOffline { last_seen: at });
        let record: Signal<WentOffline> = serde_json::from_slice(&left.encode(ann, at)).unwrap();
        assert_eq!((record.event_type, record.conversation_id), (SignalType::UserOffline, None));
        assert_eq!((left.topic(), typing.topic()), (Topic::Presence, Topic::Typing));
        assert_eq!(left.key(ann), ann.to_string());
    }

    /// `UPDATE_SCHEMAS=1 cargo test -p schema` writes them anew.
    #[test]
    fn json_schemas_are_current() {
        let schemas = [
            ("USER_ONLINE", schemars::schema_for!(Signal<CameOnline>)),
            ("USER_OFFLINE", schemars::schema_for!(Signal<WentOffline>)),
            ("USER_STATUS_CHANGED", schemars::schema_for!(Signal<StatusChanged>)),
            ("USER_TYPING", schemars::schema_for!(Signal<TypingTo>)),
            ("USER_STOPPED_TYPING", schemars::schema_for!(Signal<TypingTo>)),
        ];
        schemas.into_iter().for_each(|(name, schema)| assert_current(name, schema));
    }
}
