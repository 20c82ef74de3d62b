//! A connection's life: upgrade, CONNECT, SUBSCRIBE, then whatever the server says until it ends.

use super::world::World;
use crate::fleet::socket::{self, Reader, Socket};
use crate::fleet::stomp::{self, Frame};
use crate::fleet::wire::{CLOSE, PING, PONG, TEXT};
use std::io;
use std::rc::Rc;
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// Attempts to connect, the time of each, and the pause before the second; it doubles.
const ATTEMPTS: u32 = 3;
const ATTEMPT: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(200);
/// Errors of the operating system that speak of this machine: no file, no port, no memory left.
const LOCAL: [i32; 5] = [12, 23, 24, 99, 105];

/// Why a user is not connected.
pub(super) struct Failure {
    pub(super) local: bool,
    pub(super) what: String,
}

/// Connects and subscribes; a failure is tried again.
pub(super) async fn establish(world: &Rc<World>, user: u32) -> Result<(Reader, Rc<Socket>), Failure> {
    let mut attempt = 0;
    loop {
        let error = match timeout(ATTEMPT, once(world, user)).await {
            Ok(Ok(connection)) => return Ok(connection),
            Ok(Err(error)) => error,
            Err(_) => io::Error::new(io::ErrorKind::TimedOut, "not connected in 30 s"),
        };
        attempt += 1;
        if attempt == ATTEMPTS {
            let local = error.raw_os_error().is_some_and(|code| LOCAL.contains(&code));
            return Err(Failure { local, what: error.to_string() });
        }
        sleep(PAUSE * (1 << attempt)).await;
    }
}

async fn once(world: &Rc<World>, user: u32) -> io::Result<(Reader, Rc<Socket>)> {
    let setup = &world.setup;
    let account = &setup.accounts[user as usize];
    let (mut reader, socket) = socket::open(setup.target, &setup.authority, u64::from(user)).await?;
    let say = |payload: &[u8]| socket.write(TEXT, payload, &mut world.scratch());
    say(&stomp::connect(&account.token, &setup.authority));
    let (mut ready, mut refused) = (false, None);
    while !ready {
        let open = reader.read(&world.buffer, |opcode, payload| match opcode {
            TEXT => each(payload, |frame| match frame.command {
                b"CONNECTED" => stomp::subscribe().iter().for_each(|frame| _ = say(frame)),
                b"RECEIPT" if frame.header(b"receipt-id") == Some(stomp::SUBSCRIBED) => ready = true,
                b"ERROR" => refused = Some(frame.words()),
                // Somebody was quicker than the subscription: it counts.
                _ => world.take(user, frame),
            }),
            PING => _ = socket.write(PONG, payload, &mut world.scratch()),
            CLOSE => refused = Some(close_words(payload)),
            _ => {}
        });
        let open = open.await?;
        if let Some(words) = refused {
            return Err(io::Error::other(words));
        }
        if !open {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "closed before it was subscribed"));
        }
    }
    Ok((reader, socket))
}

/// Takes what the server sends until the socket closes.
pub(super) async fn listen(world: Rc<World>, mut reader: Reader, socket: Rc<Socket>, user: u32) {
    let mut why = None;
    loop {
        let open = reader.read(&world.buffer, |opcode, payload| match opcode {
            TEXT => each(payload, |frame| match frame.command {
                b"ERROR" => why = Some(frame.words()),
                _ => world.take(user, frame),
            }),
            PING => _ = socket.write(PONG, payload, &mut world.scratch()),
            CLOSE => why = why.take().or_else(|| Some(close_words(payload))),
            _ => {}
        });
        match open.await {
            Ok(true) if why.is_none() && socket.is_open() => {}
            Ok(_) => break,
            Err(error) => {
                why = why.or_else(|| Some(error.to_string()));
                break;
            }
        }
    }
    socket.close();
    world.left(user, why.as_deref().unwrap_or("closed without a word"));
}

/// Each STOMP frame of a message.
fn each(mut payload: &[u8], mut take: impl FnMut(Frame<'_>)) {
    while let Some((frame, rest)) = Frame::read(payload) {
        take(frame);
        payload = rest;
    }
}

fn close_words(payload: &[u8]) -> String {
    match payload {
        [a, b, words @ ..] => {
            format!("close {} {}", u16::from_be_bytes([*a, *b]), String::from_utf8_lossy(words))
        }
        _ => "close without a code".to_owned(),
    }
}
