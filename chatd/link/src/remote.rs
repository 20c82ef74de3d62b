//! Chat, presence and identity of other processes, as if they were in this one.
//!
//! Deliveries come from every chat process, calls go to one of them: the *home*. When that is lost another
//! takes its place and is told anew which sockets are open and what they watch ([`people`]).

mod attend;
mod identify;
mod people;
mod talk;

use crate::Client;
use crate::mesh::{Fault, Line, Mesh, Side};
use crate::wire::{Call, Deliveries, Reply, Shown, Up, Wants};
use async_trait::async_trait;
use chat::{Batch, Heard};
use edge::{Revocations, Signer};
use parking_lot::Mutex;
use people::People;
use presence::Typed;
use schema::limits::{DELIVERY_BATCHES, LINK_PAGES, TYPING_LINK};
use schema::{Position, SessionId, Timestamp};
use std::sync::{Arc, OnceLock};
use tokio::sync::{Semaphore, mpsc};

/// What stays in this process.
pub struct Local {
    /// Seals cursors; with the keys of the chat processes.
    pub signer: Arc<Signer>,
    /// Is told of sessions that end.
    pub revocations: Arc<Revocations>,
}

/// Chat processes elsewhere.
#[derive(Clone)]
pub struct Remote(Arc<Inner>);

struct Inner {
    mesh: OnceLock<Arc<Mesh>>,
    local: Local,
    people: People,
    deliveries: Mutex<Vec<mpsc::Sender<Heard>>>,
    typings: Mutex<Vec<mpsc::Sender<Typed>>>,
    /// Permits of pages on their way: after a broken link every session pulls, and they take turns.
    pages: Semaphore,
}

impl Remote {
    /// Starts to connect to every chat process of the directory. Call it within the runtime; ask
    /// [`Remote::health`] whether one is reached.
    pub fn open(client: Client, local: Local, metrics: &edge::Metrics) -> Self {
        let inner = Arc::new(Inner {
            mesh: OnceLock::new(),
            local,
            people: People::default(),
            deliveries: Mutex::default(),
            typings: Mutex::default(),
            pages: Semaphore::new(LINK_PAGES),
        });
        let wants = Wants { deliveries: Deliveries::Attended, news: true };
        let stop = client.stop.clone();
        let side: Arc<dyn Side> = Arc::clone(&inner) as Arc<dyn Side>;
        let _ = inner.mesh.set(Mesh::start(client, wants, side, metrics));
        tokio::spawn(people::offer_again(Arc::downgrade(&inner), stop));
        Self(inner)
    }

    /// Why nothing can be asked now, if so.
    ///
    /// # Errors
    /// The reason, for readiness.
    pub fn health(&self) -> Result<(), String> {
        match self.0.home() {
            Some(_) => Ok(()),
            None => Err("no chat process is reached".to_owned()),
        }
    }

    /// How many chat processes are linked now.
    pub fn links(&self) -> usize {
        self.0.mesh.get().map_or(0, |mesh| mesh.links())
    }
}

impl Inner {
    fn home(&self) -> Option<Arc<Line>> {
        self.mesh.get()?.home()
    }

    fn note(&self, note: &Up) {
        if let Some(mesh) = self.mesh.get() {
            mesh.note(note);
        }
    }

    /// Asks the home and awaits its answer.
    async fn ask(&self, call: Call) -> Result<Reply, Fault> {
        let home = self.home().ok_or(NO_HOME)?;
        home.ask(call).await.unwrap_or(Err(Fault::Unknown("the link was given up")))
    }
}

/// There is nobody to ask.
const NO_HOME: Fault = Fault::NotDone("no chat process is reached");
/// The answer is one to something else: a fault of ours.
const NO_SENSE: Fault = Fault::Unknown("the chat process answered something else");

#[async_trait]
impl Side for Inner {
    fn moved_in(&self, home: &Arc<Line>) {
        self.people.introduce(home);
    }

    async fn batch(&self, batch: Batch) {
        if let Some(heard) = Arc::new(batch).heard() {
            self.hand_on(&heard).await;
        }
    }

    async fn missed(&self) {
        self.hand_on(&Heard::Missed).await;
    }

    fn typed(&self, typed: Typed) {
        self.typings
            .lock()
            .retain(|link| !matches!(link.try_send(typed), Err(mpsc::error::TrySendError::Closed(_))));
    }

    fn presence(&self, line: &Line, shown: Shown) {
        self.people.show(line, shown);
    }

    fn ended(&self, sessions: Vec<(SessionId, Timestamp)>) {
        let revocations = &self.local.revocations;
        for (session, until) in sessions {
            // The whole list comes with each link.
            if !revocations.is_ended(session) {
                revocations.end_until(session, until);
            }
        }
    }
}

impl Inner {
    /// Hands deliveries to whoever reads them, waiting while they are full: they never wait for sessions.
    async fn hand_on(&self, heard: &Heard) {
        let links = self.deliveries.lock().clone();
        for link in &links {
            if link.send(heard.clone()).await.is_err() {
                self.deliveries.lock().retain(|link| !link.is_closed());
            }
        }
    }

    fn shown(&self, position: Position) {
        if let Some(mesh) = self.mesh.get() {
            mesh.shown(position);
        }
    }

    fn deliveries(&self) -> mpsc::Receiver<Heard> {
        let (sender, receiver) = mpsc::channel(DELIVERY_BATCHES);
        self.deliveries.lock().push(sender);
        receiver
    }

    fn typings(&self) -> mpsc::Receiver<Typed> {
        let (sender, receiver) = mpsc::channel(TYPING_LINK);
        self.typings.lock().push(sender);
        receiver
    }
}
