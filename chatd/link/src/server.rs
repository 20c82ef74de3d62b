//! The side that has chat: takes connections of other processes, tells them what they want to hear, and
//! answers what they ask.
//!
//! A link's life: it is greeted ([`greet`]), registered with the [`hub`], which hands it batches, typing and
//! ended sessions from then on, and read ([`links`]); calls are answered in [`answer`], sends in order by
//! [`lanes`]. When it ends, whyever, everything of that process is undone: its sockets are gone, its watches
//! hear nobody, nobody is attended.
//!
//! Invariant: nothing here waits for another process. What one does not read is bounded in bytes, then its
//! link is cut; it comes back and pulls what it missed from the view.

mod answer;
mod greet;
mod hub;
mod lanes;
mod links;
mod telling;
mod watch;

use crate::Token;
use crate::frame::Pipe;
use crate::metrics;
use crate::wire::Hello;
use chat::{Batch, Talk};
use edge::{Identify, Revocations};
use hub::Hub;
use presence::Attend;
use schema::limits::{LINK_HELLO_TIME, LINKS};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Between two tries to accept when the system has no room for a connection.
const PAUSE: Duration = Duration::from_millis(100);

/// What a server answers from.
pub struct Parts {
    /// This process, as records of the log name it.
    pub node: Uuid,
    pub talk: Arc<dyn Talk>,
    /// The batches that sequencers of this process applied, in order.
    pub outbound: mpsc::Receiver<Arc<Batch>>,
    pub presence: Arc<dyn Attend>,
    pub identify: Arc<dyn Identify>,
    pub revocations: Arc<Revocations>,
    pub token: Token,
}

/// The server of links.
pub struct Server(Arc<Hub>);

impl Server {
    /// Starts to listen to chat and presence; call it within the runtime. It ends with `stop`, or with chat.
    pub fn open(parts: Parts, metrics: &edge::Metrics, stop: CancellationToken) -> Self {
        let metrics = metrics::Server::register(&mut metrics.registry());
        Self(Hub::start(parts, metrics, stop))
    }

    /// Takes connections until the server ends; encrypted, when there is a certificate.
    pub async fn run(&self, listener: TcpListener, tls: Option<Arc<rustls::ServerConfig>>) {
        let tls = tls.map(TlsAcceptor::from);
        // Those that did not say who they are take no place of those that did.
        let strangers = Arc::new(Semaphore::new(LINKS));
        loop {
            let accepted = tokio::select! {
                () = self.0.stop.cancelled() => return,
                accepted = listener.accept() => accepted,
            };
            let (stream, address) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "a link cannot be accepted");
                    sleep(PAUSE).await;
                    continue;
                }
            };
            let Ok(permit) = Arc::clone(&strangers).try_acquire_owned() else {
                tracing::warn!(%address, bound = LINKS, "too many connections say nothing; this one is closed");
                continue;
            };
            let (hub, tls) = (Arc::clone(&self.0), tls.clone());
            tokio::spawn(async move {
                let entered = enter(&hub, stream, tls).await;
                drop(permit);
                match entered {
                    Ok((pipe, hello)) => links::serve(&hub, pipe, hello, &address.to_string()).await,
                    Err(error) => tracing::warn!(%address, %error, "a link was refused"),
                }
            });
        }
    }
}

/// Lets a connection say who it is.
async fn enter(hub: &Hub, stream: TcpStream, tls: Option<TlsAcceptor>) -> io::Result<(Box<dyn Pipe>, Hello)> {
    stream.set_nodelay(true)?;
    let mut pipe: Box<dyn Pipe> = match tls {
        None => Box::new(stream),
        Some(tls) => Box::new(timeout(LINK_HELLO_TIME, tls.accept(stream)).await??),
    };
    let hello = greet::hello(hub, &mut *pipe).await?;
    Ok((pipe, hello))
}
