//! The seam between the loop and a protocol: bytes in, bytes and events out, no I/O and no clock.
//!
//! A driver is one value for all connections of a process; what differs from connection to connection is in the small
//! [`Session`]. The loop owns the socket, the framing of WebSocket and the time; the driver owns what the bytes mean. The same
//! schedule and ledger so drive any server.

#[cfg(test)]
pub(crate) mod bench;
mod broker;
pub(crate) mod chatd;
mod check;
pub(crate) mod frame;
mod mqtt;
pub(crate) mod relay;
mod sockjs;
mod template;

use crate::websocket;
use plan::{Account, Corrupt, Payload, Plan, Protocol, Transport};
use uuid::Uuid;

/// The driver that a plan's protocol asks for.
///
/// # Errors
/// What the plan wants of a server that its protocol does not have.
pub fn of(plan: &Plan) -> Result<Box<dyn Driver>, String> {
    check::check(plan)?;
    Ok(match &plan.protocol {
        Protocol::Chatd { transport: Transport::Websocket | Transport::Rest } => {
            Box::new(chatd::Chatd::of(plan))
        }
        Protocol::Chatd { transport: Transport::Sockjs } => Box::new(sockjs::Sockjs(chatd::Chatd::of(plan))),
        Protocol::Stomp(settings) => Box::new(broker::Broker::of(plan.run, settings)?),
        Protocol::Mqtt(settings) => Box::new(mqtt::Mqtt::of(plan.run, settings)?),
        Protocol::Relay => Box::new(relay::Relay),
    })
}

/// What carries a driver's messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wire {
    /// A WebSocket at this path, after an upgrade with these headers beside the usual ones.
    WebSocket { path: String, headers: Vec<(&'static str, String)> },
    /// A TCP connection; [`Driver::cut`] finds the borders.
    Tcp,
}

/// What a connection remembers for its driver. Small: there are 100,000.
#[derive(Clone, Copy, Debug, Default)]
pub struct Session {
    /// The driver's own: how far the handshake is.
    pub step: u8,
    /// Sequence of the user's latest send, for protocols whose acknowledgements carry a short number.
    pub latest: u32,
}

/// Who a connection is.
#[derive(Clone, Copy, Debug)]
pub struct Me<'a> {
    /// Number in the run; the peer is `user ^ 1`.
    pub user: u32,
    pub account: &'a Account,
    pub peer: &'a Account,
    /// Host and port of the target.
    pub authority: &'a str,
}

/// A message that is due.
#[derive(Clone, Copy, Debug)]
pub struct Outgoing {
    pub payload: Payload,
    pub bytes: usize,
    pub client_id: Uuid,
}

/// What the bytes of a server mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// Connected and subscribed: what is sent to this user from now on is owed to him.
    Ready,
    /// The send with this sequence was acknowledged.
    Acknowledged(u32),
    /// It was refused, and must not be stored; `limited` by a rate limit.
    Refused { sequence: u32, code: &'a str, limited: bool },
    /// An error that leaves open what became of a send.
    Doubtful { code: &'a str },
    /// A message for this user, with its sequence in the conversation where the server gives one.
    Received { found: Result<Payload, Corrupt>, sequence: Option<u64> },
    /// The peer has seen this user's messages up to this sequence of the conversation.
    Seen { up_to: u64 },
    /// A typing notice or a presence change of the peer.
    Noticed,
    /// The server will not go on with this connection, in its words.
    Failed(String),
}

/// Where a driver puts what is to be written.
#[derive(Debug)]
pub struct Outbox<'a> {
    framing: Framing,
    bytes: &'a mut Vec<u8>,
}

/// What is put around each message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// A masked WebSocket text message.
    Text,
    /// A masked WebSocket binary message.
    Binary,
    /// A masked WebSocket text message that holds a SockJS array.
    Sockjs,
    /// Nothing.
    Raw,
}

impl<'a> Outbox<'a> {
    #[must_use]
    pub fn new(framing: Framing, bytes: &'a mut Vec<u8>) -> Self {
        Self { framing, bytes }
    }

    /// One message.
    pub fn put(&mut self, message: &[u8]) {
        match self.framing {
            Framing::Text => websocket::write(websocket::TEXT, message, websocket::mask(), self.bytes),
            Framing::Binary => websocket::write(websocket::BINARY, message, websocket::mask(), self.bytes),
            Framing::Sockjs => {
                let array = sockjs::array(message);
                websocket::write(websocket::TEXT, array.as_bytes(), websocket::mask(), self.bytes);
            }
            Framing::Raw => self.bytes.extend_from_slice(message),
        }
    }
}

/// A protocol. `scratch` parameters are buffers of the thread, empty when they are lent.
pub trait Driver: Send + Sync {
    /// How this user's bytes travel.
    fn wire(&self, me: Me<'_>) -> Wire;

    /// How messages are framed.
    fn framing(&self) -> Framing;

    /// The connection stands (and is upgraded): the first words.
    fn open(&self, me: Me<'_>, session: &mut Session, scratch: &mut Vec<u8>, out: &mut Outbox<'_>);

    /// Bytes of the first whole packet in `bytes`, for [`Wire::Tcp`]; none while it is not all there.
    ///
    /// # Errors
    /// What is wrong with it: the connection ends.
    fn cut(&self, bytes: &[u8]) -> Result<Option<usize>, &'static str> {
        Ok(Some(bytes.len()))
    }

    /// One WebSocket message or packet from the server. Answers go to `out`, meaning to `tell`.
    fn take(
        &self,
        me: Me<'_>,
        message: &[u8],
        session: &mut Session,
        out: &mut Outbox<'_>,
        tell: &mut dyn FnMut(Event<'_>),
    );

    /// Writes a message to the peer. A repeat is the same bytes.
    fn send(
        &self,
        me: Me<'_>,
        message: &Outgoing,
        session: &mut Session,
        scratch: &mut Vec<u8>,
        out: &mut Outbox<'_>,
    );

    /// Writes the mark that the peer's messages were seen up to a sequence of the conversation; nothing where the protocol has none.
    fn seen(&self, _me: Me<'_>, _up_to: u64, _scratch: &mut Vec<u8>, _out: &mut Outbox<'_>) {}

    /// Writes a typing notice.
    fn typing(&self, _me: Me<'_>, _scratch: &mut Vec<u8>, _out: &mut Outbox<'_>) {}

    /// Writes a presence change.
    fn presence(&self, _me: Me<'_>, _online: bool, _scratch: &mut Vec<u8>, _out: &mut Outbox<'_>) {}

    /// What to put, as a message like any other, on an idle connection each so many seconds; none: nothing.
    fn heartbeat(&self) -> Option<(u32, &'static [u8])> {
        None
    }

    /// Good-bye, before the connection is closed on purpose.
    fn close(&self, _out: &mut Outbox<'_>) {}
}
