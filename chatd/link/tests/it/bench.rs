//! What a delivery costs on its way over a link. Run with
//! `c test -p link --config profile.dev.package.link.opt-level=3 --test it bench -- --ignored --nocapture`.

use crate::cut::batch;
use crate::late::Made;
use crate::world::{remote, until};
use chat::{Batch, Heard, Talk};
use schema::UserId;
use std::fs;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::Instant;

const DELIVERIES: usize = 100_000;
const BATCH: usize = 20;

/// Seconds of processor time that threads of this name have had.
fn processor_s(name: &str) -> f64 {
    let mut nanoseconds = 0.0;
    for task in fs::read_dir("/proc/self/task").unwrap() {
        let task = task.unwrap().path();
        if fs::read_to_string(task.join("comm")).unwrap().trim() == name {
            let stat = fs::read_to_string(task.join("schedstat")).unwrap();
            nanoseconds += stat.split(' ').next().unwrap().parse::<f64>().unwrap();
        }
    }
    nanoseconds / 1e9
}

fn runtime(name: &str) -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name(name)
        .enable_all()
        .build()
        .unwrap()
}

#[test]
#[ignore = "a measurement"]
fn deliveries_of_300_bytes() {
    let (server, client) = (runtime("server"), runtime("client"));
    let (ann, bob) = (UserId::draw(), UserId::draw());
    let (ready, linked) = sync_channel(1);
    let (done, read) = sync_channel(1);
    let made = server.block_on(server.spawn(Made::new())).unwrap();
    let address = made.address;
    client.spawn(async move {
        let remote = remote(&[address]);
        until("linked", || remote.health().is_ok()).await;
        let mut deliveries = remote.deliveries();
        remote.attend(bob).await.unwrap();
        ready.send(()).unwrap();
        let mut count = 0;
        while count < DELIVERIES {
            if let Heard::Batch(batch) = deliveries.recv().await.unwrap() {
                count += batch.deliveries.len();
            }
        }
        done.send(()).unwrap();
    });
    linked.recv().unwrap();
    let batches: Vec<Arc<Batch>> = (0..DELIVERIES / BATCH)
        .map(|n| {
            let mut all =
                Batch { partition: 0, first: false, next: 0, answers: Vec::new(), deliveries: Vec::new() };
            for at in 0..BATCH {
                let one = batch((n * BATCH + at) as u64, [ann, bob], 300);
                all.next = one.next;
                all.deliveries.extend(one.deliveries.iter().cloned());
            }
            Arc::new(all)
        })
        .collect();
    let (begun, before) = (Instant::now(), [processor_s("server"), processor_s("client")]);
    let sender = made.batches.clone();
    server
        .block_on(server.spawn(async move {
            for batch in batches {
                sender.send(batch).await.unwrap();
            }
        }))
        .unwrap();
    read.recv().unwrap();
    let wall = begun.elapsed().as_secs_f64();
    let each = |name, before| (processor_s(name) - before) * 1e6 / DELIVERIES as f64;
    println!(
        "{DELIVERIES} deliveries of 300 bytes in batches of {BATCH}: {wall:.2} s, {:.2} us each in the server, \
         {:.2} us each in the client",
        each("server", before[0]),
        each("client", before[1])
    );
}
