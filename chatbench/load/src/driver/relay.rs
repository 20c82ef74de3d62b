//! The bare relay of [`crate::relay`]: a message is its recipient in 8 hexadecimal digits and the content.

use super::{Driver, Event, Framing, Me, Outbox, Outgoing, Session, Wire};
use plan::Payload;
use std::io::Write;

/// The server's first message: from now on what is sent to the user reaches him.
pub(crate) const GREETING: &[u8] = b"+";

#[derive(Clone, Copy, Debug)]
pub(super) struct Relay;

impl Driver for Relay {
    fn wire(&self, me: Me<'_>) -> Wire {
        Wire::WebSocket { path: format!("/relay/{}", me.user), headers: Vec::new() }
    }

    fn framing(&self) -> Framing {
        Framing::Text
    }

    fn open(&self, _me: Me<'_>, _session: &mut Session, _scratch: &mut Vec<u8>, _out: &mut Outbox<'_>) {}

    fn take(
        &self,
        _me: Me<'_>,
        message: &[u8],
        _session: &mut Session,
        _out: &mut Outbox<'_>,
        tell: &mut dyn FnMut(Event<'_>),
    ) {
        tell(match message {
            GREETING => Event::Ready,
            content => Event::Received { found: Payload::read(content), sequence: None },
        });
    }

    fn send(
        &self,
        me: Me<'_>,
        message: &Outgoing,
        _session: &mut Session,
        scratch: &mut Vec<u8>,
        out: &mut Outbox<'_>,
    ) {
        let _a_vec_takes_all = write!(scratch, "{:08x}", me.user ^ 1);
        message.payload.write(message.bytes, scratch);
        out.put(scratch);
    }
}

#[cfg(test)]
mod tests {
    use crate::driver::bench::{self, Bench};
    use plan::{Payload, Protocol};

    #[test]
    fn a_message_names_the_peer_and_comes_without_the_name() {
        let mut bench = Bench::of(&bench::plan(Protocol::Relay));
        assert!(bench.open().iter().all(Vec::is_empty));
        assert_eq!(bench.take(b"+").1, ["Ready"]);
        let outgoing = bench::outgoing(2);
        let sent = bench.send(&outgoing);
        assert_eq!(&sent[0][..8], b"00000001");
        assert_eq!(Payload::read(&sent[0][8..]), Ok(outgoing.payload));
        let told = &bench.take(&sent[0][8..]).1[0];
        assert!(told.contains(&format!("{:?}", outgoing.payload)), "{told}");
        assert_eq!(bench.take(b"nonsense").1, ["Received { found: Err(Corrupt), sequence: None }"]);
    }
}
