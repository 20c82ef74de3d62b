//! Where clients may send and what they may subscribe to. Matched exactly: a prefix or a pattern would let
//! one hear, or speak, as another.

/// A queue of one's own that a session may subscribe to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Queue {
    Messages,
    MessageStatus,
    Errors,
    Typing,
    /// Of one's contacts.
    Presence,
    /// Of one person: the destination goes on with an id or a username.
    PresenceOf,
}

/// What the destination of somebody's presence begins with.
pub(crate) const PRESENCE_OF: &str = "/topic/presence.";

impl Queue {
    const ALL: [Queue; 5] =
        [Queue::Messages, Queue::MessageStatus, Queue::Errors, Queue::Typing, Queue::Presence];

    /// The destination as clients name it; MESSAGE carries the same.
    pub(crate) fn destination(self) -> &'static str {
        match self {
            Queue::Messages => "/user/queue/messages",
            Queue::MessageStatus => "/user/queue/message-status",
            Queue::Errors => "/user/queue/errors",
            Queue::Typing => "/user/queue/typing",
            Queue::Presence => "/user/queue/presence",
            Queue::PresenceOf => PRESENCE_OF,
        }
    }

    /// The queue at a destination.
    pub(crate) fn at(destination: &str) -> Option<Self> {
        let named = |rest: &str| (!rest.is_empty()).then_some(Queue::PresenceOf);
        let own = Self::ALL.into_iter().find(|queue| queue.destination() == destination);
        own.or_else(|| named(destination.strip_prefix(PRESENCE_OF)?))
    }
}

/// What a SEND asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    SendMessage,
    Delivered,
    Seen,
    Typing,
    /// Accepted from clients that know rooms; it has no effect, conversations need no joining.
    Join,
    Leave,
    UpdatePresence,
}

impl Call {
    /// The call at a destination.
    pub(crate) fn at(destination: &str) -> Option<Self> {
        match destination {
            "/app/chat.sendMessage" => Some(Call::SendMessage),
            "/app/chat.delivered" => Some(Call::Delivered),
            "/app/chat.seen" => Some(Call::Seen),
            "/app/chat.typing" => Some(Call::Typing),
            "/app/chat.join" => Some(Call::Join),
            "/app/chat.leave" => Some(Call::Leave),
            "/app/presence.update" => Some(Call::UpdatePresence),
            _ => None,
        }
    }
}

/// How a subscription acknowledges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AckMode {
    Auto,
    /// An ACK counts for everything before it too.
    Client,
    Individual,
}

impl AckMode {
    /// The mode in an `ack` header.
    pub(crate) fn parse(header: Option<&str>) -> Option<Self> {
        match header {
            None | Some("auto") => Some(AckMode::Auto),
            Some("client") => Some(AckMode::Client),
            Some("client-individual") => Some(AckMode::Individual),
            Some(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_exact_destinations_match() {
        assert_eq!(Queue::at("/user/queue/messages"), Some(Queue::Messages));
        assert_eq!(Call::at("/app/chat.seen"), Some(Call::Seen));
        assert_eq!(Queue::at("/topic/presence.user1"), Some(Queue::PresenceOf));
        for other in [
            "",
            "/queue/**",
            "/user/queue/messages/",
            "/user/queue/*",
            "/user/u2/queue/messages",
            "/queue/messages-user1",
            "/topic/x",
            "/topic/presence",
            "/topic/presence.",
            "/topic/presence/user1",
            "/user/queue/presence.user1",
            "/USER/queue/messages",
            " /user/queue/messages",
        ] {
            assert_eq!(Queue::at(other), None, "{other}");
            assert_eq!(Call::at(other), None, "{other}");
        }
        assert_eq!(Call::at("/app/chat.sendmessage"), None);
    }

    #[test]
    fn ack_modes_are_the_three_of_stomp() {
        assert_eq!(AckMode::parse(None), Some(AckMode::Auto));
        assert_eq!(AckMode::parse(Some("client-individual")), Some(AckMode::Individual));
        assert_eq!(AckMode::parse(Some("Client")), None);
    }
}
