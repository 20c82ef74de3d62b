//! Torn tails and flipped bits.

use super::*;
use crate::log::{record, segment};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

const PAYLOADS: [&str; 4] = ["first", "second, a little longer", "", "the last"];

/// A log of the four payloads, closed, and where each record starts.
fn written() -> (DoubleDisk, Vec<usize>) {
    let disk = DoubleDisk::new();
    let log = open(&disk, roomy());
    let mut starts = vec![segment::HEAD_BYTES as usize];
    for payload in PAYLOADS {
        append(&log, payload).unwrap();
        starts.push(starts[starts.len() - 1] + record::HEAD_BYTES + payload.len());
    }
    (disk, starts)
}

fn payloads(log: &Log) -> Vec<Bytes> {
    let (records, end) = read_all(log);
    end.unwrap();
    records.into_iter().map(|record| record.payload).collect()
}

#[test]
fn a_torn_tail_is_cut_at_every_byte() {
    let (whole, starts) = written();
    for cut in starts[3]..starts[4] {
        for rest in [None, Some(0), Some(0xa5)] {
            let disk = whole.copy();
            disk.alter(FIRST, |bytes| {
                let size = bytes.len();
                bytes.truncate(cut);
                if let Some(filler) = rest {
                    bytes.resize(size, filler);
                }
            });
            let log = open(&disk, roomy());
            assert_eq!(payloads(&log), PAYLOADS[..3], "cut at {cut}, then {rest:?}");
            assert_eq!(disk.bytes(FIRST).len(), starts[3]);
            assert_eq!(append(&log, "again"), Ok(3));
            drop(log);
            disk.power_loss(None);
            assert_eq!(payloads(&open(&disk, roomy()))[3], "again");
        }
    }
}

#[test]
fn a_damaged_middle_is_refused_with_its_place_and_the_next_step() {
    let (whole, starts) = written();
    for at in starts[1]..starts[2] {
        let disk = whole.copy();
        disk.alter(FIRST, |bytes| bytes[at] ^= 0x10);
        let before = disk.bytes(FIRST);
        let Err(Error::Corrupt(said)) = try_open(&disk, roomy()) else { panic!("byte {at} was damaged") };
        let command = format!("truncate -s {} {FIRST}", starts[1]);
        assert!(said.contains(&format!("{FIRST}, byte {}", starts[1])), "{said}");
        assert!(said.contains("restore the data folder") && said.contains(&command), "{said}");
        assert_eq!(disk.bytes(FIRST), before, "nothing was repaired");
        // The command that was named is enough.
        disk.alter(FIRST, |bytes| bytes.truncate(starts[1]));
        assert_eq!(payloads(&open(&disk, roomy())), PAYLOADS[..1]);
    }
}

#[test]
fn no_cut_is_offered_below_what_a_group_has_dealt_with() {
    let (disk, starts) = written();
    commit(&open(&disk, roomy()), "view", 3).unwrap();
    disk.alter(FIRST, |bytes| bytes[starts[1]] ^= 1);
    let Err(Error::Corrupt(said)) = try_open(&disk, roomy()) else { panic!("damaged") };
    assert!(!said.contains("truncate"), "{said}");
    // Neither is a log taken that ends before a group.
    disk.alter(FIRST, |bytes| bytes.truncate(starts[1]));
    let Err(Error::Corrupt(said)) = try_open(&disk, roomy()) else { panic!("records are missing") };
    assert!(said.contains("group view is at record 3"), "{said}");
}

#[test]
fn a_record_of_another_salt_is_no_record() {
    let (disk, starts) = written();
    let (other, _) = written();
    // What an older file left behind a torn record: a whole record, of another segment.
    let left = other.bytes(FIRST)[starts[2]..].to_vec();
    disk.alter(FIRST, |bytes| {
        bytes.truncate(starts[1] + 3);
        bytes.extend(&left);
    });
    assert_eq!(payloads(&open(&disk, roomy())), PAYLOADS[..1]);
}

#[test]
fn damage_in_an_older_segment_is_said_when_it_is_read() {
    let disk = DoubleDisk::new();
    let log = open(&disk, small());
    for i in 0..60 {
        append(&log, format!("record {i}")).unwrap();
    }
    drop(log);
    disk.alter(FIRST, |bytes| bytes[200] ^= 1);
    let log = open(&disk, small());
    let (good, end) = read_all(&log);
    let Err(Error::Corrupt(said)) = end else { panic!("read over damage") };
    assert!(said.contains(FIRST) && said.contains("byte"), "{said}");
    assert!(!good.is_empty());
    for record in good {
        assert_eq!(record.payload, format!("record {}", record.offset));
    }
    assert_eq!(block(log.record(TOPIC, 0, 59)).unwrap().unwrap().payload, "record 59");
}

#[test]
fn a_flipped_bit_is_never_read() {
    let whole = DoubleDisk::new();
    let log = open(&whole, small());
    for i in 0..40 {
        append(&log, format!("record {i}")).unwrap();
    }
    let last = log.shared.lanes[0].segments.read().last().unwrap().path.clone();
    let paths: Vec<String> = log.shared.lanes[0].segments.read().iter().map(|s| s.path.clone()).collect();
    drop(log);
    let (mut refused, mut stopped, mut cut) = (0, 0, 0);
    for seed in 0..1_000 {
        let mut random = StdRng::seed_from_u64(seed);
        let disk = whole.copy();
        let path = &paths[random.random_range(0..paths.len())];
        disk.alter(path, |bytes| {
            let at = random.random_range(0..bytes.len());
            bytes[at] ^= 1 << random.random_range(0..8);
        });
        let log = match try_open(&disk, small()) {
            Ok(log) => log,
            Err(Error::Corrupt(said)) => {
                assert!(said.contains(path), "{said}");
                refused += 1;
                continue;
            }
            Err(other) => panic!("{other}"),
        };
        let (records, end) = read_all(&log);
        for record in &records {
            assert_eq!(record.payload, format!("record {}", record.offset), "seed {seed}");
        }
        match end {
            Err(Error::Corrupt(said)) => {
                assert!(said.contains(path), "{said}");
                stopped += 1;
            }
            Err(other) => panic!("{other}"),
            Ok(()) => {
                // A damaged last record can't be told from a torn one.
                assert_eq!((records.len(), path), (39, &last), "seed {seed}: damage was not noticed");
                cut += 1;
            }
        }
    }
    assert!(refused > 0 && stopped > 0 && cut > 0, "{refused} {stopped} {cut}");
}
