//! The real-time door: STOMP over plain WebSockets on `/ws/websocket`, and over SockJS on `/ws`.
//!
//! A frame's way in: [`upgrade`] or [`sockjs`] makes a [`socket`] a [`session`], whose one loop decodes
//! frames and hands them to [`send`], [`subscribe`] or [`marks`], which call `chat`. A message's way out:
//! [`fanout`] takes chat's deliveries, finds the people's sessions in [`connections`] and puts a reference
//! into each session's [`outbox`]; the session renders and writes it. What was missed comes by [`replay`],
//! straight from the view. [`beats`] is the one timer of all sessions.
//!
//! Neighbours: `chat` (send, mark, feed), `edge` (token check, revocations, problems), `schema` (STOMP).
//!
//! Invariants: nobody waits for a slow socket: its outbox is bounded in bytes, then it is closed with 1013
//! and finds everything in the store. Within one subscription no message comes twice and none is left out.
//! A RECEIPT of a send leaves after chat's answer. An idle session owns no timer and no channel.

mod beats;
mod connect;
mod connection;
mod connections;
mod destination;
mod drain;
mod fanout;
mod frames;
mod marks;
mod metrics;
mod outbox;
mod replay;
mod send;
mod session;
mod socket;
mod sockjs;
mod subscribe;
mod typing;
mod upgrade;
mod watching;
mod watermark;
mod write;

use axum::Router;
use beats::Wheel;
use chat::Talk;
use connections::Connections;
use edge::{Identify, Revocations, Verifier};
use metrics::Metrics;
use presence::Attend;
use schema::limits;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};
use tokio::sync::Semaphore;

/// What an operator may set.
#[derive(Clone, Debug)]
pub struct Config {
    /// Sends a session may make a second, sustained; 0 is off.
    pub messages_per_second: u32,
    /// Sends a session may make at once.
    pub messages_burst: u32,
    /// Sockets of a user at once; 0 is off.
    pub sockets_per_user: usize,
    /// Bytes waiting for a session that does not read.
    pub outbox_bytes: usize,
    /// Seconds from the upgrade to the CONNECT frame.
    pub connect_deadline_s: u64,
    /// Bytes of a STOMP frame, and of a plain WebSocket message.
    pub frame_bytes: usize,
    /// Period of heart-beats that is offered in both directions, in milliseconds.
    pub heartbeat_ms: u32,
    /// Origins of pages that may open sockets, besides the server's own; `*` is all.
    pub allowed_origins: Vec<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            messages_per_second: limits::MESSAGES_PER_SECOND,
            messages_burst: limits::MESSAGES_BURST,
            sockets_per_user: limits::SOCKETS_PER_USER,
            outbox_bytes: limits::OUTBOX_BYTES,
            connect_deadline_s: limits::CONNECT_DEADLINE_S,
            frame_bytes: limits::FRAME_BYTES,
            heartbeat_ms: u32::try_from(limits::HEARTBEAT_MS).unwrap_or(u32::MAX),
            allowed_origins: Vec::new(),
        }
    }
}

/// The websocket service.
#[derive(Clone)]
pub struct WebSocket(Arc<Hub>);

/// What all sessions of the process share.
struct Hub {
    chat: Arc<dyn Talk>,
    presence: Arc<dyn Attend>,
    verifier: Arc<Verifier>,
    identify: Arc<dyn Identify>,
    revocations: Arc<Revocations>,
    config: Config,
    metrics: Metrics,
    connections: Connections,
    /// SockJS sessions over HTTP.
    lines: sockjs::Lines,
    wheel: Wheel,
    /// Permits of marks on their way to the log.
    marking: Semaphore,
    draining: AtomicBool,
    next_connection: AtomicU64,
}

impl WebSocket {
    /// Starts the service: its fan-out, its timer and its watch over ended sessions. Call it within the
    /// runtime, and before sockets are accepted.
    pub fn open(
        chat: Arc<dyn Talk>,
        presence: Arc<dyn Attend>,
        verifier: Arc<Verifier>,
        identify: Arc<dyn Identify>,
        revocations: Arc<Revocations>,
        config: Config,
        metrics: &edge::Metrics,
    ) -> Self {
        let (deliveries, typings) = (chat.deliveries(), presence.typings());
        let ends = revocations.subscribe();
        let hub = Arc::new(Hub {
            chat,
            presence,
            verifier,
            identify,
            revocations,
            config,
            metrics: Metrics::register(&mut metrics.registry()),
            connections: Connections::new(),
            lines: sockjs::Lines::default(),
            wheel: Wheel::new(),
            marking: Semaphore::new(limits::MARKS_IN_FLIGHT),
            draining: AtomicBool::new(false),
            // Unique among all processes, so that none takes another's connection for its own.
            next_connection: AtomicU64::new(uuid::Uuid::new_v4().as_u64_pair().0 & !0xffff_ffff),
        });
        tokio::spawn(fanout::run(Arc::downgrade(&hub), deliveries));
        tokio::spawn(typing::run(Arc::downgrade(&hub), typings));
        tokio::spawn(beats::run(Arc::downgrade(&hub)));
        tokio::spawn(sockjs::sweep(Arc::downgrade(&hub)));
        tokio::spawn(drain::close_ended(Arc::downgrade(&hub), ends));
        Self(hub)
    }

    /// The service's paths, state applied.
    pub fn routes(&self) -> Router {
        upgrade::routes(Arc::clone(&self.0)).merge(sockjs::routes(Arc::clone(&self.0)))
    }

    /// Takes no new sockets and closes all with 1012, spread over a part of `limits::DRAIN` so that clients
    /// do not come back all at once. Returns when they are closed, or when that time is over.
    pub async fn drain(&self) {
        drain::drain(&self.0).await;
    }

    /// SockJS sessions over HTTP that are remembered now; those that ended up to
    /// `limits::SOCKJS_DISCONNECT_DELAY` ago are among them.
    pub fn lines(&self) -> usize {
        self.0.lines.len()
    }

    /// Sockets that are open now.
    pub fn sockets(&self) -> usize {
        self.0.connections.len()
    }
}
