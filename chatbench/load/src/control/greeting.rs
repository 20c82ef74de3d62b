//! Who is at the other end of a TCP connection: settled before the first order is read.
//!
//! The worker sends a nonce. The caller answers with one of its own and, where the worker has a secret, the HMAC-SHA256 of
//! both under that secret and the caller's role. The worker checks it and proves the same in its own role. So neither
//! learns the secret, an answer that was overheard is of no use again, and none can be sent back to whom it came from.
//! Nothing that follows is encrypted or sealed: whoever sits on the way can read it and change it.
//!
//! Of somebody unknown no more is taken than short frames, and a thread's time up to a limit.

mod proof;
mod timed;

use super::VERSION;
pub use proof::Secret;
use proof::{Nonce, Nonces, Proof, Role, draw};
use serde::{Deserialize, Serialize};
use socket2::{SockRef, TcpKeepalive};
use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;
use timed::Timed;

/// Silence after which the other end's machine is asked whether it is there, and time between two such questions.
const KEEPALIVE: Duration = Duration::from_secs(15);
const KEEPALIVE_AGAIN: Duration = Duration::from_secs(5);
/// Time that something sent may wait to be taken by the other end's kernel, after which that machine is taken for gone: a worker
/// that is cut off must not go on for the quarter of an hour that TCP tries by itself. The kernel counts a full window too
/// (tcp(7), `TCP_USER_TIMEOUT`): an end whose process stands still until the buffers between are full, and so much longer, is
/// gone as well.
const GONE: Duration = Duration::from_secs(60);

/// The worker's first frame.
#[derive(Serialize, Deserialize)]
struct Challenge {
    version: u32,
    /// Whether it has a secret, and asks for its proof.
    proven: bool,
    nonce: Nonce,
}

/// The caller's.
#[derive(Serialize, Deserialize)]
struct Answer {
    version: u32,
    nonce: Nonce,
    proof: Option<Proof>,
}

/// What the worker says to that.
#[derive(Serialize, Deserialize)]
enum Reply {
    Welcome(Option<Proof>),
    /// The proof is missing or wrong.
    Wrong,
    /// It serves the coordinator at this address.
    Busy(SocketAddr),
}

/// Why two did not come together.
#[derive(Debug)]
pub enum Unwelcome {
    /// It hung up, said nothing in time, or what it said is no greeting.
    Lost(io::Error),
    /// It speaks another version of the control protocol.
    Version(u32),
    /// It asks for a secret, and there is none here.
    Asked,
    /// It proves none, and there is one here.
    Unproven,
    /// Its secret is another one.
    Wrong,
    /// It serves the coordinator at this address.
    Busy(SocketAddr),
}

impl fmt::Display for Unwelcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lost(error) => write!(f, "{error}"),
            Self::Version(theirs) => {
                write!(f, "it speaks version {theirs} of the control protocol, this is {VERSION}")
            }
            Self::Asked => f.write_str("it asks for the proof of a secret, and none is named here"),
            Self::Unproven => f.write_str("it proves no secret, and one is named here"),
            Self::Wrong => f.write_str("its secret is not the one named here"),
            Self::Busy(with) => write!(f, "it serves another coordinator, at {with}"),
        }
    }
}

impl std::error::Error for Unwelcome {}

impl From<io::Error> for Unwelcome {
    fn from(error: io::Error) -> Self {
        Self::Lost(error)
    }
}

/// A coordinator who has proven what it had to, and waits to be let in.
#[derive(Debug)]
pub struct Caller<'a> {
    stream: &'a TcpStream,
    proof: Option<Proof>,
    within: Duration,
}

impl Caller<'_> {
    /// Lets it in; what follows is [`super::Word`] and [`super::Order`].
    ///
    /// # Errors
    /// It is gone.
    pub fn welcome(self) -> io::Result<()> {
        Timed::new(self.stream, self.within).say(&Reply::Welcome(self.proof))?;
        unbound(self.stream)
    }

    /// Sends it away, since somebody else is served.
    ///
    /// # Errors
    /// It is gone.
    pub fn busy(self, with: SocketAddr) -> io::Result<()> {
        Timed::new(self.stream, self.within).say(&Reply::Busy(with))
    }
}

/// The worker's side: learns who calls, in so much time at most.
///
/// # Errors
/// Whoever it is, is no coordinator, or none with this secret.
pub fn receive<'a>(
    stream: &'a TcpStream,
    secret: Option<&Secret>,
    within: Duration,
) -> Result<Caller<'a>, Unwelcome> {
    prepare(stream)?;
    let mut line = Timed::new(stream, within);
    let nonce = draw()?;
    line.say(&Challenge { version: VERSION, proven: secret.is_some(), nonce })?;
    let answer: Answer = line.hear()?;
    if answer.version != VERSION {
        return Err(Unwelcome::Version(answer.version));
    }
    let nonces = Nonces(nonce, answer.nonce);
    let proof = match (secret, answer.proof) {
        (None, None) => None,
        (None, Some(_)) => return Err(Unwelcome::Asked),
        (Some(secret), Some(proof)) if secret.holds(Role::Coordinator, &nonces, &proof) => {
            Some(secret.prove(Role::Worker, &nonces))
        }
        (Some(_), proof) => {
            line.say(&Reply::Wrong)?;
            return Err(if proof.is_some() { Unwelcome::Wrong } else { Unwelcome::Unproven });
        }
    };
    Ok(Caller { stream, proof, within })
}

/// The coordinator's side: is let in, in so much time at most.
///
/// # Errors
/// Whoever listens is no worker, none with this secret, or serves another coordinator.
pub fn call(stream: &TcpStream, secret: Option<&Secret>, within: Duration) -> Result<(), Unwelcome> {
    prepare(stream)?;
    let mut line = Timed::new(stream, within);
    let challenge: Challenge = line.hear()?;
    if challenge.version != VERSION {
        return Err(Unwelcome::Version(challenge.version));
    }
    match (challenge.proven, secret) {
        (true, None) => return Err(Unwelcome::Asked),
        (false, Some(_)) => return Err(Unwelcome::Unproven),
        _ => {}
    }
    let nonce = draw()?;
    let nonces = Nonces(challenge.nonce, nonce);
    let proof = secret.map(|secret| secret.prove(Role::Coordinator, &nonces));
    line.say(&Answer { version: VERSION, nonce, proof })?;
    match (line.hear()?, secret) {
        (Reply::Welcome(None), None) => {}
        (Reply::Welcome(Some(proof)), Some(secret)) if secret.holds(Role::Worker, &nonces, &proof) => {}
        (Reply::Busy(with), _) => return Err(Unwelcome::Busy(with)),
        (Reply::Welcome(_) | Reply::Wrong, _) => return Err(Unwelcome::Wrong),
    }
    Ok(unbound(stream)?)
}

/// Small frames leave at once, and a machine that lost its power or its network is noticed.
fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let alive = TcpKeepalive::new().with_time(KEEPALIVE).with_interval(KEEPALIVE_AGAIN);
    let socket = SockRef::from(stream);
    socket.set_tcp_keepalive(&alive)?;
    socket.set_tcp_user_timeout(Some(GONE))
}

/// From here on a run's own pace counts.
fn unbound(stream: &TcpStream) -> io::Result<()> {
    stream.set_read_timeout(None)?;
    stream.set_write_timeout(None)
}

#[cfg(test)]
mod tests;
