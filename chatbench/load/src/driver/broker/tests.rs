use super::*;
use crate::driver::bench::{self, Bench};
use plan::Protocol;

fn bench(change: impl FnOnce(&mut StompBroker)) -> Bench {
    let mut settings = StompBroker::default();
    change(&mut settings);
    Bench::of(&bench::plan(Protocol::Stomp(settings)))
}

#[test]
fn connecting_subscribes_to_ones_own_destination() {
    let mut bench = bench(|broker| {
        (broker.host, broker.login, broker.passcode) =
            ("/vhost".into(), Some("u{user}".into()), Some("p{x}".into()));
    });
    let hello = bench.open();
    let (frame, _) = Frame::read(&hello[0]).unwrap();
    let header = |name: &str| frame.header(name.as_bytes()).unwrap();
    assert_eq!(
        (header("host"), header("login"), header("passcode")),
        (&b"/vhost"[..], &b"u0"[..], &b"p{x}"[..])
    );
    let (words, events) = bench.take(b"CONNECTED\nversion:1.2\n\n\0");
    assert!(events.is_empty(), "not before the receipt");
    let (frame, _) = Frame::read(&words[0]).unwrap();
    assert_eq!(frame.header(b"destination"), Some(&b"/topic/bench-00000abc-0"[..]));
    assert_eq!(bench.take(b"RECEIPT\nreceipt-id:subscribed\n\n\0\n").1, ["Ready"]);
}

#[test]
fn without_receipts_none_is_asked_for() {
    let mut bench = bench(|broker| broker.receipts = false);
    let (words, events) = bench.take(b"CONNECTED\nversion:1.2\n\n\0");
    assert_eq!(events, ["Ready"]);
    let sent = bench.send(&bench::outgoing(1));
    for frame in [&words[0], &sent[0]] {
        assert_eq!(Frame::read(frame).unwrap().0.header(b"receipt"), None);
    }
}

#[test]
fn a_send_goes_to_the_peer_and_comes_back_as_a_message() {
    let mut bench = bench(|broker| {
        broker.send = "/queue/a:{peer}".into();
        broker.headers = vec![("persistent".into(), "true".into())];
    });
    let outgoing = bench::outgoing(4);
    let sent = bench.send(&outgoing);
    let (frame, rest) = Frame::read(&sent[0]).unwrap();
    assert!(rest.is_empty() && frame.command == b"SEND");
    let header = |name: &str| frame.header(name.as_bytes()).unwrap();
    assert_eq!(
        (header("destination"), header("persistent"), header("receipt")),
        (&b"/queue/a\\c1"[..], &b"true"[..], &b"4"[..])
    );
    let mut message = b"MESSAGE\nsubscription:m\n\n".to_vec();
    message.extend_from_slice(frame.body);
    message.push(0);
    let expected = Event::Received { found: Ok(outgoing.payload), sequence: None };
    assert_eq!(bench.take(&message).1, [format!("{expected:?}")]);
    assert_eq!(bench.take(b"RECEIPT\nreceipt-id:4\n\n\0").1, ["Acknowledged(4)"]);
    assert_eq!(bench.take(b"ERROR\nmessage:bad\n\nwhy\0").1, [r#"Failed("bad why")"#]);
}

#[test]
fn settings_that_cannot_work_are_refused_by_name() {
    let refused = |change: fn(&mut StompBroker)| {
        let mut settings = StompBroker::default();
        change(&mut settings);
        Broker::of(1, &settings).unwrap_err()
    };
    assert!(refused(|broker| broker.path = "ws".into()).starts_with("stomp.path"));
    assert!(refused(|broker| broker.subscribe = "/topic/all".into()).starts_with("stomp.subscribe"));
    assert!(refused(|broker| broker.send = "/topic/{peeer}".into()).starts_with("stomp.send"));
    assert!(refused(|broker| broker.login = Some("a\nb".into())).starts_with("stomp.login"));
}
