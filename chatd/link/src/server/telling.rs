//! A batch on its way to one link, as JSON, in frames of bounded size.

use crate::frame::{HEAD, close};
use bytes::Bytes;
use schema::limits::LINK_BATCH_BYTES;
use std::io;

/// What one link is told of one batch.
#[derive(Default)]
pub(super) struct Telling {
    answers: Vec<u8>,
    deliveries: Vec<u8>,
}

impl Telling {
    /// Adds an outcome that the other side waits for. `Some`: a frame that is full, to be told first.
    pub(super) fn answer(&mut self, partition: u32, json: &[u8]) -> Option<io::Result<Bytes>> {
        let full = self.make_room(partition, json.len());
        append(&mut self.answers, json);
        full
    }

    /// Adds a delivery, likewise.
    pub(super) fn delivery(&mut self, partition: u32, json: &[u8]) -> Option<io::Result<Bytes>> {
        let full = self.make_room(partition, json.len());
        append(&mut self.deliveries, json);
        full
    }

    fn make_room(&mut self, partition: u32, bytes: usize) -> Option<io::Result<Bytes>> {
        let held = self.answers.len() + self.deliveries.len();
        // What is not the last frame of a batch moves no position.
        (held > 0 && held + bytes > LINK_BATCH_BYTES).then(|| std::mem::take(self).frame(partition, 0, false))
    }

    /// The batch's last frame: the view shows everything of the partition before `next`. `first`: an owner's.
    pub(super) fn frame(self, partition: u32, next: u64, first: bool) -> io::Result<Bytes> {
        let mut frame = vec![0; HEAD];
        frame.reserve(self.answers.len() + self.deliveries.len() + 100);
        let head = format!(
            "{{\"Batch\":{{\"partition\":{partition},\"first\":{first},\"next\":{next},\"answers\":["
        );
        frame.extend_from_slice(head.as_bytes());
        frame.extend_from_slice(&self.answers);
        frame.extend_from_slice(b"],\"deliveries\":[");
        frame.extend_from_slice(&self.deliveries);
        frame.extend_from_slice(b"]}}");
        close(frame)
    }
}

fn append(list: &mut Vec<u8>, json: &[u8]) {
    if !list.is_empty() {
        list.push(b',');
    }
    list.extend_from_slice(json);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Down;
    use chat::{Batch, Outcome};
    use schema::event::ReplyTo;
    use uuid::Uuid;

    fn read(frame: &Bytes) -> Batch {
        match serde_json::from_slice(&frame[HEAD..]).unwrap() {
            Down::Batch(batch) => batch,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_batch_made_of_parts_reads_as_one() {
        let mut telling = Telling::default();
        let answer = (ReplyTo { node: Uuid::nil(), waiter: 1, connection: None }, Outcome::Applied);
        let json = serde_json::to_vec(&answer).unwrap();
        assert!(telling.answer(3, &json).is_none() && telling.answer(3, &json).is_none());
        let batch = read(&telling.frame(3, 9, false).unwrap());
        assert_eq!((batch.partition, batch.next, batch.answers.len()), (3, 9, 2));
        let first = read(&Telling::default().frame(3, 9, true).unwrap());
        assert!(first.first && first.answers.is_empty() && first.deliveries.is_empty());
    }

    #[test]
    fn a_large_batch_is_told_in_frames_of_which_only_the_last_moves_the_position() {
        let answer = (ReplyTo { node: Uuid::nil(), waiter: 1, connection: None }, Outcome::Applied);
        let json = serde_json::to_vec(&answer).unwrap();
        let count = 3 * LINK_BATCH_BYTES / json.len();
        let (mut telling, mut frames) = (Telling::default(), Vec::new());
        for _ in 0..count {
            frames.extend(telling.answer(3, &json));
        }
        frames.push(telling.frame(3, 9, false));
        let batches: Vec<Batch> = frames.into_iter().map(|frame| read(&frame.unwrap())).collect();
        let moves: Vec<u64> = batches.iter().map(|batch| batch.next).collect();
        assert_eq!(moves, [0, 0, 0, 9]);
        assert_eq!(batches.iter().map(|batch| batch.answers.len()).sum::<usize>(), count);
    }
}
