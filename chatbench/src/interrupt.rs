//! Ctrl-C and SIGTERM: the first ends the run in order, the second at once.

use rustix::process::{Pid, Signal, kill_process};
use schema::exit::Exit;
use std::sync::{Arc, OnceLock};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// Whether somebody wants the run to end.
#[derive(Clone)]
pub(crate) struct Interrupt {
    flag: watch::Receiver<bool>,
    /// The server that must not outlive chatbench.
    spawned: Arc<OnceLock<u32>>,
}

impl Interrupt {
    /// Listens from now on.
    pub(crate) fn listen() -> std::io::Result<Self> {
        let (send, flag) = watch::channel(false);
        let spawned: Arc<OnceLock<u32>> = Arc::default();
        let (mut ctrl_c, mut terminate) =
            (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        let child = spawned.clone();
        tokio::spawn(async move {
            tokio::select! { _ = ctrl_c.recv() => {}, _ = terminate.recv() => {} }
            send.send_replace(true);
            tokio::select! { _ = ctrl_c.recv() => {}, _ = terminate.recv() => {} }
            if let Some(pid) = child.get().and_then(|pid| Pid::from_raw(i32::try_from(*pid).ok()?)) {
                let _gone_already = kill_process(pid, Signal::KILL);
            }
            std::process::exit(i32::from(u8::from(Exit::Interrupted)));
        });
        Ok(Self { flag, spawned })
    }

    /// A server was started: the second interrupt ends it too.
    pub(crate) fn owns(&self, pid: u32) {
        let _only_one = self.spawned.set(pid);
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
