//! Making a link, and making it again.

use super::Mesh;
use super::line::Line;
use crate::directory::Node;
use crate::frame::{Pipe, encode, read};
use crate::wire::{Greeting, Hello, VERSION};
use rustls::pki_types::ServerName;
use schema::Cursor;
use schema::limits::{LINK_FRAME_BYTES, LINK_HELLO_TIME, LINK_RETRY};
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsConnector;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// The most that the first wait may be; it doubles with each failure up to [`LINK_RETRY`].
const FIRST_WAIT: Duration = Duration::from_millis(50);
/// Failures after which the wait does not grow any more.
const DOUBLINGS: u32 = 8;

/// Keeps a link to a node until told to stop.
pub(super) async fn keep(mesh: Arc<Mesh>, node: Node, stop: CancellationToken) {
    let mut failures = 0;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            linked = timeout(3 * LINK_HELLO_TIME, open(&mesh, &node)) => match linked {
                Ok(Ok((id, position, pipe))) => {
                    if id == mesh.node {
                        return; // it is this very process
                    }
                    failures = if run(&mesh, &node, id, &position, pipe, &stop).await { 0 } else { DOUBLINGS };
                }
                Ok(Err(error)) => failed(&node, &error, &mut failures),
                Err(late) => failed(&node, &late.into(), &mut failures),
            },
        }
        let most = FIRST_WAIT.saturating_mul(1 << failures.min(DOUBLINGS)).min(LINK_RETRY);
        // Anything up to that, so that processes do not come back together.
        let wait = most.mul_f64(rand::random_range(0.0..1.0));
        tokio::select! {
            () = stop.cancelled() => return,
            () = sleep(wait) => {}
        }
    }
}

fn failed(node: &Node, error: &io::Error, failures: &mut u32) {
    // The first says it; what follows would only say it again.
    if *failures == 0 {
        tracing::warn!(address = node.address, %error, "a chat process cannot be reached; trying on");
    }
    *failures += 1;
}

/// Runs a link until it ends. False: that process is linked already.
async fn run(
    mesh: &Arc<Mesh>,
    node: &Node,
    id: Uuid,
    position: &Cursor,
    pipe: Box<dyn Pipe>,
    stop: &CancellationToken,
) -> bool {
    let line = Line::new(id, &node.address, mesh.metrics.clone());
    mesh.reached(position).await;
    if !mesh.joined(&line) {
        tracing::warn!(address = node.address, node = %id, "this chat process is linked already, by another address");
        return false;
    }
    tracing::info!(address = node.address, node = %id, "linked to a chat process");
    let ended = tokio::select! {
        ended = line.run(mesh, pipe) => ended,
        () = stop.cancelled() => {
            line.cut("it is no node any more");
            io::Error::other("it is no node any more")
        }
    };
    line.end();
    tracing::warn!(address = node.address, node = %id, reason = %ended, "the link to a chat process ended");
    mesh.left(&line).await;
    true
}

/// Connects and is let in.
async fn open(mesh: &Mesh, node: &Node) -> io::Result<(Uuid, Cursor, Box<dyn Pipe>)> {
    let mut pipe = connect(mesh, &node.address).await?;
    let hello =
        Hello { version: VERSION, node: mesh.node, token: mesh.token.text().to_owned(), wants: mesh.wants };
    pipe.write_all(&encode(&hello)?).await?;
    pipe.flush().await?;
    let mut buffer = Vec::new();
    let greeting = timeout(LINK_HELLO_TIME, read(&mut pipe, &mut buffer, LINK_FRAME_BYTES)).await??;
    match greeting {
        Greeting::Refused(reason) => Err(io::Error::new(ErrorKind::PermissionDenied, reason)),
        Greeting::Welcome { node: id, .. } if node.id.is_some_and(|named| named != id) => {
            Err(io::Error::other("another process answers at its address"))
        }
        Greeting::Welcome { node: id, position } => Ok((id, position, pipe)),
    }
}

async fn connect(mesh: &Mesh, address: &str) -> io::Result<Box<dyn Pipe>> {
    // A name is looked up anew each time; its addresses are tried one after the other.
    let stream = timeout(LINK_HELLO_TIME, TcpStream::connect(address)).await??;
    stream.set_nodelay(true)?;
    let Some(tls) = &mesh.tls else { return Ok(Box::new(stream)) };
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host).trim_matches(['[', ']']);
    let name = ServerName::try_from(host.to_owned())
        .map_err(|error| io::Error::new(ErrorKind::InvalidInput, error))?;
    let connector = TlsConnector::from(Arc::clone(tls));
    Ok(Box::new(timeout(LINK_HELLO_TIME, connector.connect(name, stream)).await??))
}
