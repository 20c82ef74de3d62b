//! `chatbench worker`: generates load for a coordinator, over its standard streams or a port.

mod door;

use crate::files;
use crate::workers::{is_loopback, secret};
use schema::exit::{Exit, Failure};
use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::path::PathBuf;

/// The arguments of `worker`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    /// Wait for coordinators here; each is served in turn, a second one is told that this one is busy. Without it one
    /// coordinator speaks over stdin and stdout.
    /// Off loopback it takes a --secret: who is let in can have this machine generate load.
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// The secret that coordinators have too, 16 to 4096 bytes that only its owner may read. Both sides prove it (HMAC-SHA256
    /// over fresh nonces), neither sends it. Nothing is encrypted: accounts' tokens and passwords and the adapter's settings,
    /// a broker's passcode too, cross the network as they are, and whoever sits on the way can read and change orders; where
    /// that matters, go through a VPN or an SSH tunnel.
    #[arg(long, value_name = "FILE", env = "CHATBENCH_SECRET_FILE")]
    secret: Option<PathBuf>,
    /// End after one coordinator.
    #[arg(long, requires = "listen")]
    once: bool,
}

/// Runs until the coordinator is gone.
pub(crate) fn run(args: &Args) -> Result<String, Failure> {
    files::raise();
    match args.listen {
        None => {
            let (from, to) = streams().map_err(|error| {
                Failure::new(Exit::Failed, format!("standard streams: {error}"), "a coordinator starts this")
            })?;
            serve(from, to)?;
        }
        Some(address) => listen(address, args)?,
    }
    Ok(String::new())
}

/// Without the locks and the line buffer that the standard library puts around them.
fn streams() -> std::io::Result<(BufReader<File>, BufWriter<File>)> {
    let from = File::from(std::io::stdin().as_fd().try_clone_to_owned()?);
    let to = File::from(std::io::stdout().as_fd().try_clone_to_owned()?);
    Ok((BufReader::new(from), BufWriter::new(to)))
}

fn listen(address: SocketAddr, args: &Args) -> Result<(), Failure> {
    let secret = args.secret.as_deref().map(secret::read).transpose()?;
    if secret.is_none() && !is_loopback(&address) {
        let what = format!("--listen {address} is open to other machines, and there is no --secret");
        return Err(Failure::usage(what, format!("{}; or listen on 127.0.0.1", secret::MAKE)));
    }
    let failed = |error: std::io::Error| {
        Failure::new(Exit::Failed, format!("{address}: {error}"), "choose another --listen address")
    };
    let listener = TcpListener::bind(address).map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    let guests = door::open(&listener, secret, args.once)?;
    crate::print(&format!("chatbench worker ready on {bound}\n"))?;
    while let Ok(guest) = guests.recv() {
        let served = both(&guest.stream).map_err(failed).and_then(|(from, to)| serve(from, to));
        if let Err(failure) = served {
            let _nobody_reads = writeln!(std::io::stderr(), "chatbench worker: {}: {failure}", guest.peer);
        }
        // Whoever reads orders from it still, ends with it.
        let _gone_already = guest.stream.shutdown(Shutdown::Both);
        if args.once {
            break;
        }
    }
    Ok(())
}

fn both(stream: &TcpStream) -> std::io::Result<(BufReader<TcpStream>, BufWriter<TcpStream>)> {
    Ok((BufReader::new(stream.try_clone()?), BufWriter::new(stream.try_clone()?)))
}

fn serve(from: impl std::io::Read + Send + 'static, to: impl Write + Send + 'static) -> Result<(), Failure> {
    load::worker::serve(from, to).map_err(|error| {
        Failure::new(Exit::Failed, format!("worker: {error}"), "see the coordinator's words")
    })
}
