//! TLS for sockets and REST: whom to trust, and in words what a server did wrong. There is no switch that trusts everybody.
//!
//! Each socket makes a whole handshake of its own, as so many devices would: a session that another user had is never
//! resumed, which would spare the server its dearest part. Calls by REST share a thread's connections, which are kept and
//! whose sessions are resumed, as a client library does.

mod session;
#[cfg(test)]
mod tests;

pub(crate) use session::{Session, Stage};

use plan::Plan;
use reqwest::{Certificate, ClientBuilder};
use rustls::client::Resumption;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{CertificateError, ClientConfig, Error, InvalidMessage, RootCertStore};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

/// The protocol that a server is asked for where HTTP comes first.
const ALPN: &[u8] = b"http/1.1";
/// Bytes of one read of [`greet`], and how many of them a handshake may take.
const READ_BYTES: usize = 16 << 10;
const READS: usize = 64;

/// What the sockets of a plan need; one for all threads of a worker.
pub(crate) struct Tls {
    config: Arc<ClientConfig>,
    /// The name of each target; none where it is plain.
    names: Vec<Option<ServerName<'static>>>,
}

impl Tls {
    /// Of a plan whose sockets begin with HTTP or do not; none when all its targets are plain.
    ///
    /// # Errors
    /// There is nobody to trust, or a name is none.
    pub(crate) fn of(plan: &Plan, http: bool) -> Result<Option<Self>, String> {
        let names = plan.targets.iter().map(|target| target.tls.as_deref().map(name).transpose());
        let names = names.collect::<Result<Vec<_>, _>>()?;
        if names.iter().all(Option::is_none) {
            return Ok(None);
        }
        Ok(Some(Self { config: Arc::new(config(plan.ca.as_deref(), http)?), names }))
    }

    /// A session with the target of this user; none where it is plain.
    pub(crate) fn session(&self, user: u32) -> Option<Result<Session, Error>> {
        let name = self.names[user as usize % self.names.len()].clone()?;
        Some(Session::new(self.config.clone(), name))
    }
}

/// Whether a certificate can be for this host.
#[must_use]
pub fn is_name(host: &str) -> bool {
    ServerName::try_from(host).is_ok()
}

fn name(text: &str) -> Result<ServerName<'static>, String> {
    ServerName::try_from(text.to_owned())
        .map_err(|_| format!("{text} is no name that a certificate can be for"))
}

/// Whom to trust: the authorities of this PEM text and no others, or those of this machine.
///
/// # Errors
/// The text has none; the machine has none.
pub fn roots(ca: Option<&str>) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    let Some(ca) = ca else {
        let found = rustls_native_certs::load_native_certs();
        roots.add_parsable_certificates(found.certs);
        if roots.is_empty() {
            let why: Vec<String> = found.errors.iter().map(ToString::to_string).collect();
            return Err(format!(
                "this machine trusts no authority, and no --ca names one {}",
                why.join(", ")
            ));
        }
        return Ok(roots);
    };
    for certificate in CertificateDer::pem_slice_iter(ca.as_bytes()) {
        let certificate = certificate.map_err(|error| format!("no PEM: {error}"))?;
        roots.add(certificate).map_err(|error| format!("no authority: {error}"))?;
    }
    if roots.is_empty() { Err("no certificate in PEM".to_owned()) } else { Ok(roots) }
}

fn config(ca: Option<&str>, http: bool) -> Result<ClientConfig, String> {
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions() // TLS 1.2 and 1.3
        .map_err(|error| error.to_string())?;
    let mut config = builder.with_root_certificates(roots(ca)?).with_no_client_auth();
    config.resumption = Resumption::disabled();
    if http {
        config.alpn_protocols = vec![ALPN.to_vec()];
    }
    Ok(config)
}

/// A client for REST that trusts the same as the sockets do; nobody where no address is `sealed`, so that a machine without
/// any authorities can load a plain server. It calls the server itself, as sockets do: a proxy of the environment would see the
/// tokens, the administrator's too.
///
/// # Errors
/// The text has no certificate.
pub fn client(ca: Option<&str>, sealed: bool) -> Result<ClientBuilder, String> {
    let builder = ClientBuilder::new().no_proxy();
    let Some(ca) = ca else {
        return Ok(if sealed { builder } else { builder.tls_certs_only([]) });
    };
    let own = Certificate::from_pem_bundle(ca.as_bytes()).map_err(|error| format!("no PEM: {error}"))?;
    Ok(builder.tls_certs_only(own))
}

/// Connects and makes a handshake, to see whether a run could; blocks, no step of it longer than `each`.
///
/// # Errors
/// What is in the way, in words.
pub fn greet(address: SocketAddr, name: &str, ca: Option<&str>, each: Duration) -> Result<(), String> {
    let mut session =
        Session::new(Arc::new(config(ca, false)?), self::name(name)?).map_err(|error| words(&error))?;
    let spoken = |error: io::Error| match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
            format!("TLS: no answer in {} s: is the server a plain http:// one?", each.as_secs_f64())
        }
        _ => error.to_string(),
    };
    let mut stream = TcpStream::connect_timeout(&address, each).map_err(spoken)?;
    stream.set_read_timeout(Some(each)).map_err(spoken)?;
    stream.set_write_timeout(Some(each)).map_err(spoken)?;
    let (mut read, mut got) = (vec![0; READ_BYTES], 0);
    for _ in 0..READS {
        let (mut opened, mut out) = (Vec::new(), Vec::new());
        let stage = session.take(&mut read[..got], &mut opened, &mut out);
        // An alert is for the server's log; what it is about is told here.
        let told = stream.write_all(&out);
        match stage.map_err(|error| words(&error))? {
            Stage::Stands => return Ok(()),
            Stage::Shaking => told.map_err(spoken)?,
            Stage::Over => return Err(CLOSED.to_owned()),
        }
        got = stream.read(&mut read).map_err(spoken)?;
        if got == 0 {
            return Err(CLOSED.to_owned());
        }
    }
    Err(format!("TLS: the handshake has not ended after {READS} reads"))
}

/// What is said of a server that hangs up before TLS stands.
pub(crate) const CLOSED: &str = "TLS: the server closed the connection during the handshake";

/// A failure of TLS in words, with the fix where it is known.
pub(crate) fn words(error: &Error) -> String {
    let why = match error {
        Error::InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::BadSignature) => {
            "no known authority has signed the server's certificate; --ca FILE names a private one".to_owned()
        }
        Error::InvalidCertificate(CertificateError::Expired | CertificateError::ExpiredContext { .. }) => {
            "the server's certificate has expired".to_owned()
        }
        Error::InvalidCertificate(
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. },
        ) => "the server's certificate is not valid yet: is this machine's clock right?".to_owned(),
        Error::InvalidCertificate(CertificateError::NotValidForNameContext { expected, presented }) => {
            // They come as `DnsName("a")` and `IpAddress(127.0.0.1)`.
            let bare = |name: &String| match name.split_once('(') {
                Some((_, inner)) => inner.trim_end_matches(')').trim_matches('"').to_owned(),
                None => name.clone(),
            };
            let has = presented.iter().map(bare).reduce(|all, one| all + ", " + &one);
            let has = has.unwrap_or_else(|| "no name".to_owned());
            format!("the server's certificate is for {has}, not for {}", expected.to_str())
        }
        Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
            "the server does not answer in TLS: is it a plain http:// one?".to_owned()
        }
        Error::AlertReceived(alert) => format!("the server refuses: {alert:?}"),
        other => other.to_string(),
    };
    format!("TLS: {why}")
}

/// The failure of TLS that lies below an error of REST, in words; none where there is none.
#[must_use]
pub fn reason(error: &(dyn std::error::Error + 'static)) -> Option<String> {
    let mut cause = Some(error);
    while let Some(one) = cause {
        if let Some(error) = one.downcast_ref::<Error>() {
            return Some(words(error));
        }
        // What an I/O error wraps is not its source: that is the source of what it wraps.
        let wrapped = one.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        cause = wrapped.map(|inner| inner as &(dyn std::error::Error + 'static)).or_else(|| one.source());
    }
    None
}
