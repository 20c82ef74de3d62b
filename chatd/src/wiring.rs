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
use edge::{Changes, Health, Metrics, Revocations, Serve, Signer, Tls};
use embedded::log::LogConfig;
use embedded::{Embedded, LockError, OpenError};
use gateway::Upstreams;
use presence::Presence;
use schema::api::Limits;
use schema::limits::TLS_RELOAD_INTERVAL;
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
    let tls = config.tls()?;
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
    runtime.block_on(Box::pin(run(config, tls, ports, &data, started)))
}

async fn run(
    config: &Config,
    tls: Option<Tls>,
    ports: Ports,
    data: &Path,
    started: Instant,
) -> Result<(), Failure> {
    let mut signals = Signals::listen()?;
    let addresses = ports.addresses;
    let core = Box::pin(Core::open(config, data)).await?;
    let drain = CancellationToken::new();
    let mut listeners = core.listen(config, tls, ports, &drain)?;
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
    presence: Presence,
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
        let changes = Arc::new(Changes::default());
        let parts = auth::Parts {
            accounts: Arc::clone(&stores.accounts),
            profiles: Arc::clone(&stores.profiles),
            tickets: Arc::clone(&stores.tickets),
            revocations: Arc::clone(&revocations),
            changes: Arc::clone(&changes),
        };
        let auth = Auth::open(parts, &keys, config.auth(), &metrics)
            .await
            .map_err(|error| cannot("auth", &error))?;
        let parts = user::Parts {
            profiles: Arc::clone(&stores.profiles),
            accounts: Arc::clone(&stores.accounts),
            messages: Arc::clone(&stores.messages),
            signer: Arc::clone(&signer),
            changes: Arc::clone(&changes),
            remove: Arc::new(auth.clone()),
        };
        let users = Users::open(parts, config.user());
        let fatal_chat = Arc::new(|reason: String| fatal(&reason));
        let (chat, sequencers) = Chat::open(
            &stores,
            Arc::clone(&signer),
            Arc::clone(&changes),
            config.chat(),
            &metrics,
            fatal_chat,
        )
        .await
        .map_err(|error| cannot("chat", &error))?;
        let presence = Presence::open(&stores, &changes, presence::Config::default(), &metrics)
            .await
            .map_err(|error| cannot("presence", &error))?;
        let websocket = WebSocket::open(
            Arc::new(chat.clone()),
            Arc::new(presence.clone()),
            auth.verifier(),
            Arc::new(auth.clone()),
            revocations,
            config.websocket(),
            &metrics,
        );
        let watched = chat.clone();
        health.add("chat", Arc::new(move || watched.health()));
        let parts = admin::Parts {
            auth: auth.clone(),
            users: users.clone(),
            health: Arc::clone(&health),
            signer,
            limits: Limits { limits: config.public_limits() },
        };
        let admin = Admin::open(data, parts)
            .map_err(|e| Failure::io(format!("admin files in {}", data.display()), &e))?;
        Ok(Self { embedded, sequencers, metrics, health, auth, users, chat, presence, websocket, admin })
    }

    /// Serves every port until `drain`. With a certificate all eight services speak TLS; the admin port stays
    /// plain, because it stays on loopback.
    fn listen(
        &self,
        config: &Config,
        tls: Option<Tls>,
        ports: Ports,
        drain: &CancellationToken,
    ) -> Result<JoinSet<std::io::Result<()>>, Failure> {
        let door = config.door(self.auth.verifier())?;
        let mut listeners = JoinSet::new();
        for (service, listener) in ports.services {
            let operations = edge::operations(Arc::clone(&self.health), Arc::clone(&self.metrics));
            let app = door.clone().around(self.routes(service, config).merge(operations));
            let serve = Serve { tls: tls.clone(), ..Serve::default() };
            listeners.spawn(serve.run(listener, app, drain.clone()));
        }
        listeners.spawn(edge::serve(ports.admin, self.admin.router(), drain.clone()));
        if let Some(listener) = ports.redirect {
            listeners.spawn(edge::serve(listener, edge::redirect(config.server.port), drain.clone()));
        }
        if let Some(tls) = tls {
            tokio::spawn(tls.watch(TLS_RELOAD_INTERVAL, drain.clone()));
        }
        Ok(listeners)
    }

    /// What a service answers on its own port.
    fn routes(&self, service: Service, config: &Config) -> Router {
        match service {
            Service::Gateway => {
                let upstreams = Upstreams {
                    auth: self.auth.routes(),
                    user: self.users.routes().merge(self.chat.block_routes()),
                    chat: self.chat.routes(),
                    presence: self.presence.routes(),
                    websocket: self.websocket.routes(),
                };
                gateway::routes(upstreams, config.public_limits())
            }
            Service::Auth => self.auth.routes().into(),
            Service::User => self.users.routes().merge(self.chat.block_routes()).into(),
            Service::Chat => self.chat.routes().into(),
            Service::Presence => self.presence.routes().into(),
            Service::Websocket => self.websocket.routes(),
            // Not in this build: health, else 404.
            Service::Media | Service::Notification => Router::new(),
        }
    }

    /// Saves who was there, ends the sequencers behind a checkpoint, then the stores.
    async fn close(self) {
        self.presence.close().await;
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
