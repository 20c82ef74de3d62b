//! Sockets: bound before anything is served, drained before the process ends.

use axum::Router;
use axum_server::Handle;
use axum_server::accept::NoDelayAcceptor;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use schema::limits::{BACKLOG, DRAIN, HTTP_HEAD_BYTES, HTTP_HEAD_TIME};
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::{SocketAddr, TcpListener};
use tokio_util::sync::CancellationToken;

/// Headers of a request.
const HEADERS: usize = 100;
/// Requests at once on one HTTP/2 connection.
const STREAMS: u32 = 100;

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

/// Serves HTTP/1.1, and HTTP/2 to who speaks it unasked, until `drain` is cancelled, then ends requests in flight within [`DRAIN`]. Upgraded
/// connections are no longer ours: who upgraded them closes them.
///
/// # Errors
/// When the listener cannot be used.
pub async fn serve(listener: TcpListener, app: Router, drain: CancellationToken) -> io::Result<()> {
    let handle = Handle::new();
    let mut server = axum_server::from_tcp(listener)?
        .handle(handle.clone())
        .acceptor(NoDelayAcceptor::new())
        // Telling the two protocols apart waits for bytes without a bound of its own.
        .first_request_timeout(HTTP_HEAD_TIME)
        .accept_error_handler(|peer: Option<&SocketAddr>, error: &io::Error| {
            tracing::warn!(?peer, %error, "a connection could not be accepted");
        });
    bound(server.http_builder());
    let stop = async {
        drain.cancelled().await;
        handle.graceful_shutdown(Some(DRAIN));
        std::future::pending::<()>().await;
    };
    tokio::select! {
        result = server.serve(app.into_make_service_with_connect_info::<SocketAddr>()) => result,
        () = stop => Ok(()),
    }
}

fn bound(builder: &mut Builder<TokioExecutor>) {
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HTTP_HEAD_TIME)
        .max_buf_size(HTTP_HEAD_BYTES)
        .max_headers(HEADERS);
    builder.http2().max_header_list_size(HTTP_HEAD_BYTES as u32).max_concurrent_streams(STREAMS);
}
