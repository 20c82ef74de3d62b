//! TLS: what is encrypted, what is sent over, how a certificate is replaced, and what does not start.

use crate::server::{Server, binary, command, free_ports};
use futures_util::{SinkExt, StreamExt};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use reqwest::{Client, StatusCode, redirect};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;

/// Longer than a reload takes by far.
const FOREVER: Duration = Duration::from_secs(60);

/// An authority of our own, and a folder for what it makes.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: TempDir,
}

/// A certificate for 127.0.0.1, in files.
struct Pair {
    certificate: PathBuf,
    key: PathBuf,
    der: Vec<u8>,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        Self { issuer, folder: tempfile::tempdir().unwrap() }
    }

    fn pair(&self, name: &str) -> Pair {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["127.0.0.1".to_owned(), "localhost".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let path = |end: &str| self.folder.path().join(format!("{name}.{end}"));
        let pair = Pair { certificate: path("crt"), key: path("key"), der: certificate.der().to_vec() };
        std::fs::write(&pair.certificate, certificate.pem()).unwrap();
        std::fs::write(&pair.key, key.serialize_pem()).unwrap();
        std::fs::set_permissions(&pair.key, PermissionsExt::from_mode(0o600)).unwrap();
        pair
    }

    /// A client that trusts this authority and nobody else, and follows nothing.
    fn client(&self) -> Client {
        let root = reqwest::Certificate::from_pem(self.issuer.pem().as_bytes()).unwrap();
        let client =
            Client::builder().tls_certs_only([root]).tls_info(true).redirect(redirect::Policy::none());
        // A connection for each call, so that each sees the certificate of its time.
        client.pool_max_idle_per_host(0).build().unwrap()
    }
}

fn sets(pair: &Pair) -> [String; 2] {
    let text = |path: &Path| path.display().to_string();
    [format!("tls.certificate={}", text(&pair.certificate)), format!("tls.key={}", text(&pair.key))]
}

async fn start(pair: &Pair, more: &[&str]) -> Server {
    let sets = sets(pair);
    let all: Vec<&str> = sets.iter().map(String::as_str).chain(more.iter().copied()).collect();
    Server::start_with(&all).await
}

fn https(server: &Server, offset: u16, path: &str) -> String {
    format!("https://127.0.0.1:{}{path}", server.port() + offset)
}

/// What comes over a plain connection until it is closed.
async fn plain(port: u16, request: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let read = async { while stream.read_buf(&mut answer).await.is_ok_and(|bytes| bytes > 0) {} };
    tokio::time::timeout(FOREVER, read).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn all_services_are_encrypted_and_say_so() {
    let authority = Authority::new();
    let server = start(&authority.pair("a"), &[]).await;
    assert!(server.greeting.contains(&https(&server, 0, "\n")), "{}", server.greeting);
    let client = authority.client();
    for offset in 0..8 {
        let answer = client.get(https(&server, offset, "/actuator/health")).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{offset}");
        assert_eq!(answer.headers()["strict-transport-security"], "max-age=31536000", "{offset}");
        assert_eq!(answer.version(), reqwest::Version::HTTP_11, "{offset}");
    }
    // The admin API stays plain, on loopback, where chatctl finds it.
    let admin = Client::new().get(server.admin("/admin/health")).bearer_auth(server.admin_token());
    let admin = admin.send().await.unwrap();
    assert_eq!(admin.status(), StatusCode::OK);
    assert!(!admin.headers().contains_key("strict-transport-security"));
    // Somebody who trusts other authorities does not trust this one.
    assert!(Client::new().get(https(&server, 0, "/")).send().await.is_err());
}

#[tokio::test]
async fn plain_http_on_an_encrypted_port_is_told_so() {
    let authority = Authority::new();
    let server = start(&authority.pair("a"), &[]).await;
    let answer = plain(server.port(), "GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("https://"), "{answer}");
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    assert_eq!(serde_json::from_str::<serde_json::Value>(body).unwrap()["code"], "malformed");
    // A handshake that is none, and one that breaks off, are closed; others are served.
    assert!(!plain(server.port(), "\x16\x03\x01\0\x05hello").await.contains("HTTP"));
    assert!(authority.client().get(https(&server, 0, "/")).send().await.is_ok());
}

#[tokio::test]
async fn a_socket_opens_over_tls() {
    let authority = Authority::new();
    let server = start(&authority.pair("a"), &[]).await;
    let token = server.people(&["user1"]).await.remove(0);
    let upgrade = authority
        .client()
        .get(https(&server, 0, "/ws/websocket"))
        .header("connection", "upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
        .send()
        .await
        .unwrap();
    assert_eq!(upgrade.status(), StatusCode::SWITCHING_PROTOCOLS);
    let stream = upgrade.upgrade().await.unwrap();
    let mut socket = WebSocketStream::from_raw_socket(stream, Role::Client, None).await;
    let connect = format!("CONNECT\naccept-version:1.2\nauthorization:Bearer {token}\n\n\0");
    socket.send(Message::text(connect)).await.unwrap();
    let answer = tokio::time::timeout(FOREVER, socket.next()).await.unwrap().unwrap().unwrap();
    assert!(answer.into_text().unwrap().starts_with("CONNECTED"));
}

#[tokio::test]
async fn the_plain_port_sends_everybody_over_and_does_nothing_else() {
    let authority = Authority::new();
    // Eleven ports are ours; the tenth is used by nobody.
    let port = free_ports() + 9;
    let server = start(&authority.pair("a"), &[&format!("tls.redirect_port={port}")]).await;
    assert!(server.greeting.contains(&port.to_string()), "{}", server.greeting);
    let client = authority.client();
    for path in ["/", "/api/users/me?x=%20y", "/ws/info", "/actuator/health", "/metrics"] {
        let request = client.post(format!("http://127.0.0.1:{port}{path}")).body("secret");
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::PERMANENT_REDIRECT, "{path}");
        assert_eq!(answer.headers()["location"], https(&server, 0, path).as_str());
        assert!(!answer.headers().contains_key("strict-transport-security"), "only TLS may say so");
        assert_eq!(answer.text().await.unwrap(), "");
    }
    assert!(plain(port, "GET / HTTP/1.0\r\n\r\n").await.starts_with("HTTP/1.0 400"), "no host to send to");
}

/// The certificate that new connections see.
async fn shown(client: &Client, server: &Server) -> Vec<u8> {
    let answer = client.get(https(server, 0, "/")).send().await.unwrap();
    let info = answer.extensions().get::<reqwest::tls::TlsInfo>().unwrap();
    info.peer_certificate().unwrap().to_vec()
}

async fn metric(client: &Client, server: &Server, line: &str) -> bool {
    let text = client.get(https(server, 0, "/metrics")).send().await.unwrap().text().await.unwrap();
    text.contains(line)
}

#[tokio::test]
async fn a_new_certificate_is_taken_and_a_broken_one_is_not() {
    let authority = Authority::new();
    let (pair, next) = (authority.pair("used"), authority.pair("next"));
    let server = start(&pair, &[]).await;
    let client = authority.client();
    assert_eq!(shown(&client, &server).await, pair.der);

    // A key that belongs to another certificate: half of a replacement, or a mistake.
    std::fs::rename(&next.key, &pair.key).unwrap();
    let broken = async {
        while !metric(&client, &server, "chatd_tls_reloads_total{outcome=\"broken\"} 1").await {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(FOREVER, broken).await.expect("nobody noticed");
    assert_eq!(shown(&client, &server).await, pair.der);
    assert!(server.log().contains("the old ones stay"), "{}", server.log());

    std::fs::rename(&next.certificate, &pair.certificate).unwrap();
    let taken = async {
        while shown(&client, &server).await != next.der {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(FOREVER, taken).await.expect("the new certificate is not used");
    assert!(metric(&client, &server, "chatd_tls_reloads_total{outcome=\"taken\"} 1").await);
}

/// How a chatd with these settings ends: its exit code and last words.
fn ends(sets: &[String]) -> (i32, String) {
    let folder = tempfile::tempdir().unwrap();
    let mut command = command(&folder.path().join("data"), free_ports());
    command.args(sets.iter().flat_map(|set| ["--set", set]));
    let output = command.stderr(Stdio::piped()).stdout(Stdio::null()).output().unwrap();
    assert!(!folder.path().join("data").exists(), "nothing is made");
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn a_pair_that_cannot_serve_is_refused_at_the_start_with_the_fix() {
    let authority = Authority::new();
    let (pair, other) = (authority.pair("a"), authority.pair("b"));
    let no_pem = authority.folder.path().join("no.pem");
    std::fs::write(&no_pem, "hello").unwrap();
    let with = |certificate: &Path, key: &Path| {
        sets(&Pair { certificate: certificate.to_owned(), key: key.to_owned(), der: Vec::new() })
    };
    let [certificate, key] = sets(&pair);
    for (case, sets, word) in [
        ("half", vec![certificate], "--set tls.key=FILE"),
        ("the other half", vec![key], "--set tls.certificate=FILE"),
        ("a key of another", with(&pair.certificate, &other.key).to_vec(), "tls.key:"),
        ("no certificate", with(&no_pem, &pair.key).to_vec(), "holds no certificate"),
        ("no key", with(&pair.certificate, &no_pem).to_vec(), "holds no private key"),
        ("no file", with(Path::new("/nowhere.crt"), &pair.key).to_vec(), "tls.certificate: /nowhere.crt"),
        ("swapped", with(&pair.key, &pair.certificate).to_vec(), "tls.certificate"),
    ] {
        let (code, words) = ends(&sets);
        assert_eq!(code, 78, "{case}: {words}");
        assert!(words.contains(word), "{case}: {words}");
    }
    // `config check` says the same without starting.
    let check = |sets: &[String]| {
        let mut check = std::process::Command::new(binary());
        let check = check.args(["config", "check"]).args(sets.iter().flat_map(|set| ["--set", set]));
        check.output().unwrap().status.code()
    };
    assert_eq!(check(&with(&pair.certificate, &other.key)), Some(78));
    assert_eq!(check(&sets(&pair)), Some(0));
    let folder = with(authority.folder.path(), &pair.key);
    assert_eq!(ends(&folder).0, 78, "a folder is no file");
}

#[tokio::test]
async fn a_key_that_others_may_read_is_warned_about() {
    let authority = Authority::new();
    let pair = authority.pair("a");
    std::fs::set_permissions(&pair.key, PermissionsExt::from_mode(0o644)).unwrap();
    let server = start(&pair, &[]).await;
    assert!(server.log().contains("chmod 600"), "{}", server.log());
}
