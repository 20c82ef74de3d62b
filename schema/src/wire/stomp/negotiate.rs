//! What CONNECT and CONNECTED settle: the version and the heart-beats.

/// A STOMP version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    V10,
    V11,
    V12,
}

impl Version {
    /// Every version, highest first, as `accept-version` and ERROR list them.
    pub const ALL: [Version; 3] = [Version::V12, Version::V11, Version::V10];

    /// The text in `version` and `accept-version`.
    pub fn as_str(self) -> &'static str {
        match self {
            Version::V10 => "1.0",
            Version::V11 => "1.1",
            Version::V12 => "1.2",
        }
    }

    /// The version with this text.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|version| version.as_str() == text.trim())
    }

    /// The highest version that both know; a client that names none speaks 1.0.
    pub fn negotiate(accept_version: Option<&str>) -> Option<Self> {
        match accept_version {
            None => Some(Version::V10),
            Some(list) => list.split(',').filter_map(Self::parse).max(),
        }
    }
}

/// What one side says about heart-beats, in milliseconds; 0 is "can't" or "don't want".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HeartBeat {
    /// The shortest period in which this side can send.
    pub can_send: u32,
    /// The period in which this side wants to receive.
    pub wants: u32,
}

impl HeartBeat {
    /// The header's value, such as `10000,10000`.
    pub fn parse(text: &str) -> Option<Self> {
        let (can_send, wants) = text.split_once(',')?;
        Some(Self { can_send: can_send.trim().parse().ok()?, wants: wants.trim().parse().ok()? })
    }

    /// The period in which `sender` owes `receiver` at least one byte; `None` when no beats were agreed.
    pub fn period(sender: Self, receiver: Self) -> Option<u32> {
        (sender.can_send > 0 && receiver.wants > 0).then(|| sender.can_send.max(receiver.wants))
    }
}

impl std::fmt::Display for HeartBeat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{},{}", self.can_send, self.wants)
    }
}
