//! The sequencers of a process: one thread for each log partition that it is given.

use crate::Sequence;
use crate::sequencer::{GROUP, Sequencer, Shared, Stopped};
use parking_lot::Mutex;
use schema::event::Topic;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use store::events::{Assignments, Partition};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

/// Told why a partition can't go on.
pub type Fatal = Arc<dyn Fn(String) + Send + Sync>;

/// Between two tries to join the group.
const RETRY: Duration = Duration::from_secs(1);

/// The running sequencers of a process.
pub struct Sequencers {
    stop: CancellationToken,
    threads: Arc<Mutex<Vec<JoinHandle<()>>>>,
    fatal: Fatal,
    sequence: Sequence,
}

impl Sequencers {
    /// Starts as many as are asked for. Where one process applies all, it returns when the log is replayed.
    pub(crate) async fn start(
        shared: &Arc<Shared>,
        sequence: Sequence,
        fatal: Fatal,
    ) -> Result<Self, Stopped> {
        let sequencers = Self { stop: CancellationToken::new(), threads: Arc::default(), fatal, sequence };
        match sequence {
            Sequence::None => {}
            Sequence::All => {
                let mut assignments = shared.events.join(Topic::Messages, GROUP).await?;
                for _ in 0..shared.partitions {
                    let partition = assignments.next().await?;
                    sequencers.run(Arc::clone(shared), partition)?.replayed().await?;
                }
            }
            Sequence::Shared => {
                for partition in 0..shared.partitions {
                    // Until somebody applies it, this is how far the view is known to be.
                    if let Some(applied) = shared.messages.applied(partition).await?
                        && applied.epoch == shared.events.epoch()
                    {
                        shared.links.advance(partition, applied.next);
                    }
                }
                let assignments = shared.events.join(Topic::Messages, GROUP).await?;
                tokio::spawn(sequencers.again().take_assignments(Arc::clone(shared), assignments));
            }
        }
        Ok(sequencers)
    }

    /// Cancelled when they are to stop.
    pub(crate) fn stopped(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// The same sequencers, for the task that takes partitions.
    fn again(&self) -> Self {
        Self {
            stop: self.stop.clone(),
            threads: Arc::clone(&self.threads),
            fatal: Arc::clone(&self.fatal),
            sequence: self.sequence,
        }
    }

    /// Takes each partition that the group gives this process, for as long as it runs. Leaves the group then.
    async fn take_assignments(self, shared: Arc<Shared>, mut assignments: Box<dyn Assignments>) {
        loop {
            let next = tokio::select! {
                biased;
                () = self.stop.cancelled() => return,
                next = assignments.next() => next,
            };
            self.threads.lock().retain(|thread| !thread.is_finished());
            match next.map(|partition| self.run(Arc::clone(&shared), partition)) {
                Ok(Ok(running)) => {
                    info!(partition = running.number, "applies a log partition from now on");
                }
                Ok(Err(stopped)) => (self.fatal)(stopped.to_string()),
                Err(error) => {
                    warn!(%error, "no log partition can be taken now");
                    tokio::time::sleep(RETRY).await;
                }
            }
        }
    }

    /// Runs one on a thread and a runtime of its own: writing the view never holds up a thread that serves
    /// sockets.
    fn run(&self, shared: Arc<Shared>, partition: Box<dyn Partition>) -> Result<Running, Stopped> {
        let number = partition.number();
        let (ready, replayed) = oneshot::channel();
        let (failed, failure) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime =
            runtime.map_err(|e| store::Error::Unavailable(format!("no runtime for a sequencer: {e}")))?;
        let (stop, fatal, sequence) = (self.stop.clone(), Arc::clone(&self.fatal), self.sequence);
        let stalled = Arc::clone(&shared);
        let run = async move { Sequencer::open(shared, partition, stop).await?.run(ready).await };
        let thread = std::thread::Builder::new().name(format!("sequencer-{number}")).spawn(move || {
            match runtime.block_on(run) {
                Ok(()) => {}
                Err(Stopped::Told | Stopped::Store(store::Error::Revoked)) => {
                    stalled.waiters.set_stalled(number, None);
                    info!(partition = number, "another process applies this log partition from now on");
                }
                Err(stopped) => {
                    error!(partition = number, error = %stopped, "the sequencer stopped");
                    stalled.waiters.set_stalled(number, Some(stopped.to_string()));
                    let reason = format!("sequencer of partition {number}: {stopped}");
                    if failed.send(stopped).is_err() && sequence == Sequence::All {
                        fatal(reason);
                    }
                }
            }
        });
        let thread = thread
            .map_err(|error| store::Error::Unavailable(format!("no thread for a sequencer: {error}")))?;
        self.threads.lock().push(thread);
        Ok(Running { number, replayed, failure })
    }

    /// Lets each finish its batch and leave a checkpoint.
    pub async fn stop(self) {
        self.stop.cancel();
        let _ = tokio::task::spawn_blocking(move || self.join()).await;
    }

    fn join(&self) {
        let threads = std::mem::take(&mut *self.threads.lock());
        for thread in threads {
            let _ = thread.join();
        }
    }
}

impl Drop for Sequencers {
    /// Waits for the threads: what they use may be gone afterwards.
    fn drop(&mut self) {
        if Arc::strong_count(&self.threads) == 1 || self.stop.is_cancelled() {
            self.stop.cancel();
            self.join();
        }
    }
}

/// A sequencer that was started.
struct Running {
    number: u32,
    replayed: oneshot::Receiver<()>,
    failure: oneshot::Receiver<Stopped>,
}

impl Running {
    /// Waits until it has replayed the log.
    async fn replayed(self) -> Result<(), Stopped> {
        tokio::select! {
            Ok(()) = self.replayed => Ok(()),
            Ok(stopped) = self.failure => Err(stopped),
            else => Err(store::Error::Unavailable("the sequencer ended while it replayed the log".into()).into()),
        }
    }
}
