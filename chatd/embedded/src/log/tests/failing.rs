//! A disk without space, and one that can't sync.

use super::*;
use parking_lot::Mutex;

/// Waits until the log says that it takes records again.
fn heal(log: &Log) {
    block(async {
        let healed = async {
            while log.health().is_err() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), healed).await.expect("space is there again");
    });
}

#[test]
fn without_space_appends_are_refused_until_there_is_some() {
    // Every amount of space: writes end anywhere in a record, in a new segment's head, or exactly.
    for space in 0..700 {
        let disk = DoubleDisk::new();
        let log = open(&disk, small());
        append(&log, "before").unwrap();
        disk.set_space(Some(space));
        let mut acknowledged = vec![(0, "before".to_owned())];
        let mut refused = 0;
        for i in 0..30 {
            let payload = format!("{i} {}", "x".repeat(i * 7 % 90));
            match append(&log, payload.clone()) {
                Ok(offset) => acknowledged.push((offset, payload)),
                Err(Error::Unavailable(_)) => refused += 1,
                Err(other) => panic!("{other}"),
            }
        }
        assert!(refused > 0, "space {space} was to run out");
        assert!(matches!(log.health(), Err(Error::Unavailable(cause)) if cause.contains("full")));
        disk.set_space(None);
        heal(&log);
        for i in 0..20 {
            let payload = format!("healed {i}");
            acknowledged.push((append(&log, payload.clone()).unwrap(), payload));
        }
        drop(log);
        disk.power_loss(Some(space as u64));
        let log = open(&disk, small());
        let (records, end) = read_all(&log);
        end.unwrap();
        let found: Vec<_> =
            records.iter().map(|r| (r.offset, String::from_utf8(r.payload.to_vec()).unwrap())).collect();
        assert_eq!(found, acknowledged, "space {space}: acknowledged is there, refused is not");
    }
}

#[test]
fn a_group_that_did_not_fit_never_comes_back() {
    for seed in 0..50 {
        let disk = DoubleDisk::new();
        let log = open(&disk, roomy());
        let release = hold_writer(&log);
        let waiting: Vec<_> = (0..5).map(|_| contract::queue(&log, 0, "refused").unwrap()).collect();
        disk.set_space(Some(60)); // two records and a part of the third
        drop(release);
        for outcome in waiting {
            assert!(matches!(outcome.blocking_recv().unwrap(), Err(Error::Unavailable(_))));
        }
        disk.set_space(None);
        match seed {
            0 => disk.kill(),
            1 => disk.power_loss(None),
            seed => disk.power_loss(Some(seed)),
        }
        drop(log);
        let (records, end) = read_all(&open(&disk, roomy()));
        end.unwrap();
        assert_eq!(records.len(), 1, "seed {seed}: {records:?}");
    }
}

#[test]
fn a_failed_sync_is_final() {
    let disk = DoubleDisk::new();
    let causes = Arc::new(Mutex::new(Vec::new()));
    let told = causes.clone();
    let log =
        Log::open(Arc::new(disk.clone()), roomy(), Box::new(move |cause| told.lock().push(cause))).unwrap();
    append(&log, "before").unwrap();
    let release = hold_writer(&log);
    let waiting: Vec<_> = (0..3).map(|_| contract::queue(&log, 0, "x").unwrap()).collect();
    disk.fail_syncs(true);
    drop(release);
    for outcome in waiting {
        assert!(matches!(outcome.blocking_recv().unwrap(), Err(Error::Unknown(_))));
    }
    disk.fail_syncs(false);
    for _ in 0..3 {
        assert!(matches!(append(&log, "after"), Err(Error::Unavailable(_))));
        assert!(matches!(log.health(), Err(Error::Unavailable(cause)) if cause.contains("sync of")));
    }
    assert!(commit(&log, "group", 1).is_err());
    drop(log);
    let causes = causes.lock();
    assert_eq!(causes.len(), 1, "told once: {causes:?}");
    assert!(causes[0].contains(FIRST), "names the file: {causes:?}");
}

#[test]
fn a_failed_sync_of_a_commit_is_final_too() {
    let disk = DoubleDisk::new();
    let log = open(&disk, roomy());
    append(&log, "x").unwrap();
    commit(&log, "group", 1).unwrap();
    disk.fail_syncs(true);
    assert!(matches!(commit(&log, "group", 0), Err(Error::Unknown(_))));
    disk.fail_syncs(false);
    assert!(log.health().is_err());
    drop(log);
    disk.power_loss(None);
    let log = open(&disk, roomy());
    assert_eq!(block(log.committed(TOPIC, 0, "group")).unwrap().unwrap().offset, 1);
}

#[test]
fn a_commit_without_space_leaves_the_old_one() {
    let disk = DoubleDisk::new();
    let log = open(&disk, roomy());
    append(&log, "x").unwrap();
    commit(&log, "group", 0).unwrap();
    disk.set_space(Some(5));
    assert!(matches!(commit(&log, "group", 1), Err(Error::Unavailable(_))));
    disk.set_space(None);
    assert_eq!(block(log.committed(TOPIC, 0, "group")).unwrap().unwrap().offset, 0);
    commit(&log, "group", 1).unwrap();
}
