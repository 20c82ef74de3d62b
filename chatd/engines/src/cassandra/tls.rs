//! TLS to Cassandra.

use crate::Error;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore, crypto};
use std::path::Path;
use std::sync::Arc;

/// Trusts what the certificates in `ca` signed, and nothing else.
pub(super) fn config(ca: Option<&Path>) -> Result<Arc<ClientConfig>, Error> {
    let Some(ca) = ca else {
        return Err(Error::Refused("cassandras:// needs ?ca=FILE, the PEM certificates to trust".into()));
    };
    let refused = |cause: &dyn std::fmt::Display| {
        Error::Refused(format!("the certificates in {} cannot be used: {cause}", ca.display()))
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(ca).map_err(|cause| refused(&cause))? {
        let certificate = certificate.map_err(|cause| refused(&cause))?;
        roots.add(certificate).map_err(|cause| refused(&cause))?;
    }
    if roots.is_empty() {
        return Err(refused(&"there is none in it"));
    }
    let config = ClientConfig::builder_with_provider(Arc::new(crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|cause| refused(&cause))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}
