//! What only this engine can break: borders of buckets, late writers, replays.

use super::ground::{EPOCH, PARTITIONS, Pair, SMALL, at, on_a_keyspace, open};
use cluster::cassandra::{CassandraMessages, Settings};
use schema::Cursor;
use std::sync::Arc;
use store::Error;
use store::messages::{Messages, Page, Write};

async fn sequences(view: &CassandraMessages, pair: &Pair, page: Page, limit: usize) -> Vec<u64> {
    let rows = view.history(pair.conversation, page, limit).await.unwrap();
    rows.iter().map(|row| row.sequence).collect()
}

/// Every page of every size on every place of a conversation over several buckets is what a list would give.
#[tokio::test]
async fn pages_cross_the_borders_of_buckets() {
    on_a_keyspace(async |cassandra| {
        let (view, pair) = (open(&cassandra, SMALL).await, Pair::draw());
        let last = 12; // ends with the last sequence of a bucket
        for sequence in 1..=last {
            let mut writes = pair.send(sequence, at(sequence));
            writes.push(Write::Head(pair.head(sequence, at(sequence))));
            view.write(&writes).await.unwrap();
        }
        for limit in 1..=13 {
            let newest: Vec<u64> = (1..=last).skip(12_usize.saturating_sub(limit)).collect();
            assert_eq!(sequences(&view, &pair, Page::Newest, limit).await, newest);
            for place in 0..=last + 5 {
                let before: Vec<u64> = (1..=last).filter(|n| *n < place).collect();
                let after: Vec<u64> = (1..=last).filter(|n| *n > place).take(limit).collect();
                let before = &before[before.len().saturating_sub(limit)..];
                assert_eq!(
                    sequences(&view, &pair, Page::Before(place), limit).await,
                    before,
                    "{place} {limit}"
                );
                assert_eq!(
                    sequences(&view, &pair, Page::After(place), limit).await,
                    after,
                    "{place} {limit}"
                );
            }
        }
    })
    .await;
}

/// Twenty thousand messages of one pair, over five buckets of their usual size.
#[tokio::test]
async fn a_hot_pair() {
    const LAST: u64 = 20_000;
    on_a_keyspace(async |cassandra| {
        let (view, pair) =
            (open(&cassandra, Settings { feed_bits: 12, ..Settings::default() }).await, Pair::draw());
        for first in (1..=LAST).step_by(1000) {
            let mut writes: Vec<Write> =
                (first..first + 1000).flat_map(|sequence| pair.send(sequence, at(sequence))).collect();
            writes.push(Write::Head(pair.head(first + 999, at(first + 999))));
            view.write(&writes).await.unwrap();
        }
        assert_eq!(sequences(&view, &pair, Page::Newest, 3).await, [LAST - 2, LAST - 1, LAST]);
        let mut met = Vec::new();
        while let rows = sequences(&view, &pair, Page::After(met.len() as u64), 999).await
            && !rows.is_empty()
        {
            met.extend(rows);
        }
        assert!(met.into_iter().eq(1..=LAST), "the way up");
        let mut oldest = LAST + 1;
        while let rows = sequences(&view, &pair, Page::Before(oldest), 777).await
            && let Some(first) = rows.first()
        {
            assert!(rows.iter().copied().eq(*first..oldest), "the way down at {oldest}");
            oldest = *first;
        }
        assert_eq!(oldest, 1);
        let as_of =
            view.heads(&[pair.conversation], Some(at(LAST - 9_000))).await.unwrap().remove(0).unwrap();
        assert_eq!(as_of.last_sequence, LAST - 9_001);
        let (mut cursor, mut count) = (Cursor::start(EPOCH, PARTITIONS), 0);
        loop {
            let (page, next) = view.feed(pair.members[1], &cursor, 500).await.unwrap();
            if page.is_empty() {
                break;
            }
            assert_eq!((page[0].position.offset, next.next[0]), (count + 1, count + 1 + page.len() as u64));
            (count, cursor) = (count + page.len() as u64, next);
        }
        assert_eq!(count, LAST);
    })
    .await;
}

/// Of two owners the one that is behind wins nothing: its row stands beside the other's and shows, and neither a
/// head nor anything else of the later record changes.
#[tokio::test]
async fn a_stale_owner_loses() {
    on_a_keyspace(async |cassandra| {
        let (view, pair) = (open(&cassandra, SMALL).await, Pair::draw());
        let mut writes = pair.send(1, at(50));
        writes.extend(pair.send(2, at(101)));
        writes.push(Write::Head(pair.head(2, at(101))));
        view.write(&writes).await.unwrap();
        // The same record once more, by an owner that came to the same sequence: nothing changes.
        view.write(&writes).await.unwrap();
        assert_eq!(sequences(&view, &pair, Page::Newest, 9).await, [1, 2]);
        view.write(&[Write::Head(pair.head(7, at(90)))]).await.unwrap();
        let head = view.heads(&[pair.conversation], None).await.unwrap().remove(0);
        assert_eq!(head, Some(pair.head(2, at(101))));
        view.write(&[Write::Message(Arc::new(pair.row(2, at(90))))]).await.unwrap();
        let told = view.history(pair.conversation, Page::Newest, 9).await.unwrap_err();
        assert!(matches!(&told, Error::Corrupt(told) if told.contains("sequence 2")), "{told}");
    })
    .await;
}

/// An erasure outlives every replay, by this process and by one that never heard of it, in buckets that were
/// there and in the one that began behind it. The content is not only hidden: the cells are overwritten.
#[tokio::test]
async fn an_erasure_outlives_replays() {
    on_a_keyspace(async |cassandra| {
        let (view, pair) = (open(&cassandra, SMALL).await, Pair::draw());
        let all: Vec<Write> = (1..=7).flat_map(|sequence| pair.send(sequence, at(sequence))).collect();
        view.write(&all).await.unwrap();
        let erase = Write::Erase { user: pair.members[0], conversation: pair.conversation };
        view.write(&[erase]).await.unwrap();
        let other = open(&cassandra, SMALL).await;
        let later: Vec<Write> = (8..=9).flat_map(|sequence| pair.send(sequence, at(sequence))).collect();
        for owner in [&view, &other] {
            owner.write(&all).await.unwrap();
            owner.write(&later).await.unwrap();
            for reader in [&view, &other] {
                let rows = reader.history(pair.conversation, Page::Newest, 100).await.unwrap();
                assert_eq!(rows.len(), 9);
                assert!(rows.iter().all(|row| row.erased && row.content.is_empty()));
                let row = reader.message(pair.conversation, 9).await.unwrap().unwrap();
                assert!(row.erased && row.content.is_empty());
            }
        }
        let session = cassandra.connect().await.unwrap();
        let stored = format!("SELECT payload FROM {}.messages", cassandra.keyspace());
        let stored = session.query_unpaged(stored, ()).await.unwrap().into_rows_result().unwrap();
        for row in stored.rows::<(Option<String>,)>().unwrap() {
            let payload = row.unwrap().0.unwrap_or_default();
            assert!(!payload.contains("of the record"), "{payload}");
        }
    })
    .await;
}

/// A view of a cluster that is well says so, and is in its first life.
#[tokio::test]
async fn a_cluster_that_is_well_says_so() {
    on_a_keyspace(async |cassandra| {
        let view = open(&cassandra, SMALL).await;
        view.health().unwrap();
        assert_eq!(view.generation(), 0);
    })
    .await;
}
