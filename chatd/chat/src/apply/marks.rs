//! Marks: how far a member has come, and what of that the other one is told.

use super::{Effects, Live, Moved, Outcome};
use schema::event::{Event, Mark};
use schema::{MessageStatus, Position, UserId};
use store::messages::{Change, FeedEntry, Head, Write};

pub(super) fn apply_mark(
    live: &mut Option<Live>,
    event: &Event,
    mark: &Mark,
    status: MessageStatus,
    position: Position,
) -> Effects {
    let mut effects = Effects::none(Outcome::Applied);
    if let Some(device) = mark.device {
        effects.writes.push(Write::Device {
            user: event.actor_id,
            session: device.session_id,
            partition: position.partition,
            next: device.next,
        });
    }
    if mark.up_to == 0 {
        return effects;
    }
    let Some(live) = live.as_mut() else { return effects };
    let Some(member) = live.head.member(event.actor_id) else { return effects };
    let up_to = mark.up_to.min(live.head.last_sequence);
    let shown = shown(&live.head, event.actor_id, mark, status);
    let marks = &mut live.head.marks[member];
    let before = *marks;
    advance(&mut marks.delivered, &mut marks.seen, status, up_to);
    if let Some(shown) = shown {
        advance(&mut marks.shown_delivered, &mut marks.shown_seen, shown, up_to);
    }
    let marks = *marks;
    let told = (before.shown_delivered, before.shown_seen) != (marks.shown_delivered, marks.shown_seen);
    // Written even if nothing advanced: a replay must not depend on what a head has seen already.
    live.touch(position);
    effects.changed = true;
    let mut tell = |user, status| {
        let change = Change::Mark { user: event.actor_id, up_to, status };
        let entry = FeedEntry { position, conversation_id: event.conversation_id, change };
        effects.writes.push(Write::Feed { user, entry });
    };
    // The marker's other devices need to know what was seen; what was delivered is news for the sender.
    if status == MessageStatus::Seen {
        tell(event.actor_id, status);
    }
    if let Some(shown) = shown
        && mark.peer_id != event.actor_id
    {
        tell(mark.peer_id, shown);
    }
    if marks != before {
        let shown = shown.filter(|_| told);
        effects.moved = Some(Moved { user: event.actor_id, peer: mark.peer_id, status, up_to, shown });
    }
    effects
}

/// What the peer may know of a mark: nothing from somebody who has blocked them, and DELIVERED where read
/// receipts are not shown.
fn shown(head: &Head, actor: UserId, mark: &Mark, status: MessageStatus) -> Option<MessageStatus> {
    if head.has_blocked(actor) {
        None
    } else if mark.private {
        Some(MessageStatus::Delivered)
    } else {
        Some(status)
    }
}

/// Marks merge by maximum; what is seen is delivered too.
fn advance(delivered: &mut u64, seen: &mut u64, status: MessageStatus, up_to: u64) {
    *delivered = up_to.max(*delivered);
    if status == MessageStatus::Seen {
        *seen = up_to.max(*seen);
    }
}
