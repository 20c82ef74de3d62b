//! Ctrl-C and SIGTERM: the first ends the verb in order, the second at once. The key `q` is a first.
//!
//! One [`Interrupt`] lasts as long as the verb, so that of many runs none begins after it, and nothing is deaf in between.

use rustix::process::{Pid, Signal, kill_process};
use schema::exit::{Exit, Failure};
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What the second interrupt takes along.
#[derive(Debug, Default)]
struct Owned {
    pids: Vec<u32>,
    folders: Vec<PathBuf>,
}

/// Whether somebody wants it to end.
#[derive(Debug)]
pub(crate) struct Interrupt {
    flag: watch::Receiver<bool>,
    send: watch::Sender<bool>,
    /// The servers that must not outlive chatbench, and the folders that must not either.
    owned: Arc<Mutex<Owned>>,
    listening: JoinHandle<()>,
}

impl Interrupt {
    /// Listens from now on.
    pub(crate) fn listen() -> Result<Self, Failure> {
        let failed = |error: std::io::Error| {
            Failure::new(Exit::Failed, format!("signals: {error}"), "the kernel refused a handler")
        };
        let (send, flag) = watch::channel(false);
        let owned: Arc<Mutex<Owned>> = Arc::default();
        let (mut ctrl_c, mut terminate) = (
            signal(SignalKind::interrupt()).map_err(failed)?,
            signal(SignalKind::terminate()).map_err(failed)?,
        );
        let (children, first) = (owned.clone(), send.clone());
        let listening = tokio::spawn(async move {
            loop {
                tokio::select! { _ = ctrl_c.recv() => {}, _ = terminate.recv() => {} }
                // One that was pulled before makes this the second.
                if first.send_replace(true) {
                    break;
                }
            }
            let owned = children.lock().unwrap_or_else(PoisonError::into_inner);
            for pid in owned.pids.iter().filter_map(|pid| Pid::from_raw(i32::try_from(*pid).ok()?)) {
                let _gone_already = kill_process(pid, Signal::KILL);
            }
            for folder in &owned.folders {
                let _what_is_left = std::fs::remove_dir_all(folder);
            }
            crate::live::restore();
            std::process::exit(i32::from(u8::from(Exit::Interrupted)));
        });
        Ok(Self { flag, send, owned, listening })
    }

    /// For who ends the run in order by something else than a signal.
    pub(crate) fn trigger(&self) -> Trigger {
        Trigger(self.send.clone())
    }

    /// For who starts processes that must not outlive chatbench.
    pub(crate) fn ward(&self) -> Ward {
        Ward(self.owned.clone())
    }

    pub(crate) fn is_set(&self) -> bool {
        *self.flag.borrow()
    }

    /// What comes of `work`, unless an interrupt comes first: then that, and what was being done.
    pub(crate) async fn or<T>(
        &mut self,
        doing: &str,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        tokio::select! {
            biased;
            () = self.wait() => {
                Err(Failure::new(Exit::Interrupted, format!("interrupted while {doing}"), "nothing was measured"))
            }
            done = work => done,
        }
    }

    /// Returns at the first interrupt, never without one.
    pub(crate) async fn wait(&mut self) {
        if self.flag.wait_for(|set| *set).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// What was started, for the second interrupt to end and remove. Drop it when that has ended: a pid may then be anybody's.
#[derive(Debug)]
pub(crate) struct Ward(Arc<Mutex<Owned>>);

impl Ward {
    pub(crate) fn folder(&self, folder: &Path) {
        self.owned().folders.push(folder.to_owned());
    }

    pub(crate) fn process(&self, pid: u32) {
        self.owned().pids.push(pid);
    }

    fn owned(&self) -> MutexGuard<'_, Owned> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Ward {
    fn drop(&mut self) {
        *self.owned() = Owned::default();
    }
}

/// Ends a run in order, once; pulled again it does no more.
#[derive(Clone, Debug)]
pub(crate) struct Trigger(watch::Sender<bool>);

impl Trigger {
    pub(crate) fn pull(&self) {
        self.0.send_replace(true);
    }
}

impl Drop for Interrupt {
    /// Nothing is left to be ended.
    fn drop(&mut self) {
        self.listening.abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn nothing_begins_after_an_interrupt() {
        let mut interrupt = Interrupt::listen().unwrap();
        assert_eq!(interrupt.or("a run was made", async { Ok(1) }).await.unwrap(), 1);
        interrupt.trigger().pull();
        let failure = interrupt.or("a run was made", async { Ok(2) }).await.unwrap_err();
        assert_eq!(
            (failure.exit, failure.message.as_str()),
            (Exit::Interrupted, "interrupted while a run was made")
        );
    }

    #[tokio::test]
    async fn what_has_ended_is_nobodys_any_more() {
        let interrupt = Interrupt::listen().unwrap();
        let ward = interrupt.ward();
        ward.process(4711);
        ward.folder(Path::new("/nowhere"));
        let owned = interrupt.owned.clone();
        assert_eq!(owned.lock().unwrap().pids, [4711]);
        drop(ward);
        assert!(owned.lock().unwrap().pids.is_empty() && owned.lock().unwrap().folders.is_empty());
    }
}
