//! Group commit: what is synced when, and who is told.

use super::*;
use crate::log::double::Act;
use std::collections::BTreeSet;

#[test]
fn a_sync_stands_between_each_write_and_its_acknowledgement() {
    let disk = DoubleDisk::new();
    let log = open(&disk, small());
    disk.take_acts();
    for burst in 1..40 {
        let outcomes: Vec<_> = (0..burst)
            .map(|i| {
                let (told, outcome) = oneshot::channel();
                let disk = disk.clone();
                let done = Box::new(move |result: Result<u64, Error>| {
                    disk.note(result.unwrap());
                    told.send(()).unwrap();
                });
                log.append(TOPIC, 0, Bytes::from(format!("{burst} {i}")), done).unwrap();
                outcome
            })
            .collect();
        outcomes.into_iter().for_each(|outcome| outcome.blocking_recv().unwrap());
    }
    let (mut unsynced, mut acknowledged, mut syncs) = (BTreeSet::new(), 0, 0);
    for act in disk.take_acts() {
        match act {
            Act::Write(path) => assert!(unsynced.insert(path), "one write for each sync"),
            Act::Sync(path) => {
                assert!(unsynced.remove(&path), "no sync without a write");
                syncs += 1;
            }
            Act::Note(offset) => {
                assert!(
                    unsynced.is_empty(),
                    "record {offset} was acknowledged before {unsynced:?} was synced"
                );
                acknowledged += 1;
            }
            Act::SyncDir(_) | Act::Truncate(_) => {}
        }
    }
    assert_eq!(acknowledged, (1..40).sum::<u64>());
    assert!(syncs >= 39, "each burst waited for the one before");
}

#[test]
fn what_waits_shares_one_sync() {
    let disk = DoubleDisk::new();
    let log = open(&disk, roomy());
    let release = hold_writer(&log);
    disk.take_acts();
    let outcomes: Vec<_> = (0..5_000).map(|_| contract::queue(&log, 0, "x").unwrap()).collect();
    drop(release);
    for (expected, outcome) in (1..).zip(outcomes) {
        assert_eq!(outcome.blocking_recv().unwrap(), Ok(expected));
    }
    assert_eq!(disk.take_acts(), [Act::Write(FIRST.to_owned()), Act::Sync(FIRST.to_owned())]);
}

#[test]
fn soft_state_is_not_synced() {
    let disk = DoubleDisk::new();
    let log = open(&disk, small());
    disk.take_acts();
    for i in 0..100 {
        let (told, outcome) = oneshot::channel();
        let done = Box::new(move |result| drop(told.send(result)));
        log.append(Topic::Typing, 0, Bytes::from("typing"), done).unwrap();
        assert_eq!(outcome.blocking_recv().unwrap(), Ok(i));
    }
    assert!(!disk.take_acts().iter().any(|act| matches!(act, Act::Sync(_))));
    assert!(log.first(Topic::Typing, 0).unwrap() > 0, "old segments of soft state go without a group");
}

#[test]
fn nobody_sees_a_record_before_it_is_synced() {
    let disk = DoubleDisk::new();
    let log = open(&disk, roomy());
    append(&log, "synced").unwrap();
    disk.fail_syncs(true);
    assert!(matches!(append(&log, "not synced"), Err(Error::Unknown(_))));
    assert_eq!(block(log.end(TOPIC, 0)).unwrap(), 1);
    assert_eq!(block(log.record(TOPIC, 0, 1)).unwrap(), None);
    assert_eq!(read_all(&log).0.len(), 1);
}

#[test]
fn the_queue_is_bounded_and_takes_again() {
    let disk = DoubleDisk::new();
    let log = open(&disk, LogConfig { queue_bytes: 10_000, ..roomy() });
    let release = hold_writer(&log);
    let mut waiting = Vec::new();
    let refusal = loop {
        match contract::queue(&log, 0, vec![b'x'; 1000]) {
            Ok(outcome) => waiting.push(outcome),
            Err(refusal) => break refusal,
        }
    };
    assert!(matches!(refusal, Error::Overloaded(_)), "{refusal}");
    assert!((8..10).contains(&waiting.len()), "{} records of 1000 bytes in 10000", waiting.len());
    drop(release);
    for outcome in waiting {
        outcome.blocking_recv().unwrap().unwrap();
    }
    // The bytes are given back after the callbacks: a record that is written later proves it.
    append(&log, "small").unwrap();
    append(&log, vec![b'x'; 9_000]).unwrap();
}

#[test]
fn a_panic_in_a_callback_harms_nobody_else() {
    let disk = DoubleDisk::new();
    let log = open(&disk, roomy());
    log.append(TOPIC, 0, Bytes::from("x"), Box::new(|_| panic!("meant"))).unwrap();
    assert_eq!(append(&log, "y"), Ok(1));
}
