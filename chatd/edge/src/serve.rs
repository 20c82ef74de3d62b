//! Listeners: bound before anything is served, drained before the process ends.
//!
//! HTTP/1.1 only (`http1.rs`): sockets need it, and every bound in time below is one of its.

use crate::doorstep::Doorstep;
use crate::http1::Http1;
use crate::tls::Tls;
use axum::Router;
use axum_server::Handle;
use axum_server::tls_rustls::RustlsAcceptor;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use schema::limits::{
    BACKLOG, DRAIN, HTTP_CONNECTIONS, HTTP_HEAD_BYTES, HTTP_HEAD_TIME, HTTP_HEADERS, HTTP_STALL_TIME,
    TLS_HANDSHAKE_TIME,
};
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Binds a port and listens on it; connections wait in the backlog until it is served.
///
/// # Errors
/// When the port is taken or may not be used.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // A restart must not wait for the old connections' TIME_WAIT.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// As [`Serve::run`], in plain HTTP, with the bounds of `limits`.
///
/// # Errors
/// When the listener cannot be used.
pub async fn serve(listener: TcpListener, app: Router, drain: CancellationToken) -> io::Result<()> {
    Serve::default().run(listener, app, drain).await
}

/// How a listener is served.
pub struct Serve {
    /// Encrypts, when there is a certificate.
    pub tls: Option<Tls>,
    /// Time for a request's head; an idle connection has as long to begin the next one.
    pub head_time: Duration,
    /// Time for which an answer may make no progress.
    pub stall_time: Duration,
    /// Connections that are no sockets (yet).
    pub connections: usize,
}

impl Default for Serve {
    fn default() -> Self {
        Self {
            tls: None,
            head_time: HTTP_HEAD_TIME,
            stall_time: HTTP_STALL_TIME,
            connections: HTTP_CONNECTIONS,
        }
    }
}

impl Serve {
    /// Serves until `drain` is cancelled, then ends requests in flight within [`DRAIN`]. Upgraded connections
    /// are no longer ours: who upgraded them closes them.
    ///
    /// # Errors
    /// When the listener cannot be used.
    pub async fn run(self, listener: TcpListener, app: Router, drain: CancellationToken) -> io::Result<()> {
        let handle = Handle::new();
        let doorstep = Doorstep {
            handle: handle.clone(),
            connections: self.connections,
            stall_time: self.stall_time,
            // The first byte tells who speaks plain HTTP to a port that is encrypted.
            encrypted_within: self.tls.is_some().then_some(self.head_time),
        };
        let mut server = axum_server::from_tcp(listener)?
            .handle(handle.clone())
            .first_request_timeout(self.head_time)
            .accept_error_handler(|peer: Option<&SocketAddr>, error: &io::Error| match peer {
                None => tracing::warn!(%error, "no connection can be accepted"),
                Some(peer) => tracing::debug!(%peer, %error, "a connection was not taken"),
            });
        *server.http_builder() = bounded(self.head_time);
        let make = app.into_make_service_with_connect_info::<SocketAddr>();
        let served = async {
            match self.tls {
                None => server.acceptor(Http1(doorstep)).serve(make).await,
                Some(tls) => {
                    let acceptor = RustlsAcceptor::new(tls.config()).handshake_timeout(TLS_HANDSHAKE_TIME);
                    server.acceptor(Http1(acceptor.acceptor(doorstep))).serve(make).await
                }
            }
        };
        let stop = async {
            drain.cancelled().await;
            handle.graceful_shutdown(Some(DRAIN));
            std::future::pending::<()>().await;
        };
        tokio::select! {
            result = served => result,
            () = stop => Ok(()),
        }
    }
}

fn bounded(head_time: Duration) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(head_time)
        .max_buf_size(HTTP_HEAD_BYTES)
        .max_headers(HTTP_HEADERS);
    builder
}
