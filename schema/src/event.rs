//! The records of the three topics: intents in a JSON envelope.
//!
//! Records are intents: repeats of a send and losers of a conflict are in the topic too, and consumers
//! count the first record of each `eventId`. JSON Schemas, generated from these types, stand in
//! `schema/events/`.

use crate::{ConversationId, MessageId, MessageType, SessionId, Timestamp, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

/// Version of the envelope and its payloads; additions keep it.
pub const SCHEMA_VERSION: u32 = 1;
/// Version of the rules by which records are applied; an owner that meets a higher one stops.
/// 2: blocks, erasures and private marks.
pub const APPLY_VERSION: u32 = 2;

/// A topic of the log. Conversations are ordered within a partition of `message-events`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Topic {
    /// Everything that happens in conversations, by conversation; durable before it is acknowledged.
    Messages,
    /// Presence changes, by user; not synced.
    Presence,
    /// Typing, by conversation; not synced.
    Typing,
}

impl Topic {
    pub const ALL: [Topic; 3] = [Topic::Messages, Topic::Presence, Topic::Typing];

    /// The name of the seed document.
    pub fn name(self) -> &'static str {
        match self {
            Topic::Messages => "message-events",
            Topic::Presence => "presence-events",
            Topic::Typing => "typing-events",
        }
    }

    /// Whether an append is acknowledged only when it is durable.
    pub fn durable(self) -> bool {
        self == Topic::Messages
    }
}

/// Which kind of record this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum EventType {
    MessageSent,
    MessageDelivered,
    MessageSeen,
    /// From here on the actor is shown nothing of what the peer sends.
    PeerBlocked,
    PeerUnblocked,
    /// The actor was deleted: what they wrote in the conversation has no content any more.
    PersonErased,
}

/// Who waits for the outcome of a record: the process (by a number drawn at its start), the slot in it,
/// and the socket that sent it, which gets a receipt instead of a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReplyTo {
    pub node: Uuid,
    pub waiter: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection: Option<u64>,
}

/// The envelope of every record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Envelope<P> {
    /// Id of the intent: for a send, the message's id.
    pub event_id: MessageId,
    pub event_type: EventType,
    pub schema_version: u32,
    pub apply_version: u32,
    pub conversation_id: ConversationId,
    /// Who did it.
    pub actor_id: UserId,
    pub occurred_at: Timestamp,
    /// W3C trace context, when the request carried one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<ReplyTo>,
    pub payload: P,
}

/// Payload of MESSAGE_SENT.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Sent {
    pub recipient_id: UserId,
    pub client_message_id: String,
    pub content: String,
    pub message_type: MessageType,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to_message_id: Option<MessageId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<serde_json::Map<String, serde_json::Value>>")]
    pub metadata: Option<Box<RawValue>>,
}

/// Payload of MESSAGE_DELIVERED and MESSAGE_SEEN: the actor has everything of the peer up to a sequence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Mark {
    pub peer_id: UserId,
    /// 0: only the device moves.
    pub up_to: u64,
    /// The device that has everything of this log partition before an offset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<DevicePosition>,
    /// Of MESSAGE_SEEN: the actor shows no read receipts, so the peer learns of DELIVERED only.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub private: bool,
}

/// Payload of PEER_BLOCKED, PEER_UNBLOCKED and PERSON_ERASED: the other person of the conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Peer {
    pub peer_id: UserId,
}

/// How far one device has read one log partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DevicePosition {
    pub session_id: SessionId,
    /// The offset behind the last record that the device has.
    pub next: u64,
}

/// What a record says, by type.
#[derive(Clone, Debug)]
pub enum Body {
    Sent(Sent),
    Delivered(Mark),
    Seen(Mark),
    Blocked(Peer),
    Unblocked(Peer),
    Erased(Peer),
}

impl Body {
    pub fn event_type(&self) -> EventType {
        match self {
            Body::Sent(_) => EventType::MessageSent,
            Body::Delivered(_) => EventType::MessageDelivered,
            Body::Seen(_) => EventType::MessageSeen,
            Body::Blocked(_) => EventType::PeerBlocked,
            Body::Unblocked(_) => EventType::PeerUnblocked,
            Body::Erased(_) => EventType::PersonErased,
        }
    }
}

/// A record of `message-events`, decoded.
pub type Event = Envelope<Body>;

/// Why bytes are no record that this version can apply.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    #[error("record is no event: {0}")]
    Malformed(#[from] serde_json::Error),
    /// Written by a newer version: the partition stops, since guessing would fork the sequence.
    #[error("record has apply version {0}, this version knows {APPLY_VERSION}; run a newer chatd")]
    Newer(u32),
}

impl Event {
    /// The bytes of the record.
    pub fn encode(&self) -> Vec<u8> {
        let bytes = match &self.payload {
            Body::Sent(sent) => serde_json::to_vec(&self.with(sent)),
            Body::Delivered(mark) | Body::Seen(mark) => serde_json::to_vec(&self.with(mark)),
            Body::Blocked(peer) | Body::Unblocked(peer) | Body::Erased(peer) => {
                serde_json::to_vec(&self.with(peer))
            }
        };
        bytes.unwrap_or_default() // no map key and no failing serializer in these types
    }

    /// The event in these bytes.
    ///
    /// # Errors
    /// [`DecodeError::Newer`] before anything else is looked at, [`DecodeError::Malformed`] otherwise.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Version {
            apply_version: u32,
        }
        let event: Envelope<&RawValue> = match serde_json::from_slice(bytes) {
            Ok(event) => event,
            Err(error) => {
                return Err(match serde_json::from_slice::<Version>(bytes) {
                    Ok(newer) if newer.apply_version > APPLY_VERSION => {
                        DecodeError::Newer(newer.apply_version)
                    }
                    _ => DecodeError::Malformed(error),
                });
            }
        };
        if event.apply_version > APPLY_VERSION {
            return Err(DecodeError::Newer(event.apply_version));
        }
        let payload = event.payload.get();
        let body = match event.event_type {
            EventType::MessageSent => Body::Sent(serde_json::from_str(payload)?),
            EventType::MessageDelivered => Body::Delivered(serde_json::from_str(payload)?),
            EventType::MessageSeen => Body::Seen(serde_json::from_str(payload)?),
            EventType::PeerBlocked => Body::Blocked(serde_json::from_str(payload)?),
            EventType::PeerUnblocked => Body::Unblocked(serde_json::from_str(payload)?),
            EventType::PersonErased => Body::Erased(serde_json::from_str(payload)?),
        };
        Ok(event.with(body))
    }
}

impl<P> Envelope<P> {
    /// The same envelope around another payload.
    fn with<Q>(&self, payload: Q) -> Envelope<Q> {
        Envelope {
            event_id: self.event_id,
            event_type: self.event_type,
            schema_version: self.schema_version,
            apply_version: self.apply_version,
            conversation_id: self.conversation_id,
            actor_id: self.actor_id,
            occurred_at: self.occurred_at,
            traceparent: self.traceparent.clone(),
            reply_to: self.reply_to,
            payload,
        }
    }
}

/// The log partition of a key: Kafka's murmur2 of its bytes, modulo the declared count, so that any
/// producer of the seed's world agrees.
pub fn partition_of(key: &str, partitions: u32) -> u32 {
    (murmur2(key.as_bytes()) & 0x7fff_ffff) % partitions.max(1)
}

fn murmur2(data: &[u8]) -> u32 {
    const M: u32 = 0x5bd1_e995;
    let mut h = 0x9747_b28c ^ u32::try_from(data.len()).unwrap_or(u32::MAX);
    let mut words = data.chunks_exact(4);
    for word in &mut words {
        let mut k = u32::from_le_bytes([word[0], word[1], word[2], word[3]]).wrapping_mul(M);
        k ^= k >> 24;
        h = h.wrapping_mul(M) ^ k.wrapping_mul(M);
    }
    let rest = words.remainder();
    for (i, byte) in rest.iter().enumerate().rev() {
        h ^= u32::from(*byte) << (8 * i);
    }
    if !rest.is_empty() {
        h = h.wrapping_mul(M);
    }
    h ^= h >> 13;
    h = h.wrapping_mul(M);
    h ^ (h >> 15)
}

/// Fails when `events/NAME.json` is not this schema; with `UPDATE_SCHEMAS` set it is written first.
#[cfg(test)]
pub(crate) fn assert_current(name: &str, mut schema: schemars::Schema) {
    schema.insert("title".into(), name.into());
    let text = serde_json::to_string_pretty(&schema).unwrap() + "\n";
    let path = format!("{}/events/{name}.json", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap_or_default(), text, "{path} is stale");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent() -> Event {
        let (a, b) = (UserId::draw(), UserId::draw());
        let conversation = ConversationId::between(a, b);
        Envelope {
            event_id: MessageId::derive(conversation, a, "c-1"),
            event_type: EventType::MessageSent,
            schema_version: SCHEMA_VERSION,
            apply_version: APPLY_VERSION,
            conversation_id: conversation,
            actor_id: a,
            occurred_at: Timestamp(1_701_424_800_000),
            traceparent: None,
            reply_to: Some(ReplyTo { node: Uuid::nil(), waiter: 7, connection: None }),
            payload: Body::Sent(Sent {
                recipient_id: b,
                client_message_id: "c-1".into(),
                content: "Hello \u{1f600}\u{0}".into(),
                message_type: MessageType::Text,
                reply_to_message_id: None,
                metadata: RawValue::from_string("{\"a\":1}".into()).ok(),
            }),
        }
    }

    #[test]
    fn a_record_survives_the_round_trip() {
        let event = sent();
        let again = Event::decode(&event.encode()).unwrap();
        assert_eq!(again.encode(), event.encode());
        assert_eq!(again.event_id, event.event_id);
        assert_eq!(again.reply_to, event.reply_to);
    }

    #[test]
    fn a_newer_record_stops_instead_of_being_guessed_at() {
        let newer = r#"{"applyVersion":9,"eventType":"SOMETHING_NEW","more":true}"#;
        assert!(matches!(Event::decode(newer.as_bytes()), Err(DecodeError::Newer(9))));
        assert!(matches!(Event::decode(b"\xff\x00 no event"), Err(DecodeError::Malformed(_))));
    }

    #[test]
    fn partitions_are_those_of_kafkas_default_partitioner() {
        // Values of org.apache.kafka.common.utils.Utils.murmur2 for these keys.
        for (key, hash) in
            [("21", -973_932_308_i32), ("foobar", -790_332_482), ("a-little-bit-long-string", -985_981_536)]
        {
            assert_eq!(murmur2(key.as_bytes()).cast_signed(), hash, "{key}");
        }
        assert!(partition_of("any", 1) == 0);
    }

    /// `UPDATE_SCHEMAS=1 cargo test -p schema` writes them anew.
    #[test]
    fn json_schemas_are_current() {
        let schemas = [
            ("MESSAGE_SENT", schemars::schema_for!(Envelope<Sent>)),
            ("MESSAGE_DELIVERED", schemars::schema_for!(Envelope<Mark>)),
            ("MESSAGE_SEEN", schemars::schema_for!(Envelope<Mark>)),
            ("PEER_BLOCKED", schemars::schema_for!(Envelope<Peer>)),
            ("PEER_UNBLOCKED", schemars::schema_for!(Envelope<Peer>)),
            ("PERSON_ERASED", schemars::schema_for!(Envelope<Peer>)),
        ];
        schemas.into_iter().for_each(|(name, schema)| assert_current(name, schema));
    }
}
