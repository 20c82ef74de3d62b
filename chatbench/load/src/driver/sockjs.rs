//! SockJS over its websocket transport, around any driver: `o`, `h`, `a[...]` and `c[...]` in, `[...]` out.

use super::{Driver, Event, Framing, Me, Outbox, Outgoing, Session, Wire};
use schema::wire::sockjs::{self, Frame};

/// A driver whose messages travel in SockJS frames; its path is SockJS's own.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sockjs<D>(pub(super) D);

/// A message as a client writes it: an array of one string.
pub(super) fn array(message: &[u8]) -> String {
    let mut array = sockjs::array(&String::from_utf8_lossy(message));
    // A server's has a letter before it.
    array.remove(0);
    array
}

impl<D: Driver> Driver for Sockjs<D> {
    /// A server of three digits and a session that nobody else has, drawn anew for each connection.
    fn wire(&self, me: Me<'_>) -> Wire {
        let headers = match self.0.wire(me) {
            Wire::WebSocket { headers, .. } => headers,
            Wire::Tcp => Vec::new(),
        };
        let path =
            format!("/ws/{:03}/{:x}-{:016x}/websocket", me.user % 1000, me.user, rand::random::<u64>());
        Wire::WebSocket { path, headers }
    }

    fn framing(&self) -> Framing {
        Framing::Sockjs
    }

    /// The server speaks first.
    fn open(&self, _me: Me<'_>, _session: &mut Session, _scratch: &mut Vec<u8>, _out: &mut Outbox<'_>) {}

    fn take(
        &self,
        me: Me<'_>,
        message: &[u8],
        session: &mut Session,
        out: &mut Outbox<'_>,
        tell: &mut dyn FnMut(Event<'_>),
    ) {
        match std::str::from_utf8(message).map(Frame::parse) {
            Ok(Ok(Frame::Open)) => self.0.open(me, session, &mut Vec::new(), out),
            Ok(Ok(Frame::Heartbeat)) => {}
            Ok(Ok(Frame::Messages(messages))) => {
                messages.iter().for_each(|one| self.0.take(me, one.as_bytes(), session, out, tell));
            }
            Ok(Ok(Frame::Close(code, reason))) => tell(Event::Failed(format!("close {code} {reason}"))),
            Ok(Err(_)) | Err(_) => tell(Event::Failed("no SockJS frame".to_owned())),
        }
    }

    fn send(
        &self,
        me: Me<'_>,
        message: &Outgoing,
        session: &mut Session,
        scratch: &mut Vec<u8>,
        out: &mut Outbox<'_>,
    ) {
        self.0.send(me, message, session, scratch, out);
    }

    fn seen(&self, me: Me<'_>, up_to: u64, scratch: &mut Vec<u8>, out: &mut Outbox<'_>) {
        self.0.seen(me, up_to, scratch, out);
    }

    fn typing(&self, me: Me<'_>, scratch: &mut Vec<u8>, out: &mut Outbox<'_>) {
        self.0.typing(me, scratch, out);
    }

    fn presence(&self, me: Me<'_>, online: bool, scratch: &mut Vec<u8>, out: &mut Outbox<'_>) {
        self.0.presence(me, online, scratch, out);
    }

    fn heartbeat(&self) -> Option<(u32, &'static [u8])> {
        self.0.heartbeat()
    }

    fn close(&self, out: &mut Outbox<'_>) {
        self.0.close(out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::bench::{self, Bench};
    use crate::driver::frame;
    use plan::{Payload, Protocol, Transport};

    fn bench() -> Bench {
        Bench::of(&bench::plan(Protocol::Chatd { transport: Transport::Sockjs }))
    }

    /// The one STOMP frame in a message of a client.
    fn stomp(message: &[u8]) -> String {
        sockjs::decode(message, 100_000).unwrap()
    }

    #[test]
    fn the_server_opens_and_then_stomp_goes_on_in_arrays() {
        let mut bench = bench();
        assert!(bench.open().iter().all(Vec::is_empty));
        let (words, _) = bench.take(b"o");
        assert!(stomp(&words[0]).starts_with("CONNECT\naccept-version:1.2\n"));
        assert!(stomp(&words[0]).ends_with("\n\n\0"));
        let (words, events) = bench.take(sockjs::array("CONNECTED\nversion:1.2\n\n\0").as_bytes());
        assert_eq!((words.len(), events.len()), (2, 0));
        let receipt = sockjs::array("RECEIPT\nreceipt-id:subscribed\n\n\0");
        assert_eq!(bench.take(receipt.as_bytes()).1, ["Ready"]);
        assert!(bench.take(b"h").1.is_empty());
        assert_eq!(bench.take(br#"c[3000,"Go away!"]"#).1, [r#"Failed("close 3000 Go away!")"#]);
        assert_eq!(bench.take(b"x").1, [r#"Failed("no SockJS frame")"#]);
    }

    #[test]
    fn each_message_of_an_array_is_taken_and_a_send_survives_the_escapes() {
        let mut bench = bench();
        let outgoing = bench::outgoing(6);
        let sent = bench.send(&outgoing);
        let text = stomp(&sent[0]);
        let (frame, _) = frame::Frame::read(text.as_bytes()).unwrap();
        assert_eq!(Payload::find(frame.body), Ok(outgoing.payload));
        let mut batch = sockjs::Batch::default();
        batch.push("RECEIPT\nreceipt-id:6\n\n\0");
        let body = std::str::from_utf8(frame.body).unwrap();
        batch.push(&format!("MESSAGE\nsubscription:m\n\n{body}\0"));
        let events = bench.take(batch.take().unwrap().as_bytes()).1;
        let received = Event::Received { found: Ok(outgoing.payload), sequence: None };
        assert_eq!(events, ["Acknowledged(6)".to_owned(), format!("{received:?}")]);
    }

    #[test]
    fn each_connection_has_a_session_of_its_own() {
        let bench = bench();
        let path = || match bench.driver.wire(bench.me()) {
            Wire::WebSocket { path, .. } => path,
            Wire::Tcp => panic!("no websocket"),
        };
        assert_ne!(path(), path());
        assert!(path().starts_with("/ws/000/0-") && path().ends_with("/websocket"));
    }
}
