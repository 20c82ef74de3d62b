//! TLS in front of a plain server, as a proxy of an operator would be: it ends TLS and passes bytes on.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// A private authority.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// Puts its certificate where `--ca` finds it.
    pub(crate) fn write(&self, file: &Path) {
        std::fs::write(file, self.0.pem()).unwrap();
    }

    /// Serves a certificate for this name that ends with the year before `until`.
    fn server(&self, name: &str, until: i32) -> Arc<ServerConfig> {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(until, 1, 1));
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
        let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
        Arc::new(config.with_single_cert(vec![certificate.der().clone()], key).unwrap())
    }
}

/// Ends of connections that nobody has asked for yet; more are not told.
const ENDS: usize = 1024;
/// Longest wait for one.
const END: Duration = Duration::from_secs(20);

/// A running one; it ends with the value.
pub(crate) struct Terminator {
    pub(crate) address: SocketAddr,
    ends: Receiver<bool>,
    _runtime: Runtime,
}

impl Terminator {
    /// In front of `server`, under this name, until the begin of a year.
    pub(crate) fn start(authority: &Authority, name: &str, until: i32, server: SocketAddr) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let acceptor = TlsAcceptor::from(authority.server(name, until));
        let (ended, ends) = sync_channel(ENDS);
        runtime.spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (acceptor, ended) = (acceptor.clone(), ended.clone());
                tokio::spawn(async move {
                    let passed = pass(acceptor, client, server).await;
                    let rude = passed.is_err_and(|error| error.kind() == io::ErrorKind::UnexpectedEof);
                    let _nobody_asks = ended.try_send(!rude);
                });
            }
        });
        Self { address, ends, _runtime: runtime }
    }

    /// Waits for the ends of so many connections: how many clients have not just hung up.
    pub(crate) fn polite(&self, connections: usize) -> usize {
        (0..connections).filter(|_| self.ends.recv_timeout(END).unwrap()).count()
    }
}

/// An error of either end ends both.
async fn pass(acceptor: TlsAcceptor, client: TcpStream, server: SocketAddr) -> io::Result<()> {
    client.set_nodelay(true)?;
    let mut client = acceptor.accept(client).await?;
    let mut server = TcpStream::connect(server).await?;
    server.set_nodelay(true)?;
    copy_bidirectional(&mut client, &mut server).await?;
    Ok(())
}
