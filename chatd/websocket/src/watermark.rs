//! Frames of a subscription that wait for their ACK, and the device position that follows from them.
//!
//! The position is contiguous: it moves behind a frame only when every earlier frame of that log partition
//! is acknowledged. A frame that falls out of the window unacknowledged stops it for good.

use schema::{UserId, limits};
use std::collections::VecDeque;

/// One MESSAGE that was written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Written {
    /// Its number in the connection: the id that an ACK names.
    pub(crate) number: u64,
    pub(crate) partition: u32,
    /// Where the device stands once it has this frame and all before it.
    pub(crate) next: u64,
    /// Whose message it is, if it is one to the subscriber.
    pub(crate) sender: Option<UserId>,
    pub(crate) sequence: u64,
}

/// What an ACK says about one conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Acked {
    pub(crate) peer: UserId,
    pub(crate) up_to: u64,
    /// The device position in the conversation's partition, if it moved.
    pub(crate) next: Option<u64>,
}

/// The unacknowledged frames of one subscription.
#[derive(Debug, Default)]
pub(crate) struct Window {
    entries: VecDeque<(Written, bool)>,
    /// Partitions whose position stopped.
    stopped: Vec<u32>,
    /// Positions that moved and were not told yet.
    moved: Vec<(u32, u64)>,
}

impl Window {
    /// Notes a frame.
    pub(crate) fn wrote(&mut self, frame: Written) {
        if self.entries.len() >= limits::UNACKNOWLEDGED
            && let Some((lost, _)) = self.entries.pop_front()
            && !self.stopped.contains(&lost.partition)
        {
            self.stopped.push(lost.partition);
        }
        self.entries.push_back((frame, false));
    }

    /// Notes an ACK of a frame; with `cumulative`, of all before it too. An unknown one says nothing.
    pub(crate) fn ack(&mut self, number: u64, cumulative: bool) -> Vec<Acked> {
        if !self.entries.iter().any(|(frame, _)| frame.number == number) {
            return Vec::new();
        }
        self.settle(|frame| frame.number == number || (cumulative && frame.number < number))
    }

    /// Notes an explicit mark: everything of this sender up to a sequence.
    pub(crate) fn mark(&mut self, sender: UserId, up_to: u64) -> Vec<Acked> {
        self.settle(|frame| frame.sender == Some(sender) && frame.sequence <= up_to)
    }

    fn settle(&mut self, acknowledged: impl Fn(&Written) -> bool) -> Vec<Acked> {
        let mut acked: Vec<(Acked, u32)> = Vec::new();
        let mut blocked = self.stopped.clone();
        let moved = &mut self.moved;
        self.entries.retain_mut(|(frame, done)| {
            if !*done && acknowledged(frame) {
                *done = true;
                note(&mut acked, frame);
            }
            if !*done {
                blocked.push(frame.partition);
            } else if !blocked.contains(&frame.partition) {
                let next = frame.next;
                match moved.iter_mut().find(|(partition, _)| *partition == frame.partition) {
                    Some((_, furthest)) => *furthest = next.max(*furthest),
                    None => moved.push((frame.partition, next)),
                }
            }
            // What is done and behind no open frame has said all that it can.
            !*done || blocked.contains(&frame.partition)
        });
        for (ack, partition) in &mut acked {
            if let Some(at) = moved.iter().position(|(other, _)| other == partition) {
                ack.next = Some(moved.swap_remove(at).1);
            }
        }
        acked.into_iter().map(|(ack, _)| ack).collect()
    }
}

fn note(acked: &mut Vec<(Acked, u32)>, frame: &Written) {
    let Some(peer) = frame.sender else { return };
    match acked.iter_mut().find(|(ack, _)| ack.peer == peer) {
        Some((ack, _)) => ack.up_to = ack.up_to.max(frame.sequence),
        None => acked.push((Acked { peer, up_to: frame.sequence, next: None }, frame.partition)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(number: u64, sender: UserId, sequence: u64) -> Written {
        Written { number, partition: 0, next: number + 100, sender: Some(sender), sequence }
    }

    #[test]
    fn a_cumulative_ack_takes_all_before_it_and_an_individual_one_does_not() {
        let peer = UserId::draw();
        let filled = || {
            let mut window = Window::default();
            (1..=3).for_each(|n| window.wrote(frame(n, peer, n * 10)));
            window
        };
        assert_eq!(filled().ack(2, true), [Acked { peer, up_to: 20, next: Some(102) }]);
        let mut window = filled();
        assert_eq!(window.ack(2, false), [Acked { peer, up_to: 20, next: None }]);
        assert_eq!(window.ack(2, false), []);
        assert_eq!(window.ack(1, false), [Acked { peer, up_to: 10, next: Some(102) }]);
        assert_eq!(window.ack(9, true), []);
        assert_eq!(window.ack(3, true), [Acked { peer, up_to: 30, next: Some(103) }]);
        assert!(window.entries.is_empty());
    }

    #[test]
    fn a_lost_frame_stops_the_position_but_not_the_marks() {
        let peer = UserId::draw();
        let mut window = Window::default();
        let last = limits::UNACKNOWLEDGED as u64 + 1;
        (1..=last).for_each(|n| window.wrote(frame(n, peer, n)));
        assert_eq!(window.entries.len(), limits::UNACKNOWLEDGED);
        assert_eq!(window.ack(last, true), [Acked { peer, up_to: last, next: None }]);
        let other = Written { partition: 1, ..frame(last + 1, peer, last + 1) };
        window.wrote(other);
        assert_eq!(window.ack(last + 1, true)[0].next, Some(last + 101));
    }

    #[test]
    fn an_own_message_moves_the_position_with_the_next_mark() {
        let peer = UserId::draw();
        let mut window = Window::default();
        window.wrote(Written { sender: None, ..frame(1, peer, 1) });
        window.wrote(frame(2, peer, 2));
        assert_eq!(window.ack(1, true), []);
        assert_eq!(window.mark(peer, 2), [Acked { peer, up_to: 2, next: Some(102) }]);
    }
}
