//! STOMP 1.2 over WebSocket of any broker: RabbitMQ, ActiveMQ, Artemis, Spring's simple broker.
//!
//! A user listens at one destination and sends to that of his peer; the body is the content and nothing else.

use super::frame::{Frame, SUBSCRIBED, each};
use super::template::Template;
use super::{Driver, Event, Framing, Me, Outbox, Outgoing, Session, Wire};
use plan::{Payload, StompBroker};
use std::fmt::Write as _;
use std::io::Write;

/// A heart-beat is written each 20 s and promised each 60 s: a broker's proxy may close a WebSocket that says nothing.
const BEAT_S: u32 = 20;
const PROMISED_MS: u32 = 60_000;

#[derive(Clone, Debug)]
pub(super) struct Broker {
    path: Template,
    host: String,
    login: Option<Template>,
    passcode: Option<String>,
    subscribe: Template,
    send: Template,
    /// Further headers, each with its line's end.
    headers: String,
    receipts: bool,
}

impl Broker {
    pub(super) fn of(run: u32, settings: &StompBroker) -> Result<Self, String> {
        let as_it_is = |setting: &str, text: &str| Template::read(setting, text, run, str::to_owned);
        let escaped = |setting: &str, text: &str| Template::read(setting, text, run, escape);
        // CONNECT knows no escapes.
        let one_line = [
            ("stomp.host", Some(&settings.host)),
            ("stomp.login", settings.login.as_ref()),
            ("stomp.passcode", settings.passcode.as_ref()),
        ];
        for (setting, text) in one_line {
            if text.is_some_and(|text| text.contains(['\n', '\r', '\0'])) {
                return Err(format!("{setting}: a header of CONNECT is one line"));
            }
        }
        if !settings.path.starts_with('/') || settings.path.contains(char::is_whitespace) {
            return Err(format!(
                "stomp.path: {:?} is no path; it begins with / and has no blanks",
                settings.path
            ));
        }
        let mut headers = String::new();
        for (name, value) in &settings.headers {
            let (name, value) = (escape(name), escape(value));
            let _a_string_takes_all = writeln!(headers, "{name}:{value}");
        }
        let broker = Self {
            path: as_it_is("stomp.path", &settings.path)?,
            host: settings.host.clone(),
            login: settings.login.as_deref().map(|login| as_it_is("stomp.login", login)).transpose()?,
            passcode: settings.passcode.clone(),
            subscribe: escaped("stomp.subscribe", &settings.subscribe)?,
            send: escaped("stomp.send", &settings.send)?,
            headers,
            receipts: settings.receipts,
        };
        for (setting, template) in [("stomp.subscribe", &broker.subscribe), ("stomp.send", &broker.send)] {
            if !template.is_personal() {
                return Err(format!("{setting}: without {{user}} or {{peer}} everybody hears everybody"));
            }
        }
        Ok(broker)
    }

    fn subscribe(&self, user: u32, out: &mut Outbox<'_>) {
        let mut frame = b"SUBSCRIBE\nid:m\ndestination:".to_vec();
        self.subscribe.write(user, &mut frame);
        frame.extend_from_slice(b"\nack:auto\n");
        frame.extend_from_slice(self.headers.as_bytes());
        if self.receipts {
            frame.extend_from_slice(b"receipt:");
            frame.extend_from_slice(SUBSCRIBED);
            frame.push(b'\n');
        }
        frame.extend_from_slice(b"\n\0");
        out.put(&frame);
    }

    fn frame(&self, me: Me<'_>, frame: Frame<'_>, out: &mut Outbox<'_>, tell: &mut dyn FnMut(Event<'_>)) {
        match frame.command {
            b"MESSAGE" => tell(Event::Received { found: Payload::read(frame.body), sequence: None }),
            b"RECEIPT" if frame.header(b"receipt-id") == Some(SUBSCRIBED) => tell(Event::Ready),
            b"RECEIPT" => {
                if let Some(sequence) = frame.sequence() {
                    tell(Event::Acknowledged(sequence));
                }
            }
            b"CONNECTED" => {
                self.subscribe(me.user, out);
                // A broker that knows no receipts says nothing when the subscription stands.
                if !self.receipts {
                    tell(Event::Ready);
                }
            }
            b"ERROR" => tell(Event::Failed(frame.words())),
            _ => {}
        }
    }
}

impl Driver for Broker {
    fn wire(&self, me: Me<'_>) -> Wire {
        let mut path = Vec::new();
        self.path.write(me.user, &mut path);
        let path = String::from_utf8_lossy(&path).into_owned();
        Wire::WebSocket { path, headers: vec![("Sec-WebSocket-Protocol", "v12.stomp".to_owned())] }
    }

    fn framing(&self) -> Framing {
        Framing::Text
    }

    fn open(&self, me: Me<'_>, _session: &mut Session, scratch: &mut Vec<u8>, out: &mut Outbox<'_>) {
        let host = &self.host;
        let _a_vec_takes_all =
            write!(scratch, "CONNECT\naccept-version:1.2,1.1\nhost:{host}\nheart-beat:{PROMISED_MS},0\n");
        if let Some(login) = &self.login {
            scratch.extend_from_slice(b"login:");
            login.write(me.user, scratch);
            scratch.push(b'\n');
        }
        if let Some(passcode) = &self.passcode {
            let _a_vec_takes_all = writeln!(scratch, "passcode:{passcode}");
        }
        scratch.extend_from_slice(b"\n\0");
        out.put(scratch);
    }

    fn take(
        &self,
        me: Me<'_>,
        message: &[u8],
        _session: &mut Session,
        out: &mut Outbox<'_>,
        tell: &mut dyn FnMut(Event<'_>),
    ) {
        each(message, |frame| self.frame(me, frame, out, tell));
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
        scratch.extend_from_slice(b"SEND\ndestination:");
        self.send.write(me.user, scratch);
        scratch.extend_from_slice(b"\ncontent-type:text/plain\n");
        scratch.extend_from_slice(self.headers.as_bytes());
        if self.receipts {
            let _a_vec_takes_all = writeln!(scratch, "receipt:{}", message.payload.sequence);
        }
        scratch.push(b'\n');
        message.payload.write(message.bytes, scratch);
        scratch.push(0);
        out.put(scratch);
    }

    fn heartbeat(&self) -> Option<(u32, &'static [u8])> {
        Some((BEAT_S, b"\n"))
    }

    fn close(&self, out: &mut Outbox<'_>) {
        out.put(b"DISCONNECT\n\n\0");
    }
}

/// A header text as STOMP 1.2 writes it.
fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\r', "\\r").replace('\n', "\\n").replace(':', "\\c")
}

#[cfg(test)]
mod tests;
