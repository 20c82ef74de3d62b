//! The promises of `Messages`, each as one function on an empty view.
//!
//! The view is opened beside a log of epoch [`EPOCH`] with [`PARTITIONS`] partitions. The functions panic
//! with what was broken, as tests do.

#![expect(clippy::unwrap_used, reason = "these functions are the bodies of tests")]

use crate::messages::{
    Applied, Change, FeedEntry, Head, IdEntry, Marks, Messages, Page, StoredMessage, Write,
};
use schema::{
    ConversationId, Cursor, MessageId, MessageStatus, MessageType, Position, SessionId, Timestamp, UserId,
};
use serde_json::value::RawValue;
use std::sync::Arc;
use uuid::Uuid;

/// The log's epoch in this suite.
pub const EPOCH: u32 = 3;
/// The log's partitions in this suite.
pub const PARTITIONS: u32 = 4;

/// A position in partition 0.
pub(super) fn at(offset: u64) -> Position {
    Position { epoch: EPOCH, partition: 0, offset }
}

/// Two people and what they wrote.
pub(super) struct Pair {
    pub(super) members: [UserId; 2],
    pub(super) conversation: ConversationId,
}

impl Pair {
    pub(super) fn draw() -> Self {
        let mut members = [UserId::draw(), UserId::draw()];
        members.sort_unstable();
        Self { members, conversation: ConversationId::between(members[0], members[1]) }
    }

    pub(super) fn row(&self, sequence: u64, position: Position) -> StoredMessage {
        let client = format!("c-{sequence}-{}", position.offset);
        StoredMessage {
            message_id: MessageId::derive(self.conversation, self.members[0], &client),
            conversation_id: self.conversation,
            sequence,
            position,
            sender_id: self.members[0],
            recipient_id: self.members[1],
            client_message_id: client,
            content: format!("message {sequence} \u{1f600}\u{0}"),
            message_type: MessageType::Location,
            timestamp: Timestamp(1_701_424_800_000 + i64::try_from(sequence).unwrap_or_default()),
            reply_to_message_id: Some(MessageId::draw()),
            metadata: RawValue::from_string("{\"lat\": 1.50}".into()).ok(),
            hidden: false,
            erased: false,
        }
    }

    pub(super) fn head(&self, last_sequence: u64, changed: Position) -> Head {
        Head {
            last_sequence,
            last_message_at: Timestamp(1_701_424_800_000 + i64::try_from(last_sequence).unwrap_or_default()),
            changed,
            marks: [
                Marks { received: 2, delivered: 1, seen: 1, ..Marks::default() },
                Marks { received: last_sequence, delivered: last_sequence, seen: 1, ..Marks::default() },
            ],
            newest_client_ms: 7_000,
            ..Head::empty(self.conversation, self.members)
        }
    }

    /// What a sequencer writes for one message.
    pub(super) fn writes(&self, sequence: u64, position: Position) -> Vec<Write> {
        let row = Arc::new(self.row(sequence, position));
        let entry =
            FeedEntry { position, conversation_id: self.conversation, change: Change::Message { sequence } };
        let mut writes =
            vec![Write::Id(self.id(&row)), Write::Message(row), Write::Head(self.head(sequence, position))];
        for user in self.members {
            writes.push(Write::Member { user, conversation: self.conversation });
            writes.push(Write::Feed { user, entry: entry.clone() });
        }
        writes
    }

    fn id(&self, row: &StoredMessage) -> IdEntry {
        IdEntry {
            message_id: row.message_id,
            conversation_id: self.conversation,
            sequence: row.sequence,
            position: row.position,
            request_hash: [9; 16],
        }
    }

    /// Messages 1 to `last`, at offsets ten times their sequence.
    async fn fill(&self, view: &dyn Messages, last: u64) {
        let batch: Vec<Write> =
            (1..=last).flat_map(|sequence| self.writes(sequence, at(sequence * 10))).collect();
        view.write(&batch).await.unwrap();
    }

    async fn sequences(&self, view: &dyn Messages, page: Page, limit: usize) -> Vec<u64> {
        let rows = view.history(self.conversation, page, limit).await.unwrap();
        rows.iter().map(|row| row.sequence).collect()
    }

    async fn head_now(&self, view: &dyn Messages) -> Option<Head> {
        view.heads(&[self.conversation], None).await.unwrap().remove(0)
    }

    pub(super) async fn head_as_of(&self, view: &dyn Messages, offset: u64) -> Option<Head> {
        view.heads(&[self.conversation], Some(at(offset))).await.unwrap().remove(0)
    }
}

/// Everything the view knows of one person, to compare two states.
async fn all(view: &dyn Messages, pair: &Pair) -> String {
    let rows = view.history(pair.conversation, Page::Newest, 100).await.unwrap();
    let ids: Vec<MessageId> = rows.iter().map(|row| row.message_id).collect();
    let mut text = format!("{rows:?} {:?} {:?}", view.ids(&ids).await.unwrap(), pair.head_now(view).await);
    for user in pair.members {
        let feed = view.feed(user, &Cursor::start(EPOCH, PARTITIONS), 100).await.unwrap();
        text += &format!("{:?} {feed:?}", view.conversations(user, 100).await.unwrap());
    }
    text
}

/// What was written is read as it was written, in the order asked, and what was not is `None`.
pub async fn reads_what_was_written(view: &dyn Messages) {
    let (pair, stranger) = (Pair::draw(), Pair::draw());
    assert_eq!(pair.head_now(view).await, None);
    pair.fill(view, 3).await;
    let row = pair.row(2, at(20));
    let read = view.message(pair.conversation, 2).await.unwrap().unwrap();
    assert_eq!(read.content, row.content);
    assert_eq!(read.client_message_id, row.client_message_id);
    assert_eq!(
        (read.message_id, read.position, read.timestamp),
        (row.message_id, row.position, row.timestamp)
    );
    assert_eq!((read.sender_id, read.recipient_id), (row.sender_id, row.recipient_id));
    assert_eq!(read.message_type, row.message_type);
    assert!(read.reply_to_message_id.is_some());
    assert_eq!(read.metadata.as_ref().map(|json| json.get()), Some("{\"lat\": 1.50}"));
    assert!(view.message(pair.conversation, 4).await.unwrap().is_none());
    let ids = view.ids(&[MessageId::draw(), row.message_id]).await.unwrap();
    assert_eq!(ids, [None, Some(pair.id(&row))]);
    let heads = view.heads(&[stranger.conversation, pair.conversation], None).await.unwrap();
    assert_eq!(heads, [None, Some(pair.head(3, at(30)))]);
    assert_eq!(view.conversations(pair.members[1], 10).await.unwrap(), [pair.conversation]);
    assert!(view.conversations(stranger.members[0], 10).await.unwrap().is_empty());
    view.health().unwrap();
}

/// A person has all conversations, at most as many as asked, and nobody else's.
pub async fn lists_conversations(view: &dyn Messages) {
    let user = UserId::draw();
    let mut expected = Vec::new();
    for _ in 0..5 {
        let peer = UserId::draw();
        let conversation = ConversationId::between(user, peer);
        view.write(&[
            Write::Member { user, conversation },
            Write::Member { user: peer, conversation },
            Write::Member { user, conversation },
        ])
        .await
        .unwrap();
        expected.push(conversation);
    }
    let mut listed = view.conversations(user, 100).await.unwrap();
    listed.sort_unstable();
    expected.sort_unstable();
    assert_eq!(listed, expected);
    assert_eq!(view.conversations(user, 3).await.unwrap().len(), 3);
}

/// A replay writes the same rows: the same batch again changes nothing, not even in another cut.
pub async fn rewriting_changes_nothing(view: &dyn Messages) {
    let pair = Pair::draw();
    // Replies are drawn anew each time, so the very same values are kept.
    let batches: Vec<Vec<Write>> = (1..=5).map(|sequence| pair.writes(sequence, at(sequence * 10))).collect();
    view.write(&batches.concat()).await.unwrap();
    let before = all(view, &pair).await;
    view.write(&batches.concat()).await.unwrap();
    assert_eq!(all(view, &pair).await, before);
    for batch in &batches[1..] {
        view.write(batch).await.unwrap();
        assert_eq!(all(view, &pair).await, before);
    }
}

/// A head that an earlier record made does not replace one of a later record, in another batch or the same.
pub async fn a_late_writer_cannot_win(view: &dyn Messages) {
    let pair = Pair::draw();
    let newest = pair.head(5, at(50));
    view.write(&[Write::Head(newest.clone())]).await.unwrap();
    view.write(&[Write::Head(pair.head(9, at(49)))]).await.unwrap();
    assert_eq!(pair.head_now(view).await.as_ref(), Some(&newest), "an earlier record won");
    let epoch_before = Position { epoch: EPOCH - 1, ..at(1 << 40) };
    view.write(&[Write::Head(pair.head(9, epoch_before))]).await.unwrap();
    assert_eq!(pair.head_now(view).await.as_ref(), Some(&newest), "an earlier epoch won");
    view.write(&[Write::Head(pair.head(7, at(70))), Write::Head(pair.head(6, at(60)))]).await.unwrap();
    assert_eq!(pair.head_now(view).await, Some(pair.head(7, at(70))), "an earlier record won in a batch");
    let mut same = pair.head(7, at(70));
    same.marks[0].seen = 4;
    view.write(&[Write::Head(same.clone())]).await.unwrap();
    assert_eq!(pair.head_now(view).await, Some(same), "the same record must rewrite");
}

/// A head as of a position counts only rows of earlier records; marks and client times stay.
pub async fn heads_as_of_a_position(view: &dyn Messages) {
    let pair = Pair::draw();
    pair.fill(view, 5).await;
    for (offset, expected) in
        [(0, None), (10, None), (11, Some(1)), (30, Some(2)), (31, Some(3)), (1000, Some(5))]
    {
        let head = pair.head_as_of(view, offset).await;
        assert_eq!(head.as_ref().map(|head| head.last_sequence), expected, "as of {offset}");
        let Some(head) = head else { continue };
        let row = view.message(pair.conversation, head.last_sequence).await.unwrap().unwrap();
        assert_eq!(head.last_message_at, row.timestamp);
        assert_eq!(head.marks, pair.head(5, at(50)).marks);
        assert_eq!(head.newest_client_ms, 7_000);
    }
    let next_epoch = Position { epoch: EPOCH + 1, ..at(0) };
    let heads = view.heads(&[pair.conversation], Some(next_epoch)).await.unwrap();
    assert_eq!(heads[0].as_ref().map(|head| head.last_sequence), Some(5));
}

/// Rows of earlier records make a head even if it was never written, and its client time is none too low.
pub async fn rows_make_a_head(view: &dyn Messages) {
    let pair = Pair::draw();
    let first = Uuid::parse_str("0190b6a8-0000-7000-8000-000000000000").unwrap();
    let mut rows = [pair.row(1, at(10)), pair.row(2, at(20))];
    rows[0].client_message_id = first.to_string();
    for row in rows {
        view.write(&[Write::Message(Arc::new(row))]).await.unwrap();
    }
    let head = pair.head_as_of(view, 100).await.unwrap();
    assert_eq!((head.last_sequence, head.members), (2, pair.members));
    assert_eq!(head.newest_client_ms, 0x0190_b6a8_0000);
}

/// Pages have exact edges.
pub async fn pages_have_exact_edges(view: &dyn Messages) {
    let (pair, other) = (Pair::draw(), Pair::draw());
    other.fill(view, 3).await;
    pair.fill(view, 10).await;
    let none: [u64; 0] = [];
    for (page, limit, expected) in [
        (Page::Newest, 3, &[8, 9, 10][..]),
        (Page::Newest, 100, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
        (Page::Newest, 0, &none),
        (Page::Before(4), 2, &[2, 3]),
        (Page::Before(4), 3, &[1, 2, 3]),
        (Page::Before(4), 9, &[1, 2, 3]),
        (Page::Before(1), 9, &none),
        (Page::Before(0), 9, &none),
        (Page::Before(u64::MAX), 1, &[10]),
        (Page::After(8), 9, &[9, 10]),
        (Page::After(0), 2, &[1, 2]),
        (Page::After(10), 9, &none),
        (Page::After(u64::MAX), 9, &none),
        (Page::Around(5), 4, &[3, 4, 5, 6]),
        (Page::Around(5), 5, &[3, 4, 5, 6, 7]),
        (Page::Around(5), 1, &[5]),
        (Page::Around(1), 4, &[1, 2, 3, 4]),
        (Page::Around(10), 4, &[8, 9, 10]),
        (Page::Around(0), 2, &[1, 2]),
        (Page::Around(99), 4, &[9, 10]),
    ] {
        assert_eq!(pair.sequences(view, page, limit).await, expected, "{page:?} at most {limit}");
    }
    assert!(pair.sequences(view, Page::Newest, 100).await.len() == 10, "rows of another conversation");
}

/// Two records that made the same sequence are noticed, also at the border of a page.
pub async fn a_double_sequence_shows(view: &dyn Messages) {
    let pair = Pair::draw();
    pair.fill(view, 4).await;
    view.write(&[Write::Message(Arc::new(pair.row(3, at(35))))]).await.unwrap();
    for (page, limit) in [(Page::Newest, 100), (Page::Newest, 2), (Page::Before(4), 1), (Page::After(2), 1)] {
        let refusal = view.history(pair.conversation, page, limit).await.unwrap_err();
        let crate::Error::Corrupt(told) = &refusal else { panic!("{page:?}: {refusal}") };
        assert!(told.contains(&pair.conversation.to_string()) && told.contains("sequence 3"), "{told}");
    }
    assert!(matches!(view.message(pair.conversation, 3).await, Err(crate::Error::Corrupt(_))));
    assert_eq!(pair.sequences(view, Page::After(3), 9).await, [4]);
    assert_eq!(pair.sequences(view, Page::Before(3), 9).await, [1, 2]);
}

/// Reading a feed page by page meets every entry once, in order within its partition, whatever the limit.
pub async fn a_feed_skips_and_repeats_nothing(view: &dyn Messages) {
    let (user, peer) = (UserId::draw(), UserId::draw());
    let conversation = ConversationId::between(user, peer);
    let mut expected: Vec<FeedEntry> = Vec::new();
    for (partition, count) in [(0, 17), (1, 1), (3, 9)] {
        for n in 0..count {
            let position = Position { epoch: EPOCH, partition, offset: n * n };
            let message = Change::Message { sequence: n };
            expected.push(FeedEntry { position, conversation_id: conversation, change: message });
            if n % 4 == 1 {
                let mark = Change::Mark { user: peer, up_to: n, status: MessageStatus::Seen };
                expected.push(FeedEntry { position, conversation_id: conversation, change: mark });
            }
        }
    }
    let old = FeedEntry { position: Position { epoch: EPOCH - 1, ..at(1) }, ..expected[0].clone() };
    let foreign = Write::Feed { user: peer, entry: expected[0].clone() };
    let mut batch: Vec<Write> =
        expected.iter().map(|entry| Write::Feed { user, entry: entry.clone() }).collect();
    batch.extend([Write::Feed { user, entry: old }, foreign]);
    view.write(&batch).await.unwrap();
    for limit in [1, 2, 3, 4, 7, 100] {
        for start in [Cursor::start(EPOCH, PARTITIONS), Cursor { epoch: EPOCH, next: Vec::new() }] {
            let (mut met, mut cursor) = (Vec::new(), start);
            loop {
                let (page, next) = view.feed(user, &cursor, limit).await.unwrap();
                assert!(page.len() <= limit.max(2), "{} entries where {limit} were asked", page.len());
                assert!(
                    page.iter().all(|entry| next.covers(entry.position) && !cursor.covers(entry.position))
                );
                cursor = next;
                if page.is_empty() {
                    break;
                }
                met.extend(page);
                assert!(met.len() <= expected.len(), "an entry is met twice");
            }
            met.sort_by_key(|entry| entry.position.partition); // stable: keeps the order within a partition
            assert_eq!(met, expected, "limit {limit}");
        }
    }
}

/// A busy partition does not keep the others waiting.
pub async fn a_feed_is_fair(view: &dyn Messages) {
    let pair = Pair::draw();
    for partition in 0..PARTITIONS {
        for offset in 0..50 {
            let position = Position { epoch: EPOCH, partition, offset };
            let change = Change::Message { sequence: offset };
            let entry = FeedEntry { position, conversation_id: pair.conversation, change };
            view.write(&[Write::Feed { user: pair.members[0], entry }]).await.unwrap();
        }
    }
    let (page, cursor) = view.feed(pair.members[0], &Cursor::start(EPOCH, PARTITIONS), 20).await.unwrap();
    assert_eq!((page.len(), cursor.next), (20, vec![5; 4]));
}

/// A device's position never goes back, and each partition has its own.
pub async fn a_device_only_moves_on(view: &dyn Messages) {
    let (user, session) = (UserId::draw(), SessionId::draw());
    let device = |partition, next| Write::Device { user, session, partition, next };
    assert_eq!(view.device(user, session).await.unwrap(), None);
    view.write(&[device(1, 7), device(1, 5)]).await.unwrap();
    view.write(&[device(1, 6), device(3, 2)]).await.unwrap();
    let cursor = view.device(user, session).await.unwrap();
    assert_eq!(cursor, Some(Cursor { epoch: EPOCH, next: vec![0, 7, 0, 2] }));
    view.write(&[device(1, 8)]).await.unwrap();
    assert_eq!(view.device(user, session).await.unwrap().map(|cursor| cursor.next), Some(vec![0, 8, 0, 2]));
    assert_eq!(view.device(user, SessionId::draw()).await.unwrap(), None);
    assert_eq!(view.device(UserId::draw(), session).await.unwrap(), None);
}

/// Checkpoints are kept by partition; the last one counts.
pub async fn remembers_checkpoints(view: &dyn Messages) {
    assert_eq!(view.applied(0).await.unwrap(), None);
    let first = Applied { epoch: EPOCH, next: 5, last_event: None };
    let second = Applied { epoch: EPOCH, next: 9, last_event: Some(MessageId::draw()) };
    view.checkpoint(0, first.clone()).await.unwrap();
    view.checkpoint(1, first.clone()).await.unwrap();
    view.checkpoint(0, second.clone()).await.unwrap();
    assert_eq!(view.applied(0).await.unwrap(), Some(second));
    assert_eq!(view.applied(1).await.unwrap(), Some(first));
}

/// What was there at a checkpoint is there after the view was opened again: `reopen` closes the view and
/// opens it from the same place.
pub async fn a_checkpoint_survives<R>(view: Arc<dyn Messages>, reopen: R)
where
    R: AsyncFnOnce(Arc<dyn Messages>) -> Arc<dyn Messages>,
{
    let pair = Pair::draw();
    pair.fill(&*view, 20).await;
    let session = SessionId::draw();
    let device = Write::Device { user: pair.members[0], session, partition: 0, next: 200 };
    view.write(&[device]).await.unwrap();
    let applied = Applied { epoch: EPOCH, next: 201, last_event: Some(MessageId::draw()) };
    view.checkpoint(0, applied.clone()).await.unwrap();
    let before = all(&*view, &pair).await;
    let view = reopen(view).await;
    assert_eq!(view.applied(0).await.unwrap(), Some(applied));
    assert_eq!(all(&*view, &pair).await, before);
    let cursor = view.device(pair.members[0], session).await.unwrap();
    assert_eq!(cursor.map(|cursor| cursor.next_in(0)), Some(200));
}
