//! Partitions that go from one member to another.

use super::spot::Spot;
use engines::kafka::{self, Kafka};
use schema::event::Topic;
use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;
use store::Error;
use store::contract::events::{append, queue, read};
use store::events::{Assignments, Committed, Partition};

const LONG: Duration = Duration::from_secs(60);

async fn take(member: &mut dyn Assignments, number: u32) -> Box<dyn Partition> {
    loop {
        let held = tokio::time::timeout(LONG, member.next()).await.expect("no partition came").unwrap();
        if held.number() == number {
            return held;
        }
    }
}

async fn refusal(held: &mut dyn Partition) -> Error {
    loop {
        match held.next(1000, LONG).await {
            Ok(_) => {}
            Err(error) => return error,
        }
    }
}

/// In the middle of a partition: who had it hears of it, who gets it goes on where the first said, and every
/// record is read once; who leaves gives its partitions back without anybody waiting out a time.
#[tokio::test(flavor = "multi_thread")]
async fn a_second_member_goes_on_where_the_first_said() {
    let Some(spot) = Spot::make(2).await else { return };
    let (one, two) = (spot.open().await, spot.open().await);
    for n in 0..200 {
        queue(&*one, 0, format!("{n}")).unwrap();
    }
    append(&*one, 1, "other").await;
    let mut first = one.join(Topic::Messages, "group").await.unwrap();
    let (mut zero, mut other) = (take(&mut *first, 0).await, take(&mut *first, 1).await);
    let mut records = read(&mut *zero, 80).await;
    zero.commit(80, "as far as one came").await.unwrap();

    let mut second = two.join(Topic::Messages, "group").await.unwrap();
    let mut taken = take(&mut *second, 0).await;
    assert_eq!(refusal(&mut *zero).await, Error::Revoked);
    assert_eq!(refusal(&mut *other).await, Error::Revoked);
    assert_eq!(zero.commit(10, "late").await, Err(Error::Revoked));
    let stands = two.committed(Topic::Messages, 0, "group").await.unwrap();
    assert_eq!(stands, Some(Committed { offset: 80, metadata: "as far as one came".into() }));
    for n in 200..300 {
        queue(&*one, 0, format!("{n}")).unwrap();
    }
    records.extend(read(&mut *taken, 220).await);
    for (n, record) in (0..300).zip(records) {
        assert_eq!((record.offset, record.payload), (n, n.to_string().into()));
    }
    let mut again = take(&mut *first, 1).await;
    assert_eq!(read(&mut *again, 1).await[0].payload, "other");
    taken.commit(300, "").await.unwrap();

    drop((taken, second));
    two.close().await;
    let name = spot.kafka.group("group");
    assert_eq!(kafka::members(&spot.kafka, &name).await.unwrap().len(), 1);
    assert_eq!(refusal(&mut *again).await, Error::Revoked);
    let mut back = take(&mut *first, 0).await;
    assert_eq!(back.next(1, Duration::from_millis(200)).await.unwrap(), []);
    append(&*one, 0, "300").await;
    assert_eq!(read(&mut *back, 1).await[0].offset, 300);
    drop((zero, other, again, back, first));
    one.close().await;
    assert_eq!(kafka::members(&spot.kafka, &name).await.unwrap(), []);
    spot.remove().await;
}

/// A member whose process stands still loses its partitions, and hears of it when it goes on.
#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_member_loses_its_partitions() {
    let Some(spot) = Spot::make(2).await else { return };
    let mut frozen = Frozen::start(&spot.kafka);
    frozen.says("holds both");
    frozen.signal("STOP");
    let events = spot.open().await;
    let mut member = events.join(Topic::Messages, "group").await.unwrap();
    let (mut zero, mut one) = (take(&mut *member, 0).await, take(&mut *member, 1).await);
    append(&*events, 0, "a").await;
    append(&*events, 1, "b").await;
    assert_eq!(read(&mut *zero, 1).await[0].payload, "a");
    assert_eq!(read(&mut *one, 1).await[0].payload, "b");
    zero.commit(1, "").await.unwrap();
    frozen.signal("CONT");
    frozen.says("commit of 0: Err(Revoked)");
    let stands = events.committed(Topic::Messages, 0, "group").await.unwrap().unwrap();
    assert_eq!((stands.offset, stands.metadata.as_str()), (1, ""));
    drop(frozen);
    drop((zero, one, member));
    events.close().await;
    spot.remove().await;
}

/// This very program, as another process that runs [`the_frozen_member`].
struct Frozen {
    process: Child,
    lines: BufReader<ChildStdout>,
}

impl Frozen {
    fn start(kafka: &Kafka) -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["kafka::handover::the_frozen_member", "--exact", "--ignored", "--nocapture"])
            .env("FROZEN_MEMBER", kafka.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap());
        Self { process, lines }
    }

    fn says(&mut self, what: &str) {
        let mut line = String::new();
        while self.lines.read_line(&mut line).unwrap() > 0 {
            if line.contains(what) {
                return;
            }
            line.clear();
        }
        panic!("the other process ended before it said {what:?}");
    }

    fn signal(&self, name: &str) {
        let pid = self.process.id().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &pid]).status().unwrap().success());
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Holds both partitions until it is frozen; then tries to commit.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a_frozen_member_loses_its_partitions runs it as another process"]
async fn the_frozen_member() {
    let Ok(url) = std::env::var("FROZEN_MEMBER") else { return };
    let spot = Spot::there(&url, 2);
    let events = spot.open().await;
    let mut member = events.join(Topic::Messages, "group").await.unwrap();
    let (mut zero, _one) = (take(&mut *member, 0).await, take(&mut *member, 1).await);
    println!("holds both");
    // As a sequencer that works along: a checkpoint after each batch, whether or not it is still the owner.
    loop {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let committed = zero.commit(0, "frozen").await;
        if committed != Ok(()) {
            println!("commit of 0: {committed:?}");
            return;
        }
    }
}
