//! What the configuration says of the door: who is believed, whose pages come in, what encrypts.

use super::{Config, out_of_bounds};
use crate::exit::{Exit, Failure};
use crate::ports::Service;
use crate::roles::Roles;
use edge::peer::{Network, Via};
use edge::tls::{Tls, TlsError};
use edge::{Door, Limiter, Origins, Proxies, Sockets, Verifier};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use store::RateLimits;

/// The ports of `https://` and `http://` that addresses need not name.
const HTTPS: u16 = 443;
const HTTP: u16 = 80;
/// Where a gateway on the same machine calls from.
const LOOPBACK: [&str; 2] = ["127.0.0.0/8", "::1/128"];

impl Config {
    /// The door that all public listeners share.
    pub(crate) fn door(
        &self,
        roles: &Roles,
        verifier: Arc<Verifier>,
        rates: Option<&Arc<dyn RateLimits>>,
    ) -> Result<Door, Failure> {
        let limits = &self.limits;
        let shared = |limiter: Limiter| {
            Arc::new(match rates {
                Some(rates) => limiter.shared(Arc::clone(rates)),
                None => limiter,
            })
        };
        let mut proxies = self.proxies()?;
        if proxies.networks.is_empty() && !roles.has(Service::Gateway) {
            // Whoever calls this process from the same machine passes somebody else's call on.
            proxies.networks = LOOPBACK.iter().filter_map(|network| network.parse().ok()).collect();
        }
        Ok(Door {
            lookups: shared(Limiter::counting("look-ups", limits.lookups_per_minute)),
            sockets: Arc::new(Sockets::new(limits.sockets_per_address)),
            proxies: Arc::new(proxies),
            origins: Arc::new(self.origins()?),
            json_bytes: limits.json_bytes,
            ..Door::new(verifier, shared(Limiter::new(limits.requests_per_minute)))
        })
    }

    /// What other processes of the installation must show, where they speak TLS.
    pub(crate) fn connector(&self) -> Result<Option<Arc<rustls::ClientConfig>>, Failure> {
        if self.tls.certificate.is_empty() {
            return Ok(None);
        }
        let connector = edge::tls::connector(self.ca().as_deref());
        connector.map(|connector| Some(Arc::new(connector))).map_err(|error| {
            let message = format!("configuration: tls.ca: {error}");
            Failure::new(Exit::BadKey, message, "name a PEM file that holds the authority's certificate")
        })
    }

    /// The authorities that they come from.
    pub(crate) fn ca(&self) -> Option<PathBuf> {
        (!self.tls.ca.is_empty()).then(|| PathBuf::from(&self.tls.ca))
    }

    /// The origins whose pages come in.
    pub(super) fn origins(&self) -> Result<Origins, Failure> {
        let key = "cors.allowed_origins";
        Origins::read(&self.cors.allowed_origins)
            .map_err(|reason| out_of_bounds(key, &reason, "configuration"))
    }

    /// The proxies that are believed.
    pub(super) fn proxies(&self) -> Result<Proxies, Failure> {
        let bad = |text: &str, reason: &str| {
            let reason = format!("{text:?} {reason}: write 10.0.0.1 or 10.0.0.0/8");
            out_of_bounds("server.trusted_proxies", &reason, "configuration")
        };
        let networks: Result<Vec<Network>, Failure> = (self.server.trusted_proxies.iter())
            .map(|text| text.parse().map_err(|reason| bad(text, reason)))
            .collect();
        let via =
            if self.server.forwarded_header == "forwarded" { Via::Forwarded } else { Via::XForwardedFor };
        Ok(Proxies { networks: networks?, via })
    }

    /// The two files of TLS; both are named, or none.
    pub(super) fn tls_pair(&self) -> Result<Option<(PathBuf, PathBuf)>, Failure> {
        let (certificate, key) = (&self.tls.certificate, &self.tls.key);
        match (certificate.is_empty(), key.is_empty()) {
            (true, true) => Ok(None),
            (false, false) => Ok(Some((PathBuf::from(certificate), PathBuf::from(key)))),
            (true, false) => Err(half("tls.certificate", "tls.key")),
            (false, true) => Err(half("tls.key", "tls.certificate")),
        }
    }

    /// The certificate and its key, read.
    pub(crate) fn tls(&self) -> Result<Option<Tls>, Failure> {
        let Some((certificate, key)) = self.tls_pair()? else { return Ok(None) };
        let tls = Tls::open(&certificate, &key).map_err(|error| unusable(&error, &certificate))?;
        if tls.key_is_open() {
            let fix = format!("chmod 600 {}", key.display());
            tracing::warn!(key = %key.display(), fix, "others than its owner may read the key of tls.key");
        }
        Ok(Some(tls))
    }

    /// The plain port that sends everybody over to TLS.
    pub(crate) fn redirect_port(&self) -> Option<u16> {
        if self.tls.certificate.is_empty() {
            return None;
        }
        match u16::try_from(self.tls.redirect_port) {
            Ok(0) => None,
            Ok(port) => Some(port),
            Err(_) => (self.server.port == HTTPS).then_some(HTTP),
        }
    }
}

fn half(missing: &str, given: &str) -> Failure {
    let hint = format!("set both to PEM files, or neither: --set {missing}=FILE");
    Failure::new(Exit::BadKey, format!("configuration: {given} is set and {missing} is not"), hint)
}

fn unusable(error: &TlsError, certificate: &Path) -> Failure {
    let key = if error.file == certificate { "tls.certificate" } else { "tls.key" };
    let message = format!("configuration: {key}: {error}");
    if error.denied {
        let hint = "let the user that runs chatd read the file, and nobody else: chown it, chmod 600";
        return Failure::new(Exit::NoPermission, message, hint);
    }
    let hint = "name a PEM file: tls.certificate holds the certificate and its chain, tls.key the key that it was made for";
    Failure::new(Exit::BadKey, message, hint)
}
