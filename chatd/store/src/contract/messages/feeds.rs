//! Feeds, how far a device is in one, and how far the view is.

use super::{EPOCH, PARTITIONS, Pair, all, at};
use crate::messages::{Applied, Change, FeedEntry, Messages, Write};
use schema::{ConversationId, Cursor, MessageId, MessageStatus, Position, SessionId, UserId};
use std::sync::Arc;

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
