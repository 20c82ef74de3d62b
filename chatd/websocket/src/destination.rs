//! Where clients may send and what they may subscribe to. Matched exactly: a prefix or a pattern would let
//! one hear, or speak, as another.

/// A queue of one's own that a session may subscribe to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Queue {
    Messages,
    MessageStatus,
    Errors,
}

impl Queue {
    const ALL: [Queue; 3] = [Queue::Messages, Queue::MessageStatus, Queue::Errors];

    /// The destination as clients name it; MESSAGE carries the same.
    pub(crate) fn destination(self) -> &'static str {
        match self {
            Queue::Messages => "/user/queue/messages",
            Queue::MessageStatus => "/user/queue/message-status",
            Queue::Errors => "/user/queue/errors",
        }
    }

    /// The queue at a destination.
    pub(crate) fn at(destination: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|queue| queue.destination() == destination)
    }
}

/// What a SEND asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    SendMessage,
    Delivered,
    Seen,
}

impl Call {
    /// The call at a destination.
    pub(crate) fn at(destination: &str) -> Option<Self> {
        match destination {
            "/app/chat.sendMessage" => Some(Call::SendMessage),
            "/app/chat.delivered" => Some(Call::Delivered),
            "/app/chat.seen" => Some(Call::Seen),
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
        for other in [
            "",
            "/queue/**",
            "/user/queue/messages/",
            "/user/queue/*",
            "/user/u2/queue/messages",
            "/queue/messages-user1",
            "/topic/x",
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
