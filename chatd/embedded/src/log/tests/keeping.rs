//! Retention, identity and what is refused at open.

use super::*;

/// A log with so many records over many segments.
fn filled(disk: &DoubleDisk, config: LogConfig, records: usize) -> Log {
    let log = open(disk, config);
    for i in 0..records {
        append(&log, format!("record {i}")).unwrap();
    }
    log
}

#[test]
fn segments_go_when_every_group_has_dealt_with_them() {
    let disk = DoubleDisk::new();
    let log = filled(&disk, small(), 100);
    assert_eq!(log.cut(TOPIC, 0), Ok(0), "nobody has dealt with anything");
    commit(&log, "fast", 90).unwrap();
    let after_fast = log.first(TOPIC, 0).unwrap();
    assert!((1..=90).contains(&after_fast), "{after_fast}");
    commit(&log, "slow", after_fast).unwrap();
    commit(&log, "fast", 100).unwrap();
    assert_eq!(log.first(TOPIC, 0), Ok(after_fast), "the slow group needs the rest");
    let (records, end) = read_all(&log);
    end.unwrap();
    assert_eq!(records.len() as u64, 100 - after_fast);
    assert_eq!(block(log.record(TOPIC, 0, 0)).unwrap(), None);
    drop(log);
    disk.power_loss(None);
    let log = open(&disk, small());
    assert_eq!((log.first(TOPIC, 0), block(log.end(TOPIC, 0))), (Ok(after_fast), Ok(100)));
    assert_eq!(append(&log, "next"), Ok(100));
}

#[test]
fn retention_keeps_what_groups_let_go() {
    let disk = DoubleDisk::new();
    let config = LogConfig { retention_bytes: 1000, ..small() };
    let log = filled(&disk, config, 100);
    commit(&log, "group", 100).unwrap();
    let first = log.first(TOPIC, 0).unwrap();
    let kept: usize = read_all(&log).0.iter().map(|r| r.payload.len() + 16).sum();
    assert!(first > 0 && (900..1500).contains(&kept), "first {first}, {kept} bytes");
}

#[test]
fn who_stands_before_the_first_record_is_told_what_to_do() {
    let disk = DoubleDisk::new();
    let log = filled(&disk, small(), 100);
    commit(&log, "fast", 100).unwrap();
    block(async {
        let mut held = contract::take(&log, "new", 0).await;
        for refusal in [held.next(1, Duration::ZERO).await.map(drop), held.seek(0).await] {
            let Err(Error::Corrupt(said)) = refusal else { panic!("record 0 is gone") };
            assert!(said.contains("not kept") && said.contains("restore"), "{said}");
        }
    });
}

#[test]
fn a_log_keeps_its_identity_and_its_partitions() {
    let disk = DoubleDisk::new();
    let log = open(&disk, small());
    let id = log.id();
    assert_eq!(log.epoch(), 1);
    drop(log);
    disk.power_loss(None);
    assert_eq!(open(&disk, small()).id(), id);
    let Err(Error::Corrupt(said)) = try_open(&disk, LogConfig { partitions: 2, ..small() }) else {
        panic!("another count would send conversations to other partitions")
    };
    assert!(said.contains("configure 1"), "{said}");
    assert_ne!(open(&DoubleDisk::new(), small()).id(), id);
}

#[test]
fn damaged_small_files_are_refused() {
    let disk = DoubleDisk::new();
    let log = filled(&disk, small(), 3);
    commit(&log, "group", 2).unwrap();
    drop(log);
    for file in ["meta", "message-events-0/groups/group"] {
        let disk = disk.copy();
        disk.alter(file, |bytes| bytes[0] ^= 4);
        let Err(Error::Corrupt(said)) = try_open(&disk, small()) else { panic!("{file} is damaged") };
        assert!(said.contains(file), "{said}");
    }
}
