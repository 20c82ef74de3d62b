//! What the null server says in STOMP: as much, and in the same form and size, as chatd says to a chat client.

use super::frames;
use crate::driver::frame::Frame;
use crate::websocket::TEXT;
use std::io::Write;

/// Who a CONNECT says it is.
pub(super) fn identify(message: &[u8]) -> Option<u32> {
    let (frame, _) = Frame::read(message).filter(|(frame, _)| frame.command == b"CONNECT")?;
    let token = frame.header(b"Authorization")?.strip_prefix(b"Bearer ")?;
    super::user(std::str::from_utf8(token).ok()?)
}

pub(super) fn connected(into: &mut Vec<u8>) {
    frames::write(TEXT, b"CONNECTED\nversion:1.2\nheart-beat:0,0\n\n\0", into);
}

pub(super) fn error(words: &str, into: &mut Vec<u8>) {
    frames::write(TEXT, format!("ERROR\nmessage:{words}\n\n\0").as_bytes(), into);
}

/// Answers the frames of one message: receipts to `own`, what is for the peer to `peer`. `sequence` counts the messages
/// of the pair.
pub(super) fn take(user: u32, mut message: &[u8], sequence: &mut u64, own: &mut Vec<u8>, peer: &mut Vec<u8>) {
    while let Some((frame, rest)) = Frame::read(message) {
        message = rest;
        if frame.command == b"SEND" && frame.header(b"destination") == Some(b"/app/chat.sendMessage") {
            if !is_for_peer(user, frame.body) {
                error("the null server forwards within a pair only", own);
                continue;
            }
            *sequence += 1;
            forward(user, frame.body, *sequence, peer);
        }
        if let Some(receipt) = frame.header(b"receipt") {
            let mut words = b"RECEIPT\nreceipt-id:".to_vec();
            words.extend_from_slice(receipt);
            words.extend_from_slice(b"\n\n\0");
            frames::write(TEXT, &words, own);
        }
    }
}

fn is_for_peer(user: u32, draft: &[u8]) -> bool {
    const KEY: &[u8] = b"\"recipientId\":\"";
    let id =
        memchr::memmem::find(draft, KEY).and_then(|key| draft.get(key + KEY.len()..key + KEY.len() + 36));
    let id = id.and_then(|id| std::str::from_utf8(id).ok());
    id.and_then(super::user) == Some(user ^ 1)
}

/// A MESSAGE with the draft's fields and those that a server adds.
fn forward(user: u32, draft: &[u8], sequence: u64, into: &mut Vec<u8>) {
    let fields = draft.strip_prefix(b"{").and_then(|rest| rest.strip_suffix(b"}")).unwrap_or_default();
    let mut body = Vec::with_capacity(fields.len() + 320);
    let _a_vec_takes_all = write!(
        body,
        "{{\"messageId\":\"00000000-0000-8000-8000-{sequence:012x}\",\
         \"conversationId\":\"00000000-0000-8000-8000-{:012x}\",\"sequence\":{sequence},\"senderId\":\"{}\",",
        user / 2,
        uuid::Uuid::from_u128(super::USERS | u128::from(user)),
    );
    body.extend_from_slice(fields);
    body.extend_from_slice(b",\"timestamp\":\"2026-01-01T00:00:00.000Z\",\"status\":\"SENT\"}");
    let mut words = Vec::with_capacity(body.len() + 200);
    let _a_vec_takes_all = write!(
        words,
        "MESSAGE\nsubscription:m\ndestination:/user/queue/messages\nmessage-id:{sequence}\n\
         cursor:{sequence:040x}\ncontent-type:application/json\ncontent-length:{}\n\n",
        body.len(),
    );
    words.extend_from_slice(&body);
    words.push(0);
    frames::write(TEXT, &words, into);
}
