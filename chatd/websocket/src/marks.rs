//! Signs that a device has something: ACK, explicit marks, and pongs.
//!
//! Marks are coalesced by conversation while earlier ones are on their way to the log, and carried by one
//! task a session, so neither a session's loop nor the log sees one record for each frame.

use crate::Hub;
use crate::beats;
use crate::connection::{Connection, Identity};
use crate::destination::AckMode;
use crate::send::Pending;
use crate::session::{Fatal, Session};
use crate::subscribe::missing;
use crate::watermark::Acked;
use bytes::Bytes;
use chat::MarkKind;
use futures_util::StreamExt;
use schema::api::MarkRequest;
use schema::event::DevicePosition;
use schema::wire::stomp::{Frame, Version};
use schema::{UserId, limits};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// Marks of one session on their way at once.
const TOGETHER: usize = 8;
/// How often marks that the log did not take are tried again, a second apart.
const TRIES: u32 = 5;

/// What was written to the client and what a ping asked about.
#[derive(Default)]
pub(crate) struct Pings {
    /// By sender: up to which sequence frames were written that nothing has marked yet.
    pub(crate) unmarked: HashMap<UserId, u64>,
    /// The same, of frames before the ping that is out.
    pub(crate) asked: HashMap<UserId, u64>,
    pub(crate) number: u64,
    /// A ping is out.
    pub(crate) out: bool,
    /// The tick of the last ping.
    pub(crate) at: u32,
    /// A ping is due for the connection's life, not for marks.
    pub(crate) alive_due: bool,
}

impl Session {
    pub(crate) fn on_ack(&mut self, frame: &Frame) -> Result<(), Fatal> {
        // An id that is not, or no longer, waited for has nothing to say.
        let Ok(number) = self.acknowledged(frame, "ACK")?.parse::<u64>() else { return Ok(()) };
        let mut acked = Vec::new();
        for one in &mut self.subscriptions {
            if let Some(window) = &mut one.window {
                acked.extend(window.ack(number, one.ack == AckMode::Client));
            }
        }
        for Acked { peer, up_to, next } in acked {
            self.delivered(peer, up_to, next);
        }
        Ok(())
    }

    /// The message stays undelivered, and the device's position behind it.
    pub(crate) fn on_nack(&self, frame: &Frame) -> Result<(), Fatal> {
        if self.version == Version::V10 {
            return Err(Fatal::protocol("NACK is not part of STOMP 1.0"));
        }
        self.acknowledged(frame, "NACK").map(|_| ())
    }

    /// The id of the frame that an ACK names: `id` in 1.2, `message-id` before.
    fn acknowledged<'a>(&self, frame: &'a Frame, command: &str) -> Result<&'a str, Fatal> {
        let header = if self.version == Version::V12 { "id" } else { "message-id" };
        frame.header(header).ok_or_else(|| missing(command, header))
    }

    /// `/app/chat.delivered` and `/app/chat.seen`.
    pub(crate) async fn mark(&mut self, frame: &Frame, kind: MarkKind, pending: Pending) {
        let Some(who) = self.connection.identity.get().copied() else { return };
        let request: MarkRequest = match edge::parse(&frame.body) {
            Ok(request) => request,
            Err(problem) => return pending.refused(&problem),
        };
        let peer = match Box::pin(self.hub.chat.resolve(&request.peer_id)).await {
            Ok(peer) => peer,
            Err(error) => return pending.done(Err(error)),
        };
        let mut next = None;
        for window in self.subscriptions.iter_mut().filter_map(|one| one.window.as_mut()) {
            next =
                next.max(window.mark(peer, request.up_to).into_iter().filter_map(|acked| acked.next).max());
        }
        self.connection.state().remember_mark(peer, request.up_to);
        let hub = Arc::clone(&self.hub);
        tokio::spawn(async move {
            let Ok(_permit) = hub.marking.acquire().await else { return };
            let device = next.map(|next| DevicePosition { session_id: who.session, next });
            pending.done(hub.chat.mark(who.user, peer, kind, request.up_to, device).await);
        });
    }

    /// A ping, if one is due: to learn what has arrived, at most one a second, or to keep the connection.
    pub(crate) fn next_ping(&mut self) -> Option<Bytes> {
        let alive = std::mem::take(&mut self.pings.alive_due);
        let now = self.hub.wheel.now();
        if !self.pings.out && !self.pings.unmarked.is_empty() {
            let interval = beats::ticks(limits::PING_INTERVAL);
            let mut at = self.pings.at + interval;
            if now >= at && !alive && !self.hub.wheel.take_ping() {
                self.pings.at = now; // others come first; by then there is more to ask about
                at = now + interval;
            }
            if alive || now >= at {
                self.pings.number += 1;
                self.pings.out = true;
                self.pings.at = now;
                self.pings.asked = std::mem::take(&mut self.pings.unmarked);
                return Some(self.ping());
            }
            self.wake_at(at);
        }
        alive.then(|| self.ping())
    }

    fn ping(&self) -> Bytes {
        Bytes::copy_from_slice(&self.pings.number.to_be_bytes())
    }

    /// Everything written before the ping has arrived.
    pub(crate) fn on_pong(&mut self, payload: &[u8]) {
        self.times.read(self.hub.wheel.now());
        if self.pings.out && payload == self.pings.number.to_be_bytes() {
            self.pings.out = false;
            for (peer, up_to) in std::mem::take(&mut self.pings.asked) {
                self.delivered(peer, up_to, None);
            }
        }
    }

    /// Marks a conversation DELIVERED, soon, with the device's position if that moved.
    fn delivered(&self, peer: UserId, up_to: u64, next: Option<u64>) {
        let Some(who) = self.connection.identity.get().copied() else { return };
        let mut state = self.connection.state();
        state.remember_mark(peer, up_to);
        add(&mut state.marks, peer, (up_to, next));
        if !std::mem::replace(&mut state.marking, true) {
            tokio::spawn(carry(Arc::clone(&self.hub), Arc::clone(&self.connection), who));
        }
    }
}

type Marks = HashMap<UserId, (u64, Option<u64>)>;

/// Merges a mark by maximum. Beyond the bound it is left out: what is not marked is replayed.
fn add(marks: &mut Marks, peer: UserId, (up_to, next): (u64, Option<u64>)) {
    if marks.len() < limits::MARKED_CONVERSATIONS || marks.contains_key(&peer) {
        let mark = marks.entry(peer).or_default();
        *mark = (up_to.max(mark.0), next.max(mark.1));
    }
}

/// Carries the marks of a session to the log until there is none.
async fn carry(hub: Arc<Hub>, connection: Arc<Connection>, who: Identity) {
    let mut tries = 0;
    loop {
        let marks = {
            let mut state = connection.state();
            if state.marks.is_empty() {
                state.marking = false;
                return;
            }
            std::mem::take(&mut state.marks)
        };
        let left = futures_util::stream::iter(marks)
            .map(|(peer, (up_to, next))| {
                let hub = &hub;
                async move {
                    let _permit = hub.marking.acquire().await.ok()?;
                    let device = next.map(|next| DevicePosition { session_id: who.session, next });
                    let marked = hub.chat.mark(who.user, peer, MarkKind::Delivered, up_to, device).await;
                    let error = marked.err()?;
                    tracing::debug!(%error, "a mark did not reach the log");
                    (error.code().status() == 503).then_some((peer, (up_to, next)))
                }
            })
            .buffer_unordered(TOGETHER)
            .filter_map(std::future::ready)
            .collect::<Vec<_>>()
            .await;
        if left.is_empty() {
            tries = 0;
            continue;
        }
        tries += 1;
        if tries > TRIES {
            hub.metrics.marks_failed.inc_by(left.len() as u64);
            tries = 0;
            continue;
        }
        {
            let mut state = connection.state();
            left.into_iter().for_each(|(peer, mark)| add(&mut state.marks, peer, mark));
        }
        tokio::time::sleep(Duration::from_secs(limits::RETRY_AFTER_S.into())).await;
    }
}
