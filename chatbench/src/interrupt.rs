//! Ctrl-C and SIGTERM: the first ends the run in order, the second at once. The key `q` is a first.

use rustix::process::{Pid, Signal, kill_process};
use schema::exit::{Exit, Failure};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What the second interrupt takes along.
#[derive(Debug, Default)]
struct Owned {
    pids: Vec<u32>,
    folders: Vec<PathBuf>,
}

/// Whether somebody wants the run to end.
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

    /// These were started, in this folder: the second interrupt ends them and removes it.
    pub(crate) fn owns(&self, pids: &[u32], folder: &Path) {
        let mut owned = self.owned.lock().unwrap_or_else(PoisonError::into_inner);
        owned.pids.extend(pids);
        owned.folders.push(folder.to_owned());
    }

    pub(crate) fn is_set(&self) -> bool {
        *self.flag.borrow()
    }

    /// Returns at the first interrupt, never without one.
    pub(crate) async fn wait(&mut self) {
        if self.flag.wait_for(|set| *set).await.is_err() {
            std::future::pending::<()>().await;
        }
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
    /// The pids may be anybody's by the time of a later signal.
    fn drop(&mut self) {
        self.listening.abort();
    }
}
