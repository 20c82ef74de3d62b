//! `chatbench null-server`: the server that does next to nothing, in a process of its own.

use crate::cli::{Format, Output};
use crate::{Outcome, files};
use schema::exit::{Exit, Failure};
use std::io::Read;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What the ready line begins with; the address follows.
pub(crate) const READY: &str = "chatbench null-server ready on ";

/// The arguments of `null-server`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    /// Port to listen on; 0 takes any that is free.
    #[arg(long, default_value_t = 8180)]
    port: u16,
    /// Address to listen on. Whoever can connect can have messages forwarded: keep it on loopback or a network that you trust.
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    bind: IpAddr,
    /// Threads that serve.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=64))]
    threads: u32,
    /// End when stdin ends, as it does when the process that started this one is gone.
    #[arg(long)]
    until_stdin_ends: bool,
    #[command(flatten)]
    format: Format,
}

impl Args {
    pub(crate) fn output(&self) -> Output {
        self.format.output
    }
}

/// Serves until it is ended.
pub(crate) fn run(args: &Args) -> Result<Outcome, Failure> {
    files::raise();
    let address = SocketAddr::new(args.bind, args.port);
    let failed = |error: std::io::Error| {
        Failure::new(
            Exit::Failed,
            format!("null server on {address}: {error}"),
            "choose another --port, or 0 for any",
        )
    };
    let listener = TcpListener::bind(address).map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    let mut listeners = Vec::new();
    for _ in 1..args.threads {
        listeners.push(listener.try_clone().map_err(failed)?);
    }
    listeners.push(listener);
    let stop = Arc::new(AtomicBool::new(false));
    if args.until_stdin_ends {
        let stop = stop.clone();
        std::thread::spawn(move || {
            let mut words = [0; 64];
            while std::io::stdin().read(&mut words).is_ok_and(|read| read > 0) {}
            stop.store(true, Ordering::Relaxed);
        });
    }
    crate::print(&match args.format.output {
        Output::Text => format!("{READY}{bound}\n"),
        Output::Json => format!("{}\n", serde_json::json!({ "address": bound, "pid": std::process::id() })),
    })?;
    load::relay::serve(listeners, args.threads as usize, &stop).map_err(failed)?;
    Ok(Outcome::from(String::new()))
}
