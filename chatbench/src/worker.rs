//! `chatbench worker`: generates load for a coordinator, over its standard streams or a port.

use crate::files;
use schema::exit::{Exit, Failure};
use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;

/// The arguments of `worker`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    /// Wait for coordinators here; each is served in turn. Without it one coordinator speaks over stdin and stdout.
    /// Whoever can connect can have this machine generate load: listen in a network that you trust.
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
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
        Some(address) => listen(address, args.once)?,
    }
    Ok(String::new())
}

/// Without the locks and the line buffer that the standard library puts around them.
fn streams() -> std::io::Result<(BufReader<File>, BufWriter<File>)> {
    let from = File::from(std::io::stdin().as_fd().try_clone_to_owned()?);
    let to = File::from(std::io::stdout().as_fd().try_clone_to_owned()?);
    Ok((BufReader::new(from), BufWriter::new(to)))
}

fn listen(address: SocketAddr, once: bool) -> Result<(), Failure> {
    let failed = |error: std::io::Error| {
        Failure::new(Exit::Failed, format!("{address}: {error}"), "choose another --listen address")
    };
    let listener = TcpListener::bind(address).map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    crate::print(&format!("chatbench worker ready on {address}\n"))?;
    loop {
        let (stream, peer) = listener.accept().map_err(failed)?;
        let served = both(stream).map_err(failed).and_then(|(from, to)| serve(from, to));
        if let Err(failure) = served {
            let _nobody_reads = writeln!(std::io::stderr(), "chatbench worker: {peer}: {failure}");
        }
        if once {
            return Ok(());
        }
    }
}

fn both(stream: TcpStream) -> std::io::Result<(BufReader<TcpStream>, BufWriter<TcpStream>)> {
    stream.set_nodelay(true)?;
    Ok((BufReader::new(stream.try_clone()?), BufWriter::new(stream)))
}

fn serve(from: impl std::io::Read + Send + 'static, to: impl Write + Send + 'static) -> Result<(), Failure> {
    load::worker::serve(from, to).map_err(|error| {
        Failure::new(Exit::Failed, format!("worker: {error}"), "see the coordinator's words")
    })
}
