//! Ctrl-C and SIGTERM: the first ends the run in order, the second at once.

use rustix::process::{Pid, Signal, kill_process};
use schema::exit::{Exit, Failure};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Whether somebody wants the run to end.
#[derive(Debug)]
pub(crate) struct Interrupt {
    flag: watch::Receiver<bool>,
    /// The servers that must not outlive chatbench.
    owned: Arc<Mutex<Vec<u32>>>,
    listening: JoinHandle<()>,
}

impl Interrupt {
    /// Listens from now on.
    pub(crate) fn listen() -> Result<Self, Failure> {
        let failed = |error: std::io::Error| {
            Failure::new(Exit::Failed, format!("signals: {error}"), "the kernel refused a handler")
        };
        let (send, flag) = watch::channel(false);
        let owned: Arc<Mutex<Vec<u32>>> = Arc::default();
        let (mut ctrl_c, mut terminate) = (
            signal(SignalKind::interrupt()).map_err(failed)?,
            signal(SignalKind::terminate()).map_err(failed)?,
        );
        let children = owned.clone();
        let listening = tokio::spawn(async move {
            tokio::select! { _ = ctrl_c.recv() => {}, _ = terminate.recv() => {} }
            send.send_replace(true);
            tokio::select! { _ = ctrl_c.recv() => {}, _ = terminate.recv() => {} }
            let children = children.lock().unwrap_or_else(PoisonError::into_inner).clone();
            for pid in children.iter().filter_map(|pid| Pid::from_raw(i32::try_from(*pid).ok()?)) {
                let _gone_already = kill_process(pid, Signal::KILL);
            }
            crate::live::restore();
            std::process::exit(i32::from(u8::from(Exit::Interrupted)));
        });
        Ok(Self { flag, owned, listening })
    }

    /// These were started: the second interrupt ends them too.
    pub(crate) fn owns(&self, pids: &[u32]) {
        self.owned.lock().unwrap_or_else(PoisonError::into_inner).extend(pids);
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

impl Drop for Interrupt {
    /// The pids may be anybody's by the time of a later signal.
    fn drop(&mut self) {
        self.listening.abort();
    }
}
