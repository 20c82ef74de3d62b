//! How the parts are put together, from top to bottom: ports, stores, services, listeners, the end.

use crate::admin::{self, Admin};
use crate::config::Config;
use crate::exit::{Exit, Failure};
use crate::ports::{Ports, Service};
use crate::shutdown::{Signals, fatal};
use crate::{folder, ready, telemetry};
use auth::Auth;
use axum::Router;
use chat::{Chat, Sequencers};
use edge::{Health, Limiter, Metrics, Revocations, Signer};
use embedded::log::LogConfig;
use embedded::{Embedded, LockError, OpenError};
use gateway::Upstreams;
use std::path::Path;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Instant;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use user::Users;
use websocket::WebSocket;

/// Runs chatd until a signal ends it.
pub(crate) fn serve(config: &Config, started: Instant) -> Result<(), Failure> {
    telemetry::start(config)?;
    let ports = Ports::bind(config)?;
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
    runtime.block_on(Box::pin(run(config, ports, &data, started)))
}

async fn run(config: &Config, ports: Ports, data: &Path, started: Instant) -> Result<(), Failure> {
    let mut signals = Signals::listen()?;
    let addresses = ports.addresses;
    let core = Box::pin(Core::open(config, data)).await?;
    let drain = CancellationToken::new();
    let mut listeners = core.listen(config, ports, &drain);
    ready::print(&ready::text(addresses, data, started.elapsed()))?;
    tracing::info!(duration_ms = started.elapsed().as_millis() as u64, "ready");

    let signal = tokio::select! {
        signal = signals.next() => signal,
        Some(ended) = listeners.join_next() => {
            return Err(Failure::new(Exit::Io, format!("a listener ended: {ended:?}"), "look into the system's log"));
        }
    };
    tracing::info!(signal, "ending: not ready, then sockets, then requests, then the log");
    signals.next_quits();
    core.health.set_draining();
    core.websocket.drain().await;
    drain.cancel();
    while listeners.join_next().await.is_some() {}
    core.close().await;
    tracing::info!("ended");
    Ok(())
}

/// The stores and the services on them.
struct Core {
    embedded: Embedded,
    sequencers: Sequencers,
    metrics: Arc<Metrics>,
    health: Arc<Health>,
    auth: Auth,
    users: Users,
    chat: Chat,
    websocket: WebSocket,
    admin: Admin,
}

impl Core {
    /// Opens the stores and starts the services; returns when the log is replayed.
    async fn open(config: &Config, data: &Path) -> Result<Self, Failure> {
        let fatal_log = Box::new(|reason: String| fatal(&reason));
        let embedded =
            embedded::open(data, LogConfig::default(), fatal_log).await.map_err(|e| not_opened(&e))?;
        let stores = embedded.stores.clone();
        let (metrics, health) = (Arc::new(Metrics::new()), Arc::new(Health::new()));
        let keys = data.join("keys");
        let signer =
            Signer::in_dir(&keys).map_err(|e| Failure::io(format!("keys in {}", keys.display()), &e))?;
        let signer = Arc::new(signer);
        let revocations = Arc::new(Revocations::new());
        let (accounts, profiles) = (Arc::clone(&stores.accounts), Arc::clone(&stores.profiles));
        let auth = Auth::open(accounts, profiles, &keys, config.auth(), Arc::clone(&revocations), &metrics)
            .await
            .map_err(|error| cannot("auth", &error))?;
        let users = Users::open(Arc::clone(&stores.profiles));
        let fatal_chat = Arc::new(|reason: String| fatal(&reason));
        let (chat, sequencers) =
            Chat::open(&stores, Arc::clone(&signer), config.chat(), &metrics, fatal_chat)
                .await
                .map_err(|error| cannot("chat", &error))?;
        let websocket =
            WebSocket::open(chat.clone(), auth.verifier(), revocations, config.websocket(), &metrics);
        let watched = chat.clone();
        health.add("chat", Arc::new(move || watched.health()));
        let parts = admin::Parts {
            auth: auth.clone(),
            users: users.clone(),
            chat: chat.clone(),
            health: Arc::clone(&health),
            signer,
        };
        let admin = Admin::open(data, parts)
            .map_err(|e| Failure::io(format!("admin files in {}", data.display()), &e))?;
        Ok(Self { embedded, sequencers, metrics, health, auth, users, chat, websocket, admin })
    }

    /// Serves every port until `drain`.
    fn listen(
        &self,
        config: &Config,
        ports: Ports,
        drain: &CancellationToken,
    ) -> JoinSet<std::io::Result<()>> {
        let limiter = Arc::new(Limiter::new(config.limits.requests_per_minute));
        let mut listeners = JoinSet::new();
        for (service, listener) in ports.services {
            let operations = edge::operations(Arc::clone(&self.health), Arc::clone(&self.metrics));
            let routes = self.routes(service, config).merge(operations);
            let app = edge::door(routes, self.auth.verifier(), Arc::clone(&limiter));
            listeners.spawn(edge::serve(listener, app, drain.clone()));
        }
        listeners.spawn(edge::serve(ports.admin, self.admin.router(), drain.clone()));
        listeners
    }

    /// What a service answers on its own port.
    fn routes(&self, service: Service, config: &Config) -> Router {
        match service {
            Service::Gateway => {
                let upstreams = Upstreams {
                    auth: self.auth.routes(),
                    user: self.users.routes(),
                    chat: self.chat.routes(),
                    websocket: self.websocket.routes(),
                };
                gateway::routes(upstreams, config.public_limits())
            }
            Service::Auth => self.auth.routes().into(),
            Service::User => self.users.routes().into(),
            Service::Chat => self.chat.routes().into(),
            Service::Websocket => self.websocket.routes(),
            // Not in this build: health, else 404.
            Service::Presence | Service::Media | Service::Notification => Router::new(),
        }
    }

    /// Ends the sequencers behind a checkpoint, then the stores.
    async fn close(self) {
        self.sequencers.stop().await;
        self.embedded.close().await;
    }
}

fn cannot(part: &str, error: &dyn std::error::Error) -> Failure {
    let hint =
        "nothing acknowledged is lost: it is in the log; the reason names the file or folder to look at";
    Failure::new(Exit::Io, format!("{part} cannot start: {error}"), hint)
}

fn not_opened(error: &OpenError) -> Failure {
    match error {
        OpenError::Lock(LockError::Held(_)) => {
            let hint = "stop it, or give this one a folder of its own with --data and ports with --port";
            Failure::new(Exit::CannotCreate, error.to_string(), hint)
        }
        OpenError::Lock(LockError::Io { folder, cause }) => {
            Failure::io(format!("data folder {folder}"), cause)
        }
        OpenError::Store(store) => Failure::new(Exit::Io, store.to_string(), "nothing was changed"),
    }
}
