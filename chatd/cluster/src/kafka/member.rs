//! A member of a consumer group: its two clients and the thread that serves them.

use super::reader::Reader;
use super::seats::{Group, Rebalances, Seats};
use super::shared::Shared;
use super::state::Opened;
use super::{failure, held::Held};
use async_trait::async_trait;
use rdkafka::consumer::{BaseConsumer, Consumer};
use schema::limits::{KAFKA_HEARTBEAT, KAFKA_SESSION_TIME};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime};
use store::Error;
use store::events::{Assignments, Partition};

/// How long the thread waits for news of the group before it looks at the rest.
const POLL: Duration = Duration::from_millis(500);

/// While the last hands let go of a member's clients.
const LETTING_GO: Duration = Duration::from_millis(1);

/// A place in a group. Dropped, it is given up at once.
pub(super) struct Member {
    pub(super) clients: Arc<Clients>,
    pub(super) shared: Arc<Shared>,
}

pub(super) struct Clients {
    pub(super) group: Arc<Group>,
    pub(super) reader: Reader,
    pub(super) seats: Arc<Seats>,
    pub(super) topic: Opened,
    pub(super) name: String,
    leaves: AtomicBool,
}

/// A member's thread, and whether the member is gone.
pub(super) struct Thread {
    handle: JoinHandle<()>,
    clients: std::sync::Weak<Clients>,
}

impl Thread {
    pub(super) fn ended(&self) -> bool {
        self.handle.is_finished()
    }

    /// Whether it is about to end.
    pub(super) fn leaves(&self) -> bool {
        self.clients.upgrade().is_none_or(|clients| clients.leaves.load(Ordering::Acquire))
    }
}

impl Member {
    pub(super) fn join(shared: &Arc<Shared>, topic: &Opened, name: &str) -> Result<(Self, Thread), Error> {
        let seats = Arc::new(Seats::default());
        let group = Arc::new(client(shared, name, Arc::clone(&seats))?);
        group.subscribe(&[&topic.name]).map_err(|error| failure::client(&shared.kafka, &error))?;
        let reader = Reader::new(&shared.kafka, &topic.name)?;
        let leaves = AtomicBool::new(false);
        let (topic, name) = (topic.clone(), name.to_owned());
        let clients = Arc::new(Clients { group, reader, seats, topic, name, leaves });
        let served = Arc::clone(&clients);
        let handle = thread::Builder::new()
            .name("kafka-member".into())
            .spawn(move || serve(served))
            .map_err(|error| Error::Unavailable(format!("the thread of a consumer group: {error}")))?;
        let thread = Thread { handle, clients: Arc::downgrade(&clients) };
        Ok((Self { clients, shared: Arc::clone(shared) }, thread))
    }
}

/// The client that is the member.
fn client(shared: &Shared, name: &str, seats: Arc<Seats>) -> Result<BaseConsumer<Rebalances>, Error> {
    // Members are put in the order of their names. The newest is the first: it gets the lowest partitions.
    let micros = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_micros();
    let newest_first = u64::MAX - u64::try_from(micros).unwrap_or(u64::MAX);
    let mut config = shared.kafka.client_config();
    config
        .set("client.id", format!("chatd-{newest_first:016x}"))
        .set("group.id", shared.kafka.group(name))
        .set("session.timeout.ms", KAFKA_SESSION_TIME.as_millis().to_string())
        .set("heartbeat.interval.ms", KAFKA_HEARTBEAT.as_millis().to_string())
        .set("partition.assignment.strategy", "range")
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("auto.offset.reset", "error")
        .set("socket.nagle.disable", "true")
        .set("reconnect.backoff.max.ms", "1000");
    config.create_with_context(Rebalances(seats)).map_err(|error| failure::client(&shared.kafka, &error))
}

/// Serves a member's clients until it is gone; then leaves the group.
fn serve(clients: Arc<Clients>) {
    while !clients.leaves.load(Ordering::Acquire) {
        if let Some(Err(error)) = clients.group.poll(POLL) {
            tracing::debug!(%error, group = clients.name, "Kafka's consumer group");
        }
        clients.reader.poll();
    }
    // Closing blocks, so it is done here: by the last who has the clients.
    while Arc::strong_count(&clients) > 1 {
        thread::sleep(LETTING_GO);
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.clients.leaves.store(true, Ordering::Release);
        // Leaves the group, and wakes the thread by that.
        self.clients.group.unsubscribe();
    }
}

/// Gives out the partitions of a member.
pub(super) struct Given(pub(super) Arc<Member>);

#[async_trait]
impl Assignments for Given {
    async fn next(&mut self) -> Result<Box<dyn Partition>, Error> {
        let mut turns = self.0.clients.seats.listen();
        let mut looks = self.0.shared.state.listen();
        loop {
            self.0.shared.state.readable()?;
            if let Some((partition, turn)) = self.0.clients.seats.take() {
                return Ok(Box::new(Held::new(Arc::clone(&self.0), partition, turn)?));
            }
            tokio::select! {
                _ = turns.changed() => {}
                _ = looks.changed() => {}
            }
        }
    }
}
