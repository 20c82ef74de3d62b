use super::*;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};
use rustls::pki_types::PrivateKeyDer;
use rustls::{HandshakeKind, ServerConfig, ServerConnection, SupportedProtocolVersion, version};

/// An authority, and what it has signed for a server.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self { issuer: CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap() }
    }

    /// Serves a certificate for `localhost` that lives through these years.
    fn server(&self, years: [i32; 2], version: &'static SupportedProtocolVersion) -> Arc<ServerConfig> {
        let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        (params.not_before, params.not_after) =
            (date_time_ymd(years[0], 1, 1), date_time_ymd(years[1], 1, 1));
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let builder = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
        let builder = builder.with_protocol_versions(&[version]).unwrap().with_no_client_auth();
        Arc::new(builder.with_single_cert(vec![certificate.der().clone()], key).unwrap())
    }
}

const NOW: [i32; 2] = [2020, 2200];

/// A client and a server, and the wire between them.
struct Bench {
    client: Session,
    server: ServerConnection,
    /// Bytes of one read of the client.
    chunk: usize,
    opened: Vec<u8>,
    /// What has reached the server.
    heard: Vec<u8>,
}

impl Bench {
    fn new(ca: &str, server: Arc<ServerConfig>, asked: &str, chunk: usize) -> Self {
        let config = Arc::new(config(Some(ca), true).unwrap());
        let client = Session::new(config, name(asked).unwrap()).unwrap();
        Self {
            client,
            server: ServerConnection::new(server).unwrap(),
            chunk,
            opened: Vec::new(),
            heard: Vec::new(),
        }
    }

    /// Takes the client's words to the server.
    fn carry(&mut self, mut words: &[u8]) {
        while !words.is_empty() {
            self.server.read_tls(&mut words).unwrap();
            // The server's own complaint is not what is looked at.
            let _alerts_too = self.server.process_new_packets();
            let _no_more_now = self.server.reader().read_to_end(&mut self.heard);
        }
    }

    /// Lets the client take all that the server has to say.
    fn hear(&mut self) -> Result<Stage, Error> {
        let mut said = Vec::new();
        while self.server.wants_write() {
            self.server.write_tls(&mut said).unwrap();
        }
        let mut stage = Stage::Shaking;
        for chunk in said.chunks_mut(self.chunk) {
            let mut out = Vec::new();
            let taken = self.client.take(chunk, &mut self.opened, &mut out);
            self.carry(&out);
            stage = taken?;
        }
        Ok(stage)
    }

    fn shake(&mut self) -> Result<(), Error> {
        let mut hello = Vec::new();
        assert_eq!(self.client.take(&mut [], &mut self.opened, &mut hello).unwrap(), Stage::Shaking);
        self.carry(&hello);
        while self.hear()? != Stage::Stands {}
        // Tickets, which nobody keeps.
        self.hear().map(|_| ())
    }

    fn say(&mut self, bytes: &[u8]) {
        let sealed = self.client.seal(bytes).unwrap();
        self.carry(&sealed);
    }
}

#[test]
fn bytes_pass_both_ways_however_they_arrive() {
    let authority = Authority::new("one");
    for version in [&version::TLS12, &version::TLS13] {
        for chunk in [1, 7, 1000, 1 << 20] {
            let mut it =
                Bench::new(&authority.issuer.pem(), authority.server(NOW, version), "localhost", chunk);
            it.shake().unwrap();
            assert_eq!(it.server.handshake_kind(), Some(HandshakeKind::Full));
            let long: Vec<u8> = (0..50_000_u32).map(|n| (n % 251) as u8).collect();
            it.say(b"hello");
            assert_eq!(std::mem::take(&mut it.heard), b"hello");
            it.say(&long);
            assert!(it.heard == long);
            it.server.writer().write_all(&long).unwrap();
            it.server.send_close_notify();
            assert_eq!(it.hear().unwrap(), Stage::Over, "{chunk}");
            assert!(it.opened == long, "{chunk}");
            assert!(it.client.partial.is_empty(), "an idle session keeps nothing");
        }
    }
}

#[test]
fn a_session_lives_on_with_new_keys_and_ends_with_a_word() {
    let authority = Authority::new("one");
    let mut it =
        Bench::new(&authority.issuer.pem(), authority.server(NOW, &version::TLS13), "localhost", 100);
    it.shake().unwrap();
    it.server.refresh_traffic_keys().unwrap();
    it.server.writer().write_all(b"anew").unwrap();
    assert_eq!(it.hear().unwrap(), Stage::Stands);
    it.say(b"too");
    assert_eq!(it.opened, b"anew");
    assert_eq!(it.heard, b"too");
    let last = it.client.close().unwrap();
    it.carry(&last);
    assert!(it.server.process_new_packets().unwrap().peer_has_closed());
}

#[test]
fn nothing_is_written_in_the_clear_before_it_stands() {
    let authority = Authority::new("one");
    let mut it = Bench::new(&authority.issuer.pem(), authority.server(NOW, &version::TLS13), "localhost", 1);
    assert!(it.client.seal(b"secret").is_err());
}

#[test]
fn each_connection_makes_a_whole_handshake() {
    let authority = Authority::new("one");
    let server = authority.server(NOW, &version::TLS13);
    let config = Arc::new(config(Some(&authority.issuer.pem()), true).unwrap());
    for _ in 0..2 {
        let mut it = Bench::new(&authority.issuer.pem(), server.clone(), "localhost", 1000);
        it.client = Session::new(config.clone(), name("localhost").unwrap()).unwrap();
        it.shake().unwrap();
        assert_eq!(it.server.handshake_kind(), Some(HandshakeKind::Full));
    }
}

#[test]
fn a_certificate_that_is_not_good_is_refused_with_words() {
    let authority = Authority::new("one");
    let (other, false_one) = (Authority::new("two"), Authority::new("one"));
    for (ca, years, asked, expected) in [
        (&false_one, NOW, "localhost", "--ca FILE"),
        (&other, NOW, "localhost", "--ca FILE"),
        (&authority, [2020, 2021], "localhost", "has expired"),
        (&authority, [2199, 2200], "localhost", "not valid yet"),
        (&authority, NOW, "elsewhere", "is for localhost, not for elsewhere"),
        (&authority, NOW, "127.0.0.1", "not for 127.0.0.1"),
    ] {
        let server = authority.server(years, &version::TLS13);
        let mut it = Bench::new(&ca.issuer.pem(), server, asked, 1000);
        let why = words(&it.shake().unwrap_err());
        assert!(why.starts_with("TLS: ") && why.contains(expected), "{why}");
        let told = it.server.process_new_packets().unwrap_err();
        assert!(matches!(told, Error::AlertReceived(_)), "the server is told: {told}");
        assert!(it.client.seal(b"secret").is_err());
    }
}

#[test]
fn a_plain_server_is_told_apart() {
    let authority = Authority::new("one");
    let config = Arc::new(config(Some(&authority.issuer.pem()), true).unwrap());
    let mut client = Session::new(config, name("localhost").unwrap()).unwrap();
    let mut answer = b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec();
    let error = client.take(&mut answer, &mut Vec::new(), &mut Vec::new()).unwrap_err();
    assert!(words(&error).contains("http://"), "{}", words(&error));
}

#[test]
fn a_message_without_an_end_is_refused() {
    let authority = Authority::new("one");
    let config = Arc::new(config(Some(&authority.issuer.pem()), true).unwrap());
    let mut client = Session::new(config, name("localhost").unwrap()).unwrap();
    client.take(&mut [], &mut Vec::new(), &mut Vec::new()).unwrap();
    // A handshake message of almost 64 KiB, a byte in each record.
    let mut bytes = [2, 0, 0xff, 0xf0].map(|byte| [22, 3, 3, 0, 1, byte]).concat();
    bytes.extend([22, 3, 3, 0, 1, 0].repeat(20_000));
    let refused = client.take(&mut bytes, &mut Vec::new(), &mut Vec::new());
    assert_eq!(refused, Err(Error::General("a message that has no end".to_owned())));
}

#[test]
fn whom_to_trust_is_a_pem_with_a_certificate() {
    assert!(roots(Some("nonsense")).unwrap_err().contains("no certificate"));
    assert!(roots(Some("-----BEGIN CERTIFICATE-----\nAA\n-----END CERTIFICATE-----\n")).is_err());
    assert_eq!(roots(Some(&Authority::new("one").issuer.pem())).unwrap().len(), 1);
}

#[test]
fn a_failure_of_tls_is_found_below_others() {
    let error = Error::InvalidCertificate(CertificateError::Expired);
    let wrapped = io::Error::other(io::Error::new(io::ErrorKind::InvalidData, error));
    assert_eq!(reason(&wrapped).unwrap(), "TLS: the server's certificate has expired");
    assert_eq!(reason(&io::Error::other("refused")), None);
}
