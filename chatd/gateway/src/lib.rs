//! The gateway: the one address that clients know.
//!
//! Beside what only a whole can say (the API's descriptions, the limits in force, a word to whoever opens `/`), it
//! answers for every service: for one in this process its routes are mounted, for one in others requests are
//! passed on, [`proxy`] by way of [`client`], sockets as [`tunnel`]s. Who calls, how often and with what errors
//! is the door's business (`edge::door`): this process's for its own routes, the service's for what is passed on.
//!
//! Neighbours: `chatd` hands it a [`Table`] and puts the door around the result.
//!
//! Invariants: [`upstream`] is the one place where a service is mounted or called; what was sent is not sent
//! again unless it changes nothing; nothing of a body is kept but the piece that is just being passed on; what
//! callers say of addresses and identities is not passed on, but for their credentials.

mod affinity;
mod asyncapi;
mod body;
mod client;
mod counts;
mod description;
mod docs;
mod failure;
mod frames;
mod headers;
mod health;
mod node;
mod proxy;
mod relay;
mod tunnel;
mod upstream;

use crate::affinity::Affinity;
use crate::counts::Counts;
use crate::proxy::{Proxy, forward};
use crate::tunnel::Tunnels;
use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::{any, get};
use edge::{Health, Json, Metrics, Relays};
use schema::api::{Limit, Limits};
use schema::limits::{
    SOCKJS_ROUTE_TIME, UPSTREAM_ANSWER_TIME, UPSTREAM_CHECK_INTERVAL, UPSTREAM_CHECK_TIME,
    UPSTREAM_STALL_TIME,
};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;
use tokio_util::sync::{CancellationToken, DropGuard};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use description::{About, Text, describe};
pub use upstream::{BadTable, Place, Service, Table};

/// How services elsewhere are called.
#[derive(Clone, Debug)]
pub struct Config {
    /// Certificate authorities, in PEM, of services with `https` addresses; the system's when there is none.
    pub ca: Option<PathBuf>,
    /// Time for the head of an answer.
    pub answer_time: Duration,
    /// Time for which an answer's body may make no progress.
    pub stall_time: Duration,
    /// Between two looks at a process.
    pub check_interval: Duration,
    /// Time for it to say how it is.
    pub check_time: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            ca: None,
            answer_time: UPSTREAM_ANSWER_TIME,
            stall_time: UPSTREAM_STALL_TIME,
            check_interval: UPSTREAM_CHECK_INTERVAL,
            check_time: UPSTREAM_CHECK_TIME,
        }
    }
}

/// Why there is no gateway.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(transparent)]
    Table(#[from] BadTable),
    #[error(transparent)]
    Authority(#[from] edge::tls::TlsError),
}

/// The gateway, with services here or elsewhere.
#[derive(Clone)]
pub struct Gateway {
    router: Router,
    proxy: Arc<Proxy>,
    _end: Arc<DropGuard>,
}

impl Gateway {
    /// Mounts what is here, and begins to look after what is not; each service elsewhere becomes a part of
    /// `health`. Within a runtime of tokio.
    ///
    /// # Errors
    /// An address that is none, or a file of authorities that holds none.
    pub fn open(
        table: Table,
        limits: Vec<Limit>,
        config: Config,
        metrics: &Metrics,
        health: &Health,
    ) -> Result<Self, OpenError> {
        let (mut here, mut services, mut elsewhere) = (OpenApiRouter::new(), Vec::new(), Vec::new());
        for (service, place) in table.places() {
            match place {
                Place::Here(routes) => {
                    here = here.merge(*routes);
                    services.push(service);
                }
                Place::At(addresses) => {
                    elsewhere.push(Arc::new(upstream::Upstream::new(service, addresses)?))
                }
                Place::Nowhere => {}
            }
        }
        let (counts, end) = (Counts::new(metrics), CancellationToken::new());
        let client = client::client(config.ca.as_deref())?;
        for upstream in &elsewhere {
            health::watch(upstream, &client, &counts, &config, &end);
            let watched = Arc::clone(upstream);
            let name = format!("gateway.{}", upstream.service.name());
            health.add(name, Arc::new(move || health::check(&watched)));
        }
        // OpenAPI has no words for sockets, so it misses nothing when they are elsewhere.
        let all_here = elsewhere.iter().all(|upstream| upstream.service == Service::Websocket);
        let upstreams = upstream::Upstreams::new(elsewhere, &services);
        let paths = upstreams.paths();
        let (affinity, tunnels) = (Affinity::new(), Tunnels::new(counts.clone()));
        let proxy = Arc::new(Proxy { upstreams, client, affinity, tunnels, counts, config });
        let passed_on = paths.into_iter().fold(Router::new(), |router, prefix| {
            let below = format!("{prefix}/{{*rest}}");
            router
                .route(prefix, any(forward))
                .route(&format!("{prefix}/"), any(forward))
                .route(&below, any(forward))
        });
        tokio::spawn(sweep(Arc::downgrade(&proxy), end.clone()));
        let router = whole(here, limits, all_here).merge(passed_on.with_state(Arc::clone(&proxy)));
        Ok(Self { router, proxy, _end: Arc::new(end.drop_guard()) })
    }

    /// Everything that the gateway's port answers, but for the operations that each port has.
    pub fn routes(&self) -> Router {
        self.router.clone()
    }

    /// The paths behind which another process's door stands, for the gateway's own (`edge::Door::relays`).
    pub fn relays(&self) -> Relays {
        let proxy = Arc::clone(&self.proxy);
        Relays::new(move |path| proxy.upstreams.of(path).is_some())
    }

    /// SockJS sessions over HTTP whose process is remembered.
    pub fn sessions(&self) -> usize {
        self.proxy.affinity.len()
    }

    /// Opens no more sockets, and ends those that are relayed: closed with 1012, spread over half of
    /// `limits::DRAIN`; what is left at its end is cut. Requests go on until their listener ends.
    pub async fn drain(&self) {
        self.proxy.tunnels.drain().await;
    }
}

/// Forgets the ways of SockJS sessions that are over.
async fn sweep(proxy: std::sync::Weak<Proxy>, end: CancellationToken) {
    loop {
        tokio::select! {
            () = end.cancelled() => return,
            () = sleep(SOCKJS_ROUTE_TIME / 6) => {}
        }
        let Some(proxy) = proxy.upgrade() else { return };
        proxy.affinity.sweep();
        proxy.counts.sessions(&proxy.affinity);
    }
}

/// The services' routes and the gateway's own. With services elsewhere, the routes that are here do not describe
/// the whole; the file that is checked in does.
fn whole(here: OpenApiRouter, limits: Vec<Limit>, all_here: bool) -> Router {
    let own = OpenApiRouter::new().routes(routes!(list_limits)).with_state(Limits { limits });
    let (router, api) = here.merge(own).split_for_parts();
    let rest = if all_here { describe(api, description::PUBLIC) } else { description::checked_in() };
    let stomp = asyncapi::describe();
    router
        .merge(docs::routes())
        .route("/", get(hint))
        .route("/openapi.json", get(move || async move { rest }))
        .route("/asyncapi.json", get(move || async move { stomp }))
}

/// The bounds in force.
#[utoipa::path(get, path = "/api/limits", tag = "gateway", responses((status = 200, body = Limits)))]
async fn list_limits(axum::extract::State(limits): axum::extract::State<Limits>) -> Json<Limits> {
    Json(limits)
}

/// What to do here.
async fn hint() -> impl IntoResponse {
    let text = "\
This is chatd: one-to-one chat over REST and STOMP.

  /docs              the REST API, to read and to try
  /openapi.json      the same for machines
  /asyncapi.json     STOMP destinations and the topics of the log
  /ws                STOMP 1.0-1.2 over SockJS
  /ws/websocket      STOMP 1.0-1.2 over WebSocket
  /api/limits        what you may send, and how much of it
  /actuator/health   whether everything is up
";
    ([(CONTENT_TYPE, "text/plain; charset=utf-8")], text)
}
