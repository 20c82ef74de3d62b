//! One link: what it is told goes through its outbox, what it says is read here, in order.

use super::hub::Hub;
use super::lanes::Lanes;
use super::watch::Ears;
use super::{answer, greet};
use crate::frame::{Pipe, encode, read};
use crate::outbox::{NotTaken, Outbox, Rank};
use crate::wire::{Call, Down, Hello, Reply, Up, Wants};
use bytes::Bytes;
use schema::limits::{LINK_CALLS, LINK_FRAME_BYTES, LINK_SILENCE, LINKS};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::io::{AsyncRead, BufReader};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use uuid::Uuid;

/// Bytes read from a link at a time.
const READ_BYTES: usize = 64 << 10;

/// A process that is linked.
pub(crate) struct Link {
    /// Never used again.
    pub(super) number: u64,
    /// Its place in the hub's sets.
    pub(super) place: usize,
    pub(super) node: Uuid,
    pub(super) wants: Wants,
    pub(super) outbox: Arc<Outbox>,
    /// Batches that were put into the outbox.
    pub(super) batches: AtomicU64,
    pub(super) ears: Ears,
    calls: Arc<Semaphore>,
}

impl Link {
    /// Puts a frame into the outbox; a link that has no room for it is cut.
    pub(super) fn tell(&self, hub: &Hub, rank: Rank, frame: Bytes) {
        if self.outbox.push(rank, None, frame) == Err(NotTaken::Full) {
            self.cut(hub, "it does not read");
        }
    }

    pub(super) fn tell_batch(&self, hub: &Hub, frame: io::Result<Bytes>) {
        match frame {
            Ok(frame) => {
                self.batches.fetch_add(1, Ordering::Relaxed);
                self.tell(hub, Rank::Hard, frame);
            }
            // It finds in the view what cannot be told.
            Err(error) => self.cut(hub, &error.to_string()),
        }
    }

    pub(super) fn answer(&self, hub: &Hub, id: u64, reply: Reply) {
        let rank = match reply {
            Reply::Feed(..) | Reply::Backlog(_) => Rank::Bulk,
            _ => Rank::Hard,
        };
        match encode(&Down::Answer { id, reply }) {
            // A page may be asked for again.
            Ok(frame) if rank == Rank::Bulk => {
                if self.outbox.push(rank, None, frame) == Err(NotTaken::Full) {
                    hub.metrics.overloaded.inc();
                    self.answer(hub, id, Reply::Overloaded);
                }
            }
            Ok(frame) => self.tell(hub, rank, frame),
            Err(error) => self.cut(hub, &error.to_string()),
        }
    }

    fn cut(&self, hub: &Hub, reason: &str) {
        if !self.outbox.is_closed() {
            hub.metrics.cut.inc();
            tracing::warn!(node = %self.node, reason, "a link is cut");
            self.outbox.close();
        }
    }
}

/// Serves a connection that may come in until it ends.
pub(super) async fn serve(hub: &Arc<Hub>, mut pipe: Box<dyn Pipe>, hello: Hello, address: &str) {
    // Welcome goes out first, and nothing that happens from then on is left out.
    let registered = hub.register(|number, place| link(&hello, number, place));
    let Some(link) = registered else {
        tracing::warn!(address, bound = LINKS, "too many links; this one is refused");
        let refused = greet::refuse(&mut *pipe, "this process has as many links as it may have").await;
        return refused.unwrap_or_else(|error| tracing::debug!(address, %error, "and does not hear it"));
    };
    tracing::info!(address, node = %link.node, "linked");
    let ended = match greet::welcome(hub, &mut *pipe).await {
        Ok(()) => run(hub, &link, pipe).await,
        Err(error) => error,
    };
    link.outbox.close();
    hub.forget(&link);
    link.ears.clear();
    tracing::info!(address, node = %link.node, reason = %ended, "a link ended");
}

fn link(hello: &Hello, number: u64, place: usize) -> Arc<Link> {
    let outbox = Arc::new(Outbox::default());
    Arc::new(Link {
        number,
        place,
        node: hello.node,
        wants: hello.wants,
        ears: Ears::new(Arc::clone(&outbox)),
        outbox,
        batches: AtomicU64::new(0),
        calls: Arc::new(Semaphore::new(LINK_CALLS)),
    })
}

/// Reads and writes until one of them ends; says why.
async fn run(hub: &Arc<Hub>, link: &Arc<Link>, pipe: Box<dyn Pipe>) -> io::Error {
    let (reader, mut writer) = tokio::io::split(pipe);
    let result = tokio::select! {
        result = hear(hub, link, BufReader::with_capacity(READ_BYTES, reader)) => result,
        result = link.outbox.write_to(&mut writer) => result,
        () = link.outbox.cut.cancelled() => Ok(()),
        () = hub.stop.cancelled() => Ok(()),
    };
    match result {
        Ok(()) => io::Error::other("it was cut"),
        Err(error) => {
            if error.kind() == io::ErrorKind::TimedOut {
                hub.metrics.cut.inc();
            }
            error
        }
    }
}

/// Takes what the other side says.
async fn hear(hub: &Arc<Hub>, link: &Arc<Link>, mut reader: impl AsyncRead + Unpin) -> io::Result<()> {
    let lanes = Lanes::start(hub, link);
    let mut buffer = Vec::new();
    loop {
        match timeout(LINK_SILENCE, read(&mut reader, &mut buffer, LINK_FRAME_BYTES)).await?? {
            Up::Beat => {}
            Up::Call { id, call } => take(hub, link, &lanes, id, call),
            Up::Connected(sockets) => hub.connected(link, &sockets),
            Up::Disconnected(user, connection) => {
                link.ears.remove(connection);
                hub.disconnected(link, user, connection);
            }
            Up::Unwatch(connection, subscription) => hub.presence.unwatch(connection, subscription),
            Up::Leave(user) => hub.leave(link, user),
        }
    }
}

/// Takes a call: at once what is quick, in its lane what has an order, beside the rest what has none.
fn take(hub: &Arc<Hub>, link: &Arc<Link>, lanes: &Lanes, id: u64, call: Call) {
    hub.metrics.calls.inc();
    let taken = match call {
        Call::Attend(users) => {
            hub.attend(link, &users);
            link.answer(hub, id, Reply::Done);
            true
        }
        Call::Send { origin, draft } => lanes.put(id, origin, draft),
        call => match Arc::clone(&link.calls).try_acquire_owned() {
            Err(_) => false,
            Ok(permit) => {
                let (hub, link) = (Arc::clone(hub), Arc::clone(link));
                tokio::spawn(async move {
                    let reply = answer::answer(&hub, &link, call).await;
                    link.answer(&hub, id, reply);
                    drop(permit);
                });
                true
            }
        },
    };
    if !taken {
        hub.metrics.overloaded.inc();
        link.answer(hub, id, Reply::Overloaded);
    }
}
