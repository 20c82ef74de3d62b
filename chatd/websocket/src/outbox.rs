//! What waits for a session's socket: references, bounded in bytes, rendered when they are written.

use bytes::Bytes;
use schema::MessageStatus;
use schema::api::{Problem, StatusUpdate};
use schema::presence::{Presence, Typing};
use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};
use store::messages::StoredMessage;

/// A message on its way to sockets. Its JSON is written once, by whoever writes the first frame.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) message: Arc<StoredMessage>,
    pub(crate) status: MessageStatus,
    json: OnceLock<Bytes>,
}

impl Shared {
    pub(crate) fn new(message: Arc<StoredMessage>, status: MessageStatus) -> Self {
        Self { message, status, json: OnceLock::new() }
    }

    /// The body of its MESSAGE frames.
    pub(crate) fn json(&self) -> &Bytes {
        // These types have no map keys and no failing serializer.
        let render = || serde_json::to_vec(&self.message.to_message(self.status)).unwrap_or_default().into();
        self.json.get_or_init(render)
    }
}

/// The body of a MESSAGE frame.
#[derive(Clone, Debug)]
pub(crate) enum Body {
    Message(Arc<Shared>),
    Status(Arc<StatusUpdate>),
    Problem(Arc<Problem>),
    Presence(Arc<Presence>),
    Typing(Arc<Typing>),
}

/// One frame that waits.
#[derive(Clone, Debug)]
pub(crate) enum Item {
    /// For the subscription of this number.
    Message {
        subscription: u32,
        body: Body,
    },
    Receipt(Box<str>),
    /// A frame as it goes out.
    Frame(Bytes),
}

impl Item {
    /// About what it takes in memory and on the wire.
    fn bytes(&self) -> usize {
        const FRAME: usize = 256;
        match self {
            Item::Message { body: Body::Message(shared), .. } => {
                let metadata = shared.message.metadata.as_ref().map_or(0, |metadata| metadata.get().len());
                2 * FRAME + shared.message.content.len() + metadata
            }
            Item::Message { .. } => 2 * FRAME,
            Item::Receipt(id) => FRAME / 2 + id.len(),
            Item::Frame(frame) => frame.len(),
        }
    }
}

/// The outbox is at its bound: the session does not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Full;

/// The frames that wait for one socket.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    items: VecDeque<Item>,
    bytes: usize,
}

impl Outbox {
    /// Adds a frame, unless the bound would be passed. An empty outbox takes any frame.
    pub(crate) fn push(&mut self, item: Item, bound: usize) -> Result<(), Full> {
        let bytes = item.bytes();
        if self.bytes + bytes > bound && !self.items.is_empty() {
            return Err(Full);
        }
        self.bytes += bytes;
        self.items.push_back(item);
        Ok(())
    }

    /// Adds a frame that may be left out, if the outbox is not even half full: what may not be left out
    /// always finds the other half.
    pub(crate) fn push_soft(&mut self, item: Item, bound: usize) -> Result<(), Full> {
        if self.bytes + item.bytes() > bound / 2 {
            return Err(Full);
        }
        self.push(item, bound)
    }

    /// The next frame.
    pub(crate) fn pop(&mut self) -> Option<Item> {
        let item = self.items.pop_front();
        match &item {
            Some(item) => self.bytes -= item.bytes(),
            // An idle session keeps no room for a past burst.
            None if self.items.capacity() > 16 => self.items = VecDeque::new(),
            None => {}
        }
        item
    }

    /// Throws everything away.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_is_in_bytes_and_taking_out_makes_room() {
        let mut outbox = Outbox::default();
        let frame = |n| Item::Frame(Bytes::from(vec![b'x'; n]));
        assert_eq!(outbox.push(frame(200), 100), Ok(()), "an empty outbox takes any frame");
        assert_eq!(outbox.push(frame(1), 100), Err(Full));
        assert!(outbox.pop().is_some());
        assert_eq!(outbox.push(frame(60), 100), Ok(()));
        assert_eq!(outbox.push(frame(40), 100), Ok(()));
        assert_eq!(outbox.push(frame(1), 100), Err(Full));
        outbox.clear();
        assert!(outbox.is_empty());
        assert_eq!(outbox.push(frame(100), 100), Ok(()));
    }

    #[test]
    fn what_may_be_left_out_gets_half_of_the_room() {
        let mut outbox = Outbox::default();
        let frame = |n| Item::Frame(Bytes::from(vec![b'x'; n]));
        assert_eq!(outbox.push_soft(frame(51), 100), Err(Full));
        assert_eq!(outbox.push_soft(frame(50), 100), Ok(()));
        assert_eq!(outbox.push_soft(frame(1), 100), Err(Full));
        assert_eq!(outbox.push(frame(50), 100), Ok(()), "the other half is not for them");
        assert!(outbox.pop().is_some() && outbox.pop().is_some());
        assert_eq!(outbox.push_soft(frame(1), 100), Ok(()));
    }
}
