//! Rows, ids, members and heads: written, read back, paged, and written again.

use super::{EPOCH, Pair, all, at};
use crate::messages::{Messages, Page, Write};
use schema::{ConversationId, MessageId, Position, UserId};
use std::sync::Arc;
use uuid::Uuid;

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
