//! A driver on the test bench: what it writes, message by message, and what it tells, in words.

use super::{Driver, Framing, Me, Outbox, Outgoing, Session};
use plan::{Account, Arrivals, Behaviour, Pairing, Payload, Phases, Plan, Protocol};
use schema::UserId;
use uuid::Uuid;

/// User 0 and his driver.
pub(crate) struct Bench {
    pub(crate) driver: Box<dyn Driver>,
    pub(crate) session: Session,
    pub(crate) account: Account,
    pub(crate) peer: Account,
}

pub(crate) fn plan(protocol: Protocol) -> Plan {
    Plan {
        run: 0xabc,
        reused: false,
        seed: 1,
        users: 2,
        pairing: Pairing::Uniform,
        arrivals: Arrivals::Constant { rate: 1.0 },
        phases: Phases { ramp_us: 0, warmup_us: 0, hold_us: 1, drain_us: 1 },
        message_bytes: 128,
        protocol,
        targets: Vec::new(),
        api: None,
        ca: None,
        behaviour: Behaviour::default(),
    }
}

pub(crate) fn account(user: u32) -> Account {
    let id = UserId(Uuid::from_u128(0xfeed_0000 + u128::from(user)));
    Account { id, token: format!("token-{user}"), password: None }
}

/// The message of this sequence to the peer.
pub(crate) fn outgoing(sequence: u32) -> Outgoing {
    let payload = Payload { run: 0xabc, sender: 0, sequence, planned: 1000 * u64::from(sequence) };
    Outgoing { payload, bytes: 128, client_id: Uuid::from_u128(0x1234) }
}

impl Bench {
    pub(crate) fn of(plan: &Plan) -> Self {
        Self {
            driver: super::of(plan).unwrap(),
            session: Session::default(),
            account: account(0),
            peer: account(1),
        }
    }

    pub(crate) fn me(&self) -> Me<'_> {
        Me { user: 0, account: &self.account, peer: &self.peer, authority: "localhost:1" }
    }

    pub(crate) fn open(&mut self) -> Vec<Vec<u8>> {
        let mut session = self.session;
        let words = self.put(|driver, me, scratch, out| driver.open(me, &mut session, scratch, out));
        self.session = session;
        words
    }

    pub(crate) fn send(&mut self, message: &Outgoing) -> Vec<Vec<u8>> {
        let mut session = self.session;
        let words = self.put(|driver, me, scratch, out| driver.send(me, message, &mut session, scratch, out));
        self.session = session;
        words
    }

    pub(crate) fn take(&mut self, message: &[u8]) -> (Vec<Vec<u8>>, Vec<String>) {
        let (mut session, mut events) = (self.session, Vec::new());
        let words = self.put(|driver, me, _, out| {
            driver.take(me, message, &mut session, out, &mut |event| events.push(format!("{event:?}")));
        });
        self.session = session;
        (words, events)
    }

    /// What a call writes, message by message, without the frame and mask around it.
    pub(crate) fn put(
        &self,
        call: impl FnOnce(&dyn Driver, Me<'_>, &mut Vec<u8>, &mut Outbox<'_>),
    ) -> Vec<Vec<u8>> {
        let (mut bytes, mut scratch) = (Vec::new(), Vec::new());
        let framing = self.driver.framing();
        call(&*self.driver, self.me(), &mut scratch, &mut Outbox::new(framing, &mut bytes));
        match framing {
            Framing::Raw => vec![bytes],
            _ => unmask(&bytes),
        }
    }
}

/// The messages in masked frames.
pub(crate) fn unmask(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut messages = Vec::new();
    while let [_, length, rest @ ..] = bytes {
        let (length, rest) = match length & 0x7f {
            126 => (usize::from(u16::from_be_bytes([rest[0], rest[1]])), &rest[2..]),
            short => (usize::from(short), rest),
        };
        let (mask, rest) = rest.split_at(4);
        let (payload, rest) = rest.split_at(length);
        messages.push(payload.iter().zip(mask.iter().cycle()).map(|(byte, key)| byte ^ key).collect());
        bytes = rest;
    }
    messages
}
