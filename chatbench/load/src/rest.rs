//! The calls of a thread's users by REST: logins, sends, pages of history.
//!
//! A thread beside the loop's own, with a runtime for HTTP. Calls go in through a bounded queue, results come out through
//! another and wake the loop. What is asked and not yet taken out counts as a place, so neither queue ever overflows.

mod answer;
#[cfg(test)]
mod tests;

use crate::clock::monotonic_us;
use crate::driver::Outgoing;
use crate::driver::chatd::draft;
use crate::tls;
use answer::Answer;
use mio::Waker;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, RequestBuilder};
use schema::UserId;
use schema::api::Login;
use schema::limits::PAGE;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// Time for a call; who has no answer by then is in doubt.
const CALL: Duration = Duration::from_secs(10);
/// Calls under way at a time, and so connections of a thread; more wait, and their latency shows it.
const AT_ONCE: usize = 512;

/// What a user asks.
#[derive(Clone, Debug)]
pub struct Call<'a> {
    pub user: u32,
    /// Empty for a login.
    pub token: &'a str,
    pub kind: Kind,
}

#[derive(Clone, Debug)]
pub enum Kind {
    /// With a username, or a phone number with its `+`.
    Login {
        name: String,
        password: String,
    },
    Send {
        recipient: UserId,
        message: Outgoing,
    },
    /// A page of the conversation with the peer: the newest, or what lies before a sequence.
    History {
        peer: UserId,
        before: Option<u64>,
    },
}

/// Which call an outcome is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    Login,
    Send { sequence: u32 },
    History,
}

/// A call that has ended. Times are of the machine's monotonic clock, in microseconds: request begun, last byte read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    pub user: u32,
    pub outcome: Outcome,
    pub began_us: i64,
    pub ended_us: i64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    LoggedIn {
        token: String,
    },
    Acknowledged {
        sequence: u32,
    },
    /// Rows of the page, the sequence of its oldest, and whether there are older ones.
    Page {
        rows: u32,
        oldest: Option<u64>,
        more: bool,
    },
    /// It has had no effect and will have none; `limited` by a rate limit.
    Refused {
        what: What,
        code: String,
        limited: bool,
    },
    /// It may have had its effect.
    Doubtful {
        what: What,
        code: String,
    },
}

/// There is no room for the call: take results first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

struct Job {
    user: u32,
    token: String,
    kind: Kind,
}

/// The REST side of one loop.
#[derive(Debug)]
pub struct Rest {
    /// None once it is to end.
    queue: Option<mpsc::Sender<Job>>,
    results: Receiver<Done>,
    /// Calls whose result was not taken out, and their bound.
    places: usize,
    capacity: usize,
    thread: Option<JoinHandle<()>>,
}

impl Rest {
    /// Starts the thread; `api` is a base URL such as `http://127.0.0.1:8080`, `ca` whom to trust ([`tls::client`]).
    ///
    /// # Errors
    /// No thread, runtime or client to be had.
    pub fn start(api: &str, ca: Option<&str>, waker: Arc<Waker>, capacity: usize) -> io::Result<Self> {
        let capacity = capacity.max(1);
        let (queue, jobs) = mpsc::channel(capacity);
        let (done, results) = sync_channel(capacity);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let client =
            tls::client(ca, api.get(..8).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https://")))
                .map_err(io::Error::other)?
                .http1_only()
                .tcp_nodelay(true)
                .timeout(CALL)
                .pool_max_idle_per_host(AT_ONCE)
                .build()
                .map_err(io::Error::other)?;
        let api = api.trim_end_matches('/').to_owned();
        let serve = move || runtime.block_on(serve(client, api, jobs, &done, &waker));
        let thread = std::thread::Builder::new().name("rest".to_owned()).spawn(serve)?;
        Ok(Self { queue: Some(queue), results, places: 0, capacity, thread: Some(thread) })
    }

    /// Asks without waiting.
    ///
    /// # Errors
    /// [`Full`] while `capacity` results are outstanding.
    pub fn call(&mut self, call: Call<'_>) -> Result<(), Full> {
        let Call { user, token, kind } = call;
        let job = Job { user, token: token.to_owned(), kind };
        let queue = self.queue.as_ref().filter(|_| self.places < self.capacity).ok_or(Full)?;
        queue.try_send(job).map_err(|_| Full)?;
        self.places += 1;
        Ok(())
    }

    /// The calls that have ended since the last time.
    pub fn results(&mut self) -> Vec<Done> {
        let done: Vec<Done> = self.results.try_iter().collect();
        self.places -= done.len();
        done
    }

    /// Calls whose result was not taken out.
    #[must_use]
    pub fn outstanding(&self) -> usize {
        self.places
    }
}

impl Drop for Rest {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            let _it_has_nothing_to_tell = thread.join();
        }
    }
}

/// Makes calls until nobody can ask any more; those under way end with it.
async fn serve(
    client: Client,
    api: String,
    mut jobs: mpsc::Receiver<Job>,
    done: &SyncSender<Done>,
    waker: &Waker,
) {
    let api: Arc<str> = api.into();
    let mut running = JoinSet::new();
    loop {
        tokio::select! {
            Some(ended) = running.join_next() => {
                let Ok(ended) = ended else { continue };
                // There is a place for it; only a loop that has ended takes none.
                if done.try_send(ended).is_err() || waker.wake().is_err() {
                    return;
                }
            }
            job = jobs.recv(), if running.len() < AT_ONCE => {
                let Some(job) = job else { return };
                running.spawn(make(client.clone(), Arc::clone(&api), job));
            }
        }
    }
}

async fn make(client: Client, api: Arc<str>, job: Job) -> Done {
    let what = match &job.kind {
        Kind::Login { .. } => What::Login,
        Kind::Send { message, .. } => What::Send { sequence: message.payload.sequence },
        Kind::History { .. } => What::History,
    };
    let request = request(&client, &api, &job);
    let began_us = monotonic_us();
    let answer = Answer::of(request).await;
    let ended_us = monotonic_us();
    Done { user: job.user, outcome: answer.outcome(what), began_us, ended_us }
}

fn request(client: &Client, api: &str, job: &Job) -> RequestBuilder {
    let authorized = |request: RequestBuilder| request.bearer_auth(&job.token);
    match &job.kind {
        Kind::Login { name, password } => {
            let is_phone = name.starts_with('+');
            client.post(format!("{api}/api/auth/login")).json(&Login {
                phone_number: is_phone.then(|| name.clone()),
                username: (!is_phone).then(|| name.clone()),
                password: password.clone(),
                device_name: None,
            })
        }
        Kind::Send { recipient, message } => {
            let mut body = Vec::with_capacity(message.bytes + 160);
            draft(message, *recipient, &mut body);
            let request = client.post(format!("{api}/api/chat/messages")).body(body);
            authorized(request).header(CONTENT_TYPE, "application/json")
        }
        Kind::History { peer, before } => {
            let mut url = format!("{api}/api/chat/conversations/{peer}/messages?limit={PAGE}");
            if let Some(before) = before {
                url.push_str(&format!("&before={before}"));
            }
            authorized(client.get(url))
        }
    }
}
