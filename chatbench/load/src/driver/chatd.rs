//! chatd's own STOMP: its destinations, a receipt for each send whose id is the sequence, its problems.
//!
//! Built by hand into one buffer: generator and server share the machine.

use super::frame::{Frame, SUBSCRIBED, each, number};
use super::{Driver, Event, Framing, Me, Outbox, Outgoing, Session, Wire};
use memchr::memmem;
use plan::{Payload, Plan};
use schema::api::{Problem, StatusUpdate};
use schema::{Code, MessageStatus, UserId};
use std::io::Write;
use uuid::Uuid;

/// How far a connection is ([`Session::step`]).
const READY: u8 = 1;

/// Subscriptions are told apart by one letter.
const ERRORS: u8 = b'e';
const MESSAGES: u8 = b'm';
const STATUS: u8 = b's';
const TYPING: u8 = b't';
const PRESENCE: u8 = b'p';

/// The driver; what nobody uses is not subscribed to, because every subscription costs the server something.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chatd {
    status: bool,
    typing: bool,
    presence: bool,
}

impl Chatd {
    pub(super) fn of(plan: &Plan) -> Self {
        let behaviour = &plan.behaviour;
        Self {
            status: behaviour.seen_share > 0.0,
            typing: behaviour.typing_rate > 0.0,
            presence: behaviour.presence_rate > 0.0,
        }
    }

    /// The last one asks for the receipt that makes the user ready: the server takes frames in order.
    fn subscribe(self, me: Me<'_>, out: &mut Outbox<'_>) {
        out.put(b"SUBSCRIBE\nid:e\ndestination:/user/queue/errors\nack:auto\n\n\0");
        if self.status {
            out.put(b"SUBSCRIBE\nid:s\ndestination:/user/queue/message-status\nack:auto\n\n\0");
        }
        if self.typing {
            out.put(b"SUBSCRIBE\nid:t\ndestination:/user/queue/typing\nack:auto\n\n\0");
        }
        if self.presence {
            let peer = me.peer.id;
            let frame = format!("SUBSCRIBE\nid:p\ndestination:/topic/presence.{peer}\nack:auto\n\n\0");
            out.put(frame.as_bytes());
        }
        out.put(b"SUBSCRIBE\nid:m\ndestination:/user/queue/messages\nack:auto\nreceipt:subscribed\n\n\0");
    }

    fn frame(
        self,
        me: Me<'_>,
        frame: Frame<'_>,
        session: &mut Session,
        out: &mut Outbox<'_>,
        tell: &mut dyn FnMut(Event<'_>),
    ) {
        match frame.command {
            b"MESSAGE" => match frame.header(b"subscription") {
                Some([ERRORS]) => refused(frame.body, tell),
                Some([STATUS]) => seen(me, frame.body, tell),
                Some([TYPING | PRESENCE]) => tell(Event::Noticed),
                Some([MESSAGES]) => tell(received(frame.body)),
                // A frame for a subscription that nobody made: whatever it holds is not for this user.
                _ => tell(Event::Received { found: Err(plan::Corrupt), sequence: None }),
            },
            b"RECEIPT" if frame.header(b"receipt-id") == Some(SUBSCRIBED) => {
                session.step = READY;
                tell(Event::Ready);
            }
            b"RECEIPT" => {
                if let Some(sequence) = frame.sequence() {
                    tell(Event::Acknowledged(sequence));
                }
            }
            b"CONNECTED" => self.subscribe(me, out),
            b"ERROR" => tell(Event::Failed(frame.words())),
            _ => {}
        }
    }
}

impl Driver for Chatd {
    fn wire(&self, _me: Me<'_>) -> Wire {
        Wire::WebSocket { path: "/ws/websocket".to_owned(), headers: Vec::new() }
    }

    fn framing(&self) -> Framing {
        Framing::Text
    }

    /// No heart-beats: the load itself, and the server's pings, show that both ends live.
    fn open(&self, me: Me<'_>, _session: &mut Session, scratch: &mut Vec<u8>, out: &mut Outbox<'_>) {
        let (host, token) = (me.authority, &me.account.token);
        scratch.extend_from_slice(b"CONNECT\naccept-version:1.2\nhost:");
        scratch.extend_from_slice(host.as_bytes());
        scratch.extend_from_slice(b"\nheart-beat:0,0\nAuthorization:Bearer ");
        scratch.extend_from_slice(token.as_bytes());
        scratch.extend_from_slice(b"\n\n\0");
        out.put(scratch);
    }

    fn take(
        &self,
        me: Me<'_>,
        message: &[u8],
        session: &mut Session,
        out: &mut Outbox<'_>,
        tell: &mut dyn FnMut(Event<'_>),
    ) {
        each(message, |frame| self.frame(me, frame, session, out, tell));
    }

    fn send(
        &self,
        me: Me<'_>,
        message: &Outgoing,
        session: &mut Session,
        scratch: &mut Vec<u8>,
        out: &mut Outbox<'_>,
    ) {
        session.latest = session.latest.max(message.payload.sequence);
        scratch.extend_from_slice(
            b"SEND\ndestination:/app/chat.sendMessage\ncontent-type:application/json\nreceipt:",
        );
        let _a_vec_takes_all = write!(scratch, "{}\n\n", message.payload.sequence);
        draft(message, me.peer.id, scratch);
        scratch.push(0);
        out.put(scratch);
    }

    fn seen(&self, me: Me<'_>, up_to: u64, scratch: &mut Vec<u8>, out: &mut Outbox<'_>) {
        let peer = me.peer.id;
        let _a_vec_takes_all = write!(
            scratch,
            "SEND\ndestination:/app/chat.seen\ncontent-type:application/json\n\n{{\"peerId\":\"{peer}\",\"upTo\":{up_to}}}\0"
        );
        out.put(scratch);
    }

    fn typing(&self, me: Me<'_>, scratch: &mut Vec<u8>, out: &mut Outbox<'_>) {
        let peer = me.peer.id;
        let _a_vec_takes_all = write!(
            scratch,
            "SEND\ndestination:/app/chat.typing\ncontent-type:application/json\n\n{{\"peerId\":\"{peer}\",\"typing\":true}}\0"
        );
        out.put(scratch);
    }

    fn presence(&self, _me: Me<'_>, online: bool, scratch: &mut Vec<u8>, out: &mut Outbox<'_>) {
        let status = if online { "ONLINE" } else { "AWAY" };
        let _a_vec_takes_all = write!(
            scratch,
            "SEND\ndestination:/app/presence.update\ncontent-type:application/json\n\n{{\"status\":\"{status}\"}}\0"
        );
        out.put(scratch);
    }
}

/// Appends the body of a send, the same by STOMP and by REST.
pub(crate) fn draft(message: &Outgoing, recipient: UserId, into: &mut Vec<u8>) {
    let mut text = Uuid::encode_buffer();
    into.extend_from_slice(b"{\"recipientId\":\"");
    into.extend_from_slice(recipient.0.hyphenated().encode_lower(&mut text).as_bytes());
    into.extend_from_slice(b"\",\"content\":\"");
    message.payload.write(message.bytes, into);
    into.extend_from_slice(b"\",\"messageType\":\"TEXT\",\"clientMessageId\":\"");
    into.extend_from_slice(message.client_id.hyphenated().encode_lower(&mut text).as_bytes());
    into.extend_from_slice(b"\"}");
}

/// Whether a problem leaves open what became of a send.
pub(crate) fn is_doubtful(code: Code) -> bool {
    matches!(code, Code::OutcomeUnknown | Code::Internal)
}

fn received(body: &[u8]) -> Event<'static> {
    Event::Received { found: Payload::find(body), sequence: sequence(body) }
}

/// The sequence in a message's JSON, found as [`Payload::find`] finds the content: contents hold no quotes.
fn sequence(json: &[u8]) -> Option<u64> {
    const KEY: &[u8] = b"\"sequence\":";
    let digits = &json[memmem::find(json, KEY)? + KEY.len()..];
    let end = digits.iter().position(|byte| !byte.is_ascii_digit())?;
    number(&digits[..end])
}

/// A problem on the error queue: what may have been stored all the same stays unanswered.
fn refused(body: &[u8], tell: &mut dyn FnMut(Event<'_>)) {
    let Ok(problem) = serde_json::from_slice::<Problem>(body) else {
        return tell(Event::Doubtful { code: "unreadable" });
    };
    let code = problem.code.as_str();
    let sequence = problem.receipt.and_then(|receipt| receipt.parse().ok());
    tell(match sequence.filter(|_| !is_doubtful(problem.code)) {
        Some(sequence) => Event::Refused { sequence, code, limited: problem.code == Code::RateLimited },
        None => Event::Doubtful { code },
    });
}

/// A change of status; only that the peer has seen something is of interest.
fn seen(me: Me<'_>, body: &[u8], tell: &mut dyn FnMut(Event<'_>)) {
    // Most are SENT and DELIVERED: don't parse those.
    if memmem::find(body, b"\"SEEN\"").is_none() {
        return;
    }
    if let Ok(update) = serde_json::from_slice::<StatusUpdate>(body)
        && update.status == MessageStatus::Seen
        && update.user_id.is_none_or(|user| user == me.peer.id)
    {
        tell(Event::Seen { up_to: update.up_to });
    }
}

#[cfg(test)]
mod tests;
