//! The generator's processes, here and elsewhere: started or called, heard and told.
//!
//! Each has two threads here, one that reads its words and one that writes orders, because a frame of the control protocol
//! may be many megabytes and neither side may wait for the other's buffer.

mod child;
mod generators;
mod line;
pub(crate) mod secret;

use crate::clock::{Drift, Exchange, Offset, monotonic_us};
use child::Child;
pub(crate) use generators::{Generators, is_loopback};
use line::{Heard, Line};
use load::control::{Order, VERSION, Word};
use schema::exit::{Exit, Failure};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout, timeout_at};

/// Words that wait to be heard.
const WORDS: usize = 256;
/// Time for a process to say hello, and for a remote clock to be read.
const HELLO: Duration = Duration::from_secs(10);
/// Questions by which a remote clock is read.
const EXCHANGES: usize = 32;
/// Time for all clocks together to be read again after a run, whose result waits for it.
const AGAIN: Duration = Duration::from_secs(10);
/// Time for a worker to end after its last word.
const END: Duration = Duration::from_secs(5);

/// A generator process.
#[derive(Debug)]
pub(crate) struct Worker {
    pub(crate) host: String,
    /// What its machine calls itself.
    node: String,
    pub(crate) pid: u32,
    /// Its limit of open files, and its CPUs.
    pub(crate) files: u64,
    pub(crate) cpus: u32,
    /// Its monotonic clock against ours; nothing for one of this machine.
    pub(crate) offset: Offset,
    /// How far that clock moved against ours over the run; none for one of this machine, and where it could not be read again.
    pub(crate) drift: Option<Drift>,
    line: Line,
    /// None for one that somebody else started.
    child: Option<Child>,
    done: bool,
    /// Nothing more comes from it.
    ended: bool,
}

impl Worker {
    fn new(host: &str, line: Line, child: Option<Child>) -> Self {
        let (host, offset) = (host.to_owned(), Offset::default());
        let (node, pid, files, cpus) = (String::new(), 0, 0, 0);
        Self { host, node, pid, files, cpus, offset, drift: None, line, child, done: false, ended: false }
    }

    /// How wrong its clock may have been at any time of the run, in microseconds: 0 on this machine.
    pub(crate) fn clock_bound_us(&self) -> u64 {
        self.drift.map_or(self.offset.bound_us, |drift| drift.bound_us)
    }

    /// Whether this process started it, on this machine.
    pub(crate) fn is_here(&self) -> bool {
        self.child.is_some()
    }

    fn failure(&mut self, what: &str) -> Failure {
        let last = self.child.as_mut().map(Child::last_words).unwrap_or_default();
        let message = format!("worker {} on {} {what}", self.pid, self.host);
        let hint = match last.is_empty() {
            true => "see its own output".to_owned(),
            false => format!("its last words:\n  {last}"),
        };
        Failure::new(Exit::Failed, message, hint)
    }
}

/// All of a run.
#[derive(Debug)]
pub(crate) struct Workers {
    pub(crate) list: Vec<Worker>,
    words: mpsc::Receiver<(usize, Heard)>,
}

impl Workers {
    /// Starts or calls them, and waits until each has said hello and its clock is known.
    pub(crate) async fn start(generators: &Generators) -> Result<Self, Failure> {
        let (heard, words) = mpsc::channel(WORDS);
        let mut workers = Self { list: Vec::new(), words };
        match generators {
            Generators::Here(number) => {
                for place in 0..*number as usize {
                    let (line, child) = Child::start(place, heard.clone())?;
                    workers.list.push(Worker::new("this machine", line, Some(child)));
                }
            }
            Generators::There { addresses, secret } => {
                for (place, address) in addresses.iter().enumerate() {
                    let line = Line::call(place, address, secret.as_ref(), heard.clone()).await?;
                    workers.list.push(Worker::new(&address.name, line, None));
                }
            }
        }
        drop(heard);
        for _ in 0..workers.list.len() {
            workers.hello().await?;
        }
        for place in 0..workers.list.len() {
            if !workers.list[place].is_here() {
                workers.list[place].offset = workers.offset(place).await?;
            }
        }
        Ok(workers)
    }

    async fn hello(&mut self) -> Result<(), Failure> {
        let Ok(heard) = timeout(HELLO, self.next()).await else {
            let silent = self.list.iter().find(|worker| worker.pid == 0);
            let host = silent.map_or("somewhere", |worker| worker.host.as_str());
            let hint = "look at its machine: is it overloaded?";
            return Err(Failure::new(Exit::Unreachable, format!("the worker on {host} says nothing"), hint));
        };
        match heard? {
            (place, Word::Hello { version: VERSION, pid, host, files, cpus }) => {
                let worker = &mut self.list[place];
                (worker.pid, worker.files, worker.cpus) = (pid, files, cpus);
                if worker.child.is_none() {
                    worker.host = format!("{host} ({})", worker.host);
                }
                worker.node = host;
                Ok(())
            }
            (place, Word::Hello { version, .. }) => {
                let what = format!("speaks version {version} of the control protocol, this is {VERSION}");
                let mut failure = self.list[place].failure(&what);
                failure.hint = "use the same chatbench on all machines".into();
                Err(failure)
            }
            (place, _) => Err(self.list[place].failure("said something else than hello")),
        }
    }

    /// Reads a remote clock.
    async fn offset(&mut self, place: usize) -> Result<Offset, Failure> {
        let mut exchange = Exchange::default();
        for _ in 0..EXCHANGES {
            let asked = monotonic_us();
            self.tell(place, Order::Clock);
            match timeout(HELLO, self.answer(place)).await {
                Ok(now_us) => exchange.enter(asked, now_us?, monotonic_us()),
                Err(_) => return Err(self.list[place].failure("did not answer in 10 s")),
            }
        }
        Ok(exchange.offset())
    }

    /// What this one's clock says, and no other's: an answer may come late.
    async fn answer(&mut self, place: usize) -> Result<i64, Failure> {
        loop {
            if self.list[place].ended {
                return Err(self.list[place].failure("has hung up"));
            }
            match self.heard().await? {
                Some((from, Word::Clock { now_us })) if from == place => return Ok(now_us),
                Some((from, _)) if from == place => {
                    return Err(self.list[place].failure("did not say what its clock is"));
                }
                _ => {}
            }
        }
    }

    /// Reads the remote clocks again, once all harvests are in: the load is over, so the answers come as fast as before it.
    /// A worker that does not answer any more takes nothing away from the run; how far its clock drifted stays unknown.
    pub(crate) async fn read_again(&mut self) {
        let until = Instant::now() + AGAIN;
        for place in 0..self.list.len() {
            if !self.list[place].is_here()
                && let Ok(Ok(after)) = timeout_at(until, self.offset(place)).await
            {
                self.list[place].drift = Some(self.list[place].offset.drift(after));
            }
        }
    }

    /// Gives one an order. To one that is gone it makes no difference: its end is heard.
    pub(crate) fn tell(&self, place: usize, order: Order) {
        self.list[place].line.tell(order);
    }

    pub(crate) fn tell_all(&self, order: &Order) {
        for worker in &self.list {
            worker.line.tell(order.clone());
        }
    }

    /// The next word of anybody.
    ///
    /// # Errors
    /// One has ended before its last word, or says that it can't go on.
    pub(crate) async fn next(&mut self) -> Result<(usize, Word), Failure> {
        loop {
            if let Some(said) = self.heard().await? {
                return Ok(said);
            }
        }
    }

    /// The next word of anybody, or none when one has ended that had said its last.
    async fn heard(&mut self) -> Result<Option<(usize, Word)>, Failure> {
        // With the last of them the channel ends.
        let Some((place, heard)) = self.words.recv().await else {
            return Err(Failure::new(Exit::Failed, "all workers are gone", "see their own output"));
        };
        let worker = &mut self.list[place];
        match heard {
            Heard::Word(word) => {
                if let Word::Failed(what) = &*word {
                    return Err(worker.failure(&format!("can't go on: {what}")));
                }
                worker.done |= matches!(*word, Word::Harvest(_));
                Ok(Some((place, *word)))
            }
            Heard::End(_) if worker.done => {
                worker.ended = true;
                Ok(None)
            }
            Heard::End(why) => Err(worker.failure(&format!("ended before its time: {why}"))),
        }
    }

    /// How many of them share this one's machine, itself among them: as its machine calls itself, however it was called.
    pub(crate) fn on_the_machine_of(&self, place: usize) -> u32 {
        let node = self.list.get(place).map(|worker| &worker.node);
        let same = self.list.iter().filter(|worker| Some(&worker.node) == node).count();
        u32::try_from(same).unwrap_or(u32::MAX)
    }

    /// Closes the lines and waits until those that were started have ended.
    pub(crate) async fn end(self) {
        let children: Vec<Child> = self.list.into_iter().filter_map(|worker| worker.child).collect();
        drop(self.words);
        for mut child in children {
            child.ended(END).await;
        }
    }
}

/// The users of each of `workers` processes: whole pairs, as even as can be.
pub(crate) fn shares(users: u32, workers: u32) -> Vec<std::ops::Range<u32>> {
    let (pairs, workers) = (u64::from(users / 2), u64::from(workers.max(1)));
    let border = |n: u64| u32::try_from(pairs * n / workers * 2).unwrap_or(u32::MAX);
    (0..workers).map(|n| border(n)..border(n + 1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_whole_pairs_without_a_gap() {
        for (users, workers) in [(2, 1), (10, 3), (100_000, 6), (1_000_000, 7)] {
            let shares = shares(users, workers);
            assert_eq!(shares.len(), workers as usize);
            assert_eq!((shares[0].start, shares[shares.len() - 1].end), (0, users));
            assert!(shares.windows(2).all(|two| two[0].end == two[1].start));
            assert!(shares.iter().all(|share| share.start % 2 == 0 && share.len() % 2 == 0));
            let sizes = shares.iter().map(ExactSizeIterator::len);
            assert!(sizes.clone().max().unwrap() - sizes.min().unwrap() <= 2);
        }
    }

    /// Workers that were called, as `node`s; what they say is given, and their orders go nowhere.
    fn called(nodes: &[&str]) -> (Workers, mpsc::Sender<(usize, Heard)>) {
        let (heard, words) = mpsc::channel(WORDS);
        let (ours, _) = mpsc::channel(1);
        let worker = |(place, node): (usize, &&str)| {
            let line = Line::new(place, std::io::empty(), std::io::sink(), ours.clone(), || {}).unwrap();
            Worker { node: (*node).to_owned(), ..Worker::new(node, line, None) }
        };
        (Workers { list: nodes.iter().enumerate().map(worker).collect(), words }, heard)
    }

    fn clock(now_us: i64) -> Heard {
        Heard::Word(Box::new(Word::Clock { now_us }))
    }

    #[tokio::test]
    async fn a_late_answer_of_another_is_not_this_ones_clock() {
        let (mut workers, heard) = called(&["a", "b"]);
        heard.send((0, clock(1))).await.unwrap();
        heard.send((1, clock(2))).await.unwrap();
        assert_eq!(workers.answer(1).await.unwrap(), 2);
    }

    #[tokio::test]
    async fn who_has_hung_up_is_not_waited_for() {
        let (mut workers, heard) = called(&["a", "b"]);
        for worker in &mut workers.list {
            worker.done = true;
        }
        heard.send((0, Heard::End("it hung up".into()))).await.unwrap();
        assert!(workers.answer(0).await.unwrap_err().message.contains("has hung up"));
        heard.send((1, clock(2))).await.unwrap();
        assert_eq!(workers.answer(1).await.unwrap(), 2);
    }

    #[test]
    fn workers_of_a_machine_are_counted_by_its_name() {
        let (workers, _) = called(&["a", "b", "a"]);
        assert_eq!([0, 1, 2].map(|place| workers.on_the_machine_of(place)), [2, 1, 2]);
    }
}
