use super::*;
use schema::event::{APPLY_VERSION, DevicePosition, Envelope, EventType, Mark, Peer, SCHEMA_VERSION};
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
    let mark = Mark { peer_id: peer, up_to, device: None, private: false };
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
    let event = envelope(
        b,
        a,
        MessageId::draw(),
        Body::Delivered(Mark { peer_id: a, up_to: 1, device, private: false }),
    );
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

fn block(actor: UserId, peer: UserId, blocked: bool) -> Event {
    let to = Peer { peer_id: peer };
    let body = if blocked { Body::Blocked(to) } else { Body::Unblocked(to) };
    envelope(actor, peer, MessageId::draw(), body)
}

/// Applies events one after the other and answers the effects of each.
fn run(live: &mut Option<Live>, events: &[Event]) -> Vec<Effects> {
    (0..).zip(events).map(|(n, event)| apply(live, event, at(n), None).unwrap()).collect()
}

#[test]
fn a_send_behind_a_block_keeps_its_sequence_and_is_no_news_to_the_blocker() {
    let (a, b) = (user(1), user(2));
    let mut live = None;
    let effects = run(
        &mut live,
        &[
            block(b, a, true),
            sent(a, b, "c1", "hidden"),
            sent(b, a, "c2", "the blocker may write"),
            block(b, a, false),
            sent(a, b, "c3", "shown"),
        ],
    );
    let hidden = |effects: &Effects| match &effects.outcome {
        Outcome::Sent(message) => Some((message.sequence, message.hidden)),
        _ => None,
    };
    assert_eq!(hidden(&effects[1]), Some((1, true)));
    assert_eq!(hidden(&effects[2]), Some((2, false)));
    assert_eq!(hidden(&effects[4]), Some((3, false)));
    let told = |effects: &Effects, who| {
        effects.writes.iter().any(|write| matches!(write, Write::Feed { user, .. } if *user == who))
    };
    assert!(told(&effects[1], a) && !told(&effects[1], b));
    assert!(told(&effects[4], a) && told(&effects[4], b));
    let head = live.unwrap().head;
    assert_eq!((head.marks_of(b).received, head.marks_of(b).newest), (3, 3));
    assert_eq!(head.status(&row_of(&effects[1]), a), MessageStatus::Sent);
}

fn row_of(effects: &Effects) -> Arc<StoredMessage> {
    let Outcome::Sent(message) = &effects.outcome else { panic!("no message: {effects:?}") };
    Arc::clone(message)
}

#[test]
fn marks_of_a_blocker_are_not_shown_and_what_was_hidden_stays_sent() {
    let (a, b) = (user(1), user(2));
    let mut live = None;
    let effects = run(
        &mut live,
        &[
            sent(a, b, "c1", "before"),
            block(b, a, true),
            sent(a, b, "c2", "hidden"),
            mark(b, a, 1, true),
            block(b, a, false),
            sent(a, b, "c3", "after"),
            mark(b, a, 3, true),
        ],
    );
    let silent = effects[3].moved.unwrap();
    assert_eq!((silent.status, silent.shown), (MessageStatus::Seen, None));
    assert_eq!(effects[6].moved.unwrap().shown, Some(MessageStatus::Seen));
    let head = live.unwrap().head;
    let seen_by_sender = [0, 2, 5].map(|n| head.status(&row_of(&effects[n]), a));
    assert_eq!(seen_by_sender, [MessageStatus::Seen, MessageStatus::Sent, MessageStatus::Seen]);
}

#[test]
fn a_private_mark_is_seen_for_oneself_and_delivered_for_the_other() {
    let (a, b) = (user(1), user(2));
    let mut live = None;
    let private = Mark { peer_id: a, up_to: 1, device: None, private: true };
    let seen = envelope(b, a, MessageId::draw(), Body::Seen(private));
    let effects = run(&mut live, &[sent(a, b, "c1", "x"), seen]);
    let moved = effects[1].moved.unwrap();
    assert_eq!((moved.status, moved.shown), (MessageStatus::Seen, Some(MessageStatus::Delivered)));
    let head = live.unwrap().head;
    let row = row_of(&effects[0]);
    assert_eq!(head.status(&row, a), MessageStatus::Delivered);
    assert_eq!(head.status(&row, b), MessageStatus::Seen);
    let entries: Vec<_> = effects[1]
        .writes
        .iter()
        .filter_map(|write| match write {
            Write::Feed { user, entry } => Some((*user, entry.change)),
            _ => None,
        })
        .collect();
    let change = |status| Change::Mark { user: b, up_to: 1, status };
    assert_eq!(entries, [(b, change(MessageStatus::Seen)), (a, change(MessageStatus::Delivered))]);
}
