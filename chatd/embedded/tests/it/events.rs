//! The contract of `Events` on the embedded log, on a real disk.

use embedded::log::{Log, LogConfig, RealDisk};
use std::path::Path;
use std::sync::Arc;
use store::Events;
use store::contract::events as contract;

/// Small segments and little memory, so that every promise is kept from files and across segments too.
fn small() -> LogConfig {
    LogConfig { partitions: 2, segment_bytes: 8 << 10, tail_bytes: 2 << 10, ..LogConfig::default() }
}

fn open(folder: &Path, config: LogConfig) -> Arc<dyn Events> {
    let disk = RealDisk::new(&folder.join("log")).unwrap();
    let log = Log::open(Arc::new(disk), config, Box::new(|cause| panic!("{cause}"))).unwrap();
    Arc::new(log)
}

#[tokio::test]
async fn offsets_are_dense_in_the_order_of_the_calls() {
    for config in [small(), LogConfig::default()] {
        let folder = tempfile::tempdir().unwrap();
        let log = open(folder.path(), config);
        contract::offsets_are_dense_in_the_order_of_the_calls(&*log, "a").await;
        contract::offsets_are_dense_in_the_order_of_the_calls(&*log, "b").await;
    }
}

#[tokio::test]
async fn each_caller_keeps_its_order() {
    for config in [small(), LogConfig::default()] {
        let folder = tempfile::tempdir().unwrap();
        contract::each_caller_keeps_its_order(open(folder.path(), config), "a").await;
    }
}

#[tokio::test]
async fn acknowledged_survives_reopening() {
    let folder = tempfile::tempdir().unwrap();
    for _ in 0..3 {
        contract::acknowledged_survives_reopening(async || open(folder.path(), small())).await;
    }
}

#[tokio::test]
async fn close_writes_what_waits() {
    let folder = tempfile::tempdir().unwrap();
    contract::close_writes_what_waits(async || open(folder.path(), small())).await;
}

#[tokio::test]
async fn a_commit_survives_reopening() {
    let folder = tempfile::tempdir().unwrap();
    contract::a_commit_survives_reopening(async || open(folder.path(), small()), "a").await;
    contract::a_commit_survives_reopening(async || open(folder.path(), small()), "b").await;
}

#[tokio::test]
async fn seek_moves_both_ways() {
    let folder = tempfile::tempdir().unwrap();
    contract::seek_moves_both_ways(&*open(folder.path(), small()), "a").await;
}

#[tokio::test]
async fn a_record_wakes_who_waits() {
    let folder = tempfile::tempdir().unwrap();
    contract::a_record_wakes_who_waits(open(folder.path(), small()), "a").await;
}

#[tokio::test]
async fn partitions_are_independent() {
    let folder = tempfile::tempdir().unwrap();
    contract::partitions_are_independent(&*open(folder.path(), small()), "a").await;
}

#[tokio::test]
async fn bounds_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    contract::bounds_are_kept(&*open(folder.path(), small())).await;
}

#[tokio::test]
async fn a_partition_has_one_owner() {
    let folder = tempfile::tempdir().unwrap();
    contract::a_partition_has_one_owner(open(folder.path(), small()), "a").await;
}

/// `c test -p embedded -- --ignored --nocapture appends_a_second`
#[tokio::test]
#[ignore = "a measurement, not a promise"]
async fn appends_a_second() {
    const RECORDS: u64 = 300_000;
    const IN_FLIGHT: usize = 4_000;
    let folder = tempfile::tempdir_in(".").unwrap();
    let log = open(folder.path(), LogConfig::default());
    let mut held = contract::take(&*log, "a", 0).await;
    let slots = Arc::new(tokio::sync::Semaphore::new(IN_FLIGHT));
    let start = std::time::Instant::now();
    let appending = tokio::task::spawn_blocking(move || {
        let payload = bytes::Bytes::from(vec![b'x'; 400]);
        for _ in 0..RECORDS {
            let slot = tokio::runtime::Handle::current().block_on(slots.clone().acquire_owned()).unwrap();
            let done = Box::new(move |result: Result<u64, store::Error>| {
                result.unwrap();
                drop(slot);
            });
            log.append(schema::event::Topic::Messages, 0, payload.clone(), done).unwrap();
        }
        log
    });
    let mut read = 0;
    while read < RECORDS {
        read += held.next(1024, std::time::Duration::from_secs(30)).await.unwrap().len() as u64;
    }
    let rate = RECORDS as f64 / start.elapsed().as_secs_f64();
    println!("{rate:.0} appends a second of 400 bytes, {IN_FLIGHT} in flight, read by one consumer");
    appending.await.unwrap().close().await;
}
