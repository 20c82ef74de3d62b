use super::*;
use proptest::prelude::*;
use schema::Timestamp;
use store::messages::Marks;

fn positions() -> impl Strategy<Value = Position> {
    (any::<u32>(), any::<u32>(), any::<u64>()).prop_map(|(epoch, partition, offset)| Position {
        epoch,
        partition,
        offset,
    })
}

fn rows() -> impl Strategy<Value = StoredMessage> {
    let ids = (any::<[u8; 16]>(), any::<[u8; 16]>(), any::<[u8; 16]>(), any::<[u8; 16]>());
    let texts = (any::<String>(), any::<String>());
    let rest = (any::<Option<[u8; 16]>>(), any::<Option<i64>>(), 0..TYPES.len(), any::<i64>());
    (positions(), any::<u64>(), ids, texts, rest).prop_map(|(position, sequence, ids, texts, rest)| {
        StoredMessage {
            message_id: MessageId::from_bytes(ids.0),
            conversation_id: ConversationId::from_bytes(ids.1),
            sequence,
            position,
            sender_id: UserId::from_bytes(ids.2),
            recipient_id: UserId::from_bytes(ids.3),
            client_message_id: texts.0,
            content: texts.1,
            message_type: TYPES[rest.2],
            timestamp: Timestamp(rest.3),
            reply_to_message_id: rest.0.map(MessageId::from_bytes),
            metadata: rest.1.map(|n| RawValue::from_string(format!("{{\"n\": {n}}}")).unwrap()),
            hidden: rest.3 % 2 == 0,
            erased: rest.3 % 3 == 0,
        }
    })
}

proptest! {
    #[test]
    fn rows_survive(row in rows()) {
        let bytes = encode_row(&row);
        let again = decode_row(row.conversation_id, row.sequence, &bytes).unwrap();
        prop_assert_eq!(serde_json::to_string(&again).unwrap(), serde_json::to_string(&row).unwrap());
    }

    #[test]
    fn cut_or_grown_rows_are_noticed(row in rows(), cut in any::<prop::sample::Index>()) {
        let mut bytes = encode_row(&row);
        let cut = cut.index(bytes.len());
        prop_assert!(decode_row(row.conversation_id, row.sequence, &bytes[..cut]).is_none());
        bytes.push(0);
        prop_assert!(decode_row(row.conversation_id, row.sequence, &bytes).is_none());
    }

    #[test]
    fn heads_ids_and_marks_survive(
        at in positions(),
        ids in any::<[[u8; 16]; 4]>(),
        numbers in any::<[u64; 6]>(),
        time in any::<i64>(),
        seen in any::<bool>(),
    ) {
        let [a, b, c, request_hash] = ids;
        let conversation = ConversationId::from_bytes(c);
        let head = Head {
            conversation_id: conversation,
            members: [UserId::from_bytes(a), UserId::from_bytes(b)],
            last_sequence: numbers[0],
            last_message_at: Timestamp(time),
            changed: at,
            marks: [
                Marks { received: numbers[0], delivered: numbers[1], seen: numbers[2], ..Marks::default() },
                Marks {
                    newest: numbers[5],
                    newest_at: Timestamp(time),
                    received: numbers[5],
                    delivered: numbers[3],
                    seen: numbers[4],
                    shown_delivered: numbers[2],
                    shown_seen: numbers[1],
                },
            ],
            blocked: [seen, !seen],
            newest_client_ms: numbers[5],
        };
        prop_assert_eq!(decode_head(conversation, &encode_head(&head)), Some(head));
        let message_id = MessageId::from_bytes(a);
        let entry = IdEntry {
            message_id,
            conversation_id: conversation,
            sequence: numbers[0],
            position: at,
            request_hash,
        };
        prop_assert_eq!(decode_id(message_id, &encode_id(&entry)), Some(entry));
        let status = if seen { MessageStatus::Seen } else { MessageStatus::Delivered };
        for change in [
            Change::Message { sequence: numbers[0] },
            Change::Mark { user: UserId::from_bytes(b), up_to: numbers[1], status },
        ] {
            let entry = FeedEntry { position: at, conversation_id: conversation, change };
            let kind = super::super::keys::kind(&entry.change);
            prop_assert_eq!(decode_feed(at, kind, &encode_feed(&entry)), Some(entry));
        }
        for last_event in [None, Some(message_id)] {
            let applied = Applied { epoch: at.epoch, next: at.offset, last_event };
            prop_assert_eq!(decode_applied(&encode_applied(&applied)), Some(applied));
        }
    }
}

/// The numbers on disk: a new type gets a new one.
#[test]
fn types_keep_their_numbers() {
    for (number, message_type) in (0..).zip(TYPES) {
        assert_eq!(type_number(message_type), number);
    }
}
