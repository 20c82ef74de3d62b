use super::*;
use schema::{Timestamp, UserId};
use store::messages::Marks;

fn head() -> Head {
    let mut head = Head::empty(
        ConversationId::from_bytes([1; 16]),
        [UserId::from_bytes([2; 16]), UserId::from_bytes([3; 16])],
    );
    head.last_sequence = 300;
    head.changed = Position { epoch: 2, partition: 1, offset: 77 };
    head.marks[1] = Marks {
        newest: 1,
        newest_at: Timestamp(2),
        received: 3,
        delivered: 4,
        seen: 5,
        shown_delivered: 6,
        shown_seen: 7,
    };
    head.newest_client_ms = 99;
    head.blocked = [false, true];
    head
}

#[test]
fn what_is_read_is_what_was_written() {
    let head = head();
    assert_eq!(decode_head(head.conversation_id, &encode_head(&head)), Some(head.clone()));
    let id = IdEntry {
        message_id: MessageId::from_bytes([9; 16]),
        conversation_id: head.conversation_id,
        sequence: 5,
        position: head.changed,
        request_hash: [4; 16],
    };
    assert_eq!(decode_id(id.message_id, &encode_id(&id)), Some(id));
    for status in [MessageStatus::Sent, MessageStatus::Delivered, MessageStatus::Seen] {
        let change = Change::Mark { user: head.members[0], up_to: 8, status };
        let entry = FeedEntry { position: head.changed, conversation_id: head.conversation_id, change };
        assert_eq!(decode_feed(head.changed, kind(&change), &encode_feed(&entry)), Some(entry));
    }
    let applied = Applied { epoch: 2, next: 78, last_event: Some(MessageId::from_bytes([1; 16])) };
    let lives = vec![(Uuid::from_bytes([7; 16]), 1_700_000_000)];
    assert_eq!(decode_applied(&encode_applied(&applied, &lives)), Some((applied.clone(), lives)));
    let none = Applied { last_event: None, ..applied };
    assert_eq!(decode_applied(&encode_applied(&none, &[])), Some((none, Vec::new())));
}

#[test]
fn what_is_cut_or_of_another_format_is_not_read() {
    let bytes = encode_head(&head());
    let id = head().conversation_id;
    for cut in 0..bytes.len() {
        assert_eq!(decode_head(id, &bytes[..cut]), None);
    }
    let mut other = bytes;
    other[0] += 1;
    assert_eq!(decode_head(id, &other), None);
}

/// Cassandra keeps the larger bytes of two cells with one timestamp.
#[test]
fn of_two_heads_of_one_record_the_later_has_the_larger_bytes() {
    let early = head();
    let later: [fn(&mut Head); 4] = [
        |head| head.marks[0].seen = 1 << 40,
        |head| head.marks[0].delivered += 1,
        |head| head.marks[1].shown_seen += 255,
        |head| head.newest_client_ms += 1,
    ];
    for change in later {
        let mut head = early.clone();
        change(&mut head);
        assert!(encode_head(&head) > encode_head(&early));
    }
}
