//! How the parts are put together, from top to bottom: ports, stores, services, listeners, the end.
//!
//! What a process opens depends on its services ([`Kind`]): the stores (`core.rs`), the link to processes that
//! have them (`sockets.rs`), or nothing (`bare.rs`).

mod bare;
mod core;
mod keys;
mod linked;
mod places;
mod sockets;
mod stores;

use crate::config::Config;
use crate::exit::{Exit, Failure};
use crate::ports::{Ports, Service};
use crate::roles::{Kind, Roles};
use crate::shutdown::Signals;
use crate::{folder, ready, telemetry};
use axum::Router;
use edge::{Door, Health, Metrics, Relays, Serve, Tls};
use gateway::Gateway;
use places::Routes;
use schema::limits::TLS_RELOAD_INTERVAL;
use std::path::Path;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Instant;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use websocket::WebSocket;

/// Runs chatd until a signal ends it.
pub(crate) fn serve(config: &Config, roles: &Roles, started: Instant) -> Result<(), Failure> {
    if config.stores()?.is_none() {
        roles.check_embedded()?;
    }
    telemetry::start(config)?;
    let tls = config.tls()?;
    let ports = Ports::bind(config, roles)?;
    let data = config.data()?;
    folder::private(&data)?;
    let threads = match config.server.worker_threads {
        0 => available_parallelism().map_or(1, usize::from),
        threads => threads,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .thread_name("chatd")
        .enable_all()
        .build()
        .map_err(|error| Failure::io("cannot start threads", &error))?;
    let start = Start::new(config, roles, &data);
    runtime.block_on(Box::pin(run(start, tls, ports, started)))
}

/// What a process begins with.
#[derive(Clone)]
struct Start<'a> {
    config: &'a Config,
    roles: &'a Roles,
    data: &'a Path,
    metrics: Arc<Metrics>,
    health: Arc<Health>,
    /// How the gateway's port is: as the process is, and as the services are that it passes on to. What is
    /// missing there does not make the services here unready.
    front: Arc<Health>,
}

impl<'a> Start<'a> {
    fn new(config: &'a Config, roles: &'a Roles, data: &'a Path) -> Self {
        let (health, front) = (Arc::new(Health::new()), Arc::new(Health::new()));
        let process = Arc::clone(&health);
        if !roles.iter().eq([Service::Gateway]) {
            front.add_all(process);
        }
        Self { config, roles, data, metrics: Arc::default(), health, front }
    }
}

/// The services of a process, open.
struct Opened {
    routes: Routes,
    gateway: Option<Gateway>,
    door: Door,
    admin: Router,
    websocket: Option<WebSocket>,
    open: Option<core::Open>,
}

async fn run(start: Start<'_>, tls: Option<Tls>, ports: Ports, started: Instant) -> Result<(), Failure> {
    let mut signals = Signals::listen()?;
    let addresses = ports.addresses;
    let opened = match start.roles.kind() {
        Kind::Stores => Box::pin(core::open(&start, addresses, tls.as_ref())).await?,
        Kind::Sockets => Box::pin(sockets::open(&start)).await?,
        Kind::Bare => bare::open(&start)?,
    };
    let drain = CancellationToken::new();
    let mut listeners = listen(&start, &opened, tls, ports, &drain);
    ready::print(&ready::text(addresses, start.roles, start.data, started.elapsed()))?;
    tracing::info!(duration_ms = started.elapsed().as_millis() as u64, "ready");

    let signal = tokio::select! {
        signal = signals.next() => signal,
        Some(ended) = listeners.join_next() => {
            return Err(Failure::new(Exit::Io, format!("a listener ended: {ended:?}"), "look into the system's log"));
        }
    };
    tracing::info!(signal, "ending: not ready, then sockets, then requests, then the log");
    signals.next_quits();
    start.health.set_draining();
    start.front.set_draining();
    tokio::join!(
        async {
            if let Some(gateway) = &opened.gateway {
                gateway.drain().await;
            }
        },
        async {
            if let Some(websocket) = &opened.websocket {
                websocket.drain().await;
            }
        }
    );
    drain.cancel();
    while listeners.join_next().await.is_some() {}
    if let Some(open) = opened.open {
        open.close().await;
    }
    tracing::info!("ended");
    Ok(())
}

/// Serves every port until `drain`. With a certificate all services speak TLS; the admin port stays plain,
/// because it stays on loopback.
fn listen(
    start: &Start<'_>,
    opened: &Opened,
    tls: Option<Tls>,
    ports: Ports,
    drain: &CancellationToken,
) -> JoinSet<std::io::Result<()>> {
    let mut listeners = JoinSet::new();
    for (service, listener) in ports.services {
        let health = if service == Service::Gateway { &start.front } else { &start.health };
        let operations = edge::operations(Arc::clone(health), Arc::clone(&start.metrics));
        let app = opened.routes.of(service, opened.gateway.as_ref()).merge(operations);
        let serve = Serve { tls: tls.clone(), ..Serve::default() };
        let mut door = opened.door.clone();
        if service != Service::Gateway {
            // Only the gateway passes on; a service that is also elsewhere counts its own callers here.
            door.relays = Relays::default();
        }
        listeners.spawn(serve.run(listener, door.around(app), drain.clone()));
    }
    listeners.spawn(edge::serve(ports.admin, opened.admin.clone(), drain.clone()));
    if let Some(listener) = ports.redirect {
        let gateway = edge::redirect(start.config.server.port);
        listeners.spawn(edge::serve(listener, gateway, drain.clone()));
    }
    if let Some(tls) = tls {
        tokio::spawn(tls.watch(TLS_RELOAD_INTERVAL, drain.clone()));
    }
    listeners
}
