//! BCrypt on threads of its own, behind a bounded queue.
//!
//! One hash costs a third of a second of a core, so half of the cores hash and the rest keeps serving.

use crate::OpenError;
use crate::tokens::fault;
use edge::Problem;
use parking_lot::Mutex;
use prometheus_client::metrics::counter::Counter;
use schema::Code;
use schema::limits::HASH_RETRY_S;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

/// Costs that are accepted, of our own hashes and of imported ones: a higher one is a denial of service.
pub(crate) const COSTS: std::ops::RangeInclusive<u32> = 4..=15;

/// How many hashes were computed: of new passwords, and to check given ones.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hashes {
    pub(crate) made: Counter,
    pub(crate) checked: Counter,
}

/// Hashes and checks passwords.
pub(crate) struct Hasher {
    jobs: SyncSender<Job>,
    room: Arc<Semaphore>,
    cost: u32,
    /// A hash that no password has, for users that are not there.
    nobody: String,
}

struct Job {
    task: Task,
    /// Held until the job is done: the room is of waiting and running jobs alike.
    room: OwnedSemaphorePermit,
}

enum Task {
    Hash { password: String, cost: u32, answer: oneshot::Sender<Result<String, String>> },
    Verify { password: String, hash: String, answer: oneshot::Sender<bool> },
}

impl Hasher {
    /// Starts the threads; they end when the hasher is dropped.
    pub(crate) fn start(cost: u32, queue: usize, hashes: Hashes) -> Result<Self, OpenError> {
        if !COSTS.contains(&cost) {
            return Err(OpenError::Cost(cost));
        }
        let threads = (std::thread::available_parallelism().map_or(1, usize::from) / 2).max(1);
        let (jobs, waiting) = sync_channel(queue);
        let waiting = Arc::new(Mutex::new(waiting));
        for n in 0..threads {
            let (waiting, hashes) = (waiting.clone(), hashes.clone());
            let thread = std::thread::Builder::new().name(format!("hash-{n}"));
            thread.spawn(move || work(&waiting, &hashes)).map_err(OpenError::Thread)?;
        }
        // The dot is zero in BCrypt's alphabet: salt and digest are all zeros.
        let nobody = format!("$2b${cost:02}${}", ".".repeat(53));
        Ok(Self { jobs, room: Arc::new(Semaphore::new(queue)), cost, nobody })
    }

    /// The hash of a new password; refused when the queue is full.
    pub(crate) async fn hash(&self, password: String) -> Result<String, Problem> {
        let room = self.room.clone().try_acquire_owned().map_err(|_| full())?;
        self.hash_in(room, password).await
    }

    /// The hash of a new password, as soon as the queue has room: for bulk work that can wait.
    pub(crate) async fn hash_patiently(&self, password: String) -> Result<String, Problem> {
        let room = self.room.clone().acquire_owned().await.map_err(|_| full())?;
        self.hash_in(room, password).await
    }

    async fn hash_in(&self, room: OwnedSemaphorePermit, password: String) -> Result<String, Problem> {
        let (answer, hashed) = oneshot::channel();
        self.enqueue(room, Task::Hash { password, cost: self.cost, answer })?;
        hashed.await.map_err(fault)?.map_err(fault)
    }

    /// Whether this password has this hash. Without one, the same work is done for nothing.
    pub(crate) async fn verify(&self, password: String, hash: Option<String>) -> Result<bool, Problem> {
        let room = self.room.clone().try_acquire_owned().map_err(|_| full())?;
        let known = hash.is_some();
        let (answer, verified) = oneshot::channel();
        let hash = hash.unwrap_or_else(|| self.nobody.clone());
        self.enqueue(room, Task::Verify { password, hash, answer })?;
        Ok(verified.await.map_err(fault)? && known)
    }

    fn enqueue(&self, room: OwnedSemaphorePermit, task: Task) -> Result<(), Problem> {
        self.jobs.try_send(Job { task, room }).map_err(|_| full())
    }
}

fn full() -> Problem {
    Problem::new(Code::Unavailable, "too many sign-ins are waiting; come back in a few seconds")
        .retry_after(HASH_RETRY_S)
        .caused_by("the hash queue is full")
}

fn work(waiting: &Mutex<Receiver<Job>>, hashes: &Hashes) {
    loop {
        // Its own statement: the lock must not be held while the job is done.
        let job = waiting.lock().recv();
        let Ok(Job { task, room }) = job else { return };
        // The room is free before the answer is out: who got it may ask again at once. Who asked may be gone,
        // then the answer goes nowhere.
        match task {
            Task::Hash { password, cost, answer } => {
                let hashed = bcrypt::non_truncating_hash(password, cost);
                hashes.made.inc();
                drop(room);
                let _ = answer.send(hashed.map_err(|error| error.to_string()));
            }
            Task::Verify { password, hash, answer } => {
                let verified = bcrypt::non_truncating_verify(password, &hash).unwrap_or(false);
                hashes.checked.inc();
                drop(room);
                let _ = answer.send(verified);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn nobody_has_a_password_and_everybody_keeps_theirs() {
        let hashes = Hashes::default();
        let hasher = Hasher::start(4, 2, hashes.clone()).unwrap();
        let hash = hasher.hash("correct horse".to_owned()).await.unwrap();
        assert!(hash.starts_with("$2b$04$"));
        assert!(hasher.verify("correct horse".to_owned(), Some(hash.clone())).await.unwrap());
        assert!(!hasher.verify("wrong horse".to_owned(), Some(hash.clone())).await.unwrap());
        assert!(!hasher.verify("correct horse".to_owned(), None).await.unwrap());
        assert_eq!((hashes.made.get(), hashes.checked.get()), (1, 3), "nobody's costs what a user's costs");
        assert!(!hasher.verify("x".repeat(100), Some(hash)).await.unwrap());
        assert_eq!(bcrypt::non_truncating_verify("x", &hasher.nobody).ok(), Some(false), "it is a real hash");
    }

    #[tokio::test]
    async fn a_full_queue_refuses_at_once_and_bulk_work_waits() {
        let hasher = Hasher::start(4, 1, Hashes::default()).unwrap();
        let taken = hasher.room.clone().try_acquire_owned().unwrap();
        let refused = hasher.hash("correct horse".to_owned()).await.unwrap_err();
        assert_eq!(refused.code(), Code::Unavailable);
        assert!(hasher.verify("correct horse".to_owned(), None).await.is_err());
        let patient = hasher.hash_patiently("correct horse".to_owned());
        let (hash, ()) = tokio::join!(patient, async { drop(taken) });
        hash.unwrap();
        hasher.hash("correct horse".to_owned()).await.unwrap();
    }
}
