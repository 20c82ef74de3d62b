//! A null server, a worker, and what a coordinator says to it.

use ledger::{Connecting, Harvest, Second};
use load::control::{self, Order, Part, Word};
use load::relay;
use plan::{Arrivals, Behaviour, Pairing, Phases, Plan, Protocol, Target, Transport};
use std::io::{PipeReader, PipeWriter, pipe};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

pub(crate) const CHATD: Protocol = Protocol::Chatd { transport: Transport::Websocket };

/// The null server, until it is dropped.
pub(crate) struct Null {
    pub(crate) address: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Null {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let seen = stop.clone();
        let thread = std::thread::spawn(move || relay::serve(vec![listener], 1, &seen).unwrap());
        Self { address, stop, thread: Some(thread) }
    }
}

impl Drop for Null {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _its_own_assertions_tell = thread.join();
        }
    }
}

pub(crate) fn plan(target: SocketAddr, users: u32, arrivals: Arrivals) -> Plan {
    Plan {
        run: 0xbe_ac4,
        reused: false,
        seed: 7,
        users,
        pairing: Pairing::Uniform,
        arrivals,
        phases: Phases { ramp_us: 20_000, warmup_us: 50_000, hold_us: 500_000, drain_us: 10_000_000 },
        message_bytes: 128,
        protocol: CHATD,
        targets: vec![Target { address: target, authority: target.to_string(), tls: None }],
        api: None,
        ca: None,
        behaviour: Behaviour::default(),
    }
}

/// A worker in this process, at the other end of two pipes.
pub(crate) struct Worker {
    orders: Option<PipeWriter>,
    words: PipeReader,
    thread: JoinHandle<std::io::Result<()>>,
    zero_us: i64,
    pub(crate) seconds: Vec<Second>,
}

impl Worker {
    /// Said hello, and told its clock.
    pub(crate) fn start() -> Self {
        let ((reads, orders), (words, writes)) = (pipe().unwrap(), pipe().unwrap());
        let thread = std::thread::spawn(move || load::worker::serve(reads, writes));
        let mut worker = Self { orders: Some(orders), words, thread, zero_us: 0, seconds: Vec::new() };
        assert!(matches!(worker.word(), Some(Word::Hello { version: control::VERSION, .. })));
        worker.zero_us = worker.clock();
        worker
    }

    fn clock(&mut self) -> i64 {
        self.order(&Order::Clock);
        match self.word() {
            Some(Word::Clock { now_us }) => now_us,
            other => panic!("{other:?} instead of the clock"),
        }
    }

    pub(crate) fn order(&mut self, order: &Order) {
        control::write(self.orders.as_mut().unwrap(), order).unwrap();
    }

    pub(crate) fn word(&mut self) -> Option<Word> {
        control::read(&mut self.words).unwrap()
    }

    /// Starts a share of a plan: the users from `first` on.
    pub(crate) fn part(&mut self, plan: Plan, first: u32, users: u32, threads: u32) {
        let part = Part {
            plan,
            first,
            accounts: (first..first + users).map(relay::account).collect(),
            threads,
            sources: vec![[127, 0, 0, 1].into(), [127, 3, 2, 1].into()],
            connecting: 16,
            clock_zero_us: self.zero_us,
        };
        self.order(&Order::Start(Box::new(part)));
    }

    /// The next word that is no tick.
    pub(crate) fn next(&mut self) -> Option<Word> {
        loop {
            match self.word() {
                Some(Word::Tick(tick)) => self.seconds.extend(tick.seconds),
                other => return other,
            }
        }
    }

    pub(crate) fn connected(&mut self) -> Connecting {
        match self.next() {
            Some(Word::Connected(connecting)) => connecting,
            other => panic!("{other:?} instead of connected"),
        }
    }

    /// Begins a little later than now.
    pub(crate) fn begin(&mut self) -> u64 {
        let now = u64::try_from(self.clock_between() - self.zero_us).unwrap();
        let at_us = now + 20_000;
        self.order(&Order::Begin { at_us, wall_ms: 1_790_000_000_000 });
        at_us
    }

    fn clock_between(&mut self) -> i64 {
        self.order(&Order::Clock);
        match self.next() {
            Some(Word::Clock { now_us }) => now_us,
            other => panic!("{other:?} instead of the clock"),
        }
    }

    /// The harvest; the clock is still told behind it, then the coordinator hangs up.
    pub(crate) fn harvest(&mut self) -> Harvest {
        let harvest = match self.next() {
            Some(Word::Harvest(harvest)) => *harvest,
            other => panic!("{other:?} instead of the harvest"),
        };
        assert!(self.clock() > self.zero_us);
        self.orphan();
        harvest
    }

    /// The coordinator dies.
    pub(crate) fn orphan(&mut self) {
        self.orders = None;
    }

    pub(crate) fn join(self) -> std::io::Result<()> {
        self.thread.join().unwrap()
    }
}

/// Connects, begins, and takes the harvest.
pub(crate) fn run(plan: Plan, threads: u32) -> (Connecting, Harvest, Vec<Second>) {
    let users = plan.users;
    let mut worker = Worker::start();
    worker.part(plan, 0, users, threads);
    let connecting = worker.connected();
    worker.begin();
    let harvest = worker.harvest();
    let seconds = std::mem::take(&mut worker.seconds);
    worker.join().unwrap();
    (connecting, harvest, seconds)
}
