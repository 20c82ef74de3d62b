//! The STOMP frames of a chat client: built by hand into one buffer, read in place without copies.
//!
//! `schema::wire::stomp` has the whole codec; here only what is needed, since generator and server share
//! the machine and each microsecond of the one is taken from the other.

use crate::payload::Payload;
use schema::UserId;
use std::io::Write;
use uuid::Uuid;

/// The subscription to errors, and the receipt that says that both subscriptions stand.
pub(super) const ERRORS: &[u8] = b"e";
pub(super) const SUBSCRIBED: &[u8] = b"subscribed";

/// A CONNECT with the user's token. No heart-beats: the load itself shows that both ends live.
pub(super) fn connect(token: &str, host: &str) -> Vec<u8> {
    format!("CONNECT\naccept-version:1.2\nhost:{host}\nheart-beat:0,0\nAuthorization:Bearer {token}\n\n\0")
        .into_bytes()
}

/// The two SUBSCRIBE frames, each a message of its own.
pub(super) fn subscribe() -> [&'static [u8]; 2] {
    [
        b"SUBSCRIBE\nid:e\ndestination:/user/queue/errors\nack:auto\n\n\0",
        b"SUBSCRIBE\nid:m\ndestination:/user/queue/messages\nack:auto\nreceipt:subscribed\n\n\0",
    ]
}

/// Writes a SEND; its receipt is the sequence, so that the answer needs no table.
pub(super) fn send(payload: &Payload, size: usize, recipient: UserId, client_id: Uuid, into: &mut Vec<u8>) {
    into.clear();
    into.extend_from_slice(
        b"SEND\ndestination:/app/chat.sendMessage\ncontent-type:application/json\nreceipt:",
    );
    let _a_vec_takes_all = write!(into, "{}\n\n", payload.sequence);
    into.extend_from_slice(b"{\"recipientId\":\"");
    let mut text = Uuid::encode_buffer();
    into.extend_from_slice(recipient.0.hyphenated().encode_lower(&mut text).as_bytes());
    into.extend_from_slice(b"\",\"content\":\"");
    payload.write(size, into);
    into.extend_from_slice(b"\",\"messageType\":\"TEXT\",\"clientMessageId\":\"");
    into.extend_from_slice(client_id.hyphenated().encode_lower(&mut text).as_bytes());
    into.extend_from_slice(b"\"}\0");
}

/// A frame of a server, in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame<'a> {
    pub(super) command: &'a [u8],
    headers: &'a [u8],
    pub(super) body: &'a [u8],
}

impl<'a> Frame<'a> {
    /// The frame at the beginning of a message, and what follows it; none for heart-beats and the end.
    pub(super) fn read(mut bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        while let [b'\n' | b'\r', rest @ ..] = bytes {
            bytes = rest;
        }
        let line = memchr::memchr(b'\n', bytes)?;
        let (command, rest) = (trim(&bytes[..line]), &bytes[line + 1..]);
        let mut end = 0;
        loop {
            let line = memchr::memchr(b'\n', &rest[end..])?;
            if trim(&rest[end..end + line]).is_empty() {
                let after = &rest[end + line + 1..];
                let mut frame = Self { command, headers: &rest[..end], body: after };
                let length = match frame.header(b"content-length").and_then(number) {
                    Some(length) => usize::try_from(length).ok()?,
                    None => memchr::memchr(0, after)?,
                };
                frame.body = after.get(..length)?;
                return Some((frame, after.get(length + 1..).unwrap_or_default()));
            }
            end += line + 1;
        }
    }

    /// The first header of this name, as it stands on the wire.
    pub(super) fn header(&self, name: &[u8]) -> Option<&'a [u8]> {
        self.headers.split(|b| *b == b'\n').find_map(|line| trim(line).strip_prefix(name)?.strip_prefix(b":"))
    }

    /// The sequence that a RECEIPT answers.
    pub(super) fn sequence(&self) -> Option<u32> {
        self.header(b"receipt-id").and_then(number).and_then(|n| u32::try_from(n).ok())
    }

    /// What an ERROR says.
    pub(super) fn words(&self) -> String {
        let text = self.header(b"message").unwrap_or_default();
        format!("{} {}", String::from_utf8_lossy(text), String::from_utf8_lossy(self.body)).trim().to_owned()
    }
}

/// A number in decimal digits.
pub(super) fn number(text: &[u8]) -> Option<u64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

fn trim(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_read_in_place_one_after_the_other() {
        let bytes = b"\n\r\nRECEIPT\r\nreceipt-id:42\r\n\r\n\0\nMESSAGE\nsubscription:m\ncontent-length:5\n\na\0b\nc\0\n";
        let (receipt, rest) = Frame::read(bytes).unwrap();
        assert_eq!(
            (receipt.command, receipt.sequence(), receipt.body),
            (&b"RECEIPT"[..], Some(42), &b""[..])
        );
        let (message, rest) = Frame::read(rest).unwrap();
        assert_eq!((message.header(b"subscription"), message.body), (Some(&b"m"[..]), &b"a\0b\nc"[..]));
        assert_eq!(Frame::read(rest), None);
    }

    #[test]
    fn what_is_cut_is_no_frame() {
        let whole = b"MESSAGE\nsubscription:m\ncontent-length:5\n\nabcde\0";
        assert!(Frame::read(whole).is_some());
        for end in 0..whole.len() - 1 {
            assert_eq!(Frame::read(&whole[..end]), None, "{end}");
        }
        assert_eq!(Frame::read(b"MESSAGE\ncontent-length:18446744073709551615\n\nabc\0"), None);
    }

    #[test]
    fn a_send_is_a_draft_that_the_server_takes() {
        let payload = Payload { run: 1, sender: 2, sequence: 3, planned: 4 };
        let mut bytes = Vec::new();
        let (recipient, id) = (UserId::draw(), Uuid::now_v7());
        send(&payload, 128, recipient, id, &mut bytes);
        let (frame, rest) = Frame::read(&bytes).unwrap();
        assert!(rest.is_empty());
        assert_eq!(frame.header(b"receipt"), Some(&b"3"[..]));
        let draft: schema::Draft = serde_json::from_slice(frame.body).unwrap();
        assert!(draft.check(4096, schema::limits::METADATA_BYTES).is_ok());
        assert_eq!(draft.recipient_id, recipient.to_string());
        assert_eq!(draft.client_message_id, Some(id.to_string()));
        assert_eq!(draft.content.len(), 128);
        assert_eq!(Payload::find(frame.body), Ok(payload));
    }
}
