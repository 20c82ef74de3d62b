//! One loop per socket: frames in to chat, the outbox out to the socket.

use crate::Hub;
use crate::beats::Times;
use crate::connection::{Close, Connection};
use crate::frames;
use crate::marks::Pings;
use crate::replay::Replay;
use crate::send::Bucket;
use crate::socket::{Incoming, Socket};
use crate::subscribe::Subscribed;
use crate::upgrade::Entry;
use crate::write::Event;
use edge::SocketPermit;
use futures_util::FutureExt;
use schema::limits;
use schema::wire::stomp::{Command, Decoder, Frame, Side, Version};
use std::collections::{HashSet, VecDeque};
use std::future::poll_fn;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// The socket's own side of a session; what others reach is in [`Connection`].
pub(crate) struct Session {
    pub(crate) hub: Arc<Hub>,
    pub(crate) connection: Arc<Connection>,
    pub(crate) socket: Socket,
    pub(crate) decoder: Decoder,
    pub(crate) version: Version,
    /// What the opening request said of who it is, until CONNECT.
    pub(crate) entry: Option<Box<Entry>>,
    pub(crate) times: Times,
    /// The earliest tick at which the wheel comes by.
    pub(crate) awake_at: u32,
    pub(crate) bucket: Bucket,
    pub(crate) subscriptions: Vec<Subscribed>,
    pub(crate) next_subscription: u32,
    /// Number of the last MESSAGE.
    pub(crate) messages: u64,
    pub(crate) replays: VecDeque<Replay>,
    /// Client ids of what was sent while a replay runs, which must not bring them back.
    pub(crate) sent_meanwhile: HashSet<String>,
    /// Nothing more is read until every outcome is there.
    pub(crate) barrier: bool,
    /// DISCONNECT came, with this receipt.
    pub(crate) leaving: Option<Option<String>>,
    pub(crate) pings: Pings,
    pub(crate) beat_due: bool,
    /// The socket holds bytes that were not flushed.
    pub(crate) unflushed: bool,
}

/// What ends a session: an ERROR and a close.
#[derive(Debug)]
pub(crate) struct Fatal {
    pub(crate) message: String,
    pub(crate) close: Close,
    /// Name the versions in the ERROR.
    pub(crate) versions: bool,
}

impl Fatal {
    pub(crate) fn protocol(message: impl Into<String>) -> Self {
        Self { message: message.into(), close: Close::PROTOCOL, versions: false }
    }
}

/// Takes the socket off the books, whatever happens to its task.
struct Booked {
    hub: Arc<Hub>,
    connection: Arc<Connection>,
    /// Counts the socket of its address.
    _permit: Option<SocketPermit>,
}

impl Drop for Booked {
    fn drop(&mut self) {
        self.hub.connections.remove(&self.connection);
        if let Some(who) = self.connection.identity.get() {
            self.hub.chat.leave(who.user);
            self.hub.presence.disconnected(who.user, self.connection.id);
        }
        self.hub.metrics.sockets.dec();
        self.connection.state().outbox.clear();
    }
}

impl Session {
    /// Serves one socket to its end. The session is on the heap at once: nothing else of it stays in the
    /// task.
    pub(crate) fn run(
        hub: Arc<Hub>,
        socket: Socket,
        entry: Box<Entry>,
        permit: Option<SocketPermit>,
    ) -> impl Future<Output = ()> {
        let id = hub.next_connection.fetch_add(1, Ordering::Relaxed);
        let connection = Arc::new(Connection::new(id, hub.config.outbox_bytes));
        hub.connections.open(&connection);
        hub.metrics.sockets.inc();
        let booked = Booked { hub: Arc::clone(&hub), connection: Arc::clone(&connection), _permit: permit };
        let session = Box::new(Self::new(hub, connection, socket, entry));
        async move {
            if AssertUnwindSafe(session.serve()).catch_unwind().await.is_err() {
                booked.hub.metrics.session_panics.inc();
                tracing::error!(connection = booked.connection.id, "a session ended in a panic");
            }
        }
    }

    fn new(hub: Arc<Hub>, connection: Arc<Connection>, socket: Socket, entry: Box<Entry>) -> Self {
        let times = Times::new(hub.wheel.now(), Duration::from_secs(hub.config.connect_deadline_s));
        Self {
            bucket: Bucket::new(&hub.config),
            decoder: Decoder::new(Side::Server).bounded(hub.config.frame_bytes),
            hub,
            connection,
            socket,
            version: Version::V10,
            entry: Some(entry),
            times,
            awake_at: u32::MAX,
            subscriptions: Vec::new(),
            next_subscription: 0,
            messages: 0,
            replays: VecDeque::new(),
            sent_meanwhile: HashSet::new(),
            barrier: false,
            leaving: None,
            pings: Pings::default(),
            beat_due: false,
            // A framed socket begins with a word of its own.
            unflushed: true,
        }
    }

    async fn serve(mut self: Box<Self>) {
        self.look_at_times();
        let close = loop {
            if let Some(close) = self.connection.state().close {
                break close;
            }
            if let Err(fatal) = self.read_frames().await {
                self.fail(&fatal, None);
                continue;
            }
            match poll_fn(|cx| self.poll_event(cx)).await {
                Event::Work => self.work().await,
                Event::Came(Incoming::Data(bytes)) => {
                    self.times.read(self.hub.wheel.now());
                    self.decoder.feed(bytes);
                }
                Event::Came(Incoming::Pong(payload)) => self.on_pong(&payload),
                Event::Came(Incoming::Broken(code)) => {
                    self.connection.close(Close { code, ..Close::PROTOCOL });
                }
                Event::Came(Incoming::Bye) => return self.socket.answer_close().await,
                Event::Came(Incoming::Gone) => return,
            }
        };
        self.close(close).await;
    }

    /// Hands whole frames on until there is none, or none may be read now.
    async fn read_frames(&mut self) -> Result<(), Fatal> {
        while self.may_read() {
            let frame = self.decoder.next_frame();
            let Some(frame) = frame.map_err(|error| Fatal::protocol(error.to_string()))? else {
                return Ok(());
            };
            self.hub.metrics.frames_in.inc();
            if let Err(fatal) = self.on_frame(&frame).await {
                self.fail(&fatal, frame.header("receipt"));
                return Ok(());
            }
        }
        Ok(())
    }

    /// Sends in flight are bounded by not reading on; a barrier waits for all of them.
    pub(crate) fn may_read(&self) -> bool {
        self.leaving.is_none() && !self.barrier && self.connection.waiting() < limits::SENDS_IN_FLIGHT
    }

    async fn on_frame(&mut self, frame: &Frame) -> Result<(), Fatal> {
        let receipt = frame.header("receipt");
        let connected = self.connection.identity.get().is_some();
        match frame.command {
            Command::Connect | Command::Stomp if !connected => return Box::pin(self.on_connect(frame)).await,
            Command::Connect | Command::Stomp => return Err(Fatal::protocol("already connected")),
            _ if !connected => return Err(Fatal::protocol("CONNECT must come first")),
            Command::Send => return self.on_send(frame).await,
            Command::Subscribe => {
                if !self.on_subscribe(frame).await? {
                    return Ok(()); // refused, and the client was told
                }
            }
            Command::Unsubscribe => self.on_unsubscribe(frame)?,
            Command::Ack => self.on_ack(frame)?,
            Command::Nack => self.on_nack(frame)?,
            Command::Disconnect => {
                self.leaving = Some(receipt.map(str::to_owned));
                return Ok(());
            }
            other => {
                let message = format!("{} is not supported: there are no transactions", other.as_str());
                return Err(Fatal::protocol(message));
            }
        }
        self.connection.receipt(receipt);
        Ok(())
    }

    /// What is to be done besides reading and writing.
    async fn work(&mut self) {
        if std::mem::take(&mut self.connection.state().ticked) {
            self.look_at_times();
        }
        if self.connection.waiting() == 0 {
            self.barrier = false;
            if let Some(receipt) = &self.leaving {
                self.connection.receipt(receipt.as_deref());
                self.connection.close(Close::NORMAL);
                return;
            }
        }
        self.look_at_gap();
        if self.wants_page() {
            self.pull().await;
        }
    }

    /// Does what is due and tells the wheel when to come again.
    pub(crate) fn look_at_times(&mut self) {
        let now = self.hub.wheel.now();
        if now >= self.awake_at {
            self.awake_at = u32::MAX;
        }
        let due = self.times.due(now);
        if let Some(close) = due.close {
            if close.flush {
                self.connection.push(frames::error(close.reason, None, false));
            }
            self.connection.close(close);
        }
        self.beat_due |= due.beat;
        self.pings.alive_due |= due.ping;
        self.wake_at(due.next);
        if let Some(retry) = self.replays.front().and_then(|replay| replay.retry_at) {
            self.wake_at(retry);
        }
    }

    /// Asks the wheel to come by, unless it does so earlier anyway.
    pub(crate) fn wake_at(&mut self, tick: u32) {
        if tick < self.awake_at {
            self.awake_at = self.hub.wheel.schedule(&self.connection, tick);
        }
    }

    fn fail(&self, fatal: &Fatal, receipt: Option<&str>) {
        self.connection.push(frames::error(&fatal.message, receipt, fatal.versions));
        self.connection.close(fatal.close);
    }

    /// Writes what is to be written, says why, and hears the other side out.
    async fn close(mut self: Box<Self>, close: Close) {
        self.hub.metrics.closes.get_or_create(&crate::metrics::Code { code: close.code }).inc();
        let goodbye = async {
            if close == Close::RESTART {
                // What was accepted gets its receipt before the process ends.
                poll_fn(|cx| self.poll_outcomes(cx)).await;
            }
            self.replays.clear();
            if close.flush {
                poll_fn(|cx| self.poll_drained(cx)).await.ok()?;
            }
            self.socket.close(close.code, close.reason).await
        };
        if tokio::time::timeout(limits::CLOSE_TIME, goodbye).await.is_err() {
            self.socket.give_up(close.code, close.reason);
        }
    }
}
