//! Blocks and erasures.

use super::{Effects, Live, Outcome};
use schema::Position;
use schema::event::{Event, Peer};
use store::messages::Write;

/// Blocks are records of their conversation, so each send is before or behind them; one comes before any
/// message, too.
pub(super) fn apply_block(
    live: &mut Option<Live>,
    event: &Event,
    peer: &Peer,
    blocked: bool,
    position: Position,
) -> Effects {
    let live = live.get_or_insert_with(|| Live::new(event, peer.peer_id));
    let mut effects = Effects::none(Outcome::Applied);
    let Some(member) = live.head.member(event.actor_id) else { return effects };
    live.head.blocked[member] = blocked;
    live.touch(position);
    effects.changed = true;
    effects.writes.push(Write::Block {
        conversation: event.conversation_id,
        user: event.actor_id,
        peer: peer.peer_id,
        blocked,
        position,
        at: event.occurred_at,
    });
    effects
}

/// The view forgets the content, also of rows that it is given again: nothing here depends on when.
pub(super) fn apply_erasure(event: &Event) -> Effects {
    let mut effects = Effects::none(Outcome::Applied);
    effects.writes.push(Write::Erase { user: event.actor_id, conversation: event.conversation_id });
    effects
}
