use super::*;
use crate::driver::{self, Driver, Framing, Me, Outbox, Outgoing, Session, Wire};
use crate::websocket::{Inbox, TEXT};
use plan::{Payload, Protocol, Transport};
use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::thread::JoinHandle;

/// A null server that ends with the test.
struct Null {
    addresses: Vec<SocketAddr>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<io::Result<()>>>,
}

impl Null {
    fn start(listeners: usize, threads: usize) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let listeners: Vec<_> =
            (0..listeners).map(|_| std::net::TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        let addresses = listeners.iter().map(|one| one.local_addr().unwrap()).collect();
        let halt = Arc::clone(&stop);
        let thread = Some(std::thread::spawn(move || serve(listeners, threads, &halt)));
        Self { addresses, stop, thread }
    }
}

impl Drop for Null {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let end = self.thread.take().unwrap().join().unwrap();
        assert!(end.is_ok() || std::thread::panicking(), "{end:?}");
    }
}

/// A user with a blocking socket.
struct User {
    number: u32,
    driver: Box<dyn Driver>,
    session: Session,
    stream: TcpStream,
    inbox: Inbox,
    events: VecDeque<String>,
}

impl User {
    /// Connects until the server calls him ready.
    fn enter(address: SocketAddr, protocol: &Protocol, number: u32) -> Self {
        let mut user = Self::upgrade(address, protocol, number);
        let mut bytes = Vec::new();
        let (own, peer) = (account(number), account(number ^ 1));
        let me = Me { user: number, account: &own, peer: &peer, authority: "a" };
        let mut out = Outbox::new(Framing::Text, &mut bytes);
        user.driver.open(me, &mut user.session, &mut Vec::new(), &mut out);
        user.stream.write_all(&bytes).unwrap();
        assert_eq!(user.next(), "Ready");
        user
    }

    fn upgrade(address: SocketAddr, protocol: &Protocol, number: u32) -> Self {
        let driver = driver::of(&driver::bench::plan(protocol.clone())).unwrap();
        let (own, peer) = (account(number), account(number ^ 1));
        let me = Me { user: number, account: &own, peer: &peer, authority: "a" };
        let Wire::WebSocket { path, .. } = driver.wire(me) else { panic!("no websocket") };
        let mut stream = TcpStream::connect(address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n").unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        assert!(head.starts_with(b"HTTP/1.1 101"));
        let (session, inbox, events) = (Session::default(), Inbox::default(), VecDeque::new());
        Self { number, driver, session, stream, inbox, events }
    }

    fn bytes(&mut self, sequence: u32) -> (Outgoing, Vec<u8>) {
        let (own, peer) = (account(self.number), account(self.number ^ 1));
        let me = Me { user: self.number, account: &own, peer: &peer, authority: "a" };
        let outgoing = driver::bench::outgoing(sequence);
        let payload = Payload { sender: self.number, ..outgoing.payload };
        let outgoing = Outgoing { payload, ..outgoing };
        let mut bytes = Vec::new();
        let mut out = Outbox::new(Framing::Text, &mut bytes);
        self.driver.send(me, &outgoing, &mut self.session, &mut Vec::new(), &mut out);
        (outgoing, bytes)
    }

    /// The next event, in words.
    fn next(&mut self) -> String {
        loop {
            if let Some(event) = self.events.pop_front() {
                return event;
            }
            let mut buffer = vec![0; 64 << 10];
            let got = self.stream.read(&mut buffer).unwrap();
            assert_ne!(got, 0, "the null server closed");
            let (own, peer) = (account(self.number), account(self.number ^ 1));
            let me = Me { user: self.number, account: &own, peer: &peer, authority: "a" };
            let (driver, session, events) = (&self.driver, &mut self.session, &mut self.events);
            let mut answers = Vec::new();
            let take = |opcode, message: &[u8]| {
                assert_eq!(opcode, TEXT);
                let mut out = Outbox::new(Framing::Text, &mut answers);
                driver.take(me, message, session, &mut out, &mut |event| {
                    events.push_back(format!("{event:?}"));
                });
            };
            self.inbox.feed(&buffer[..got], take).unwrap();
            self.stream.write_all(&answers).unwrap();
        }
    }
}

fn received(payload: Payload, sequence: Option<u64>) -> String {
    format!("{:?}", driver::Event::Received { found: Ok(payload), sequence })
}

const STOMP: Protocol = Protocol::Chatd { transport: Transport::Websocket };

#[test]
fn a_pair_talks_in_stomp_whichever_thread_accepted_them() {
    let null = Null::start(2, 3);
    for pair in 0..6 {
        let mut one = User::enter(null.addresses[0], &STOMP, 2 * pair);
        let mut other = User::enter(null.addresses[1], &STOMP, 2 * pair + 1);
        for sequence in 0..3 {
            let (outgoing, bytes) = one.bytes(sequence);
            one.stream.write_all(&bytes).unwrap();
            assert_eq!(one.next(), format!("Acknowledged({sequence})"));
            assert_eq!(other.next(), received(outgoing.payload, Some(u64::from(sequence) + 1)));
        }
        let (outgoing, bytes) = other.bytes(0);
        other.stream.write_all(&bytes).unwrap();
        assert_eq!(one.next(), received(outgoing.payload, Some(4)));
    }
}

#[test]
fn a_pair_talks_through_the_bare_relay_also_after_one_came_again() {
    let null = Null::start(1, 2);
    let mut one = User::enter(null.addresses[0], &Protocol::Relay, 6);
    let first = User::enter(null.addresses[0], &Protocol::Relay, 7);
    let mut again = User::enter(null.addresses[0], &Protocol::Relay, 7);
    drop(first);
    let (outgoing, bytes) = one.bytes(1);
    // In two pieces, the cut in the middle of the payload.
    let (head, tail) = bytes.split_at(40);
    one.stream.write_all(head).unwrap();
    one.stream.write_all(tail).unwrap();
    assert_eq!(again.next(), received(outgoing.payload, None));
}

#[test]
fn many_at_once_all_arrive_in_order() {
    let null = Null::start(1, 1);
    let mut one = User::enter(null.addresses[0], &STOMP, 0);
    let mut other = User::enter(null.addresses[0], &STOMP, 1);
    let sent: Vec<(Outgoing, Vec<u8>)> = (0..1000).map(|sequence| one.bytes(sequence)).collect();
    let all: Vec<u8> = sent.iter().flat_map(|(_, bytes)| bytes.clone()).collect();
    one.stream.write_all(&all).unwrap();
    for (number, (outgoing, _)) in sent.iter().enumerate() {
        assert_eq!(other.next(), received(outgoing.payload, Some(number as u64 + 1)));
    }
    for number in 0..sent.len() {
        assert_eq!(one.next(), format!("Acknowledged({number})"));
    }
}

#[test]
fn strangers_and_other_paths_are_refused() {
    let null = Null::start(1, 1);
    let mut stranger = User::upgrade(null.addresses[0], &STOMP, 0);
    let mut bytes = Vec::new();
    Outbox::new(Framing::Text, &mut bytes).put(b"CONNECT\nAuthorization:Bearer x\n\n\0");
    stranger.stream.write_all(&bytes).unwrap();
    assert!(stranger.next().starts_with("Failed(\"the token"));
    let mut lost = TcpStream::connect(null.addresses[0]).unwrap();
    lost.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    let mut answer = String::new();
    lost.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
}

#[test]
fn an_account_tells_its_number() {
    for number in [0, 1, 99_999, u32::MAX] {
        assert_eq!(user(&account(number).token), Some(number));
    }
    assert_eq!(user(&UserId::draw().to_string()), None);
}
