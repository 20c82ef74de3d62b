//! TLS: the certificate and its key, and how they are replaced while the server runs.

use crate::metrics;
use axum_server::tls_rustls::RustlsConfig;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use std::fmt;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Mode bits by which others than the owner could use a key.
const OTHERS: u32 = 0o077;

/// Makes this process's one crypto provider known, before any part of it asks. Call it first in `main`: two
/// providers, or none, would panic at the first handshake.
pub fn install_provider() {
    // Fails only when it was done already, with the same one: no other is compiled in.
    let _ = aws_lc_rs::default_provider().install_default();
}

/// A certificate chain and its key, as they are on disk.
#[derive(Clone)]
pub struct Tls {
    certificate: PathBuf,
    key: PathBuf,
    config: RustlsConfig,
    seen: Seen,
}

/// Why a pair cannot be used.
#[derive(Debug)]
pub struct TlsError {
    pub file: PathBuf,
    pub reason: String,
    /// The system does not let us read it.
    pub denied: bool,
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file.display(), self.reason)
    }
}

impl std::error::Error for TlsError {}

/// What tells that a file is another one than before: it was written, or another was put in its place.
type Stamp = Option<(i64, i64, u64, u64)>;
type Seen = (Stamp, Stamp);

impl Tls {
    /// Reads a pair: PEM files, the certificate's chain with its own first.
    ///
    /// # Errors
    /// The file that cannot be read, holds none, or does not belong to the other.
    pub fn open(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let seen = (stamp(certificate), stamp(key));
        let config = RustlsConfig::from_config(Arc::new(load(certificate, key)?));
        Ok(Self { certificate: certificate.to_owned(), key: key.to_owned(), config, seen })
    }

    /// Whether others than its owner may read, or change, the key.
    pub fn key_is_open(&self) -> bool {
        std::fs::metadata(&self.key).is_ok_and(|metadata| metadata.mode() & OTHERS != 0)
    }

    /// What accepts connections now, for a listener that is no HTTP.
    pub fn acceptor(&self) -> Arc<ServerConfig> {
        self.config.get_inner()
    }

    pub(crate) fn config(&self) -> RustlsConfig {
        self.config.clone()
    }

    /// Looks at both files again and again, and takes a new pair for connections from then on. One that is
    /// broken, or half written, changes nothing: the log says why, and the next change is tried.
    pub async fn watch(mut self, every: Duration, stop: CancellationToken) {
        while tokio::time::timeout(every, stop.cancelled()).await.is_err() {
            let (certificate, key) = (self.certificate.clone(), self.key.clone());
            let before = self.seen;
            let looked = tokio::task::spawn_blocking(move || {
                let seen = (stamp(&certificate), stamp(&key));
                (seen != before).then(|| (seen, load(&certificate, &key)))
            });
            let Ok(Some((seen, loaded))) = looked.await else { continue };
            self.seen = seen;
            match loaded {
                Ok(config) => {
                    self.config.reload_from_config(Arc::new(config));
                    metrics::tls_reloaded(true);
                    tracing::info!(certificate = %self.certificate.display(), "a new certificate is in use");
                }
                Err(error) => {
                    metrics::tls_reloaded(false);
                    tracing::error!(%error, "the new certificate and key cannot be used; the old ones stay");
                }
            }
        }
    }
}

fn stamp(path: &Path) -> Stamp {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.mtime(), metadata.mtime_nsec(), metadata.ino(), metadata.len()))
}

fn load(certificate: &Path, key: &Path) -> Result<ServerConfig, TlsError> {
    let chain = CertificateDer::pem_slice_iter(&read(certificate)?)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| bad(certificate, format!("is no PEM: {error}")))?;
    if chain.is_empty() {
        return Err(bad(certificate, "holds no certificate in PEM"));
    }
    let secret = PrivateKeyDer::from_pem_slice(&read(key)?)
        .map_err(|error| bad(key, format!("holds no private key in PEM: {error}")))?;
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions() // TLS 1.2 and 1.3
        .map_err(|error| bad(certificate, error.to_string()))?
        .with_no_client_auth()
        .with_single_cert(chain, secret)
        .map_err(|error| {
            bad(key, format!("does not serve the certificate {}: {error}", certificate.display()))
        })?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// What connects to other processes of the installation: it trusts the authorities of this PEM file, or the
/// system's.
///
/// # Errors
/// A file that cannot be read, or holds no authority.
pub fn connector(ca: Option<&Path>) -> Result<ClientConfig, TlsError> {
    let mut roots = RootCertStore::empty();
    match ca {
        Some(file) => {
            for certificate in CertificateDer::pem_slice_iter(&read(file)?) {
                let certificate = certificate.map_err(|error| bad(file, format!("is no PEM: {error}")))?;
                roots.add(certificate).map_err(|error| bad(file, error.to_string()))?;
            }
            if roots.is_empty() {
                return Err(bad(file, "holds no certificate in PEM"));
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    let builder = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions() // TLS 1.2 and 1.3
        .map_err(|error| bad(ca.unwrap_or(Path::new("")), error.to_string()))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

fn provider() -> Arc<CryptoProvider> {
    CryptoProvider::get_default().cloned().unwrap_or_else(|| Arc::new(aws_lc_rs::default_provider()))
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    std::fs::read(path).map_err(|error| TlsError {
        file: path.to_owned(),
        reason: error.to_string(),
        denied: error.kind() == io::ErrorKind::PermissionDenied,
    })
}

fn bad(path: &Path, reason: impl Into<String>) -> TlsError {
    TlsError { file: path.to_owned(), reason: reason.into(), denied: false }
}
