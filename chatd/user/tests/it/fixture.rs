//! The service on a fresh data folder with people in it, and what they say to it.

use auth::Auth;
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request};
use axum::response::Response;
use edge::{Changes, Door, Limiter, Metrics, Revocations, Signer};
use parking_lot::Mutex;
use schema::api::{NewUser, OnConflict, Problem};
use schema::{Code, ConversationId, Position, Timestamp, UserId};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use store::Messages;
use store::messages::Write;
use tower::ServiceExt;
use user::{Config, Parts, Users};

/// Who changed, and the username that they had.
pub(crate) type Change = (UserId, Option<String>);

/// The epoch of the view, which no log stands behind here.
const EPOCH: u32 = 1;

pub(crate) struct Service {
    pub(crate) app: Router,
    pub(crate) users: Users,
    pub(crate) auth: Auth,
    pub(crate) people: Arc<embedded::People>,
    pub(crate) messages: Arc<dyn Messages>,
    pub(crate) revocations: Arc<Revocations>,
    /// Everybody that was told to have changed.
    heard: Arc<Mutex<Vec<Change>>>,
    pub(crate) ids: Vec<UserId>,
    tokens: Vec<String>,
    offset: AtomicU64,
    _folder: tempfile::TempDir,
}

impl Service {
    /// With this many people: user1 (+10000001), user2 (+10000002) and so on.
    pub(crate) async fn start(people: usize) -> Self {
        Self::with(people, |messages| Arc::new(messages), 0, Config::default()).await
    }

    /// On another idea of the messages, with a bound of look-ups a minute.
    pub(crate) async fn with(
        count: usize,
        messages: impl FnOnce(embedded::History) -> Arc<dyn Messages>,
        lookups: u32,
        config: Config,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let people = embedded::People::open(&folder.path().join("people.sqlite")).await.unwrap();
        let people = Arc::new(people);
        let history = embedded::History::open(&folder.path().join("history"), EPOCH, 1).unwrap();
        let messages = messages(history);
        let (revocations, changes) = (Arc::new(Revocations::new()), Arc::new(Changes::default()));
        let heard = Arc::new(Mutex::new(Vec::new()));
        let ears = Arc::clone(&heard);
        changes.listen(Box::new(move |user, name| ears.lock().push((user, name.map(ToString::to_string)))));
        let parts = auth::Parts {
            accounts: people.clone(),
            profiles: people.clone(),
            tickets: Arc::new(embedded::MemoryTickets::default()),
            revocations: revocations.clone(),
            changes: changes.clone(),
            rates: None,
        };
        let (keys, metrics) = (folder.path().join("keys"), Metrics::new());
        let cheap = auth::Config { bcrypt_cost: 4, ..auth::Config::default() };
        let auth = Auth::open(parts, &keys, cheap, &metrics).await.unwrap();
        let (ids, tokens) = inhabit(&auth, count).await;
        let parts = Parts {
            profiles: people.clone(),
            accounts: people.clone(),
            messages: messages.clone(),
            signer: Arc::new(Signer::new(&[7; 32])),
            changes,
            remove: Arc::new(auth.clone()),
        };
        let users = Users::open(parts, config);
        let (routes, _) = users.routes().split_for_parts();
        let mut door = Door::new(auth.verifier(), Arc::new(Limiter::new(0)));
        door.lookups = Arc::new(Limiter::counting("look-ups", lookups));
        let app = door.around(routes);
        let (offset, _folder) = (AtomicU64::new(0), folder);
        Self { app, users, auth, people, messages, revocations, heard, ids, tokens, offset, _folder }
    }

    /// What a person, by their number from 0, asks for.
    pub(crate) async fn call(&self, who: usize, method: Method, path: &str, body: Option<Value>) -> Answer {
        let body = body.map(|body| serde_json::to_vec(&body).unwrap());
        Answer::read(path, self.send(who, method, path, body).await).await
    }

    /// The answer before its body is read.
    pub(crate) async fn send(
        &self,
        who: usize,
        method: Method,
        path: &str,
        body: Option<Vec<u8>>,
    ) -> Response {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {}", self.tokens[who]));
        let request = match body {
            Some(body) => request.header("content-type", "application/json").body(Body::from(body)),
            None => request.body(Body::empty()),
        };
        self.app.clone().oneshot(request.unwrap()).await.unwrap()
    }

    pub(crate) async fn get(&self, who: usize, path: &str) -> Answer {
        self.call(who, Method::GET, path, None).await
    }

    pub(crate) async fn put(&self, who: usize, path: &str, body: Value) -> Answer {
        self.call(who, Method::PUT, path, Some(body)).await
    }

    pub(crate) async fn post(&self, who: usize, path: &str, body: Value) -> Answer {
        self.call(who, Method::POST, path, Some(body)).await
    }

    pub(crate) async fn patch(&self, who: usize, body: Value) -> Answer {
        self.call(who, Method::PATCH, "/api/users/me", Some(body)).await
    }

    pub(crate) async fn delete(&self, who: usize, path: &str) -> Answer {
        self.call(who, Method::DELETE, path, None).await
    }

    /// Puts somebody into a person's contacts.
    pub(crate) async fn befriend(&self, owner: usize, friend: usize) {
        let body = json!({"userId": self.ids[friend]});
        self.post(owner, "/api/users/me/contacts", body).await.json::<Value>(201);
    }

    /// What the sequencer would write of a block.
    pub(crate) async fn set_block(&self, by: usize, whom: usize, blocked: bool) {
        let (user, peer) = (self.ids[by], self.ids[whom]);
        let block = Write::Block {
            conversation: ConversationId::between(user, peer),
            user,
            peer,
            blocked,
            position: self.position(),
            at: Timestamp(1_701_424_800_000),
        };
        self.messages.write(&[block]).await.unwrap();
    }

    /// The place of the next record.
    pub(crate) fn position(&self) -> Position {
        Position { epoch: EPOCH, partition: 0, offset: self.offset.fetch_add(1, Ordering::Relaxed) }
    }

    /// The token of a person, by their number.
    pub(crate) fn token(&self, who: usize) -> &str {
        &self.tokens[who]
    }

    /// Who changed since this was asked last.
    pub(crate) fn heard(&self) -> Vec<Change> {
        std::mem::take(&mut *self.heard.lock())
    }
}

async fn inhabit(auth: &Auth, count: usize) -> (Vec<UserId>, Vec<String>) {
    let rows: Vec<NewUser> = (1..=count)
        .map(|n| json!({"username": format!("user{n}"), "phoneNumber": format!("+1{n:07}")}))
        .map(|row| serde_json::from_value(row).unwrap())
        .collect();
    let created = auth.create_users(rows, OnConflict::Fail).await;
    let ids: Vec<UserId> = created.iter().map(|result| result.user_id.unwrap()).collect();
    let tokens = auth.mint(ids.clone(), None).await.unwrap();
    (ids, tokens.into_iter().map(|token| token.access_token).collect())
}

/// What the service said.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    path: String,
}

impl Answer {
    async fn read(path: &str, response: Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = axum::body::to_bytes(response.into_body(), 64 << 20).await.unwrap().to_vec();
        Self { status, headers, body, path: path.to_owned() }
    }

    /// The body, if the status is this one.
    pub(crate) fn json<T: DeserializeOwned>(&self, status: u16) -> T {
        assert_eq!(self.status, status, "{}: {}", self.path, String::from_utf8_lossy(&self.body));
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The problem, if it is of this code.
    pub(crate) fn problem(&self, code: Code) -> Problem {
        let problem: Problem = self.json(code.status());
        assert_eq!(problem.code, code, "{}: {}", self.path, problem.detail);
        problem
    }

    pub(crate) fn done(&self) {
        assert_eq!((self.status, self.body.len()), (204, 0), "{}", self.path);
    }
}
