//! What waits to be written to a link, bounded in bytes. Nobody waits to put something in.
//!
//! Three queues: what must not wait (batches, answers, beats), pages of history, and what may be left out
//! (presence, typing). A page never stands in front of more than one turn of the writer.

use bytes::Bytes;
use parking_lot::Mutex;
use schema::limits::{LINK_OUTBOX_BYTES, LINK_SILENCE, LINK_SOFT_BYTES, LINK_WRITE_BYTES};
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

#[derive(Default)]
struct Queues {
    hard: VecDeque<Frame>,
    bulk: VecDeque<Frame>,
    soft: VecDeque<Frame>,
    bytes: usize,
    soft_bytes: usize,
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
        let size = bytes.len();
        let full = match rank {
            Rank::Soft => queues.soft_bytes + size > LINK_SOFT_BYTES,
            Rank::Hard | Rank::Bulk => queues.bytes + size > LINK_OUTBOX_BYTES,
        };
        if full {
            return Err(NotTaken::Full);
        }
        let frame = Frame { call, bytes };
        match rank {
            Rank::Hard => queues.hard.push_back(frame),
            Rank::Bulk => queues.bulk.push_back(frame),
            Rank::Soft => queues.soft.push_back(frame),
        }
        *(if rank == Rank::Soft { &mut queues.soft_bytes } else { &mut queues.bytes }) += size;
        drop(queues);
        self.bell.notify_one();
        Ok(())
    }

    /// Takes nothing from now on; answers the calls of frames that were certainly not written.
    pub(crate) fn close(&self) -> Vec<u64> {
        let mut queues = self.queues.lock();
        queues.closed = true;
        let Queues { hard, bulk, .. } = std::mem::take(&mut *queues);
        queues.closed = true;
        drop(queues);
        self.cut.cancel();
        hard.into_iter().chain(bulk).filter_map(|frame| frame.call).collect()
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
        while buffer.len() < LINK_WRITE_BYTES
            && let Some(frame) = queues.hard.pop_front()
        {
            queues.bytes -= frame.bytes.len();
            buffer.extend_from_slice(&frame.bytes);
        }
        if let Some(frame) = queues.bulk.pop_front() {
            queues.bytes -= frame.bytes.len();
            buffer.extend_from_slice(&frame.bytes);
        }
        while buffer.len() < LINK_WRITE_BYTES
            && let Some(frame) = queues.soft.pop_front()
        {
            queues.soft_bytes -= frame.bytes.len();
            buffer.extend_from_slice(&frame.bytes);
        }
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
