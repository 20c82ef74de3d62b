use super::*;
use crate::driver::bench::{self, Bench};
use plan::Transport;
use schema::api::MarkRequest;
use schema::presence::{Chosen, StatusChoice, TypingRequest};

fn chatd(change: impl FnOnce(&mut plan::Behaviour)) -> Bench {
    let mut plan = bench::plan(plan::Protocol::Chatd { transport: Transport::Websocket });
    change(&mut plan.behaviour);
    Bench::of(&plan)
}

fn message(body: &str) -> Vec<u8> {
    format!("MESSAGE\nsubscription:m\ncontent-length:{}\n\n{body}\0", body.len()).into_bytes()
}

#[test]
fn connecting_ends_with_ready_and_subscribes_to_no_more_than_is_used() {
    let mut bench = chatd(|_| ());
    let hello = bench.open();
    let (frame, _) = Frame::read(&hello[0]).unwrap();
    assert_eq!(frame.command, b"CONNECT");
    assert_eq!(frame.header(b"Authorization"), Some(&b"Bearer token-0"[..]));
    let (words, events) = bench.take(b"CONNECTED\nversion:1.2\n\n\0");
    assert!(events.is_empty(), "{events:?}");
    assert_eq!(words.len(), 2, "errors and messages");
    assert_eq!(bench.take(b"RECEIPT\nreceipt-id:subscribed\n\n\0").1, ["Ready"]);
    let mut all = chatd(|behaviour| {
        (behaviour.seen_share, behaviour.typing_rate, behaviour.presence_rate) = (0.5, 1.0, 1.0);
    });
    all.open();
    let (words, _) = all.take(b"CONNECTED\nversion:1.2\n\n\0");
    let ids: Vec<_> =
        words.iter().map(|word| Frame::read(word).unwrap().0.header(b"id").unwrap()[0]).collect();
    assert_eq!(ids, [ERRORS, STATUS, TYPING, PRESENCE, MESSAGES]);
}

#[test]
fn a_send_is_a_draft_that_the_server_takes() {
    let mut bench = chatd(|_| ());
    let outgoing = bench::outgoing(3);
    let sent = bench.send(&outgoing);
    assert_eq!(sent, bench.send(&outgoing), "a repeat is the same bytes");
    let (frame, rest) = Frame::read(&sent[0]).unwrap();
    assert!(rest.is_empty());
    assert_eq!(frame.header(b"receipt"), Some(&b"3"[..]));
    let draft: schema::Draft = serde_json::from_slice(frame.body).unwrap();
    assert!(draft.check(4096, schema::limits::METADATA_BYTES).is_ok());
    assert_eq!(draft.recipient_id, bench.peer.id.to_string());
    assert_eq!(draft.client_message_id, Some(outgoing.client_id.to_string()));
    assert_eq!(draft.content.len(), outgoing.bytes);
    assert_eq!(Payload::find(frame.body), Ok(outgoing.payload));
}

#[test]
fn messages_and_answers_are_told() {
    let mut bench = chatd(|_| ());
    let outgoing = bench::outgoing(7);
    let mut content = Vec::new();
    outgoing.payload.write(128, &mut content);
    let content = String::from_utf8(content).unwrap();
    let body = format!(r#"{{"messageId":"x","sequence":12,"content":"{content}"}}"#);
    let mut bytes = message(&body);
    bytes.extend_from_slice(b"RECEIPT\nreceipt-id:5\n\n\0");
    let expected = [
        format!("{:?}", Event::Received { found: Ok(outgoing.payload), sequence: Some(12) }),
        "Acknowledged(5)".to_owned(),
    ];
    assert_eq!(bench.take(&bytes).1, expected);
    let flipped = body.replace("cb1 ", "cb2 ");
    assert_eq!(bench.take(&message(&flipped)).1, ["Received { found: Err(Corrupt), sequence: Some(12) }"]);
    assert_eq!(bench.take(b"ERROR\nmessage:no\n\n\0").1, [r#"Failed("no")"#]);
}

#[test]
fn refusals_tell_what_must_not_be_stored_from_what_may_be() {
    let mut bench = chatd(|_| ());
    let mut problem = |code: Code, receipt: Option<&str>| {
        let problem = Problem {
            kind: "about:blank".into(),
            title: code.title().into(),
            status: code.status(),
            detail: String::new(),
            code,
            trace_id: String::new(),
            errors: Vec::new(),
            retry_after: None,
            receipt: receipt.map(str::to_owned),
        };
        let body = serde_json::to_string(&problem).unwrap();
        bench.take(format!("MESSAGE\nsubscription:e\n\n{body}\0").as_bytes()).1.remove(0)
    };
    let limited = |code: &str, limited| format!("{:?}", Event::Refused { sequence: 9, code, limited });
    assert_eq!(problem(Code::RateLimited, Some("9")), limited("rate-limited", true));
    assert_eq!(problem(Code::NotAccepted, Some("9")), limited("not_accepted", false));
    let doubtful = |code: &str| format!("{:?}", Event::Doubtful { code });
    assert_eq!(problem(Code::OutcomeUnknown, Some("9")), doubtful("outcome_unknown"));
    assert_eq!(problem(Code::Internal, Some("9")), doubtful("internal"));
    assert_eq!(problem(Code::RateLimited, None), doubtful("rate-limited"));
}

#[test]
fn only_the_peers_marks_count_as_seen() {
    let mut bench = chatd(|behaviour| behaviour.seen_share = 1.0);
    let mut update = |user: UserId, status: &str| {
        let body = format!(
            r#"{{"conversationId":"{user}","sequence":4,"status":"{status}","upTo":4,"timestamp":"2026-01-01T00:00:00.000Z","userId":"{user}"}}"#
        );
        bench.take(format!("MESSAGE\nsubscription:s\n\n{body}\0").as_bytes()).1
    };
    let (me, peer) = (bench::account(0).id, bench::account(1).id);
    assert_eq!(update(peer, "SEEN"), ["Seen { up_to: 4 }"]);
    assert!(update(peer, "DELIVERED").is_empty());
    assert!(update(me, "SEEN").is_empty());
}

#[test]
fn marks_and_notices_are_bodies_that_the_server_takes() {
    let bench = chatd(|_| ());
    let body = |words: Vec<Vec<u8>>| Frame::read(&words[0]).unwrap().0.body.to_vec();
    let mark: MarkRequest =
        serde_json::from_slice(&body(bench.put(|driver, me, scratch, out| driver.seen(me, 8, scratch, out))))
            .unwrap();
    assert_eq!((mark.peer_id, mark.up_to), (bench.peer.id.to_string(), 8));
    let typing: TypingRequest =
        serde_json::from_slice(&body(bench.put(|driver, me, scratch, out| driver.typing(me, scratch, out))))
            .unwrap();
    assert!(typing.typing && typing.peer_id == bench.peer.id.to_string());
    for (online, chosen) in [(true, Chosen::Online), (false, Chosen::Away)] {
        let bytes = body(bench.put(|driver, me, scratch, out| driver.presence(me, online, scratch, out)));
        assert_eq!(serde_json::from_slice::<StatusChoice>(&bytes).unwrap().status, chosen);
    }
}
