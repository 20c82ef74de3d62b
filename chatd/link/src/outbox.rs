//! What waits to be written to a link, bounded in bytes. Nobody waits to put something in.
//!
//! Three queues: what must not wait (batches, answers, beats), pages of history, and what may be left out
//! (presence, typing). A page never stands in front of more than one turn of the writer.

use bytes::Bytes;
use parking_lot::Mutex;
use schema::limits::{LINK_OUTBOX_BYTES, LINK_PAGES_BYTES, LINK_SILENCE, LINK_SOFT_BYTES, LINK_WRITE_BYTES};
use std::collections::VecDeque;
use std::io;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::Notify;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// How a frame is treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rank {
    /// In order, and first.
    Hard,
    /// In turn with the others.
    Bulk,
    /// Left out when there is no room.
    Soft,
}

/// Why a frame was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotTaken {
    Full,
    Closed,
}

/// A frame, and the call that it carries.
struct Frame {
    call: Option<u64>,
    bytes: Bytes,
}

/// Frames of one rank.
#[derive(Default)]
struct Queue {
    frames: VecDeque<Frame>,
    bytes: usize,
}

impl Queue {
    fn pop(&mut self, buffer: &mut Vec<u8>) -> bool {
        let Some(frame) = self.frames.pop_front() else { return false };
        self.bytes -= frame.bytes.len();
        buffer.extend_from_slice(&frame.bytes);
        true
    }
}

#[derive(Default)]
struct Queues {
    hard: Queue,
    bulk: Queue,
    soft: Queue,
    closed: bool,
}

/// The queues of one link.
#[derive(Default)]
pub(crate) struct Outbox {
    queues: Mutex<Queues>,
    bell: Notify,
    /// Cancelled when the link is to end, whoever says so.
    pub(crate) cut: CancellationToken,
}

impl Outbox {
    /// Takes a frame. Never waits.
    pub(crate) fn push(&self, rank: Rank, call: Option<u64>, bytes: Bytes) -> Result<(), NotTaken> {
        let mut queues = self.queues.lock();
        if queues.closed {
            return Err(NotTaken::Closed);
        }
        let (queue, bound) = match rank {
            Rank::Hard => (&mut queues.hard, LINK_OUTBOX_BYTES),
            Rank::Bulk => (&mut queues.bulk, LINK_PAGES_BYTES),
            Rank::Soft => (&mut queues.soft, LINK_SOFT_BYTES),
        };
        if queue.bytes + bytes.len() > bound {
            return Err(NotTaken::Full);
        }
        queue.bytes += bytes.len();
        queue.frames.push_back(Frame { call, bytes });
        drop(queues);
        self.bell.notify_one();
        Ok(())
    }

    /// Takes nothing from now on; answers the calls of frames that were certainly not written.
    pub(crate) fn close(&self) -> Vec<u64> {
        let queues =
            std::mem::replace(&mut *self.queues.lock(), Queues { closed: true, ..Queues::default() });
        self.cut.cancel();
        queues.hard.frames.into_iter().filter_map(|frame| frame.call).collect()
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.queues.lock().closed
    }

    /// Writes what comes until the stream fails or takes nothing for [`LINK_SILENCE`].
    pub(crate) async fn write_to(&self, io: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
        let mut buffer = Vec::new();
        loop {
            let rung = self.bell.notified();
            self.take(&mut buffer);
            if buffer.is_empty() {
                rung.await;
                continue;
            }
            let mut left = &buffer[..];
            while !left.is_empty() {
                let written = timeout(LINK_SILENCE, io.write(left)).await??;
                if written == 0 {
                    return Err(io::ErrorKind::WriteZero.into());
                }
                left = &left[written..];
            }
            timeout(LINK_SILENCE, io.flush()).await??;
            if buffer.capacity() > 4 * LINK_WRITE_BYTES {
                buffer = Vec::new();
            }
            buffer.clear();
        }
    }

    /// One turn: what must not wait, one page, some of what may be left out.
    fn take(&self, buffer: &mut Vec<u8>) {
        let mut queues = self.queues.lock();
        let queues = &mut *queues;
        while buffer.len() < LINK_WRITE_BYTES && queues.hard.pop(buffer) {}
        queues.bulk.pop(buffer);
        while buffer.len() < LINK_WRITE_BYTES && queues.soft.pop(buffer) {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_left_out_never_takes_the_room_of_the_rest() {
        let outbox = Outbox::default();
        let frame = Bytes::from(vec![0; 1 << 20]);
        assert_eq!(outbox.push(Rank::Soft, None, frame.clone()), Ok(()));
        assert_eq!(outbox.push(Rank::Soft, None, frame.clone()), Err(NotTaken::Full));
        for call in 0..32 {
            assert_eq!(outbox.push(Rank::Hard, Some(call), frame.clone()), Ok(()));
        }
        assert_eq!(outbox.push(Rank::Hard, None, frame.clone()), Err(NotTaken::Full));
        let mut buffer = Vec::new();
        outbox.take(&mut buffer);
        assert_eq!(buffer.len(), 1 << 20, "the first alone is more than one turn");
        assert_eq!(outbox.close(), (1..32).collect::<Vec<_>>(), "the first may have been written");
        assert_eq!(outbox.push(Rank::Hard, None, frame), Err(NotTaken::Closed));
    }
}
