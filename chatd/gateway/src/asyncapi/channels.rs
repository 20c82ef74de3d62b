//! The table: every destination and every topic, with what goes through it. Tests hold it against what the
//! websocket service takes and what the topics carry.

use super::schemas::Schemas;
use schema::api::{MarkRequest, Problem, StatusUpdate};
use schema::event::{Envelope, Mark, Peer, Sent, Topic};
use schema::presence::signal::{CameOnline, Signal, StatusChanged, TypingTo, WentOffline};
use schema::presence::{Presence, StatusChoice, Typing, TypingRequest};
use schema::{Draft, Message as ChatMessage};
use serde_json::{Value, json};

/// Who writes into a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// A destination that clients SEND to.
    Client,
    /// A destination that clients SUBSCRIBE to.
    Server,
    /// A topic of the log.
    Topic,
}

/// A destination or a topic.
pub(crate) struct Channel {
    pub(crate) id: &'static str,
    pub(crate) address: &'static str,
    pub(crate) side: Side,
    pub(crate) about: &'static str,
    pub(crate) messages: Vec<Message>,
}

/// What goes through a channel.
pub(crate) struct Message {
    pub(crate) name: &'static str,
    about: &'static str,
    payload: Option<Value>,
    headers: Option<Value>,
}

impl Message {
    fn new(name: &'static str, about: &'static str, payload: Value) -> Self {
        Self { name, about, payload: Some(payload), headers: None }
    }

    /// The message as it stands in the document.
    pub(crate) fn described(&self) -> Value {
        let mut value = json!({ "name": self.name, "summary": self.about });
        if let Some(payload) = &self.payload {
            value["contentType"] = json!("application/json");
            value["payload"] = payload.clone();
        }
        if let Some(headers) = &self.headers {
            value["headers"] = headers.clone();
        }
        value
    }
}

/// Every channel, with its schemas collected.
pub(crate) fn all(schemas: &mut Schemas) -> Vec<Channel> {
    [sends(schemas), subscriptions(schemas), topics(schemas)].into_iter().flatten().collect()
}

fn sends(schemas: &mut Schemas) -> Vec<Channel> {
    let channel = |id, address, about, message: Message| {
        let headers = json!({
            "type": "object",
            "properties": { "receipt": {
                "type": "string",
                "description": "Answered by RECEIPT when it is done, or by a problem on /user/queue/errors",
            } },
        });
        let message = Message { headers: Some(headers), ..message };
        Channel { id, address, side: Side::Client, about, messages: vec![message] }
    };
    let nothing = |name| Message { name, about: "Any body; it is not read", payload: None, headers: None };
    let mark = schemas.body::<MarkRequest>();
    vec![
        channel(
            "sendMessage",
            "/app/chat.sendMessage",
            "Sends a message. RECEIPT and message-status come when it is in the log and visible.",
            Message::new("Draft", "As the body of POST /api/chat/messages", schemas.body::<Draft>()),
        ),
        channel(
            "markDelivered",
            "/app/chat.delivered",
            "Says that a device has everything of the peer up to a sequence.",
            Message::new("Delivered", "How far", mark.clone()),
        ),
        channel(
            "markSeen",
            "/app/chat.seen",
            "Says that the person has seen everything of the peer up to a sequence.",
            Message::new("Seen", "How far", mark),
        ),
        channel(
            "setTyping",
            "/app/chat.typing",
            "Says that the person types to somebody, or ceased. It expires by itself.",
            Message::new("TypingRequest", "To whom", schemas.body::<TypingRequest>()),
        ),
        channel(
            "join",
            "/app/chat.join",
            "Accepted from clients that know rooms; without effect.",
            nothing("Join"),
        ),
        channel(
            "leave",
            "/app/chat.leave",
            "Accepted from clients that know rooms; without effect.",
            nothing("Leave"),
        ),
        channel(
            "updatePresence",
            "/app/presence.update",
            "Chooses how the person looks to others while a socket of theirs is open.",
            Message::new("StatusChoice", "The choice", schemas.body::<StatusChoice>()),
        ),
    ]
}

fn subscriptions(schemas: &mut Schemas) -> Vec<Channel> {
    let channel = |id, address, about, messages| Channel { id, address, side: Side::Server, about, messages };
    let cursor = json!({
        "type": "object",
        "properties": { "cursor": {
            "type": "string",
            "description": "Behind this message: SUBSCRIBE takes it, and so does GET /api/chat/sync",
        } },
    });
    let message = Message::new("Message", "A message to the person, or from another device of theirs", {
        schemas.body::<ChatMessage>()
    });
    let presence = schemas.body::<Presence>();
    vec![
        channel(
            "messages",
            "/user/queue/messages",
            "New messages, in the order of the log. With a cursor exactly what was missed comes first.",
            vec![Message { headers: Some(cursor), ..message }],
        ),
        channel(
            "messageStatus",
            "/user/queue/message-status",
            "SENT of what this session sent, and marks.",
            vec![Message::new("StatusUpdate", "How far a message has come", schemas.body::<StatusUpdate>())],
        ),
        channel(
            "errors",
            "/user/queue/errors",
            "What a SEND was refused for, with the receipt that it asked for.",
            vec![Message::new("Problem", "As the problems of REST", schemas.body::<Problem>())],
        ),
        channel(
            "typing",
            "/user/queue/typing",
            "Who types to the person, and who ceased.",
            vec![Message::new("Typing", "Somebody's typing", schemas.body::<Typing>())],
        ),
        channel(
            "contactsPresence",
            "/user/queue/presence",
            "Presence of the person's contacts, as far as each shows it.",
            vec![Message::new("Presence", "Somebody's presence", presence.clone())],
        ),
        channel(
            "presence",
            "/topic/presence.{user}",
            "Presence of one person, as far as they show it.",
            vec![Message::new("PresenceOf", "Their presence", presence)],
        ),
    ]
}

fn topics(schemas: &mut Schemas) -> Vec<Channel> {
    let channel = |id, topic: Topic, about, messages| Channel {
        id,
        address: topic.name(),
        side: Side::Topic,
        about,
        messages,
    };
    macro_rules! records {
        ($($name:literal $payload:ty, $about:literal;)*) => {
            vec![$(Message::new($name, $about, schemas.record::<$payload>($name)),)*]
        };
    }
    vec![
        channel(
            "messageEvents",
            Topic::Messages,
            "Everything that happens in conversations, partitioned by conversation: intents, of which the first of an eventId counts.",
            records! {
                "MESSAGE_SENT" Envelope<Sent>, "A message was sent";
                "MESSAGE_DELIVERED" Envelope<Mark>, "A device has everything up to a sequence";
                "MESSAGE_SEEN" Envelope<Mark>, "A person has seen everything up to a sequence";
                "PEER_BLOCKED" Envelope<Peer>, "The actor blocked the peer";
                "PEER_UNBLOCKED" Envelope<Peer>, "The actor no longer blocks the peer";
                "PERSON_ERASED" Envelope<Peer>, "The actor was deleted, and with them what they wrote";
            },
        ),
        channel(
            "presenceEvents",
            Topic::Presence,
            "What everybody could see of people's presence, partitioned by user; not synced, and shed when the log is busy.",
            records! {
                "USER_ONLINE" Signal<CameOnline>, "The first socket opened";
                "USER_OFFLINE" Signal<WentOffline>, "The last socket closed";
                "USER_STATUS_CHANGED" Signal<StatusChanged>, "Another status";
            },
        ),
        channel(
            "typingEvents",
            Topic::Typing,
            "Typing, partitioned by conversation; not synced, and shed when the log is busy.",
            records! {
                "USER_TYPING" Signal<TypingTo>, "The actor types to the peer";
                "USER_STOPPED_TYPING" Signal<TypingTo>, "The actor ceased";
            },
        ),
    ]
}
