//! The frames that this server writes.

use bytes::Bytes;
use schema::wire::stomp::{Command, Version, Writer};

/// The heart-beat: a message of exactly one EOL, as stompjs 2 wants it.
pub(crate) const BEAT: &[u8] = b"\n";

/// Everything a MESSAGE says besides its body.
pub(crate) struct Message<'a> {
    pub(crate) version: Version,
    pub(crate) subscription: Option<&'a str>,
    pub(crate) destination: &'a str,
    /// Of the frame in its connection: `message-id`, and what an ACK names.
    pub(crate) number: u64,
    pub(crate) acknowledged: bool,
    pub(crate) cursor: Option<&'a str>,
}

/// A MESSAGE frame.
pub(crate) fn message(head: &Message<'_>, body: &[u8]) -> Bytes {
    let mut out = Vec::with_capacity(body.len() + 320);
    let mut frame = Writer::new(&mut out, head.version, Command::Message);
    if let Some(id) = head.subscription {
        frame = frame.header("subscription", id);
    }
    frame = frame.header("destination", head.destination).plain("message-id", head.number);
    if head.acknowledged {
        frame = frame.plain("ack", head.number);
    }
    if let Some(cursor) = head.cursor {
        frame = frame.header("cursor", cursor);
    }
    frame.header("content-type", "application/json").body(body);
    out.into()
}

/// A RECEIPT frame.
pub(crate) fn receipt(version: Version, id: &str) -> Bytes {
    let mut out = Vec::with_capacity(32 + id.len());
    Writer::new(&mut out, version, Command::Receipt).header("receipt-id", id).end();
    out.into()
}

/// A CONNECTED frame. It always has `heart-beat`: stompjs 2 splits it unasked.
pub(crate) fn connected(
    version: Version,
    beat: impl std::fmt::Display,
    user: impl std::fmt::Display,
) -> Bytes {
    let mut out = Vec::with_capacity(128);
    Writer::new(&mut out, version, Command::Connected)
        .header("version", version.as_str())
        .plain("heart-beat", beat)
        .plain("user-name", user)
        .end();
    out.into()
}

/// An ERROR frame: a short text as header, a line as body.
pub(crate) fn error(message: &str, receipt: Option<&str>, versions: bool) -> Bytes {
    let mut out = Vec::with_capacity(128 + 2 * message.len());
    // Escapes of 1.1 and 1.2 agree on what can stand in here; 1.0 knows none and shows them as they are.
    let mut frame = Writer::new(&mut out, Version::V11, Command::Error).header("message", message);
    if let Some(receipt) = receipt {
        frame = frame.header("receipt-id", receipt);
    }
    let known = Version::ALL.map(Version::as_str).join(",");
    let mut body = message.to_owned();
    if versions {
        frame = frame.header("version", &known);
        body = format!("{message}; this server speaks {known}");
    }
    frame.header("content-type", "text/plain").body(body.as_bytes());
    out.into()
}

/// An ERROR frame with a problem as body.
pub(crate) fn problem(message: &str, receipt: Option<&str>, json: &[u8]) -> Bytes {
    let mut out = Vec::with_capacity(160 + message.len() + json.len());
    let mut frame = Writer::new(&mut out, Version::V11, Command::Error).header("message", message);
    if let Some(receipt) = receipt {
        frame = frame.header("receipt-id", receipt);
    }
    frame.header("content-type", "application/problem+json").body(json);
    out.into()
}
