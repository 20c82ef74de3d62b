//! Connections to services in other processes: HTTP/1.1, plain or over TLS, kept for the next request.

use crate::body::Lent;
use axum::http::Uri;
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use schema::limits::{
    HTTP_HEAD_BYTES, HTTP_HEADERS, UPSTREAM_CONNECT_TIME, UPSTREAM_IDLE_CONNECTIONS, UPSTREAM_IDLE_TIME,
};
use std::error::Error;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::net::TcpStream;
use tower::Service;

/// Sends requests to services.
pub(crate) type Client = legacy::Client<Dial, Lent>;

/// How long a connection without a word may last until the system asks whether the other end is still there:
/// a tunnel's other end may be a machine that lost its power.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// Certificate authorities that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}: {reason}", file.display())]
pub struct BadAuthority {
    pub file: PathBuf,
    pub reason: String,
}

/// A client that trusts the authorities of this PEM file, or the system's.
pub(crate) fn client(ca: Option<&Path>) -> Result<Client, BadAuthority> {
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    http.set_nodelay(true);
    http.set_keepalive(Some(KEEPALIVE));
    http.set_connect_timeout(Some(UPSTREAM_CONNECT_TIME));
    let https = HttpsConnector::from((http, tls(ca)?));
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

fn tls(ca: Option<&Path>) -> Result<ClientConfig, BadAuthority> {
    let mut roots = RootCertStore::empty();
    let bad = |reason: String| BadAuthority { file: ca.map(Path::to_owned).unwrap_or_default(), reason };
    match ca {
        Some(file) => {
            let text = std::fs::read(file).map_err(|error| bad(error.to_string()))?;
            for certificate in CertificateDer::pem_slice_iter(&text) {
                let certificate = certificate.map_err(|error| bad(format!("is no PEM: {error}")))?;
                roots.add(certificate).map_err(|error| bad(error.to_string()))?;
            }
            if roots.is_empty() {
                return Err(bad("holds no certificate in PEM".to_owned()));
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    let provider = CryptoProvider::get_default().cloned();
    let provider = provider.unwrap_or_else(|| Arc::new(aws_lc_rs::default_provider()));
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions() // TLS 1.2 and 1.3
        .map_err(|error| bad(error.to_string()))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
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
