//! A websocket service on embedded stores, with people and their tokens.

use crate::client::Client;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use axum::http::HeaderMap;
use chat::{Chat, Origin, Sent};
use edge::{Caller, Changes, Claims, Identify, Limiter, Metrics, Problem, Revocations, Signer, Verifier};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header};
use presence::Presence;
use schema::wire::stomp::Version;
use schema::{Code, Draft, MessageType, SessionId, Timestamp, UserId, Username};
use std::net::SocketAddr;
use std::sync::Arc;
use store::accounts::{Account, Role};
use store::profiles::NewPerson;
use tempfile::TempDir;
use websocket::{Config, WebSocket};

pub(crate) struct World {
    pub(crate) chat: Chat,
    pub(crate) presence: Presence,
    pub(crate) changes: Arc<Changes>,
    pub(crate) revocations: Arc<Revocations>,
    pub(crate) service: WebSocket,
    pub(crate) address: SocketAddr,
    pub(crate) metrics: Metrics,
    key: EncodingKey,
    pub(crate) embedded: embedded::Embedded,
    _sequencers: chat::Sequencers,
    _folder: TempDir,
}

/// Knows no cookie and no ticket; of the ticket `away` it cannot tell.
struct Nobody;

#[async_trait::async_trait]
impl Identify for Nobody {
    async fn by_cookie(&self, _: &HeaderMap) -> Result<Option<Caller>, Problem> {
        Ok(None)
    }

    async fn by_ticket(&self, ticket: &str) -> Result<Option<Caller>, Problem> {
        match ticket {
            "away" => Err(Problem::new(Code::Unavailable, "a store is away").caused_by("secret")),
            _ => Ok(None),
        }
    }
}

/// Somebody with a device.
#[derive(Clone, Copy)]
pub(crate) struct Person {
    pub(crate) user: UserId,
    pub(crate) session: SessionId,
}

impl World {
    pub(crate) async fn new() -> Self {
        // Rate limits have a test of their own.
        Self::with(Config { messages_per_second: 0, ..Config::default() }).await
    }

    pub(crate) async fn with(config: Config) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let broken = |what: String| panic!("{what}");
        let log = embedded::log::LogConfig::default();
        let embedded = embedded::open(folder.path(), log, Box::new(broken)).await.unwrap();
        let metrics = Metrics::new();
        let signer = Arc::new(Signer::new(&[7; 32]));
        let chat_config = chat::Config::default();
        let changes = Arc::new(Changes::default());
        let (chat, sequencers) = Chat::open(
            &embedded.stores,
            signer,
            Arc::clone(&changes),
            chat_config,
            &metrics,
            Arc::new(broken),
        )
        .await
        .unwrap();
        let presence =
            Presence::open(&embedded.stores, &changes, presence::Config::default(), &metrics).await.unwrap();
        let pair = Ed25519KeyPair::generate().unwrap();
        let key = EncodingKey::from_ed_der(pair.to_pkcs8().unwrap().as_ref());
        let public = DecodingKey::from_ed_der(pair.public_key().as_ref());
        let revocations = Arc::new(Revocations::new());
        let verifier =
            Arc::new(Verifier::new("iss", "aud", vec![("k".into(), public)], Arc::clone(&revocations)));
        let service = WebSocket::open(
            Arc::new(chat.clone()),
            Arc::new(presence.clone()),
            Arc::clone(&verifier),
            Arc::new(Nobody),
            Arc::clone(&revocations),
            config,
            &metrics,
        );
        let listener = edge::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.local_addr().unwrap();
        let app = edge::door(service.routes(), verifier, Arc::new(Limiter::new(0)));
        tokio::spawn(edge::serve(listener, app, tokio_util::sync::CancellationToken::new()));
        Self {
            chat,
            presence,
            changes,
            revocations,
            service,
            address,
            metrics,
            key,
            embedded,
            _sequencers: sequencers,
            _folder: folder,
        }
    }

    /// A new person with this username, signed in once.
    pub(crate) async fn person(&self, name: &str) -> Person {
        let user = UserId::draw();
        let username: Username = name.parse().unwrap();
        let account = Account {
            user_id: user,
            phone_number: None,
            username: Some(username),
            password_hash: None,
            role: Role::User,
            disabled: false,
            created_at: Timestamp::now(),
        };
        let person = NewPerson { account, display_name: name.parse().unwrap() };
        let created = self.embedded.stores.profiles.create(vec![person]).await.unwrap();
        created.into_iter().for_each(|row| row.unwrap());
        Person { user, session: SessionId::draw() }
    }

    pub(crate) fn token(&self, person: Person) -> String {
        let now = Timestamp::now().0 / 1000;
        let claims = Claims {
            iss: "iss".into(),
            aud: "aud".into(),
            sub: person.user,
            sid: person.session,
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

    /// A connected client, STOMP 1.2.
    pub(crate) async fn connect(&self, person: Person) -> Client {
        let mut client = Client::open(self.address).await;
        client.login(&self.token(person), Version::V12).await;
        client
    }

    /// A connected client that listens to messages, statuses and errors.
    pub(crate) async fn listen(&self, person: Person) -> Client {
        let mut client = self.connect(person).await;
        client.subscribe_all().await;
        client
    }

    /// Sends a text as if by REST and waits until it is acknowledged.
    pub(crate) async fn send(&self, from: Person, to: Person, text: &str) -> Sent {
        let (tell, told) = tokio::sync::oneshot::channel();
        let origin = Origin { user: from.user, connection: None, traceparent: None };
        let draft = Draft {
            sender_id: None,
            recipient_id: to.user.to_string(),
            content: text.into(),
            message_type: MessageType::Text,
            client_message_id: None,
            reply_to_message_id: None,
            metadata: None,
        };
        self.chat.send(origin, draft, Box::new(move |outcome| drop(tell.send(outcome)))).await;
        told.await.unwrap().unwrap()
    }
}

/// A device of the same person: another session.
pub(crate) fn other_device(person: Person) -> Person {
    Person { session: SessionId::draw(), ..person }
}
