//! A core on embedded stores with its link, and processes linked to it.

use async_trait::async_trait;
use axum::http::HeaderMap;
use chat::{Chat, Error, Origin, Sent, Sequencers, Talk};
use edge::{Caller, Changes, Identify, Metrics, Problem, Revocations, Signer};
use link::{Client, Fixed, Local, Parts, Remote, Server, Token};
use presence::Presence;
use schema::{Code, Draft, MessageType, SessionId, Timestamp, UserId, Username};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use store::accounts::{Account, Role};
use store::profiles::NewPerson;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// A test that waits this long has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Core {
    pub(crate) chat: Chat,
    pub(crate) presence: Presence,
    pub(crate) revocations: Arc<Revocations>,
    pub(crate) address: SocketAddr,
    pub(crate) stop: CancellationToken,
    embedded: embedded::Embedded,
    _sequencers: Sequencers,
    _folder: TempDir,
}

/// Whose tickets and cookies are known here: `ann` is somebody, `away` cannot be told.
pub(crate) struct Doorman(pub(crate) Caller);

#[async_trait]
impl Identify for Doorman {
    async fn by_cookie(&self, headers: &HeaderMap) -> Result<Option<Caller>, Problem> {
        let cookie = headers.get("cookie").and_then(|value| value.to_str().ok());
        Ok((cookie == Some("a=b; who=ann")).then(|| self.0.clone()))
    }

    async fn by_ticket(&self, ticket: &str) -> Result<Option<Caller>, Problem> {
        match ticket {
            "ann" => Ok(Some(self.0.clone())),
            "away" => Err(Problem::new(Code::Unavailable, "a store is away").caused_by("secret")),
            _ => Ok(None),
        }
    }
}

pub(crate) fn caller() -> Caller {
    Caller {
        user: UserId::from_bytes([7; 16]),
        session: SessionId::from_bytes([8; 16]),
        role: "user".into(),
        expires_at: Timestamp(9),
    }
}

pub(crate) fn token() -> Token {
    Token::new(&[3; 32])
}

/// How a process connects to these addresses.
pub(crate) fn client(addresses: &[SocketAddr]) -> Client {
    Client {
        node: Uuid::new_v4(),
        token: token(),
        tls: None,
        directory: Arc::new(Fixed::new(addresses.iter().map(SocketAddr::to_string).collect())),
        stop: CancellationToken::new(),
    }
}

/// A process that has only sockets.
pub(crate) fn remote(addresses: &[SocketAddr]) -> Remote {
    open(client(addresses), Arc::new(Revocations::new()))
}

pub(crate) fn open(client: Client, revocations: Arc<Revocations>) -> Remote {
    let local = Local { signer: Arc::new(Signer::new(&[7; 32])), revocations };
    Remote::open(client, local, &Metrics::new())
}

/// A server of links on a port of its own.
pub(crate) async fn serve(parts: Parts, metrics: &Metrics, stop: &CancellationToken) -> SocketAddr {
    serve_with(parts, metrics, stop, None).await
}

pub(crate) async fn serve_with(
    parts: Parts,
    metrics: &Metrics,
    stop: &CancellationToken,
    tls: Option<Arc<rustls::ServerConfig>>,
) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = Server::open(parts, metrics, stop.clone());
    tokio::spawn(async move { server.run(listener, tls).await });
    address
}

impl Core {
    pub(crate) async fn new() -> Self {
        Self::with(None).await
    }

    pub(crate) async fn with(tls: Option<Arc<rustls::ServerConfig>>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let broken = |what: String| panic!("{what}");
        let log = embedded::log::LogConfig::default();
        let embedded = embedded::open(folder.path(), log, Box::new(broken)).await.unwrap();
        let metrics = Metrics::new();
        let changes = Arc::new(Changes::default());
        let (chat, sequencers) = Chat::open(
            &embedded.stores,
            Arc::new(Signer::new(&[7; 32])),
            Arc::clone(&changes),
            chat::Config::default(),
            &metrics,
            Arc::new(broken),
        )
        .await
        .unwrap();
        let presence =
            Presence::open(&embedded.stores, &changes, presence::Config::default(), &metrics).await.unwrap();
        let (revocations, stop) = (Arc::new(Revocations::new()), CancellationToken::new());
        let parts = Parts {
            node: chat.node(),
            talk: Arc::new(chat.clone()),
            outbound: chat.outbound(),
            presence: Arc::new(presence.clone()),
            identify: Arc::new(Doorman(caller())),
            revocations: Arc::clone(&revocations),
            token: token(),
        };
        let address = serve_with(parts, &metrics, &stop, tls).await;
        Self {
            chat,
            presence,
            revocations,
            address,
            stop,
            embedded,
            _sequencers: sequencers,
            _folder: folder,
        }
    }

    /// A new person with this username.
    pub(crate) async fn person(&self, name: &str) -> UserId {
        let user_id = UserId::draw();
        let username: Username = name.parse().unwrap();
        let account = Account {
            user_id,
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
        user_id
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// The value of a metric.
pub(crate) fn count(metrics: &Metrics, name: &str) -> u64 {
    let text = metrics.render().unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(&format!("chatd_{name} ")));
    line.unwrap_or_else(|| panic!("no {name} in {text}")).parse().unwrap()
}

/// Waits until it is so.
pub(crate) async fn until(what: &str, so: impl Fn() -> bool) {
    let wait = async {
        while !so() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("never {what}"));
}

/// A process that is linked to this core.
pub(crate) async fn linked(address: SocketAddr) -> Remote {
    let remote = remote(&[address]);
    until("linked", || remote.health().is_ok()).await;
    remote
}

pub(crate) fn draft(to: UserId, text: &str, client: Option<&str>) -> Draft {
    Draft {
        sender_id: None,
        recipient_id: to.to_string(),
        content: text.into(),
        message_type: MessageType::Text,
        client_message_id: client.map(Into::into),
        reply_to_message_id: None,
        metadata: None,
    }
}

/// Begins a send over a socket.
pub(crate) async fn begin(
    talk: &dyn Talk,
    user: UserId,
    connection: u64,
    draft: Draft,
) -> oneshot::Receiver<Result<Sent, Error>> {
    let (tell, told) = oneshot::channel();
    let origin = Origin { user, connection: Some(connection), traceparent: None };
    talk.send(origin, draft, Box::new(move |outcome| drop(tell.send(outcome)))).await;
    told
}

/// Sends and waits for the outcome.
pub(crate) async fn send(talk: &dyn Talk, user: UserId, draft: Draft) -> Result<Sent, Error> {
    begin(talk, user, 1, draft).await.await.unwrap()
}
