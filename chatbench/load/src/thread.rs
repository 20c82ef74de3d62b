//! One thread of a worker: a poll, whole pairs of users, a book of its own. It shares nothing with the others.
//!
//! The loop never waits for an answer: what is due is sent at its planned time, or as soon after as the thread gets
//! to it, and everything else is an event of a socket or a timer of the wheel.

mod calls;
mod life;
mod pace;
mod phase;
mod ramp;
mod send;
mod traffic;

use crate::clock::{Alarm, Clock};
use crate::control::Tick;
use crate::driver::{Driver, Me};
use crate::measure::Book;
use crate::socket::Connection;
use crate::tls::Tls;
use crate::wheel::Wheel;
use calls::Calls;
use ledger::{Connecting, Harvest, Second};
use life::Life;
use mio::{Events, Poll, Registry, Token, Waker};
use pace::Pace;
use phase::{Busy, Phase};
use plan::{Account, Plan};
use ramp::Ramp;
use send::Sends;
use std::io;
use std::net::IpAddr;
use std::ops::Range;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError};
use std::time::Duration;

const ALARM: Token = Token(usize::MAX);
const WAKER: Token = Token(usize::MAX - 1);
/// Events of one look at the sockets.
const EVENTS: usize = 1024;
/// Events handled between two looks at what is due to be sent.
const BETWEEN: usize = 16;
/// Bytes that one read may take.
const READ_BYTES: usize = 64 << 10;
/// Between two words to the coordinator, in microseconds.
const TICK_US: u64 = 250_000;

/// A thread's share, and what it does with it.
pub(crate) struct Setup {
    /// Tells this thread from others in what it says.
    pub(crate) number: usize,
    pub(crate) plan: Arc<Plan>,
    pub(crate) driver: Arc<dyn Driver>,
    /// None where all targets are plain.
    pub(crate) tls: Option<Arc<Tls>>,
    /// Its users, whole pairs, and their accounts in order.
    pub(crate) own: Range<u32>,
    pub(crate) accounts: Vec<Account>,
    pub(crate) sources: Vec<IpAddr>,
    /// Connections that are being made at a time.
    pub(crate) connecting: u32,
    pub(crate) clock: Clock,
}

impl Setup {
    fn user(&self, index: usize) -> u32 {
        self.own.start + index as u32
    }

    fn me(&self, index: usize) -> Me<'_> {
        let user = self.user(index);
        Me {
            user,
            account: &self.accounts[index],
            peer: &self.accounts[index ^ 1],
            authority: &self.plan.target(user).authority,
        }
    }
}

/// What a thread is told.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Tell {
    Begin { at_us: u64, wall_ms: u64 },
    Stop,
}

/// What it says.
pub(crate) enum Said {
    Connected(Connecting),
    Tick(usize, Tick),
    Harvest(usize, Box<Harvest>, Vec<Second>),
    Failed(String),
}

/// A thread from outside.
pub(crate) struct Handle {
    pub(crate) tell: SyncSender<Tell>,
    pub(crate) waker: Arc<Waker>,
    pub(crate) thread: std::thread::JoinHandle<()>,
}

/// Orders that wait for a thread.
const ORDERS: usize = 8;

/// Starts a thread.
///
/// # Errors
/// What the machine refuses.
pub(crate) fn start(setup: Setup, says: SyncSender<Said>) -> io::Result<Handle> {
    let poll = Poll::new()?;
    let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
    let (tell, told) = std::sync::mpsc::sync_channel(ORDERS);
    let builder = std::thread::Builder::new().name(format!("load-{}", setup.number));
    let wakes = waker.clone();
    let thread = builder.spawn(move || {
        let mut last_words = LastWords(Some(says.clone()));
        let outcome =
            Thread::new(setup, &poll, &wakes, says.clone()).and_then(|thread| thread.run(poll, &told));
        if let Err(error) = outcome {
            let _nobody_listens = says.send(Said::Failed(error.to_string()));
        }
        last_words.0 = None;
    })?;
    Ok(Handle { tell, waker, thread })
}

/// Speaks for a thread that panics, for which the worker would wait for ever.
struct LastWords(Option<SyncSender<Said>>);

impl Drop for LastWords {
    fn drop(&mut self) {
        if let Some(says) = self.0.take() {
            let why = "a thread of the generator ended unexpectedly: a defect of chatbench";
            let _nobody_listens = says.send(Said::Failed(why.to_owned()));
        }
    }
}

pub(crate) struct Thread {
    setup: Setup,
    registry: Registry,
    alarm: Alarm,
    says: SyncSender<Said>,
    connections: Vec<Connection>,
    book: Book,
    wheel: Wheel<Timer>,
    ramp: Ramp,
    sends: Sends,
    life: Life,
    calls: Calls,
    phase: Phase,
    busy: Busy,
    pace: Pace,
    /// All reads go through it, and what TLS had in it through the other.
    read: Vec<u8>,
    opened: Vec<u8>,
    /// What is to be written to the socket at hand, and where a driver puts a message together.
    out: Vec<u8>,
    scratch: Vec<u8>,
    /// Timers that are due.
    due: Vec<Timer>,
    tick_us: u64,
    said_connected: bool,
}

/// A user's timer; worth nothing once his connection is another.
#[derive(Clone, Copy, Debug)]
struct Timer {
    index: u32,
    generation: u32,
    what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    /// An attempt to connect has taken too long.
    GiveUp,
    /// Time for the next attempt.
    Connect,
    /// Time to send, in the closed model.
    Think,
    Heartbeat,
    /// Time to come back.
    Return,
}

impl Thread {
    fn new(setup: Setup, poll: &Poll, waker: &Arc<Waker>, says: SyncSender<Said>) -> io::Result<Self> {
        let registry = poll.registry().try_clone()?;
        let mut connections = Vec::new();
        connections.resize_with(setup.own.len(), Connection::default);
        Ok(Self {
            alarm: Alarm::new(setup.clock, &registry, ALARM)?,
            registry,
            says,
            book: Book::new(setup.plan.clone(), setup.own.clone()),
            connections,
            wheel: Wheel::new(),
            ramp: Ramp::default(),
            sends: Sends::default(),
            life: Life::default(),
            calls: Calls::start(&setup.plan, waker)?,
            phase: Phase::Connect,
            busy: Busy::default(),
            pace: Pace::default(),
            read: vec![0; READ_BYTES],
            opened: Vec::new(),
            out: Vec::new(),
            scratch: Vec::new(),
            due: Vec::new(),
            tick_us: TICK_US,
            said_connected: false,
            setup,
        })
    }

    fn now(&self) -> u64 {
        self.setup.clock.now()
    }

    /// Runs to the end of the drain, or until nobody tells it anything any more.
    fn run(mut self, mut poll: Poll, told: &Receiver<Tell>) -> io::Result<()> {
        pace::punctual();
        let mut events = Events::with_capacity(EVENTS);
        loop {
            if let Some(rest) = self.pace.rest(self.now()) {
                std::thread::sleep(rest);
            }
            let wait = self.wait()?;
            match poll.poll(&mut events, wait) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                other => other?,
            }
            self.pace.looked(events.iter().count(), self.now());
            for (number, event) in events.iter().enumerate() {
                if number % BETWEEN == BETWEEN - 1 {
                    self.send_due();
                }
                match event.token() {
                    ALARM => {}
                    WAKER => {
                        if !self.obey(told) {
                            return Ok(());
                        }
                        self.answers();
                    }
                    Token(index) => self.ready(index, event),
                }
            }
            self.send_due();
            self.timers();
            self.live();
            self.connect_due();
            self.tick();
            if self.turn_phase() {
                self.end();
                return Ok(());
            }
        }
    }

    /// How long to look at the sockets: not at all when something is due, else until the alarm rings.
    fn wait(&mut self) -> io::Result<Option<Duration>> {
        let now = self.now();
        let next = [
            self.sends.wake_us(),
            self.life.next_us(),
            self.wheel.next_us(),
            self.ramp_next(),
            self.phase_next(),
            Some(self.tick_us),
        ];
        let next = next.into_iter().flatten().min().unwrap_or(self.tick_us);
        if next <= now {
            return Ok(Some(Duration::ZERO));
        }
        self.alarm.set(next, now)?;
        Ok(None)
    }

    /// Takes orders; false when there is nobody left to give any.
    fn obey(&mut self, told: &Receiver<Tell>) -> bool {
        loop {
            match told.try_recv() {
                Ok(Tell::Begin { at_us, wall_ms }) => self.begin(at_us, wall_ms),
                Ok(Tell::Stop) => self.stop(),
                Err(TryRecvError::Empty) => return true,
                Err(TryRecvError::Disconnected) => return false,
            }
        }
    }

    fn timers(&mut self) {
        let now = self.now();
        let mut due = std::mem::take(&mut self.due);
        self.wheel.turn(now, &mut due);
        for timer in due.drain(..) {
            let index = timer.index as usize;
            if self.connections[index].generation != timer.generation {
                continue;
            }
            match timer.what {
                What::GiveUp => self.give_up(index),
                What::Connect => self.ramp.enqueue(index),
                What::Think => self.think_over(index),
                What::Heartbeat => self.heartbeat(index),
                What::Return => self.come_back(index),
            }
        }
        self.due = due;
    }

    fn set(&mut self, index: usize, at_us: u64, what: What) {
        let generation = self.connections[index].generation;
        self.wheel.set(at_us, Timer { index: index as u32, generation, what });
    }

    /// Says how it goes, about once in [`TICK_US`]; a coordinator that does not listen is not waited for.
    fn tick(&mut self) {
        let now = self.now();
        self.book.turn(now);
        if !self.said_connected && self.all_came() {
            self.say_connected();
        }
        if now < self.tick_us {
            return;
        }
        self.tick_us = (now / TICK_US + 1) * TICK_US;
        let busy = self.busy.since_last(now);
        self.pace.tick();
        let seconds = self.book.take_seconds();
        let outcomes = &self.book.harvest.ledger.outcomes;
        let tick = Tick {
            connected: self.book.ready,
            sent: outcomes.sent,
            acknowledged: outcomes.acknowledged,
            received: outcomes.received,
            violations: self.book.harvest.ledger.violations.total(),
            busy,
            seconds,
        };
        if let Err(error) = self.says.try_send(Said::Tick(self.setup.number, tick))
            && let std::sync::mpsc::TrySendError::Full(Said::Tick(_, tick)) = error
        {
            self.book.keep_seconds(tick.seconds);
        }
    }

    fn say_connected(&mut self) {
        self.said_connected = true;
        let connecting = self.book.harvest.connecting.clone();
        let _nobody_listens = self.says.send(Said::Connected(connecting));
    }

    /// Hands over what was measured, then says good-bye to all.
    fn end(mut self) {
        self.farewell();
        let number = self.setup.number;
        let now = self.now();
        let (harvest, seconds) = self.book.end(now);
        let _nobody_listens = self.says.send(Said::Harvest(number, Box::new(harvest), seconds));
    }
}
