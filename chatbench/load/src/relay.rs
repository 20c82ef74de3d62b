//! The null server: what the generator and the machine can do when the server does next to nothing.
//!
//! It forwards a message to the other one of the pair and keeps nothing. Two doors: `/relay/<user>`, where a message
//! is the recipient in 8 hexadecimal digits and the content, and `/ws/websocket`, where it is a STOMP frame in chatd's
//! form, so that what `chatbench calibrate` measures is the same path that a run takes. There a user is who his token
//! says, see [`account`].
//!
//! `thread` is the loop, `connection` a socket, `request` the upgrade, `frames` the framing, `messages` what is done with
//! them, `stomp` chatd's words.
//!
//! Invariants: both of a pair are served by the same thread, so nothing is shared; who does not read is closed.

mod connection;
mod frames;
mod messages;
mod request;
mod stomp;
#[cfg(test)]
mod tests;
mod thread;

use mio::net::TcpListener;
use plan::Account;
use schema::UserId;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use thread::{Desk, Thread};
use uuid::Uuid;

/// Threads at most.
const THREADS: usize = 64;
/// How long a stop may go unnoticed while nothing happens.
const NOTICE: Duration = Duration::from_millis(100);
/// The upper part of the ids of the null server's users: `null`, and the marks of a UUIDv8.
const USERS: u128 = 0x6e75_6c6c_0000_8000_8000_0000_0000_0000;

/// The account under which a user of a run enters the null server: his id tells his number, and is his token.
#[must_use]
pub fn account(user: u32) -> Account {
    let id = UserId(Uuid::from_u128(USERS | u128::from(user)));
    Account { id, token: id.to_string(), password: None }
}

/// The number of such an account.
fn user(id: &str) -> Option<u32> {
    let low = Uuid::try_parse(id).ok()?.as_u128() ^ USERS;
    u32::try_from(low).ok()
}

/// Serves on all the listeners until `stop` is set; 1 to 64 threads.
///
/// # Errors
/// What the operating system refuses to a poll or a listener.
pub fn serve(listeners: Vec<std::net::TcpListener>, threads: usize, stop: &AtomicBool) -> io::Result<()> {
    let (desks, mut threads) = Thread::all(threads.clamp(1, THREADS))?;
    for (number, listener) in listeners.into_iter().enumerate() {
        listener.set_nonblocking(true)?;
        let at = number % threads.len();
        threads[at].listen(TcpListener::from_std(listener))?;
    }
    let failed = AtomicBool::new(false);
    let halt = || stop.load(Ordering::Relaxed) || failed.load(Ordering::Relaxed);
    let run = |mut thread: Thread, desks: &[Desk]| {
        let end = thread.run(desks, &halt);
        failed.fetch_or(end.is_err(), Ordering::Relaxed);
        end
    };
    let (run, desks) = (&run, &desks[..]);
    std::thread::scope(|scope| {
        let spawn = |thread| scope.spawn(move || run(thread, desks));
        let running: Vec<_> = threads.into_iter().map(spawn).collect();
        let ended = running.into_iter().map(|thread| {
            thread.join().unwrap_or_else(|_| Err(io::Error::other("a thread of the null server panicked")))
        });
        // All of them, and only then the first error.
        ended.collect::<Vec<_>>().into_iter().collect()
    })
}
