//! One batch of records, from heads to deliveries.

use super::heads::Heads;
use super::{At, Shared, Stopped};
use crate::apply::{Effects, LastMessage, Live, Moved, Outcome, apply, needs_lookup};
use crate::delivery::{Batch, Delivery};
use schema::event::{Event, ReplyTo};
use schema::{ConversationId, MessageId, Position};
use std::collections::{HashMap, HashSet};
use store::messages::{IdEntry, Write};

/// The heads that a batch works on: out of the cache while their writes are in flight.
type Working = HashMap<ConversationId, Option<Live>>;

/// Applies a batch, which holds one record at least.
pub(super) async fn run(at: &At<'_>, heads: &mut Heads, events: &[(Position, Event)]) -> Result<(), Stopped> {
    let mut working = load(at, heads, events).await?;
    let mut known = look_up(at, &working, events).await?;
    at.check_memory()?;
    let mut effects = Vec::with_capacity(events.len());
    let mut changed = HashSet::new();
    for (position, event) in events {
        let live = working.entry(event.conversation_id).or_default();
        let done = apply(live, event, *position, known.get(&event.event_id))?;
        for write in &done.writes {
            if let Write::Id(entry) = write {
                known.insert(entry.message_id, entry.clone());
            }
        }
        if done.changed {
            changed.insert(event.conversation_id);
        }
        effects.push(done);
    }
    write(at, &working, &changed, &mut effects).await?;
    // Before anybody is told: who asks afterwards finds the position behind what was acknowledged.
    if let Some((last, _)) = events.last() {
        at.shared.links.advance(last.partition, last.offset + 1);
    }
    let answers = answer(at.shared, events, &effects);
    hand_over(at, &working, events, effects, answers).await?;
    for (conversation, live) in working {
        if let Some(live) = live {
            heads.put(conversation, live);
        }
    }
    Ok(())
}

/// Takes heads out of memory, or loads them as they were before the batch: after a crash, or beside
/// another owner, the view may be ahead.
async fn load(at: &At<'_>, heads: &mut Heads, events: &[(Position, Event)]) -> Result<Working, Stopped> {
    let as_of = events.first().map(|(position, _)| *position).unwrap_or_default();
    let mut working = Working::new();
    let mut missing = Vec::new();
    for (_, event) in events {
        working.entry(event.conversation_id).or_insert_with(|| {
            let live = heads.take(event.conversation_id);
            if live.is_none() {
                missing.push(event.conversation_id);
            }
            live
        });
    }
    while !missing.is_empty() {
        match at.shared.messages.heads(&missing, Some(as_of)).await {
            Ok(loaded) => {
                for (conversation, head) in missing.drain(..).zip(loaded) {
                    working.insert(conversation, head.map(|head| Live::loaded(head, as_of)));
                }
            }
            Err(error) => at.wait_out(error, "reading heads").await?,
        }
    }
    Ok(working)
}

/// What the view has under the ids of those sends that can't be proved new from their heads.
async fn look_up(
    at: &At<'_>,
    working: &Working,
    events: &[(Position, Event)],
) -> Result<HashMap<MessageId, IdEntry>, Stopped> {
    let ids: Vec<MessageId> = events
        .iter()
        .filter(|(_, event)| {
            needs_lookup(working.get(&event.conversation_id).and_then(Option::as_ref), event)
        })
        .map(|(_, event)| event.event_id)
        .collect();
    loop {
        match at.shared.messages.ids(&ids).await {
            Ok(found) => {
                return Ok(ids.into_iter().zip(found).filter_map(|(id, entry)| Some((id, entry?))).collect());
            }
            Err(error) => at.wait_out(error, "looking message ids up").await?,
        }
    }
}

/// Writes rows first and heads last, each head once: whatever part of it a crash leaves, a replay mends.
async fn write(
    at: &At<'_>,
    working: &Working,
    changed: &HashSet<ConversationId>,
    effects: &mut [Effects],
) -> Result<(), Stopped> {
    let mut writes: Vec<Write> = effects.iter_mut().flat_map(|effect| effect.writes.drain(..)).collect();
    let live = |conversation| working.get(conversation).and_then(Option::as_ref);
    writes.extend(changed.iter().filter_map(live).map(|live| Write::Head(live.head.clone())));
    if writes.is_empty() {
        return Ok(());
    }
    while let Err(error) = at.shared.messages.write(&writes).await {
        at.wait_out(error, "writing the history view").await?;
    }
    at.shared.waiters.set_stalled(at.partition, None);
    Ok(())
}

/// Tells those who wait: only now is a message in the log and visible. Gives back what those elsewhere are
/// told over their link.
fn answer(shared: &Shared, events: &[(Position, Event)], effects: &[Effects]) -> Vec<(ReplyTo, Outcome)> {
    let mut elsewhere = Vec::new();
    let linked = shared.links.has_outbound();
    for ((_, event), effect) in events.iter().zip(effects) {
        let Some(reply_to) = event.reply_to else { continue };
        if reply_to.node != shared.waiters.node() {
            if linked {
                elsewhere.push((reply_to, effect.outcome.clone()));
            }
            continue;
        }
        shared.waiters.applied(reply_to, effect.outcome.clone());
    }
    elsewhere
}

async fn hand_over(
    at: &At<'_>,
    working: &Working,
    events: &[(Position, Event)],
    effects: Vec<Effects>,
    answers: Vec<(ReplyTo, Outcome)>,
) -> Result<(), Stopped> {
    let mut deliveries = Vec::with_capacity(effects.len());
    let mut last = Position::default();
    for ((position, event), effect) in events.iter().zip(effects) {
        last = *position;
        let head = working.get(&event.conversation_id).and_then(Option::as_ref).map(|live| &live.head);
        if let (Outcome::Sent(message), Some(head)) = (effect.outcome, head) {
            let origin = event.reply_to.and_then(|to| to.connection);
            let status = head.status(&message, message.sender_id);
            deliveries.push(Delivery::Message { message, status, origin });
        }
        if let Some(moved) = effect.moved {
            let last = working
                .get(&event.conversation_id)
                .and_then(Option::as_ref)
                .and_then(|live| live.last.as_ref());
            deliveries.push(mark(at, event, *position, moved, last).await?);
        }
    }
    at.shared.watchers.wake(&deliveries);
    at.shared
        .links
        .hand_over(Batch {
            partition: last.partition,
            first: false,
            next: last.offset + 1,
            answers,
            deliveries,
        })
        .await;
    Ok(())
}

async fn mark(
    at: &At<'_>,
    event: &Event,
    position: Position,
    moved: Moved,
    last: Option<&LastMessage>,
) -> Result<Delivery, Stopped> {
    let message = match last.filter(|last| last.sequence == moved.up_to) {
        Some(last) => Some((last.message_id, last.client_message_id.clone())),
        None => {
            let row = loop {
                match at.shared.messages.message(event.conversation_id, moved.up_to).await {
                    Ok(row) => break row,
                    Err(error) => at.wait_out(error, "reading a marked message").await?,
                }
            };
            row.map(|row| (row.message_id, row.client_message_id.clone()))
        }
    };
    Ok(Delivery::Mark {
        position,
        conversation: event.conversation_id,
        user: moved.user,
        peer: moved.peer,
        status: moved.status,
        shown: moved.shown,
        up_to: moved.up_to,
        at: event.occurred_at,
        message,
    })
}
