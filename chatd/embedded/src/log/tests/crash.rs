//! Power loss at any change to the disk.

use super::*;
use crate::log::disk::Disk;
use proptest::prelude::*;
use std::collections::BTreeMap;

#[test]
fn the_double_forgets_what_was_not_synced() {
    let disk = DoubleDisk::new();
    disk.create_dir("d").unwrap();
    disk.sync_dir("").unwrap();
    for (name, bytes) in [("d/synced", "a"), ("d/unsynced", "b"), ("d/renamed", "c")] {
        let file = disk.create(name).unwrap();
        file.sync_data().unwrap();
        disk.sync_dir("d").unwrap();
        file.write_at(0, bytes.as_bytes()).unwrap();
        if name != "d/unsynced" {
            file.sync_data().unwrap();
        }
    }
    disk.rename("d/renamed", "d/other").unwrap();
    disk.create("d/new").unwrap().sync_data().unwrap();
    let old = disk.open("d/synced").unwrap();
    disk.power_loss(None);
    assert_eq!(disk.list("d").unwrap(), ["renamed", "synced", "unsynced"]);
    assert_eq!((disk.bytes("d/synced"), disk.bytes("d/unsynced")), (b"a".to_vec(), vec![]));
    assert!(old.write_at(0, b"x").is_err(), "handles die with the power");
}

#[test]
fn recovery_may_be_interrupted_at_each_step() {
    let whole = DoubleDisk::new();
    let log = open(&whole, small());
    for i in 0..30 {
        append(&log, format!("record {i}")).unwrap();
    }
    let last = log.shared.lanes[0].segments.read().last().unwrap().path.clone();
    drop(log);
    whole.alter(&last, |bytes| bytes.extend([7; 20]));
    let mut interrupted = 0;
    for changes in 0.. {
        let disk = whole.copy();
        disk.cut_power_after(Some(changes));
        let opened = try_open(&disk, small());
        let done = opened.is_ok();
        drop(opened);
        disk.power_loss(Some(changes));
        let log = open(&disk, small());
        assert_eq!(read_all(&log).0.len(), 30);
        assert_eq!(append(&log, "next"), Ok(30));
        if done {
            break;
        }
        interrupted += 1;
    }
    assert!(interrupted >= 3, "the cut, its sync and the folders: {interrupted}");
}

/// One life of a process: how long the power lasts, what it does, how the disk is found then.
#[derive(Clone, Debug)]
struct Life {
    changes: Option<u64>,
    /// Records of each burst; after a burst of an even number a group commits.
    bursts: Vec<usize>,
    end: End,
}

#[derive(Clone, Debug)]
enum End {
    /// kill -9: what was written is there, synced or not.
    Kill,
    PowerLoss(Option<u64>),
}

fn lives() -> impl Strategy<Value = Vec<Life>> {
    let changes =
        prop_oneof![1 => Just(None), 4 => (0..30_u64).prop_map(Some), 4 => (0..150_u64).prop_map(Some)];
    let bursts = proptest::collection::vec(1..12_usize, 0..25);
    let loss = proptest::option::weighted(0.8, any::<u64>()).prop_map(End::PowerLoss);
    let end = prop_oneof![1 => Just(End::Kill), 2 => loss];
    let life = (changes, bursts, end).prop_map(|(changes, bursts, end)| Life { changes, bursts, end });
    proptest::collection::vec(life, 1..6)
}

#[derive(Default)]
struct History {
    sent: usize,
    /// Acknowledged or shown to a consumer: must never go.
    acknowledged: BTreeMap<u64, usize>,
    committed: u64,
}

impl History {
    fn live(&mut self, disk: &DoubleDisk, life: &Life, config: &LogConfig) {
        disk.cut_power_after(life.changes);
        let opened = try_open(disk, config.clone());
        if let Err(Error::Corrupt(said)) = &opened {
            panic!("nothing was damaged: {said}");
        }
        if let Ok(log) = opened {
            self.check(&log);
            for record in read_all(&log).0 {
                self.acknowledged.insert(record.offset, id_of(&record.payload));
            }
            for burst in &life.bursts {
                self.burst(&log, *burst);
            }
        }
        match life.end {
            End::Kill => disk.kill(),
            End::PowerLoss(seed) => disk.power_loss(seed),
        }
    }

    fn burst(&mut self, log: &Log, records: usize) {
        let ids = self.sent..self.sent + records;
        self.sent = ids.end;
        let queued: Vec<_> = ids.map(|id| (id, contract::queue(log, 0, payload(id)))).collect();
        for (id, outcome) in queued {
            if let Ok(outcome) = outcome
                && let Ok(offset) = outcome.blocking_recv().unwrap()
            {
                assert_eq!(self.acknowledged.insert(offset, id), None, "offset {offset} was given twice");
            }
        }
        let end = block(log.end(TOPIC, 0)).unwrap();
        if records.is_multiple_of(2) && commit(log, "group", end).is_ok() {
            self.committed = end;
        }
    }

    fn check(&self, log: &Log) {
        let (records, end) = read_all(log);
        end.unwrap();
        let first = log.first(TOPIC, 0).unwrap();
        let mut last = None;
        for (expected, record) in (first..).zip(&records) {
            assert_eq!(record.offset, expected, "dense");
            let id = id_of(&record.payload);
            assert!(last < Some(id), "record {id} after {last:?}: twice or out of order");
            last = Some(id);
        }
        let found: BTreeMap<u64, usize> = records.iter().map(|r| (r.offset, id_of(&r.payload))).collect();
        for (offset, id) in self.acknowledged.range(first..) {
            assert_eq!(found.get(offset), Some(id), "acknowledged record {offset} is lost");
        }
        let committed = block(log.committed(TOPIC, 0, "group")).unwrap().map_or(0, |c| c.offset);
        assert!(committed >= self.committed, "committed {} is back at {committed}", self.committed);
        assert!(first <= committed, "{first} is cut beyond {committed}");
    }
}

fn payload(id: usize) -> Bytes {
    Bytes::from(format!("{id} {}", "x".repeat(id * 13 % 70)))
}

fn id_of(payload: &[u8]) -> usize {
    let text = std::str::from_utf8(payload).unwrap();
    text.split_once(' ').unwrap().0.parse().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn power_loss_loses_nothing_that_was_acknowledged(lives in lives()) {
        let (disk, mut history) = (DoubleDisk::new(), History::default());
        for life in &lives {
            history.live(&disk, life, &small());
        }
        let log = open(&disk, small());
        history.check(&log);
        // And the log goes on.
        let end = block(log.end(TOPIC, 0)).unwrap();
        prop_assert_eq!(append(&log, payload(history.sent)), Ok(end));
        history.check(&log);
    }
}
