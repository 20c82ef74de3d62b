//! Connections to services in other processes: HTTP/1.1, plain or over TLS, kept for the next request.

use crate::body::Lent;
use axum::http::Uri;
use edge::tls::TlsError;
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use schema::limits::{
    HTTP_HEAD_BYTES, HTTP_HEADERS, UPSTREAM_CONNECT_TIME, UPSTREAM_IDLE_CONNECTIONS, UPSTREAM_IDLE_TIME,
};
use std::error::Error;
use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::net::TcpStream;
use tower::Service;

/// Sends requests to services.
pub(crate) type Client = legacy::Client<Dial, Lent>;

/// How long a connection without a word may last until the system asks whether the other end is still there:
/// a tunnel's other end may be a machine that lost its power.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// A client that trusts the authorities of this PEM file, or the system's.
///
/// # Errors
/// A file that cannot be read, or holds no authority.
pub(crate) fn client(ca: Option<&Path>) -> Result<Client, TlsError> {
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    http.set_nodelay(true);
    http.set_keepalive(Some(KEEPALIVE));
    http.set_connect_timeout(Some(UPSTREAM_CONNECT_TIME));
    let https = HttpsConnector::from((http, edge::tls::connector(ca)?));
    let client = legacy::Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .timer(TokioTimer::new())
        .pool_idle_timeout(UPSTREAM_IDLE_TIME)
        .pool_max_idle_per_host(UPSTREAM_IDLE_CONNECTIONS)
        .http1_max_buf_size(HTTP_HEAD_BYTES)
        .http1_max_headers(HTTP_HEADERS)
        .build(Dial(https));
    Ok(client)
}

/// Connects within its time, the TLS handshake included.
#[derive(Clone)]
pub(crate) struct Dial(HttpsConnector<HttpConnector>);

type Dialing<T> = Pin<Box<dyn Future<Output = Result<T, Box<dyn Error + Send + Sync>>> + Send>>;

impl Service<Uri> for Dial {
    type Response = MaybeHttpsStream<TokioIo<TcpStream>>;
    type Error = Box<dyn Error + Send + Sync>;
    type Future = Dialing<Self::Response>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, address: Uri) -> Self::Future {
        let dialing = self.0.call(address);
        Box::pin(async move { tokio::time::timeout(UPSTREAM_CONNECT_TIME, dialing).await? })
    }
}
