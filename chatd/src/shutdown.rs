//! How the process hears that it should end.

use crate::exit::{Exit, Failure};
use std::process;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// SIGTERM and SIGINT.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Listens from now on.
    pub(crate) fn listen() -> Result<Self, Failure> {
        let open = |kind| signal(kind).map_err(|error| Failure::io("cannot listen for signals", &error));
        Ok(Self { terminate: open(SignalKind::terminate())?, interrupt: open(SignalKind::interrupt())? })
    }

    /// Waits for the next one.
    pub(crate) async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }

    /// From now on a signal ends the process at once; what was acknowledged is in the log already.
    pub(crate) fn next_quits(mut self) {
        tokio::spawn(async move {
            let signal = self.next().await;
            tracing::warn!(signal, "second signal: ending at once");
            process::exit(128 + if signal == "SIGINT" { 2 } else { 15 });
        });
    }
}

/// Ends the process now: the disk failed, and nothing may be acknowledged any more.
pub(crate) fn fatal(reason: &str) {
    tracing::error!(reason, "cannot go on");
    let failure = Failure::new(Exit::Io, reason, "check the disk; what was acknowledged is in the log");
    let _ = failure.report();
    process::exit(Exit::Io as i32);
}
