//! A whole websocket service that has chat in another process.

use crate::world::{Core, PATIENCE, remote, until};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use edge::{Claims, Limiter, Metrics, Revocations, Verifier};
use futures_util::{SinkExt, StreamExt};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header};
use schema::wire::stomp::{Command, Decoder, Frame, Side, Version};
use schema::{SessionId, Timestamp, UserId};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message as Ws;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{WebSocketStream, client_async};
use websocket::{Config, WebSocket};

/// A websocket process linked to a core.
struct Process {
    address: SocketAddr,
    key: EncodingKey,
    _service: WebSocket,
}

impl Process {
    async fn new(core: &Core) -> Self {
        let remote = remote(&[core.address]);
        until("linked", || remote.health().is_ok()).await;
        let pair = Ed25519KeyPair::generate().unwrap();
        let key = EncodingKey::from_ed_der(pair.to_pkcs8().unwrap().as_ref());
        let public = DecodingKey::from_ed_der(pair.public_key().as_ref());
        let revocations = Arc::new(Revocations::new());
        let verifier =
            Arc::new(Verifier::new("iss", "aud", vec![("k".into(), public)], Arc::clone(&revocations)));
        let service = WebSocket::open(
            Arc::new(remote.clone()),
            Arc::new(remote.clone()),
            Arc::clone(&verifier),
            Arc::new(remote),
            revocations,
            Config::default(),
            &Metrics::new(),
        );
        let listener = edge::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.local_addr().unwrap();
        let app = edge::door(service.routes(), verifier, Arc::new(Limiter::new(0)));
        tokio::spawn(edge::serve(listener, app, tokio_util::sync::CancellationToken::new()));
        Self { address, key, _service: service }
    }

    fn token(&self, user: UserId) -> String {
        let now = Timestamp::now().0 / 1000;
        let claims = Claims {
            iss: "iss".into(),
            aud: "aud".into(),
            sub: user,
            sid: SessionId::draw(),
            role: "user".into(),
            iat: now,
            nbf: now - 1,
            exp: now + 900,
            jti: "j".into(),
        };
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some("at+jwt".into());
        header.kid = Some("k".into());
        jsonwebtoken::encode(&header, &claims, &self.key).unwrap()
    }

    /// A client that listens to its messages.
    async fn listen(&self, user: UserId) -> Socket {
        let request = format!("ws://{}/ws/websocket", self.address).into_client_request().unwrap();
        let stream = TcpStream::connect(self.address).await.unwrap();
        let (socket, _) = client_async(request, stream).await.unwrap();
        let mut socket = Socket { socket, decoder: Decoder::new(Side::Client) };
        let connect = Frame::new(Command::Connect)
            .with("accept-version", "1.2")
            .with("heart-beat", "0,0")
            .with("Authorization", &format!("Bearer {}", self.token(user)));
        socket.send(&connect).await;
        assert_eq!(socket.frame().await.command, Command::Connected);
        socket.decoder.set_version(Version::V12);
        let subscribe = Frame::new(Command::Subscribe)
            .with("id", "m")
            .with("destination", "/user/queue/messages")
            .with("receipt", "subscribed");
        socket.send(&subscribe).await;
        assert_eq!(socket.frame().await.header("receipt-id"), Some("subscribed"));
        socket
    }
}

struct Socket {
    socket: WebSocketStream<TcpStream>,
    decoder: Decoder,
}

impl Socket {
    async fn send(&mut self, frame: &Frame) {
        let bytes = frame.to_bytes(Version::V12);
        self.socket.send(Ws::text(String::from_utf8(bytes.to_vec()).unwrap())).await.unwrap();
    }

    async fn frame(&mut self) -> Frame {
        loop {
            if let Some(frame) = self.decoder.next_frame().unwrap() {
                return frame;
            }
            let message = timeout(PATIENCE, self.socket.next()).await.unwrap().unwrap().unwrap();
            if let Ws::Text(text) = message {
                self.decoder.feed(text.into());
            }
        }
    }

    async fn message(&mut self) -> Value {
        let frame = self.frame().await;
        assert_eq!(frame.command, Command::Message, "{frame:?}");
        serde_json::from_slice(&frame.body).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_websocket_processes_beside_one_core_carry_a_conversation() {
    let core = Core::new().await;
    let (ann, bob) = (core.person("ann").await, core.person("bob").await);
    let (here, there) = (Process::new(&core).await, Process::new(&core).await);
    let (mut anns, mut bobs) = (here.listen(ann).await, there.listen(bob).await);
    for n in 0..20 {
        let body = json!({"recipientId": "bob", "content": format!("hi {n}"), "messageType": "TEXT"});
        let send = Frame { body: body.to_string().into_bytes().into(), ..Frame::new(Command::Send) }
            .with("destination", "/app/chat.sendMessage")
            .with("receipt", &n.to_string());
        anns.send(&send).await;
    }
    for n in 0..20 {
        let receipt = anns.frame().await;
        assert_eq!(receipt.header("receipt-id"), Some(n.to_string().as_str()), "{receipt:?}");
    }
    for n in 1..=20 {
        let message = bobs.message().await;
        assert_eq!(message["sequence"], n);
        assert_eq!(message["content"], format!("hi {}", n - 1));
    }
    // One who comes later is caught up over the link.
    let mut later = there.listen(bob).await;
    assert_eq!(later.message().await["sequence"], 1);
}
