//! A link that is up, from the side that connected.

use super::Mesh;
use super::calls::{Calls, Fault, Settle};
use crate::frame::{Pipe, encode, read};
use crate::metrics;
use crate::outbox::{Outbox, Rank};
use crate::wire::{Call, Down, Reply, Up};
use presence::Typed;
use schema::limits::{LINK_BEAT, LINK_FRAME_BYTES, LINK_SILENCE};
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, BufReader};
use tokio::sync::oneshot;
use tokio::time::{MissedTickBehavior, interval, timeout};
use uuid::Uuid;

/// Bytes read from a link at a time.
const READ_BYTES: usize = 64 << 10;
/// How often calls are looked at for a deadline that passed.
const EXPIRE: Duration = Duration::from_millis(250);

/// The answer to a call, to be awaited.
pub(crate) type Told = oneshot::Receiver<Result<Reply, Fault>>;

/// One link.
pub(crate) struct Line {
    /// The process at the other end.
    pub(crate) node: Uuid,
    pub(crate) address: String,
    outbox: Outbox,
    calls: Calls,
    metrics: metrics::Client,
}

impl Line {
    pub(super) fn new(node: Uuid, address: &str, metrics: metrics::Client) -> Arc<Self> {
        let (outbox, calls) = (Outbox::default(), Calls::default());
        Arc::new(Self { node, address: address.to_owned(), outbox, calls, metrics })
    }

    /// Makes a call; calls go out in the order in which they are made.
    pub(crate) fn call(&self, call: Call, settle: Settle) {
        self.metrics.calls.inc();
        let id = match self.calls.open(settle) {
            Ok(id) => id,
            Err((settle, fault)) => {
                self.metrics.failures.inc();
                return settle(Err(fault));
            }
        };
        let pushed = encode(&Up::Call { id, call })
            .is_ok_and(|frame| self.outbox.push(Rank::Hard, Some(id), frame).is_ok());
        if !pushed {
            self.metrics.failures.inc();
            self.calls.settle(id, Err(Fault::NotDone("the link to the chat process has no room")));
        }
    }

    /// Makes a call whose answer is awaited.
    pub(crate) fn ask(&self, call: Call) -> Told {
        let (tell, told) = oneshot::channel();
        self.call(call, Box::new(move |outcome| drop(tell.send(outcome))));
        told
    }

    /// Says something that is not answered. A link that has no room for it is cut: what it does not know it
    /// is told anew by the next.
    pub(crate) fn note(&self, note: &Up) {
        let pushed = encode(note).is_ok_and(|frame| self.outbox.push(Rank::Hard, None, frame).is_ok());
        if !pushed && !self.outbox.is_closed() {
            self.cut("it does not read");
        }
    }

    /// Ends the link; it is made again.
    pub(crate) fn cut(&self, reason: &str) {
        if !self.outbox.cut.is_cancelled() {
            tracing::warn!(node = %self.node, address = self.address, reason, "a link is cut");
            self.outbox.cut.cancel();
        }
    }

    /// Reads and writes until one of them ends; says why. [`Self::end`] is to follow.
    pub(super) async fn run(self: &Arc<Self>, mesh: &Arc<Mesh>, pipe: Box<dyn Pipe>) -> io::Error {
        let (reader, mut writer) = tokio::io::split(pipe);
        let result = tokio::select! {
            result = self.hear(mesh, BufReader::with_capacity(READ_BYTES, reader)) => result,
            result = self.outbox.write_to(&mut writer) => result,
            () = self.outbox.cut.cancelled() => Ok(()),
            () = self.look_after() => Ok(()),
        };
        result.err().unwrap_or_else(|| io::Error::other("it was cut"))
    }

    /// Settles every call.
    pub(super) fn end(&self) {
        let unsent = self.outbox.close();
        self.metrics.failures.inc_by(self.calls.close(&unsent));
    }

    /// Takes what the other side says.
    async fn hear(self: &Arc<Self>, mesh: &Arc<Mesh>, mut reader: impl AsyncRead + Unpin) -> io::Result<()> {
        let mut buffer = Vec::new();
        let mut heard = 0;
        loop {
            match timeout(LINK_SILENCE, read(&mut reader, &mut buffer, LINK_FRAME_BYTES)).await?? {
                Down::Beat { batches, position } => {
                    if batches != heard {
                        return Err(io::Error::other(format!("{heard} of {batches} batches came")));
                    }
                    mesh.reached(&position).await;
                }
                Down::Batch(batch) => {
                    heard += 1;
                    mesh.heard(batch).await;
                }
                Down::Answer { id, reply: Reply::Overloaded } => {
                    self.metrics.failures.inc();
                    self.calls.settle(id, Err(Fault::NotDone("the chat process has too much to do")));
                }
                Down::Answer { id, reply } => self.calls.settle(id, Ok(reply)),
                // Every process is told of typing; one of them is listened to.
                Down::Typed { peer, typing } => {
                    if mesh.is_home(self) {
                        mesh.side.typed(Typed { peer, typing });
                    }
                }
                Down::Presence(shown) => mesh.side.presence(self, shown),
                Down::Ended(sessions) => mesh.side.ended(sessions),
            }
        }
    }

    /// Says each second that this side lives, and gives calls up whose time is over.
    async fn look_after(&self) {
        let mut beat = interval(LINK_BEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut expire = interval(EXPIRE);
        loop {
            tokio::select! {
                _ = beat.tick() => self.note(&Up::Beat),
                _ = expire.tick() => {
                    self.metrics.failures.inc_by(self.calls.expire(Instant::now()));
                }
            }
        }
    }
}
