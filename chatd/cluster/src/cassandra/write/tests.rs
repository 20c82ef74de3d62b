use super::*;
use store::messages::Change;

fn feeds(entries: &[(u8, u32, u64)], bits: u32) -> Vec<Vec<Vec<(i64, i64)>>> {
    let mut steps = Steps::default();
    for (user, partition, offset) in entries {
        let entry = FeedEntry {
            position: Position { epoch: 0, partition: *partition, offset: *offset },
            conversation_id: ConversationId::from_bytes([9; 16]),
            change: Change::Message { sequence: *offset },
        };
        steps.feed(UserId::from_bytes([*user; 16]), &entry, bits);
    }
    let shape = |part: Vec<Bound>| part.iter().map(place).collect();
    waves(steps.feeds).into_iter().map(|wave| wave.into_iter().map(shape).collect()).collect()
}

#[test]
fn the_entries_of_a_feed_go_in_the_order_of_the_log() {
    assert_eq!(
        feeds(&[(1, 0, 5), (2, 0, 5), (1, 0, 3), (1, 1, 4), (1, 0, 16)], 4),
        [
            vec![vec![(0, 3), (0, 5)], vec![(0, 4)], vec![(0, 5)]], // two people, two partitions
            vec![vec![(1, 16)]],                                    // the next bucket of the first
        ]
    );
}

#[test]
fn many_entries_of_a_feed_go_one_part_after_the_other_and_records_are_not_parted() {
    let entries: Vec<(u8, u32, u64)> = (0..300).map(|n| (1, 0, n / 2)).collect();
    let waves = feeds(&entries, 22);
    assert!(waves.len() > 2);
    assert!(waves.iter().all(|wave| wave.len() == 1));
    let parts: Vec<&Vec<(i64, i64)>> = waves.iter().map(|wave| &wave[0]).collect();
    assert!(parts.windows(2).all(|pair| pair[0].last() < pair[1].first()));
    assert_eq!(parts.iter().map(|part| part.len()).sum::<usize>(), 300);
}

#[test]
fn what_was_indexed_in_an_earlier_generation_is_forgotten() {
    let bucket = |n| HashSet::from([(UserId::from_bytes([n; 16]), 0, 0)]);
    let mut indexed = Indexed::default();
    indexed.remember(0, bucket(1));
    indexed.remember(1, bucket(2));
    assert_eq!((indexed.generation, indexed.buckets.clone()), (1, bucket(2)));
    indexed.remember(0, bucket(3));
    assert_eq!(indexed.buckets, bucket(2), "answered before, it may be gone");
}
