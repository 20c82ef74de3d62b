//! A gateway on a port, and services that say who they are.

use axum::Router;
use axum::body::{Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use edge::{Door, Health, Json, Limiter, Metrics, Revocations, Verifier};
use gateway::{Config, Gateway, Place, Table};
use http_body_util::StreamBody;
use hyper::body::Frame;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

/// Long enough for anything that happens at all on a busy machine.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// A process of a service.
pub(crate) struct Process {
    pub(crate) address: SocketAddr,
    pub(crate) state: Arc<Told>,
    end: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

/// What a process knows of itself.
#[derive(Default)]
pub(crate) struct Told {
    pub(crate) name: String,
    /// It says that it is not ready.
    pub(crate) unready: AtomicBool,
    /// Requests that came, health apart.
    pub(crate) arrived: AtomicUsize,
}

impl Process {
    /// A process that echoes what it is asked.
    pub(crate) fn start(name: &str) -> Self {
        Self::serving(name, Router::new(), ([127, 0, 0, 1], 0).into())
    }

    /// One with routes of its own.
    pub(crate) fn with(name: &str, routes: Router) -> Self {
        Self::serving(name, routes, ([127, 0, 0, 1], 0).into())
    }

    pub(crate) fn serving(name: &str, routes: Router, address: SocketAddr) -> Self {
        let state = Arc::new(Told { name: name.to_owned(), ..Told::default() });
        let app = Router::new()
            .route("/actuator/health", get(well))
            .fallback(echo)
            .with_state(Arc::clone(&state))
            .merge(routes);
        Self::running(state, address, move |listener| edge::serve(listener, app, CancellationToken::new()))
    }

    /// Runs this on a thread and a runtime of its own; at the end both go, and all connections with them.
    pub(crate) fn running<F>(
        state: Arc<Told>,
        address: SocketAddr,
        serve: impl FnOnce(std::net::TcpListener) -> F + Send + 'static,
    ) -> Self
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        let (end, ended) = oneshot::channel::<()>();
        let (bound, address_of) = mpsc::sync_channel(1);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = edge::bind(address).unwrap();
                bound.send(listener.local_addr().unwrap()).unwrap();
                tokio::spawn(serve(listener));
                let _ = ended.await;
            });
            runtime.shutdown_background();
        });
        let address = address_of.recv().unwrap();
        Self { address, state, end: Some(end), thread: Some(thread) }
    }

    pub(crate) fn url(&self) -> Uri {
        format!("http://{}", self.address).parse().unwrap()
    }

    pub(crate) fn arrived(&self) -> usize {
        self.state.arrived.load(Ordering::SeqCst)
    }

    /// Goes away as a killed process does, and says where it was.
    pub(crate) fn kill(mut self) -> SocketAddr {
        self.end();
        self.address
    }

    fn end(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

async fn well(State(state): State<Arc<Told>>) -> StatusCode {
    if state.unready.load(Ordering::SeqCst) { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK }
}

/// Says what came.
async fn echo(State(state): State<Arc<Told>>, request: Request) -> Response {
    state.arrived.fetch_add(1, Ordering::SeqCst);
    let (parts, body) = request.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.map(|bytes| bytes.len());
    let headers: Vec<[String; 2]> = parts
        .headers
        .iter()
        .map(|(name, value)| [name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()])
        .collect();
    let told = json!({
        "who": state.name,
        "method": parts.method.as_str(),
        "uri": parts.uri.to_string(),
        "headers": headers,
        "bytes": bytes.ok(),
    });
    ([("x-who", state.name.clone())], Json(told)).into_response()
}

/// The values of a header in what `echo` told.
pub(crate) fn header<'a>(told: &'a Value, name: &str) -> Vec<&'a str> {
    let all = told["headers"].as_array().unwrap();
    all.iter().filter(|pair| pair[0] == name).map(|pair| pair[1].as_str().unwrap()).collect()
}

/// A gateway that serves.
pub(crate) struct Front {
    pub(crate) gateway: Gateway,
    pub(crate) address: SocketAddr,
    pub(crate) health: Arc<Health>,
    pub(crate) metrics: Arc<Metrics>,
    /// One for all calls: making one reads the system's certificates.
    pub(crate) client: reqwest::Client,
    stop: CancellationToken,
}

impl Drop for Front {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// As `Config` is for tests: what is waited for comes soon.
pub(crate) fn quick() -> Config {
    Config { check_interval: Duration::from_millis(50), ..Config::default() }
}

impl Front {
    pub(crate) fn open(table: Table) -> Self {
        Self::with(table, quick(), |door| door)
    }

    pub(crate) fn with(table: Table, config: Config, change: impl FnOnce(Door) -> Door) -> Self {
        let (metrics, health) = (Arc::new(Metrics::new()), Arc::new(Health::new()));
        let gateway = Gateway::open(table, Vec::new(), config, &metrics, &health).unwrap();
        // As a process without stores has it: it knows no key.
        let verifier = Verifier::new("", "", Vec::new(), Arc::new(Revocations::new()));
        let door = Door::new(Arc::new(verifier), Arc::new(Limiter::new(0)));
        let door = change(Door { relays: gateway.relays(), ..door });
        let operations = edge::operations(Arc::clone(&health), Arc::clone(&metrics));
        let listener = edge::bind(([127, 0, 0, 1], 0).into()).unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        tokio::spawn(edge::serve(listener, door.around(gateway.routes().merge(operations)), stop.clone()));
        Self { gateway, address, health, metrics, client: reqwest::Client::new(), stop }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) async fn get(&self, path: &str) -> reqwest::Result<reqwest::Response> {
        self.client.get(self.url(path)).send().await
    }

    /// Waits until the gateway sees its services as well as this says.
    pub(crate) async fn until(&self, seen: impl Fn(&schema::api::Health) -> bool) {
        tokio::time::timeout(SOON, async {
            while !seen(&self.health.status()) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await
        .unwrap();
    }

    /// Waits until a line of the metrics begins like this.
    pub(crate) async fn until_metric(&self, beginning: &str) {
        tokio::time::timeout(SOON, async {
            while !self.metrics.render().unwrap().lines().any(|line| line.starts_with(beginning)) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await
        .unwrap_or_else(|_| panic!("{beginning} is not in\n{}", self.metrics.render().unwrap()));
    }
}

/// Everything at one process.
pub(crate) fn all_at(process: &Process) -> Table {
    let at = || Place::At(vec![process.url()]);
    Table { auth: at(), user: at(), chat: at(), presence: at(), websocket: at(), ..Table::default() }
}

pub(crate) fn at(processes: &[&Process]) -> Place {
    Place::At(processes.iter().map(|process| process.url()).collect())
}

/// The problem in an answer, checked for its form.
pub(crate) async fn problem(response: reqwest::Response) -> schema::api::Problem {
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    let (status, trace) = (response.status(), response.headers()["x-trace-id"].clone());
    let retry = response.headers().contains_key("retry-after");
    assert_eq!(retry, status == 503, "a 503 says when to come back");
    let problem: schema::api::Problem = response.json().await.unwrap();
    assert_eq!((problem.status, problem.trace_id.as_str()), (status.as_u16(), trace.to_str().unwrap()));
    problem
}

/// A body of zeroes that comes in pieces.
pub(crate) fn pieces(count: usize, bytes: usize) -> reqwest::Body {
    let piece = Bytes::from(vec![0; bytes]);
    let frames = (0..count).map(move |_| Ok::<_, std::io::Error>(Frame::data(piece.clone())));
    reqwest::Body::wrap(StreamBody::new(futures_util::stream::iter(frames)))
}
