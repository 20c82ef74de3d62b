//! A node that is killed with its default commit log, and forgets what it has answered.

use super::ground::{EPOCH, Pair, on_a_keyspace_of};
use cluster::cassandra::{CassandraMessages, Settings};
use engines::cassandra::Cassandra;
use schema::Position;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use store::messages::{Applied, Messages, Page, Write};
use tempfile::TempDir;
use tokio::process::Command;

const LANES: u32 = 8;
/// More than twice the sync period of the test server.
const SETTINGS: Settings = Settings { rows: 4096, feed_bits: 22, trail: Duration::from_secs(PERIOD * 2 + 1) };
/// `commitlog_sync_period` of the test server, in seconds.
const PERIOD: u64 = 1;

/// A Cassandra of this test's own.
struct Server {
    data: TempDir,
}

impl Server {
    async fn run(&self, words: &[&str]) -> String {
        let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../compose/servers");
        let ran = Command::new(script).arg("--data").arg(self.folder()).args(words).output().await.unwrap();
        assert!(ran.status.success(), "{words:?}: {}", String::from_utf8_lossy(&ran.stderr));
        String::from_utf8(ran.stdout).unwrap()
    }

    fn folder(&self) -> &Path {
        self.data.path()
    }

    async fn up(&self) -> Cassandra {
        let told =
            self.run(&["--local", "--free-ports", "--cassandra-memory", "512", "up", "cassandra"]).await;
        let url = told.split("STORES_CASSANDRA=").nth(1).unwrap().split_whitespace().next().unwrap();
        Cassandra::parse(url.trim_matches(['\'', '"', ';'])).unwrap()
    }
}

/// A conversation in a log partition of its own, in which each record is a message.
struct Lane {
    partition: u32,
    pair: Pair,
    answered: AtomicU64,
}

impl Lane {
    fn record(&self, offset: u64) -> Vec<Write> {
        let position = Position { epoch: EPOCH, partition: self.partition, offset };
        let mut writes = self.pair.send(offset + 1, position);
        writes.push(Write::Head(self.pair.head(offset + 1, position)));
        writes
    }

    fn applied(next: u64) -> Applied {
        Applied { epoch: EPOCH, next, last_event: None }
    }

    /// Writes record after record, with checkpoints, until the server is gone.
    async fn write_until_it_ends(&self, view: &CassandraMessages) {
        let mut saved = Instant::now();
        for offset in 0.. {
            if view.write(&self.record(offset)).await.is_err() {
                return;
            }
            self.answered.store(offset + 1, Ordering::Relaxed);
            // Often, so that the last of what is claimed is of the last moments.
            if saved.elapsed() > Duration::from_millis(20) {
                saved = Instant::now();
                let _ = view.checkpoint(self.partition, Self::applied(offset + 1)).await;
            }
        }
    }

    /// The offsets of the rows that are there.
    async fn there(&self, view: &CassandraMessages) -> Vec<u64> {
        let (mut there, mut last) = (Vec::new(), 0);
        while let page = view.history(self.pair.conversation, Page::After(last), 500).await.unwrap()
            && let Some(newest) = page.last()
        {
            last = newest.sequence;
            there.extend(page.iter().map(|row| row.position.offset));
        }
        there
    }
}

/// What was answered in the last moments vanishes; it is noticed, told where to begin again, and written again.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_node_forgot_is_written_again() {
    if std::env::var("STORES_CASSANDRA").is_err() {
        eprintln!("skipped: STORES_CASSANDRA is not set; compose/test brings the servers up");
        return;
    }
    let server = Server { data: TempDir::new().unwrap() };
    let cassandra = server.up().await;
    on_a_keyspace_of(&cassandra, async |cassandra| kill_and_mend(&server, &cassandra).await).await;
    server.run(&["--local", "wipe", "cassandra"]).await;
}

async fn kill_and_mend(server: &Server, cassandra: &Cassandra) {
    let open = async || CassandraMessages::open_with(cassandra, EPOCH, LANES, SETTINGS).await.unwrap();
    let view = open().await;
    let lanes: Vec<Lane> = (0..LANES)
        .map(|partition| Lane { partition, pair: Pair::draw(), answered: AtomicU64::new(0) })
        .collect();
    for lane in &lanes {
        assert_eq!(view.applied(lane.partition).await.unwrap(), None);
    }
    let kill = async {
        tokio::time::sleep(SETTINGS.trail + Duration::from_secs(3)).await;
        server.run(&["--local", "kill9", "cassandra"]).await;
    };
    tokio::join!(
        kill,
        futures_util::future::join_all(lanes.iter().map(|lane| lane.write_until_it_ends(&view)))
    );
    until(|| view.health().is_err()).await;
    assert_eq!(view.generation(), 0, "it is away, not yet another");
    server.up().await;
    let back = Instant::now();
    until(|| view.health().is_ok()).await;
    eprintln!("the view was well {:?} after the server", back.elapsed());
    assert_eq!(view.generation(), 1);

    let successor = open().await;
    let (mut answered, mut vanished) = (0, 0);
    for lane in &lanes {
        let newest = lane.answered.load(Ordering::Relaxed);
        let there = lane.there(&successor).await;
        (answered, vanished) = (answered + newest, vanished + newest - there.len() as u64);
        // An owner that did not go back yet can't claim anything.
        view.checkpoint(lane.partition, Lane::applied(newest)).await.unwrap();
        let trail = successor.applied(lane.partition).await.unwrap().expect("it ran long enough");
        assert_eq!(view.applied(lane.partition).await.unwrap().as_ref(), Some(&trail));
        assert!(trail.next > 0 && trail.next < newest, "{trail:?} of {newest}");
        assert!(there.into_iter().take(trail.next as usize).eq(0..trail.next), "the trail was not on disk");
        for offset in trail.next..newest {
            view.write(&lane.record(offset)).await.unwrap();
        }
        view.checkpoint(lane.partition, Lane::applied(newest)).await.unwrap();
        assert!(lane.there(&successor).await.into_iter().eq(0..newest), "not everything is there again");
        let page = successor.history(lane.pair.conversation, Page::Newest, 1).await.unwrap();
        assert_eq!(page[0].sequence, newest);
        assert_eq!(successor.applied(lane.partition).await.unwrap(), Some(Lane::applied(newest)));
    }
    eprintln!("{vanished} of {answered} answered messages had vanished, and are there again");
}

async fn until(is_so: impl Fn() -> bool) {
    let waited = tokio::time::timeout(Duration::from_secs(60), async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    waited.await.expect("it takes too long");
}
