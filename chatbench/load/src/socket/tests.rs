use super::*;
use mio::{Events, Poll};
use std::net::{Ipv4Addr, TcpListener};

fn wait(connection: &Connection, poll: &mut Poll) -> io::Result<bool> {
    let mut events = Events::with_capacity(4);
    while !connection.connected()? {
        poll.poll(&mut events, None).unwrap();
    }
    Ok(true)
}

#[test]
fn an_idle_user_is_small() {
    // Of which 16 are of a build for tests: mio then remembers who a socket is registered with.
    assert!(size_of::<Connection>() <= 120, "{}", size_of::<Connection>());
}

#[test]
fn a_connection_is_bound_to_its_source_and_says_when_it_stands() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let mut poll = Poll::new().unwrap();
    let (mut one, from) = (Connection::default(), IpAddr::from([127, 7, 7, 7]));
    one.connect(listener.local_addr().unwrap(), Some(from), poll.registry(), Token(1)).unwrap();
    assert!(wait(&one, &mut poll).unwrap());
    assert_eq!(listener.accept().unwrap().1.ip(), from);
}

#[test]
fn a_source_address_keeps_its_ports_until_it_is_known_where_they_lead() {
    let to = SocketAddr::from((Ipv4Addr::LOCALHOST, 9));
    let one = socket(to, Some(IpAddr::from([127, 7, 7, 8]))).unwrap();
    let bound = one.local_addr().unwrap().as_socket().unwrap();
    assert_eq!(bound, SocketAddr::from(([127, 7, 7, 8], 0)));
}

#[test]
fn a_refused_connection_says_so_and_is_nobodys_fault_here() {
    let address = {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.local_addr().unwrap()
    };
    let mut poll = Poll::new().unwrap();
    let mut one = Connection::default();
    let outcome = one.connect(address, None, poll.registry(), Token(1)).and_then(|()| wait(&one, &mut poll));
    let why = Why::from(outcome.unwrap_err());
    assert!(!why.local && why.words.contains("refused"), "{why:?}");
    assert!(Why::from(io::Error::from_raw_os_error(24)).local, "no file left");
}

#[test]
fn what_the_kernel_does_not_take_waits_in_order_up_to_a_bound() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let mut poll = Poll::new().unwrap();
    let mut one = Connection::default();
    one.connect(listener.local_addr().unwrap(), None, poll.registry(), Token(1)).unwrap();
    wait(&one, &mut poll).unwrap();
    let (mut peer, _) = listener.accept().unwrap();
    let chunk: Vec<u8> = (0..100_000_u32).map(|n| (n % 251) as u8).collect();
    let mut sent = 0;
    while one.write(&chunk).is_ok() {
        sent += chunk.len();
    }
    assert!(one.pending.len() > PENDING_BYTES - chunk.len());
    let reader = std::thread::spawn(move || {
        let mut got = vec![0; sent];
        peer.read_exact(&mut got).unwrap();
        got
    });
    let mut events = Events::with_capacity(4);
    while !one.pending.is_empty() {
        poll.poll(&mut events, None).unwrap();
        one.flush().unwrap();
    }
    let got = reader.join().unwrap();
    assert!(got.chunks(chunk.len()).all(|part| part == &chunk[..part.len()]));
}
