//! A service on a fresh data folder, and what a client says to it.

use auth::{Auth, Config, Parts};
use axum::Router;
use axum::body::Body;
use axum::extract::connect_info::ConnectInfo;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use edge::{Changes, Door, Limiter, Metrics, Proxies, Revocations};
use schema::api::{Problem, Session};
use schema::message::FieldError;
use schema::{Code, UserId};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use tower::ServiceExt;

/// The address of a proxy whose word is taken.
const PROXY: &str = "10.0.0.9";

pub(crate) struct Service {
    pub(crate) auth: Auth,
    pub(crate) people: embedded::People,
    pub(crate) revocations: Arc<Revocations>,
    pub(crate) changes: Arc<Changes>,
    metrics: Metrics,
    app: Router,
    folder: tempfile::TempDir,
    config: Config,
}

/// A cost that tests can afford, and no bounds but those that a test sets.
pub(crate) fn config() -> Config {
    Config {
        bcrypt_cost: 4,
        registrations_per_minute: 0,
        login_failures_per_account: 0,
        login_failures_per_address: 0,
        ..Config::default()
    }
}

/// What a service stands on.
pub(crate) fn parts(
    people: &embedded::People,
    revocations: &Arc<Revocations>,
    changes: &Arc<Changes>,
) -> Parts {
    Parts {
        accounts: Arc::new(people.clone()),
        profiles: Arc::new(people.clone()),
        tickets: Arc::new(embedded::MemoryTickets::default()),
        revocations: revocations.clone(),
        changes: changes.clone(),
        rates: None,
    }
}

/// The service's calls behind the door.
fn app(auth: &Auth) -> Router {
    let (routes, _) = auth.routes().split_for_parts();
    let proxies = Proxies { networks: vec![PROXY.parse().unwrap()], ..Proxies::default() };
    let door = Door { proxies: Arc::new(proxies), ..Door::new(auth.verifier(), Arc::new(Limiter::new(0))) };
    door.around(routes)
}

impl Service {
    pub(crate) async fn start() -> Self {
        Self::with(config()).await
    }

    pub(crate) async fn with(config: Config) -> Self {
        Self::in_folder(tempfile::tempdir().unwrap(), config).await
    }

    async fn in_folder(folder: tempfile::TempDir, config: Config) -> Self {
        let people = embedded::People::open(&folder.path().join("people.sqlite")).await.unwrap();
        let revocations = Arc::new(Revocations::new());
        let changes = Arc::new(Changes::default());
        let parts = parts(&people, &revocations, &changes);
        let keys = folder.path().join("keys");
        let metrics = Metrics::new();
        let auth = Auth::open(parts, &keys, config.clone(), &metrics).await.unwrap();
        let app = app(&auth);
        Self { auth, people, revocations, changes, metrics, app, folder, config }
    }

    /// The same on another service.
    pub(crate) fn with_auth(self, auth: Auth) -> Self {
        let app = app(&auth);
        Self { auth, app, ..self }
    }

    /// The same data folder in a new process.
    pub(crate) async fn restart(self) -> Self {
        self.people.close().await;
        let Self { folder, config, .. } = self;
        Self::in_folder(folder, config).await
    }

    pub(crate) fn keys_dir(&self) -> std::path::PathBuf {
        self.folder.path().join("keys")
    }

    pub(crate) async fn call(&self, request: Call) -> Answer {
        let response = self.app.clone().oneshot(request.build()).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, 1 << 22).await.unwrap().to_vec();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    pub(crate) async fn register(&self, phone: &str) -> Session {
        let body = json!({"phoneNumber": phone, "password": "correct horse", "displayName": "John Doe"});
        self.call(post("/api/auth/register").json(body)).await.expect(201)
    }

    pub(crate) async fn login(&self, phone: &str) -> Answer {
        let body = json!({"phoneNumber": phone, "password": "correct horse", "deviceName": "phone"});
        self.call(post("/api/auth/login").json(body)).await
    }

    pub(crate) async fn refresh(&self, token: &str) -> Answer {
        self.call(post("/api/auth/refresh").json(json!({"refreshToken": token}))).await
    }

    /// A second person with this username and no password.
    pub(crate) async fn nameless(&self, username: &str) -> UserId {
        let user = serde_json::from_value(json!({"username": username})).unwrap();
        self.auth.create_user(user).await.unwrap()
    }

    /// A figure of this name among the metrics.
    pub(crate) fn figure(&self, name: &str) -> u64 {
        let text = self.metrics.render().unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("{name} is not in {text}")).parse().unwrap()
    }

    /// Whether this access token opens a call.
    pub(crate) async fn opens(&self, access_token: &str) -> bool {
        let answer = self.call(get("/api/auth/sessions").bearer(access_token)).await;
        assert!([200, 401].contains(&answer.status.as_u16()), "{answer:?}");
        answer.status == 200
    }
}

pub(crate) struct Call(axum::http::request::Builder, Body);

pub(crate) fn call(method: Method, path: &str) -> Call {
    Call(Request::builder().method(method).uri(path), Body::empty()).from("10.0.0.1")
}

pub(crate) fn get(path: &str) -> Call {
    call(Method::GET, path)
}

pub(crate) fn post(path: &str) -> Call {
    call(Method::POST, path)
}

pub(crate) fn delete(path: &str) -> Call {
    call(Method::DELETE, path)
}

impl Call {
    pub(crate) fn json(self, body: Value) -> Self {
        Self(self.0.header("content-type", "application/json"), Body::from(body.to_string()))
    }

    /// JSON that may be none.
    pub(crate) fn text(self, text: &str) -> Self {
        self.header("content-type", "application/json").bytes(text.as_bytes().to_vec())
    }

    pub(crate) fn bytes(self, bytes: Vec<u8>) -> Self {
        Self(self.0, Body::from(bytes))
    }

    pub(crate) fn header(self, name: &str, value: &str) -> Self {
        Self(self.0.header(name, value), self.1)
    }

    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    /// From another address.
    pub(crate) fn from(self, address: &str) -> Self {
        let address = SocketAddr::new(address.parse().unwrap(), 1);
        Self(self.0.extension(ConnectInfo(address)), self.1)
    }

    /// Over TLS, which ends at a proxy that is trusted.
    pub(crate) fn secure(self) -> Self {
        self.from(PROXY).header("x-forwarded-proto", "https")
    }

    fn build(self) -> Request<Body> {
        let mut request = self.0.body(self.1).unwrap();
        // HTTP/1.1 wants one.
        request.headers_mut().entry("host").or_insert("localhost:8080".parse().unwrap());
        request
    }
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn expect<T: DeserializeOwned>(&self, status: u16) -> T {
        assert_eq!(self.status.as_u16(), status, "{}", String::from_utf8_lossy(&self.body));
        serde_json::from_slice(&self.body).unwrap()
    }

    /// A problem of this code, whole and with the status that the code has.
    pub(crate) fn problem(&self, code: Code) -> Problem {
        let problem: Problem = self.expect(code.status());
        assert_eq!(problem.code, code, "{problem:?}");
        assert_eq!(self.headers["content-type"], "application/problem+json");
        assert_eq!(problem.trace_id.len(), 32);
        problem
    }

    pub(crate) fn cookie(&self) -> &str {
        self.headers["set-cookie"].to_str().unwrap()
    }

    /// The cookie as a browser sends it back.
    pub(crate) fn cookie_pair(&self) -> &str {
        self.cookie().split(';').next().unwrap()
    }

    /// A problem of one field, with its name, the bound and what is wrong.
    pub(crate) fn field(&self, code: Code) -> FieldError {
        let problem = self.problem(code);
        let [error] = <[FieldError; 1]>::try_from(problem.errors).unwrap();
        assert!(!error.reason.is_empty() && error.bound.as_ref().is_some_and(|bound| !bound.is_empty()));
        error
    }
}
