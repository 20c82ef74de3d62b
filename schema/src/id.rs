//! Ids as newtypes, and the two that are derived: conversation and message.
//!
//! Derived ids make a repeat harmless: whoever computes the id of the same conversation or the same send,
//! on whatever node, gets the same bytes.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;
use std::str::FromStr;
use uuid::{Builder, Uuid};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
        )]
        #[derive(utoipa::ToSchema)]
        #[serde(transparent)]
        #[schema(value_type = Uuid)]
        pub struct $name(pub Uuid);

        impl $name {
            /// The sixteen bytes, big-endian, as they stand in store keys.
            pub fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }

            /// The id with these sixteen bytes.
            pub fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }
    };
}

id!(
    /// A person: UUIDv7, drawn at registration.
    UserId
);
id!(
    /// A sign-in on a device: UUIDv7, the `sid` claim of its tokens. Sockets live as long as it does.
    SessionId
);
id!(
    /// A conversation of two people: UUIDv5 of their sorted ids, so there is one for each pair.
    ConversationId
);
id!(
    /// A message, and the event that sent it: UUIDv8 of conversation, sender and client id.
    MessageId
);

/// Namespace of conversation ids (a UUIDv4 drawn once for this product).
const CONVERSATIONS: Uuid = Uuid::from_u128(0x6d1f_0c52_9a0e_4a55_8b7c_2f3d_5e11_c0de);

impl UserId {
    /// Draws a new id, ordered by time.
    pub fn draw() -> Self {
        Self(Uuid::now_v7())
    }
}

impl SessionId {
    /// Draws a new id, ordered by time.
    pub fn draw() -> Self {
        Self(Uuid::now_v7())
    }
}

impl ConversationId {
    /// The conversation of these two, in whichever order they are named. A note to oneself is one too.
    pub fn between(a: UserId, b: UserId) -> Self {
        let (low, high) = if a <= b { (a, b) } else { (b, a) };
        let mut name = [0; 32];
        name[..16].copy_from_slice(low.as_bytes());
        name[16..].copy_from_slice(high.as_bytes());
        Self(Uuid::new_v5(&CONVERSATIONS, &name))
    }
}

impl MessageId {
    /// The id of this send: the same for every repeat of it (RFC 9562, version 8).
    pub fn derive(conversation: ConversationId, sender: UserId, client_message_id: &str) -> Self {
        let digest = Sha256::new()
            .chain_update(conversation.as_bytes())
            .chain_update(sender.as_bytes())
            .chain_update(client_message_id.as_bytes())
            .finalize();
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        Self(Builder::from_custom_bytes(bytes).into_uuid())
    }

    /// The id of an event that is no send, such as a mark: unique, ordered by time.
    pub fn draw() -> Self {
        Self(Uuid::now_v7())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_has_one_conversation() {
        let (a, b) = (UserId::draw(), UserId::draw());
        assert_eq!(ConversationId::between(a, b), ConversationId::between(b, a));
        assert_ne!(ConversationId::between(a, b), ConversationId::between(a, a));
        assert_eq!(ConversationId::between(a, b).0.get_version_num(), 5);
    }

    #[test]
    fn a_message_id_tells_sends_apart_and_repeats_not() {
        let (a, b) = (UserId::draw(), UserId::draw());
        let conversation = ConversationId::between(a, b);
        let id = MessageId::derive(conversation, a, "c-1");
        assert_eq!(id, MessageId::derive(conversation, a, "c-1"));
        assert_ne!(id, MessageId::derive(conversation, a, "c-2"));
        assert_ne!(id, MessageId::derive(conversation, b, "c-1"));
        assert_eq!(id.0.get_version_num(), 8);
    }
}
