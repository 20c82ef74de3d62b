//! Closing many: everybody when the process ends, and the sockets of sessions that ended.

use crate::Hub;
use crate::connection::Close;
use edge::Revocations;
use schema::{SessionId, limits};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, sleep, sleep_until};

/// Time between two groups of closes.
const STEP: Duration = Duration::from_millis(50);
/// Sockets closed in a group, at least: few sockets are closed at once.
const GROUP: usize = 50;
/// The part of the drain in which closes are spread; the rest is for what is in flight.
const SPREAD: Duration = Duration::from_millis(limits::DRAIN.as_millis() as u64 / 2);

/// Closes every socket with 1012, spread.
pub(crate) async fn drain(hub: &Arc<Hub>) {
    let end = Instant::now() + limits::DRAIN;
    hub.draining.store(true, Ordering::SeqCst);
    let all = hub.connections.all();
    let steps = SPREAD.as_millis() / STEP.as_millis();
    let group = all.len().div_ceil(usize::try_from(steps).unwrap_or(1)).max(GROUP);
    for (at, group) in all.chunks(group).enumerate() {
        if at > 0 {
            sleep(STEP).await;
        }
        group.iter().for_each(|connection| connection.close(Close::RESTART));
    }
    drop(all);
    // A socket that was being upgraded meanwhile is here now.
    while Instant::now() < end && hub.connections.len() > 0 {
        hub.connections.all().iter().for_each(|connection| connection.close(Close::RESTART));
        sleep_until((Instant::now() + STEP).min(end)).await;
    }
}

/// Closes the sockets of sessions as they end.
pub(crate) async fn close_ended(hub: Weak<Hub>, mut ends: Receiver<SessionId>) {
    loop {
        let end = ends.recv().await;
        let Some(hub) = hub.upgrade() else { return };
        match end {
            Ok(session) => hub.connections.of_session(session, |connection| connection.close(Close::ENDED)),
            Err(RecvError::Lagged(_)) => close_all_ended(&hub, &hub.revocations),
            Err(RecvError::Closed) => return,
        }
    }
}

/// Some ends were missed: asks for each socket.
fn close_all_ended(hub: &Hub, revocations: &Revocations) {
    for connection in hub.connections.all() {
        if connection.identity.get().is_some_and(|who| revocations.is_ended(who.session)) {
            connection.close(Close::ENDED);
        }
    }
}
