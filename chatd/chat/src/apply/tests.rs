use super::*;
use schema::event::{APPLY_VERSION, DevicePosition, Envelope, EventType, SCHEMA_VERSION};
use schema::{MessageId, MessageType, SessionId, Timestamp};

fn user(n: u8) -> UserId {
    UserId::from_bytes([n; 16])
}

fn at(offset: u64) -> Position {
    Position { epoch: 1, partition: 0, offset }
}

fn envelope(actor: UserId, peer: UserId, id: MessageId, payload: Body) -> Event {
    Envelope {
        event_id: id,
        event_type: payload.event_type(),
        schema_version: SCHEMA_VERSION,
        apply_version: APPLY_VERSION,
        conversation_id: ConversationId::between(actor, peer),
        actor_id: actor,
        occurred_at: Timestamp(1_700_000_000_000),
        traceparent: None,
        reply_to: None,
        payload,
    }
}

fn sent(actor: UserId, peer: UserId, client: &str, content: &str) -> Event {
    let id = MessageId::derive(ConversationId::between(actor, peer), actor, client);
    let body = Body::Sent(Sent {
        recipient_id: peer,
        client_message_id: client.into(),
        content: content.into(),
        message_type: MessageType::Text,
        reply_to_message_id: None,
        metadata: None,
    });
    envelope(actor, peer, id, body)
}

fn mark(actor: UserId, peer: UserId, up_to: u64, seen: bool) -> Event {
    let mark = Mark { peer_id: peer, up_to, device: None };
    envelope(actor, peer, MessageId::draw(), if seen { Body::Seen(mark) } else { Body::Delivered(mark) })
}

/// The id entry among a record's writes.
fn id_of(effects: &Effects) -> IdEntry {
    let entry = effects.writes.iter().find_map(|write| match write {
        Write::Id(entry) => Some(entry.clone()),
        _ => None,
    });
    entry.expect("a send writes its id")
}

fn sequence(effects: &Effects) -> Option<u64> {
    match &effects.outcome {
        Outcome::Sent(message) => Some(message.sequence),
        _ => None,
    }
}

#[test]
fn sequences_are_dense_whoever_sends() {
    let (a, b) = (user(1), user(2));
    let mut live = None;
    for (n, (from, to)) in [(a, b), (b, a), (a, b)].into_iter().enumerate() {
        let event = sent(from, to, &format!("c{n}"), "x");
        let effects = apply(&mut live, &event, at(n as u64), None).unwrap();
        assert_eq!(sequence(&effects), Some(n as u64 + 1));
    }
}

#[test]
fn a_repeat_is_told_apart_from_itself_and_from_another_body() {
    let (a, b) = (user(1), user(2));
    let mut live = None;
    let event = sent(a, b, "c", "x");
    let first = id_of(&apply(&mut live, &event, at(5), None).unwrap());

    let repeat = apply(&mut live, &event, at(9), Some(&first)).unwrap();
    assert!(matches!(repeat.outcome, Outcome::Repeat { sequence: 1, .. }));
    assert!(repeat.writes.is_empty() && !repeat.changed);

    let other = apply(&mut live, &sent(a, b, "c", "y"), at(10), Some(&first)).unwrap();
    assert!(matches!(other.outcome, Outcome::Conflict));
    assert!(other.writes.is_empty());

    // A replay of the first record finds its own entry and writes the same rows again.
    let again = apply(&mut None, &event, at(5), Some(&first)).unwrap();
    assert_eq!(sequence(&again), Some(1));
    assert_eq!(id_of(&again), first);
}

#[test]
fn a_sequence_that_would_change_stops_the_partition() {
    let (a, b) = (user(1), user(2));
    let event = sent(a, b, "c", "x");
    let first = id_of(&apply(&mut None, &event, at(5), None).unwrap());
    let mut ahead = None;
    apply(&mut ahead, &sent(a, b, "other", "x"), at(4), None).unwrap();
    assert!(apply(&mut ahead, &event, at(5), Some(&first)).is_err());
}

#[test]
fn marks_merge_by_maximum_and_stop_at_the_last_sequence() {
    let (a, b) = (user(1), user(2));
    let mut live = None;
    for n in 0..3 {
        apply(&mut live, &sent(a, b, &format!("c{n}"), "x"), at(n), None).unwrap();
    }
    let moved = apply(&mut live, &mark(b, a, 99, false), at(3), None).unwrap().moved;
    assert_eq!(moved.map(|m| m.up_to), Some(3));
    assert!(apply(&mut live, &mark(b, a, 2, false), at(4), None).unwrap().moved.is_none());
    assert!(apply(&mut live, &mark(b, a, 2, true), at(5), None).unwrap().moved.is_some());
    let marks = live.unwrap().head.marks_of(b);
    assert_eq!((marks.delivered, marks.seen), (3, 2));
}

#[test]
fn what_is_seen_is_delivered() {
    let (a, b) = (user(1), user(2));
    let mut live = None;
    apply(&mut live, &sent(a, b, "c", "x"), at(0), None).unwrap();
    apply(&mut live, &mark(b, a, 1, true), at(1), None).unwrap();
    assert_eq!(live.unwrap().head.marks_of(b).delivered, 1);
}

#[test]
fn a_mark_moves_its_device_even_without_a_conversation() {
    let (a, b) = (user(1), user(2));
    let device = Some(DevicePosition { session_id: SessionId::draw(), next: 7 });
    let event = envelope(b, a, MessageId::draw(), Body::Delivered(Mark { peer_id: a, up_to: 1, device }));
    assert_eq!(event.event_type, EventType::MessageDelivered);
    let effects = apply(&mut None, &event, at(0), None).unwrap();
    assert!(matches!(effects.writes.as_slice(), [Write::Device { next: 7, .. }]));
}

#[test]
fn a_note_to_oneself_has_one_member() {
    let a = user(1);
    let effects = apply(&mut None, &sent(a, a, "c", "x"), at(0), None).unwrap();
    let feeds = effects.writes.iter().filter(|write| matches!(write, Write::Feed { .. })).count();
    assert_eq!(feeds, 1);
}
