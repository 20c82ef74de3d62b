//! The side that connects: one link to every chat process of a directory, and calls over one of them.
//!
//! [`dial`] makes a link and makes it again when it is lost; a [`Line`] is one that is up. Each new one is
//! first told whom this process attends; when it has confirmed that, whoever listens is told that something
//! may have been missed, and pulls it. So is everybody when a link is lost, and when a log partition has a new
//! owner: what the former one told last may come later than what the new one tells first.

mod calls;
mod dial;
mod line;

pub(crate) use calls::Fault;
pub(crate) use line::Line;

use crate::directory::{Directory, Node};
use crate::metrics;
use crate::wire::{Call, Reply, Shown, Up, Wants};
use crate::{Client, Token};
use async_trait::async_trait;
use chat::Batch;
use parking_lot::Mutex;
use presence::Typed;
use schema::limits::{LINK_ATTEND_TIME, LINK_CALL_TIME, LINK_CHUNK};
use schema::{Cursor, Position, SessionId, Timestamp, UserId};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Who hears what comes over the links.
#[async_trait]
pub(crate) trait Side: Send + Sync + 'static {
    /// Calls go over this link from now on; it is to be told whatever the last one knew. Only puts into the
    /// outbox.
    fn moved_in(&self, _home: &Arc<Line>) {}

    /// Whoever reads must not wait for sessions: nothing else of this link is read meanwhile.
    async fn batch(&self, batch: Batch);

    /// The view shows everything of a log partition before `next`, as somebody says who need not have
    /// applied it.
    async fn moved(&self, _partition: u32, _next: u64) {}

    /// Something may have been missed.
    async fn missed(&self);

    fn typed(&self, _typed: Typed) {}
    fn presence(&self, _line: &Line, _shown: Shown) {}
    fn ended(&self, _sessions: Vec<(SessionId, Timestamp)>) {}
}

/// The links of a process.
pub(crate) struct Mesh {
    pub(crate) node: Uuid,
    token: Token,
    tls: Option<Arc<rustls::ClientConfig>>,
    wants: Wants,
    side: Arc<dyn Side>,
    metrics: metrics::Client,
    stop: CancellationToken,
    state: Mutex<State>,
    position: Mutex<Cursor>,
}

#[derive(Default)]
struct State {
    lines: Vec<Arc<Line>>,
    home: Option<Arc<Line>>,
    /// How often each person is attended.
    attended: HashMap<UserId, u32>,
}

impl Mesh {
    /// Starts to connect. Call it within the runtime.
    pub(crate) fn start(
        client: Client,
        wants: Wants,
        side: Arc<dyn Side>,
        metrics: &edge::Metrics,
    ) -> Arc<Self> {
        let Client { node, token, tls, directory, stop } = client;
        let mesh = Arc::new(Self {
            node,
            token,
            tls,
            wants,
            side,
            metrics: metrics::Client::register(&mut metrics.registry()),
            stop,
            state: Mutex::default(),
            position: Mutex::default(),
        });
        tokio::spawn(follow(Arc::clone(&mesh), directory.nodes(), directory));
        mesh
    }

    /// Behind the last record that the view is known to show.
    pub(crate) fn position(&self) -> Cursor {
        self.position.lock().clone()
    }

    /// Takes a position that another process has.
    async fn reached(&self, position: &Cursor) {
        let mut moved = Vec::new();
        {
            let mut own = self.position.lock();
            if own.epoch < position.epoch {
                *own = Cursor { epoch: position.epoch, next: Vec::new() };
            }
            if own.epoch == position.epoch {
                let partitions = own.next.len().max(position.next.len());
                own.next.resize(partitions, 0);
                for (partition, (own, next)) in (0..).zip(own.next.iter_mut().zip(&position.next)) {
                    if *own < *next {
                        *own = *next;
                        moved.push((partition, *next));
                    }
                }
            }
        }
        for (partition, next) in moved {
            self.side.moved(partition, next).await;
        }
    }

    /// The view shows this record, and with it every earlier one of its partition.
    pub(crate) fn shown(&self, position: Position) {
        let mut own = self.position.lock();
        if own.epoch == position.epoch {
            own.advance(position);
        }
    }

    /// How many processes are linked.
    pub(crate) fn links(&self) -> usize {
        self.state.lock().lines.len()
    }

    /// The link that calls go over.
    pub(crate) fn home(&self) -> Option<Arc<Line>> {
        self.state.lock().home.clone()
    }

    /// Tells the home something that is not answered. What cannot be told is told to the next home.
    pub(crate) fn note(&self, note: &Up) {
        let state = self.state.lock();
        if let Some(home) = &state.home {
            home.note(note);
        }
    }

    /// From its return on this person's deliveries are told here. False: nobody can tell them now. Either way
    /// it counts, until it is ended by one [`Self::leave`].
    pub(crate) async fn attend(&self, user: UserId) -> bool {
        let asked: Vec<_> = {
            let mut state = self.state.lock();
            *state.attended.entry(user).or_default() += 1;
            state.lines.iter().map(|line| (Arc::clone(line), line.ask(Call::Attend(vec![user])))).collect()
        };
        let mut any = false;
        let end = Instant::now() + LINK_ATTEND_TIME;
        for (line, told) in asked {
            match timeout_at(end, told).await {
                Ok(Ok(Ok(Reply::Done))) => any = true,
                Ok(_) => line.cut("it does not attend"),
                // It is joined again, and then told of everybody.
                Err(_) => line.cut("it did not attend in time"),
            }
        }
        any
    }

    pub(crate) fn leave(&self, user: UserId) {
        let mut state = self.state.lock();
        let Some(count) = state.attended.get_mut(&user) else { return };
        *count -= 1;
        if *count == 0 {
            state.attended.remove(&user);
            state.lines.iter().for_each(|line| line.note(&Up::Leave(user)));
        }
    }

    /// A link is up: it is asked to attend everybody, and is the home if there is none. False: that process
    /// is linked already.
    fn joined(self: &Arc<Self>, line: &Arc<Line>) -> bool {
        let mut state = self.state.lock();
        if state.lines.iter().any(|other| other.node == line.node) {
            return false;
        }
        let attended: Vec<UserId> = state.attended.keys().copied().collect();
        let asked: Vec<_> =
            attended.chunks(LINK_CHUNK).map(|users| line.ask(Call::Attend(users.to_vec()))).collect();
        state.lines.push(Arc::clone(line));
        if state.home.is_none() {
            self.settle_in(&mut state, line);
        }
        drop(state);
        self.metrics.links.inc();
        tokio::spawn(Arc::clone(self).attend_all(Arc::clone(line), asked));
        true
    }

    async fn attend_all(
        self: Arc<Self>,
        line: Arc<Line>,
        asked: Vec<oneshot::Receiver<Result<Reply, Fault>>>,
    ) {
        for told in asked {
            match timeout(LINK_CALL_TIME, told).await {
                Ok(Ok(Ok(Reply::Done))) => {}
                _ => return line.cut("it does not attend"),
            }
        }
        self.side.missed().await;
    }

    /// A link is gone.
    async fn left(self: &Arc<Self>, line: &Arc<Line>) {
        self.metrics.links.dec();
        self.metrics.lost.inc();
        let others = {
            let mut state = self.state.lock();
            state.lines.retain(|other| !Arc::ptr_eq(other, line));
            if state.home.as_ref().is_some_and(|home| Arc::ptr_eq(home, line)) {
                state.home = None;
                if !state.lines.is_empty() {
                    let next = Arc::clone(&state.lines[rand::random_range(0..state.lines.len())]);
                    self.settle_in(&mut state, &next);
                }
            }
            !state.lines.is_empty()
        };
        if others {
            // What it did not tell any more is in the view.
            self.side.missed().await;
        }
    }

    fn settle_in(&self, state: &mut State, line: &Arc<Line>) {
        tracing::info!(node = %line.node, address = line.address, "calls go to this chat process");
        state.home = Some(Arc::clone(line));
        self.side.moved_in(line);
    }

    fn is_home(&self, line: &Line) -> bool {
        self.state.lock().home.as_ref().is_some_and(|home| home.node == line.node)
    }

    /// A batch came from a process.
    async fn heard(&self, batch: Batch) {
        if let Some(next) = self.position.lock().next.get_mut(batch.partition as usize) {
            *next = batch.next.max(*next);
        }
        self.side.batch(batch).await;
    }
}

/// Keeps a link to each node of the directory.
async fn follow(mesh: Arc<Mesh>, mut nodes: watch::Receiver<Vec<Node>>, directory: Arc<dyn Directory>) {
    let mut dialled: HashMap<Node, CancellationToken> = HashMap::new();
    loop {
        let now: HashSet<Node> = nodes.borrow_and_update().iter().cloned().collect();
        dialled.retain(|node, stop| {
            let stays = now.contains(node);
            if !stays {
                stop.cancel();
            }
            stays
        });
        for node in now {
            if node.id == Some(mesh.node) || dialled.contains_key(&node) {
                continue;
            }
            let stop = mesh.stop.child_token();
            dialled.insert(node.clone(), stop.clone());
            tokio::spawn(dial::keep(Arc::clone(&mesh), node, stop));
        }
        tokio::select! {
            () = mesh.stop.cancelled() => return,
            changed = nodes.changed() => if changed.is_err() {
                // Nobody tells any more; what is known stays.
                mesh.stop.cancelled().await;
                drop(directory);
                return;
            },
        }
    }
}
