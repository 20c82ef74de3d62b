//! BCrypt on threads of its own, behind a bounded queue, and the rules of passwords.
//!
//! One hash costs a third of a second of a core, so half of the cores hash and the rest keeps serving.

use crate::OpenError;
use crate::tokens::fault;
use edge::Problem;
use parking_lot::Mutex;
use schema::Code;
use schema::limits::{PASSWORD_BYTES_MAX, PASSWORD_BYTES_MIN};
use schema::message::FieldError;
use std::collections::HashSet;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, LazyLock};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

/// Costs that are accepted, of our own hashes and of imported ones: a higher one is a denial of service.
const COSTS: std::ops::RangeInclusive<u32> = 4..=15;
/// Seconds after which a full queue has room again.
const QUEUE_RETRY_S: u32 = 5;

/// Common passwords of eight bytes and more, lower case, one a line: 1,954 that public lists of leaks have in
/// common, not the whole of any one list. The seed's own `password123` is left out on purpose.
static COMMON: LazyLock<HashSet<&str>> = LazyLock::new(|| include_str!("passwords.txt").lines().collect());

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
    pub(crate) fn start(cost: u32, queue: usize) -> Result<Self, OpenError> {
        if !COSTS.contains(&cost) {
            return Err(OpenError::Cost(cost));
        }
        let threads = (std::thread::available_parallelism().map_or(1, usize::from) / 2).max(1);
        let (jobs, waiting) = sync_channel(queue);
        let waiting = Arc::new(Mutex::new(waiting));
        for n in 0..threads {
            let waiting = waiting.clone();
            let thread = std::thread::Builder::new().name(format!("hash-{n}"));
            thread.spawn(move || work(&waiting)).map_err(OpenError::Thread)?;
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
        .retry_after(QUEUE_RETRY_S)
        .caused_by("the hash queue is full")
}

fn work(waiting: &Mutex<Receiver<Job>>) {
    loop {
        // Its own statement: the lock must not be held while the job is done.
        let job = waiting.lock().recv();
        let Ok(Job { task, room }) = job else { return };
        // The room is free before the answer is out: who got it may ask again at once. Who asked may be gone,
        // then the answer goes nowhere.
        match task {
            Task::Hash { password, cost, answer } => {
                let hashed = bcrypt::non_truncating_hash(password, cost);
                drop(room);
                let _ = answer.send(hashed.map_err(|error| error.to_string()));
            }
            Task::Verify { password, hash, answer } => {
                let verified = bcrypt::non_truncating_verify(password, &hash).unwrap_or(false);
                drop(room);
                let _ = answer.send(verified);
            }
        }
    }
}

/// Checks a new password against the rules.
pub(crate) fn check(password: &str, errors: &mut Vec<FieldError>) {
    let bound = || format!("{PASSWORD_BYTES_MIN}-{PASSWORD_BYTES_MAX} bytes");
    if !(PASSWORD_BYTES_MIN..=PASSWORD_BYTES_MAX).contains(&password.len()) {
        errors.push(FieldError::new("password", format!("has {} bytes", password.len()), bound()));
    } else if password.trim().is_empty() {
        errors.push(FieldError::new("password", "must not be blank", bound()));
    } else if password.contains('\0') {
        errors.push(FieldError::new("password", "holds a NUL byte", "any other byte"));
    } else if COMMON.contains(password.to_lowercase().as_str()) {
        errors.push(FieldError::new("password", "is among the most common ones", "a less common one"));
    }
}

/// Checks a hash that comes ready: `$2b$`, cost, 22 characters of salt, 31 of digest.
pub(crate) fn check_hash(hash: &str) -> Result<(), FieldError> {
    let bad =
        |reason: &str| Err(FieldError::new("passwordHash", reason, "BCrypt: $2a$, $2b$ or $2y$, cost 4-15"));
    let Some(rest) = ["$2a$", "$2b$", "$2y$"].iter().find_map(|version| hash.strip_prefix(version)) else {
        return bad("is of no known version");
    };
    let Some((cost, digest)) = rest.split_once('$') else { return bad("has no cost") };
    let two_digits = cost.len() == 2 && cost.bytes().all(|b| b.is_ascii_digit());
    if !two_digits || !cost.parse().is_ok_and(|cost| COSTS.contains(&cost)) {
        return bad("has a cost out of bounds");
    }
    let alphabet = |b: u8| b.is_ascii_alphanumeric() || b == b'.' || b == b'/';
    // Parsing it tells what the alphabet alone does not, such as stray bits in the last character.
    if digest.len() != 53 || !digest.bytes().all(alphabet) || hash.parse::<bcrypt::HashParts>().is_err() {
        return bad("has no salt and digest of 53 characters");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reasons(password: &str) -> usize {
        let mut errors = Vec::new();
        check(password, &mut errors);
        errors.len()
    }

    #[test]
    fn passwords_have_bounds_and_are_not_common() {
        for good in ["password123", "12345678z", "日本語です", "  leading and trailing  ", &"a".repeat(71)]
        {
            assert_eq!(reasons(good), 0, "{good}");
        }
        for bad in
            ["", "short77", &"a".repeat(72), "          ", "password", "PassWord", "12345678", "qwertyuiop"]
        {
            assert_eq!(reasons(bad), 1, "{bad}");
        }
    }

    #[test]
    fn the_list_is_lower_case_and_without_what_length_refuses_anyway() {
        assert_eq!(COMMON.len(), 1954, "the number is in the documentation");
        for word in COMMON.iter() {
            assert!(word.len() >= PASSWORD_BYTES_MIN && *word == word.to_lowercase(), "{word:?}");
        }
        assert!(!COMMON.contains("password123"), "the seed's own example registers");
    }

    #[tokio::test]
    async fn nobody_has_a_password_and_everybody_keeps_theirs() {
        let hasher = Hasher::start(4, 2).unwrap();
        let hash = hasher.hash("correct horse".to_owned()).await.unwrap();
        assert!(hash.starts_with("$2b$04$"));
        assert!(hasher.verify("correct horse".to_owned(), Some(hash.clone())).await.unwrap());
        assert!(!hasher.verify("wrong horse".to_owned(), Some(hash.clone())).await.unwrap());
        assert!(!hasher.verify("correct horse".to_owned(), None).await.unwrap());
        assert!(!hasher.verify("x".repeat(100), Some(hash)).await.unwrap());
        assert_eq!(bcrypt::non_truncating_verify("x", &hasher.nobody).ok(), Some(false), "it is a real hash");
    }

    #[tokio::test]
    async fn a_full_queue_refuses_at_once_and_bulk_work_waits() {
        let hasher = Hasher::start(4, 1).unwrap();
        let taken = hasher.room.clone().try_acquire_owned().unwrap();
        let refused = hasher.hash("correct horse".to_owned()).await.unwrap_err();
        assert_eq!(refused.code(), Code::Unavailable);
        assert!(hasher.verify("correct horse".to_owned(), None).await.is_err());
        let patient = hasher.hash_patiently("correct horse".to_owned());
        let (hash, ()) = tokio::join!(patient, async { drop(taken) });
        hash.unwrap();
        hasher.hash("correct horse".to_owned()).await.unwrap();
    }

    #[test]
    fn ready_hashes_are_checked() {
        let good = bcrypt::hash("x", 4).unwrap();
        for version in ["$2a$", "$2b$", "$2y$"] {
            check_hash(&good.replace("$2b$", version)).unwrap();
        }
        for bad in [
            "",
            "$1$abc",
            "$2b$",
            "$2x$04$",
            &good.replace("$04$", "$31$"),
            &good.replace("$04$", "$03$"),
            &good.replace("$04$", "$4$"),
            &good[..59],
            &format!("{good}a"),
            &format!("$2b$04$é{}", "a".repeat(51)),
        ] {
            assert!(check_hash(bad).is_err(), "{bad}");
        }
    }
}
