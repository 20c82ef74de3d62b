//! The door of a worker that listens: lets coordinators in, one at a time, and keeps strangers out.
//!
//! A fixed number of threads accept and greet, so that whoever says nothing, says it slowly or has no business here takes one
//! of them for a few seconds and neither memory nor the run in progress.

use load::control::greeting::{self, Secret};
use schema::exit::{Exit, Failure};
use std::io::Write;
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Callers that are greeted at a time; more wait in the kernel's backlog. Of one address only so many, and more of it are sent
/// away at once: whoever calls and says nothing has to come from several machines to keep coordinators out.
const GREETERS: usize = 16;
const GREETERS_AN_ADDRESS: usize = 8;
/// Time for a caller to say who it is.
const GREETING: Duration = Duration::from_secs(4);
/// Time that a coordinator waits for the one before it to leave: its end is heard a moment after its result is printed.
const LEAVING: Duration = Duration::from_secs(1);
/// Rest after an accept that failed: files may be free again.
const REST: Duration = Duration::from_millis(100);
/// Time between two lines about strangers, so that nobody can fill a disk with them.
const LINES: Duration = Duration::from_secs(1);

/// A coordinator that was let in. Nobody else is while it lasts.
#[derive(Debug)]
pub(super) struct Guest {
    pub(super) stream: TcpStream,
    pub(super) peer: SocketAddr,
    _seat: Taken,
}

/// Opens the door, and answers where those come in who were let in: `once` is for one only, whose seat nobody gets after it.
pub(super) fn open(
    listener: &TcpListener,
    secret: Option<Secret>,
    once: bool,
) -> Result<Receiver<Guest>, Failure> {
    let failed = |error: std::io::Error| {
        Failure::new(Exit::Failed, format!("worker: {error}"), "this machine allows no more files or threads")
    };
    // There is one seat, so there is never a second guest that waits.
    let (guests, received) = sync_channel(1);
    let door = Arc::new(Door {
        secret,
        once,
        seat: Arc::default(),
        greeted: Arc::default(),
        said: Mutex::default(),
    });
    for number in 0..GREETERS {
        let (listener, door, guests) = (listener.try_clone().map_err(failed)?, door.clone(), guests.clone());
        let greet = move || door.greet(&listener, &guests);
        std::thread::Builder::new().name(format!("door-{number}")).spawn(greet).map_err(failed)?;
    }
    Ok(received)
}

struct Door {
    secret: Option<Secret>,
    once: bool,
    seat: Arc<Seat>,
    /// Where those call from who are being greeted.
    greeted: Arc<Greeted>,
    /// When a line was printed last, and how many were not since.
    said: Mutex<(Option<Instant>, u64)>,
}

impl Door {
    fn greet(&self, listener: &TcpListener, guests: &SyncSender<Guest>) {
        loop {
            let (stream, peer) = match listener.accept() {
                Ok(accepted) => accepted,
                Err(error) => {
                    self.say(&format!("accept: {error}"));
                    std::thread::sleep(REST);
                    continue;
                }
            };
            match self.let_in(&stream, peer) {
                Ok(mut seat) => {
                    seat.for_good = self.once;
                    if guests.send(Guest { stream, peer, _seat: seat }).is_err() {
                        return;
                    }
                }
                Err(why) => self.say(&format!("{peer} was not let in: {why}")),
            }
        }
    }

    fn let_in(&self, stream: &TcpStream, peer: SocketAddr) -> Result<Taken, greeting::Unwelcome> {
        let Some(_counted) = Greeted::count(&self.greeted, peer.ip().to_canonical()) else {
            let why = format!("{GREETERS_AN_ADDRESS} callers of its address have not said yet who they are");
            return Err(std::io::Error::other(why).into());
        };
        let caller = greeting::receive(stream, self.secret.as_ref(), GREETING)?;
        match Seat::take(&self.seat, peer, LEAVING) {
            Ok(seat) => {
                caller.welcome()?;
                Ok(seat)
            }
            Err(with) => {
                caller.busy(with)?;
                Err(greeting::Unwelcome::Busy(with))
            }
        }
    }

    fn say(&self, what: &str) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let (last, unsaid) = &mut *said;
        if last.is_some_and(|last| last.elapsed() < LINES) {
            *unsaid += 1;
            return;
        }
        let more = if *unsaid == 0 { String::new() } else { format!(" ({unsaid} more before)") };
        (*last, *unsaid) = (Some(Instant::now()), 0);
        let _nobody_reads = writeln!(std::io::stderr(), "chatbench worker: {what}{more}");
    }
}

/// The place of the one coordinator that is served.
#[derive(Debug, Default)]
struct Seat {
    holder: Mutex<Option<SocketAddr>>,
    left: Condvar,
}

impl Seat {
    /// Takes it, or answers who has it and does not leave in time.
    fn take(seat: &Arc<Self>, peer: SocketAddr, within: Duration) -> Result<Taken, SocketAddr> {
        let holder = seat.holder.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = seat.left.wait_timeout_while(holder, within, |holder| holder.is_some());
        let (mut holder, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if let Some(with) = *holder {
            return Err(with);
        }
        *holder = Some(peer);
        Ok(Taken { seat: seat.clone(), for_good: false })
    }
}

/// The seat, until it is dropped.
#[derive(Debug)]
struct Taken {
    seat: Arc<Seat>,
    /// Nobody gets it any more.
    for_good: bool,
}

impl Drop for Taken {
    fn drop(&mut self) {
        if !self.for_good {
            *self.seat.holder.lock().unwrap_or_else(PoisonError::into_inner) = None;
            self.seat.left.notify_one();
        }
    }
}

/// How many of each address are being greeted: as many addresses as [`GREETERS`] at most.
#[derive(Debug, Default)]
struct Greeted(Mutex<Vec<IpAddr>>);

impl Greeted {
    /// Counts a caller of this address until the value is dropped; none when there are enough of them.
    fn count(greeted: &Arc<Self>, from: IpAddr) -> Option<Counted> {
        let mut all = greeted.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.iter().filter(|one| **one == from).count() >= GREETERS_AN_ADDRESS {
            return None;
        }
        all.push(from);
        Some(Counted(greeted.clone(), from))
    }
}

/// A caller that is being greeted, until it is dropped.
#[derive(Debug)]
struct Counted(Arc<Greeted>, IpAddr);

impl Drop for Counted {
    fn drop(&mut self) {
        let mut all = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = all.iter().position(|one| *one == self.1) {
            all.swap_remove(place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_does_not_take_all_greeters() {
        let (greeted, one, two) = (Arc::default(), IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        let mut silent: Vec<_> =
            (0..GREETERS_AN_ADDRESS).map(|_| Greeted::count(&greeted, one).unwrap()).collect();
        assert!(Greeted::count(&greeted, one).is_none());
        assert!(Greeted::count(&greeted, two).is_some());
        drop(silent.pop());
        assert!(Greeted::count(&greeted, one).is_some());
    }

    #[test]
    fn the_seat_of_a_worker_that_serves_once_is_taken_once() {
        let peer = "127.0.0.1:1".parse().unwrap();
        let seat = Arc::default();
        // One that was not welcomed after all leaves it to the next.
        drop(Seat::take(&seat, peer, Duration::ZERO).unwrap());
        let mut taken = Seat::take(&seat, peer, Duration::ZERO).unwrap();
        taken.for_good = true;
        drop(taken);
        assert_eq!(Seat::take(&seat, peer, Duration::ZERO).unwrap_err(), peer);
    }

    #[test]
    fn the_seat_is_one_and_waits_for_who_leaves() {
        let (one, two) = ("127.0.0.1:1".parse().unwrap(), "127.0.0.1:2".parse().unwrap());
        let seat: Arc<Seat> = Arc::default();
        let taken = Seat::take(&seat, one, Duration::ZERO).unwrap();
        assert_eq!(Seat::take(&seat, two, Duration::from_millis(1)).unwrap_err(), one);
        let waits = {
            let seat = seat.clone();
            std::thread::spawn(move || Seat::take(&seat, two, Duration::from_secs(20)).map(drop))
        };
        drop(taken);
        assert_eq!(waits.join().unwrap(), Ok(()));
        assert!(Seat::take(&seat, one, Duration::ZERO).is_ok());
    }
}
