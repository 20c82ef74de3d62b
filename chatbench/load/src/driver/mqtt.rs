//! MQTT 3.1.1 over TCP, QoS 1 both ways: Mosquitto, RabbitMQ, EMQX.
//!
//! A user subscribes to a topic of his own and publishes to his peer's; the payload is the content. The packet identifier
//! of a publish is made of its sequence, so that PUBACK needs no table. A broker that leaves Nagle's algorithm on shows 40 ms
//! in its latencies: Mosquitto wants `set_tcp_nodelay true`.

use super::template::Template;
use super::{Driver, Event, Framing, Me, Outbox, Outgoing, Session, Wire};
use plan::{MqttBroker, Payload};

/// The kinds of packets (MQTT 3.1.1, section 2.2.1), with the flags that each must have.
const CONNECT: u8 = 0x10;
const CONNACK: u8 = 0x20;
const PUBLISH: u8 = 0x30;
const PUBLISH_QOS_1: u8 = 0x32;
const PUBACK: u8 = 0x40;
const SUBSCRIBE: u8 = 0x82;
const SUBACK: u8 = 0x90;
const PINGRESP: u8 = 0xd0;
const PINGREQ: &[u8] = &[0xc0, 0];
const DISCONNECT: &[u8] = &[0xe0, 0];

/// Silence that the broker is to endure, and how often a ping breaks it, in seconds.
const KEEP_ALIVE_S: u16 = 60;
const PING_S: u32 = 20;
/// Publishes take the identifiers 1 to this one in turn; the last of all is the subscription's.
const IDS: u32 = 65_534;
const SUBSCRIPTION: u16 = u16::MAX;
/// Bytes of the largest packet that is taken.
const PACKET_BYTES: usize = 4 * schema::limits::FRAME_BYTES;

#[derive(Clone, Debug)]
pub(super) struct Mqtt {
    run: u32,
    username: Option<Template>,
    password: Option<String>,
    subscribe: Template,
    publish: Template,
}

impl Mqtt {
    pub(super) fn of(run: u32, settings: &MqttBroker) -> Result<Self, String> {
        let read = |setting: &str, text: &str| Template::read(setting, text, run, str::to_owned);
        if settings.password.is_some() && settings.username.is_none() {
            return Err("mqtt.password: MQTT 3.1.1 takes none without mqtt.username".to_owned());
        }
        let mqtt = Self {
            run,
            username: settings.username.as_deref().map(|name| read("mqtt.username", name)).transpose()?,
            password: settings.password.clone(),
            subscribe: read("mqtt.subscribe", &settings.subscribe)?,
            publish: read("mqtt.publish", &settings.publish)?,
        };
        for (setting, template) in [("mqtt.subscribe", &mqtt.subscribe), ("mqtt.publish", &mqtt.publish)] {
            if !template.is_personal() {
                return Err(format!("{setting}: without {{user}} or {{peer}} everybody hears everybody"));
            }
        }
        if settings.publish.contains(['+', '#']) {
            return Err("mqtt.publish: a topic to publish to has no + and no #".to_owned());
        }
        Ok(mqtt)
    }

    fn subscription(&self, user: u32) -> Vec<u8> {
        let mut body = SUBSCRIPTION.to_be_bytes().to_vec();
        text(&mut body, |body| self.subscribe.write(user, body));
        body.push(1);
        packet(SUBSCRIBE, &body)
    }
}

impl Driver for Mqtt {
    fn wire(&self, _me: Me<'_>) -> Wire {
        Wire::Tcp
    }

    fn framing(&self) -> Framing {
        Framing::Raw
    }

    /// A clean session under a client id of the run and the user, at most 17 characters: every broker takes 23.
    fn open(&self, me: Me<'_>, _session: &mut Session, _scratch: &mut Vec<u8>, out: &mut Outbox<'_>) {
        let flags = 2
            | if self.username.is_some() { 0x80 } else { 0 }
            | if self.password.is_some() { 0x40 } else { 0 };
        let mut body = b"\0\x04MQTT\x04".to_vec();
        body.push(flags);
        body.extend_from_slice(&KEEP_ALIVE_S.to_be_bytes());
        let id = format!("b{:08x}{:x}", self.run, me.user);
        text(&mut body, |body| body.extend_from_slice(id.as_bytes()));
        if let Some(username) = &self.username {
            text(&mut body, |body| username.write(me.user, body));
        }
        if let Some(password) = &self.password {
            text(&mut body, |body| body.extend_from_slice(password.as_bytes()));
        }
        out.put(&packet(CONNECT, &body));
    }

    fn cut(&self, bytes: &[u8]) -> Result<Option<usize>, &'static str> {
        let head = head(bytes)?;
        Ok(head.map(|(start, length)| start + length).filter(|end| *end <= bytes.len()))
    }

    fn take(
        &self,
        me: Me<'_>,
        message: &[u8],
        session: &mut Session,
        out: &mut Outbox<'_>,
        tell: &mut dyn FnMut(Event<'_>),
    ) {
        let Ok(Some((start, length))) = head(message) else { return };
        let kind = message[0];
        match (kind & 0xf0, message.get(start..start + length).unwrap_or_default()) {
            (CONNACK, [_, 0]) => out.put(&self.subscription(me.user)),
            (CONNACK, [_, code]) => tell(Event::Failed(format!("connection refused: {}", reason(*code)))),
            (SUBACK, [_, _, 0x80]) => tell(Event::Failed("subscription refused".to_owned())),
            (SUBACK, [_, _, _]) => tell(Event::Ready),
            (PUBACK, [a, b]) => {
                if let Some(sequence) = sequence(u16::from_be_bytes([*a, *b]), session.latest) {
                    tell(Event::Acknowledged(sequence));
                }
            }
            (PUBLISH, body) => match publish(kind, body) {
                Some((id, content)) => {
                    if let Some([a, b]) = id {
                        out.put(&[PUBACK, 2, a, b]);
                    }
                    tell(Event::Received { found: Payload::read(content), sequence: None });
                }
                None => tell(Event::Failed("a PUBLISH that is cut".to_owned())),
            },
            (PINGRESP, []) => {}
            _ => tell(Event::Failed(format!("an unexpected packet of kind {:#x}", kind >> 4))),
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
        let sequence = message.payload.sequence;
        session.latest = session.latest.max(sequence);
        text(scratch, |scratch| self.publish.write(me.user, scratch));
        scratch.extend_from_slice(&((sequence % IDS) as u16 + 1).to_be_bytes());
        message.payload.write(message.bytes, scratch);
        let mut head = Vec::with_capacity(5);
        begin(PUBLISH_QOS_1, scratch.len(), &mut head);
        out.put(&head);
        out.put(scratch);
    }

    fn heartbeat(&self) -> Option<(u32, &'static [u8])> {
        Some((PING_S, PINGREQ))
    }

    fn close(&self, out: &mut Outbox<'_>) {
        out.put(DISCONNECT);
    }
}

/// Kind and length of a packet, before its body.
fn begin(kind: u8, mut length: usize, into: &mut Vec<u8>) {
    into.push(kind);
    loop {
        let byte = (length & 0x7f) as u8;
        length >>= 7;
        if length == 0 {
            return into.push(byte);
        }
        into.push(byte | 0x80);
    }
}

fn packet(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(body.len() + 5);
    begin(kind, body.len(), &mut bytes);
    bytes.extend_from_slice(body);
    bytes
}

/// Where a packet's body begins and how long it is, once that can be told.
fn head(bytes: &[u8]) -> Result<Option<(usize, usize)>, &'static str> {
    let mut length = 0;
    for (number, byte) in bytes.iter().skip(1).take(4).enumerate() {
        length |= usize::from(byte & 0x7f) << (7 * number);
        if length > PACKET_BYTES {
            return Err("an MQTT packet too large");
        }
        if byte & 0x80 == 0 {
            return Ok(Some((number + 2, length)));
        }
    }
    if bytes.len() >= 5 { Err("an MQTT packet with a bad length") } else { Ok(None) }
}

/// Appends a text behind its length; topics and names are far below 64 KiB.
fn text(into: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let start = into.len();
    into.extend_from_slice(&[0, 0]);
    write(into);
    let length = u16::try_from(into.len() - start - 2).unwrap_or(u16::MAX);
    into[start..start + 2].copy_from_slice(&length.to_be_bytes());
}

/// Identifier, with QoS 1, and content of a PUBLISH.
fn publish(kind: u8, body: &[u8]) -> Option<(Option<[u8; 2]>, &[u8])> {
    let (length, rest) = body.split_first_chunk::<2>()?;
    let (_topic, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
    if kind & 0x06 == 0 {
        return Some((None, rest));
    }
    let (id, content) = rest.split_first_chunk::<2>()?;
    Some((Some(*id), content))
}

/// The latest sequence, up to `latest`, that was sent under this identifier.
fn sequence(id: u16, latest: u32) -> Option<u32> {
    let place = u32::from(id).checked_sub(1).filter(|place| *place < IDS)?;
    let (round, latest_place) = (latest - latest % IDS, latest % IDS);
    let round = if place > latest_place { round.checked_sub(IDS)? } else { round };
    Some(round + place)
}

fn reason(code: u8) -> &'static str {
    match code {
        1 => "it speaks no MQTT 3.1.1",
        2 => "the client id is not taken",
        3 => "the server is not available",
        4 => "bad username or password",
        5 => "not authorized",
        _ => "for no reason that MQTT knows",
    }
}

#[cfg(test)]
mod tests;
