//! An encrypted link.

use crate::world::{Core, client, draft, open, send, until};
use edge::Revocations;
use link::Fixed;
use rustls::pki_types::PrivateKeyDer;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use std::sync::Arc;

#[tokio::test]
async fn an_encrypted_link_carries_messages_and_trusts_its_own_certificate_only() {
    edge::tls::install_provider();
    let pair = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let certificate = pair.cert.der().clone();
    let key = PrivateKeyDer::try_from(pair.signing_key.serialize_der()).unwrap();
    let server = ServerConfig::builder().with_no_client_auth();
    let server = server.with_single_cert(vec![certificate.clone()], key).unwrap();
    let core = Core::with(Some(Arc::new(server))).await;
    let (ann, bob) = (core.person("ann").await, core.person("bob").await);
    let address = format!("localhost:{}", core.address.port());
    let trusting = |roots| {
        let tls = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        let directory = Arc::new(Fixed::new(vec![address.clone()]));
        let client = link::Client { tls: Some(Arc::new(tls)), directory, ..client(&[]) };
        open(client, Arc::new(Revocations::new()))
    };
    let mut roots = RootCertStore::empty();
    roots.add(certificate).unwrap();
    let (right, wrong) = (trusting(roots), trusting(RootCertStore::empty()));
    until("linked", || right.health().is_ok()).await;
    assert_eq!(send(&right, ann, draft(bob, "hi", None)).await.unwrap().message.sequence, 1);
    assert!(wrong.health().is_err());
    let plain = open(client(&[core.address]), Arc::new(Revocations::new()));
    assert!(plain.health().is_err());
}
