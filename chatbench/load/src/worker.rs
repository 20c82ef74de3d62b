//! A worker: takes a part of a plan from the coordinator, runs it in threads, and reports.

use crate::clock::{Clock, monotonic_us};
use crate::control::{self, Order, Part, Tick, VERSION, Word};
use crate::driver::{self, Framing};
use crate::thread::{self, Handle, Said, Setup, Tell};
use crate::tls::Tls;
use ledger::{Connecting, Harvest, Second};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

/// Words of threads and orders of the coordinator that wait to be dealt with.
const QUEUE: usize = 256;
/// How long a coordinator that has its harvest may ask for the clock: other workers may drain longer than this one.
const LINGER: Duration = Duration::from_secs(600);

/// What the worker's main thread waits for.
enum Heard {
    Order(Order),
    /// The coordinator's end of the connection is closed, or what came is no order.
    Gone(io::Error),
    Said(Said),
}

/// Runs a worker on a control connection to its end.
///
/// # Errors
/// The connection, the coordinator's death, and what keeps the worker from its work, which the coordinator was told too.
pub fn serve(reader: impl Read + Send + 'static, mut writer: impl Write) -> io::Result<()> {
    let files = raise_files();
    let cpus =
        std::thread::available_parallelism().map_or(1, |cpus| u32::try_from(cpus.get()).unwrap_or(u32::MAX));
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    control::write(
        &mut writer,
        &Word::Hello { version: VERSION, pid: std::process::id(), host, files, cpus },
    )?;
    let (heard, hears) = sync_channel(QUEUE);
    let orders = heard.clone();
    std::thread::Builder::new().name("orders".into()).spawn(move || listen(reader, &orders))?;
    let outcome = Worker { writer: &mut writer, hears, threads: Vec::new() }.run(&heard);
    if let Err(error) = &outcome {
        // The coordinator may be the one who is gone.
        let _nobody_listens = control::write(&mut writer, &Word::Failed(error.to_string()));
    }
    outcome
}

/// Raises the limit of open files as far as it goes, and answers how far that is.
fn raise_files() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    // If the kernel does not follow, connecting says so with the error of the socket that did not fit.
    let _as_it_was = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

fn listen(mut reader: impl Read, heard: &SyncSender<Heard>) {
    loop {
        let next = match control::read(&mut reader) {
            Ok(Some(order)) => Heard::Order(order),
            Ok(None) => Heard::Gone(io::Error::new(io::ErrorKind::UnexpectedEof, "the coordinator is gone")),
            Err(error) => Heard::Gone(error),
        };
        let end = matches!(next, Heard::Gone(_));
        if heard.send(next).is_err() || end {
            return;
        }
    }
}

struct Worker<'a, W> {
    writer: &'a mut W,
    hears: Receiver<Heard>,
    threads: Vec<Handle>,
}

/// What the threads have said so far.
#[derive(Default)]
struct Gathered {
    connecting: Option<Connecting>,
    /// How many have said that theirs are connected, and have ended.
    connected: usize,
    ended: Vec<usize>,
    ticks: BTreeMap<usize, Tick>,
    seconds: BTreeMap<u32, Second>,
    harvest: Option<Harvest>,
}

impl Gathered {
    fn seconds(&mut self, seconds: Vec<Second>) {
        for second in seconds {
            match self.seconds.get_mut(&second.at_s) {
                Some(known) => known.merge(&second),
                None => _ = self.seconds.insert(second.at_s, second),
            }
        }
    }

    /// All threads together, with the seconds that have ended for each.
    fn tick(&mut self) -> Tick {
        let mut sum = Tick::default();
        for tick in self.ticks.values() {
            sum.connected += tick.connected;
            sum.sent += tick.sent;
            sum.acknowledged += tick.acknowledged;
            sum.received += tick.received;
            sum.violations += tick.violations;
            sum.busy = sum.busy.max(tick.busy);
        }
        sum.seconds = std::mem::take(&mut self.seconds).into_values().collect();
        sum
    }
}

impl<W> Drop for Worker<'_, W> {
    /// Threads that nobody speaks to any more end, once they look: waited for, so that no load of a run that broke off lasts
    /// into the next.
    fn drop(&mut self) {
        // One that waits for its last word to be taken waits no longer.
        let (_, nobody) = sync_channel(0);
        self.hears = nobody;
        let ended = self.threads.drain(..).map(|Handle { tell, waker, thread }| {
            drop(tell);
            let _it_has_ended = waker.wake();
            thread
        });
        for thread in ended.collect::<Vec<_>>() {
            let _what_it_said_is_of_no_use = thread.join();
        }
    }
}

impl<W: Write> Worker<'_, W> {
    fn run(mut self, heard: &SyncSender<Heard>) -> io::Result<()> {
        let (said, says) = sync_channel(QUEUE);
        let relay = heard.clone();
        // Threads have a channel of their own kind, so that they need not know of orders.
        std::thread::Builder::new().name("words".into()).spawn(move || {
            while let Ok(word) = says.recv() {
                if relay.send(Heard::Said(word)).is_err() {
                    return;
                }
            }
        })?;
        let mut gathered = Gathered::default();
        loop {
            match self.hears.recv().map_err(io::Error::other)? {
                Heard::Order(order) => self.obey(order, &said)?,
                Heard::Gone(error) => return Err(error),
                Heard::Said(word) => {
                    if self.take(word, &mut gathered)? {
                        return self.linger();
                    }
                }
            }
        }
    }

    /// Answers about the clock until the coordinator is gone: how far it drifted is known after the load only.
    fn linger(&mut self) -> io::Result<()> {
        loop {
            match self.hears.recv_timeout(LINGER) {
                Ok(Heard::Order(Order::Clock)) => {
                    let answer = control::write(self.writer, &Word::Clock { now_us: monotonic_us() });
                    if answer.is_err() {
                        return Ok(());
                    }
                }
                // It may stop or begin what has ended meanwhile.
                Ok(Heard::Order(_) | Heard::Said(_)) => {}
                Ok(Heard::Gone(_)) | Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    return Ok(());
                }
            }
        }
    }

    fn obey(&mut self, order: Order, said: &SyncSender<Said>) -> io::Result<()> {
        match order {
            Order::Clock => control::write(self.writer, &Word::Clock { now_us: monotonic_us() }),
            Order::Start(part) if self.threads.is_empty() => {
                for setup in split(*part).map_err(io::Error::other)? {
                    self.threads.push(thread::start(setup, said.clone())?);
                }
                Ok(())
            }
            Order::Start(_) => Err(io::Error::other("started twice")),
            Order::Begin { at_us, wall_ms } => self.tell(Tell::Begin { at_us, wall_ms }),
            Order::Stop => self.tell(Tell::Stop),
        }
    }

    fn tell(&self, what: Tell) -> io::Result<()> {
        for thread in &self.threads {
            // A thread that has ended needs no more orders.
            let _it_has_ended = thread.tell.send(what);
            thread.waker.wake()?;
        }
        Ok(())
    }

    /// Takes a thread's word; true when all have ended and the harvest was handed over.
    fn take(&mut self, word: Said, gathered: &mut Gathered) -> io::Result<bool> {
        match word {
            Said::Failed(why) => return Err(io::Error::other(why)),
            Said::Connected(one) => {
                gathered.connected += 1;
                let all = gathered.connecting.get_or_insert_default();
                all.merge(one);
                if gathered.connected == self.threads.len() {
                    control::write(self.writer, &Word::Connected(all.clone()))?;
                }
            }
            Said::Tick(thread, mut tick) => {
                gathered.seconds(std::mem::take(&mut tick.seconds));
                gathered.ticks.insert(thread, tick);
                // One word for all threads: that of the first one that runs takes the others' latest along.
                if (0..thread).all(|before| gathered.ended.contains(&before)) {
                    control::write(self.writer, &Word::Tick(gathered.tick()))?;
                }
            }
            Said::Harvest(thread, harvest, seconds) => {
                gathered.seconds(seconds);
                gathered.ended.push(thread);
                match &mut gathered.harvest {
                    Some(all) => all.merge(*harvest),
                    None => gathered.harvest = Some(*harvest),
                }
            }
        }
        if gathered.ended.len() < self.threads.len() || self.threads.is_empty() {
            return Ok(false);
        }
        control::write(self.writer, &Word::Tick(gathered.tick()))?;
        if let Some(harvest) = gathered.harvest.take() {
            control::write(self.writer, &Word::Harvest(Box::new(harvest)))?;
        }
        for thread in self.threads.drain(..) {
            // It has said its last word; a panic after that would be of its end only.
            let _it_has_ended = thread.thread.join();
        }
        Ok(true)
    }
}

/// Shares a part out among threads, in whole pairs.
fn split(mut part: Part) -> Result<Vec<Setup>, String> {
    let users = part.accounts.len();
    if users == 0 || !users.is_multiple_of(2) || !part.first.is_multiple_of(2) {
        return Err(format!("a part of {users} users from {}, which are no whole pairs", part.first));
    }
    if part.plan.targets.is_empty() {
        return Err("a plan without a target".into());
    }
    let driver: Arc<dyn driver::Driver> = driver::of(&part.plan)?.into();
    let tls = Tls::of(&part.plan, driver.framing() != Framing::Raw)?.map(Arc::new);
    let threads = (part.threads as usize).clamp(1, users / 2);
    let plan = Arc::new(part.plan);
    let mut setups = Vec::with_capacity(threads);
    for number in (0..threads).rev() {
        let start = users / 2 * number / threads * 2;
        let accounts = part.accounts.split_off(start);
        let first = part.first + start as u32;
        setups.push(Setup {
            number,
            plan: plan.clone(),
            driver: driver.clone(),
            tls: tls.clone(),
            own: first..first + accounts.len() as u32,
            accounts,
            sources: part.sources.clone(),
            connecting: part.connecting.max(1),
            clock: Clock { zero_us: part.clock_zero_us },
        });
    }
    setups.reverse();
    Ok(setups)
}

#[cfg(test)]
mod tests {
    use super::*;
    use mio::{Poll, Token, Waker};
    use std::sync::atomic::{AtomicBool, Ordering};

    #[test]
    fn a_run_that_broke_off_is_over_with_its_threads() {
        let poll = Poll::new().unwrap();
        let waker = Arc::new(Waker::new(poll.registry(), Token(0)).unwrap());
        let ((tell, told), (heard, hears)) = (sync_channel(1), sync_channel(0));
        let over = Arc::new(AtomicBool::new(false));
        let ends = over.clone();
        let thread = std::thread::spawn(move || {
            assert!(told.recv().is_err(), "nobody tells it anything");
            // Its last word, which nobody takes.
            assert!(heard.send(Heard::Order(Order::Stop)).is_err());
            ends.store(true, Ordering::Release);
        });
        let handle = Handle { tell, waker, thread };
        drop(Worker { writer: &mut Vec::<u8>::new(), hears, threads: vec![handle] });
        assert!(over.load(Ordering::Acquire));
    }
}
