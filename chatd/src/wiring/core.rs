//! A process that has the stores: it opens them, and the services on them.

use super::places::Routes;
use super::{Opened, Start};
use crate::admin::{self, Admin, Seen};
use crate::exit::{Exit, Failure};
use crate::shutdown::fatal;
use auth::Auth;
use chat::{Chat, Sequencers};
use edge::{Changes, Revocations, Signer};
use embedded::log::LogConfig;
use embedded::{Embedded, LockError, OpenError};
use gateway::Upstreams;
use presence::Presence;
use schema::api::Limits;
use std::sync::Arc;
use store::Stores;
use user::Users;
use websocket::WebSocket;

/// What must be closed in the end.
pub(super) struct Open {
    embedded: Embedded,
    sequencers: Sequencers,
    presence: Presence,
}

impl Open {
    /// Saves who was there, ends the sequencers behind a checkpoint, then the stores.
    pub(super) async fn close(self) {
        self.presence.close().await;
        self.sequencers.stop().await;
        self.embedded.close().await;
    }
}

/// The services on one set of stores.
struct Services {
    auth: Auth,
    users: Users,
    chat: Chat,
    sequencers: Sequencers,
    presence: Presence,
    revocations: Arc<Revocations>,
    signer: Arc<Signer>,
}

/// Opens the stores and starts the services; returns when the log is replayed.
pub(super) async fn open(start: &Start<'_>) -> Result<Opened, Failure> {
    let (config, data) = (start.config, start.data);
    let fatal_log = Box::new(|reason: String| fatal(&reason));
    let embedded = embedded::open(data, LogConfig::default(), fatal_log).await.map_err(|e| not_opened(&e))?;
    let services = Box::pin(services(start, &embedded.stores)).await?;
    let websocket = WebSocket::open(
        Arc::new(services.chat.clone()),
        Arc::new(services.presence.clone()),
        services.auth.verifier(),
        Arc::new(services.auth.clone()),
        Arc::clone(&services.revocations),
        config.websocket(),
        &start.metrics,
    );
    let watched = services.chat.clone();
    start.health.add("chat", Arc::new(move || watched.health()));
    let admin = admin(start, &services)?;
    let door = config.door(services.auth.verifier())?;
    let routes = routes(start, &services, &websocket);
    let Services { sequencers, presence, .. } = services;
    let stores = Some(Open { embedded, sequencers, presence });
    Ok(Opened { routes, door, admin: admin.router(), websocket: Some(websocket), stores })
}

async fn services(start: &Start<'_>, stores: &Stores) -> Result<Services, Failure> {
    let (config, metrics) = (start.config, &*start.metrics);
    let keys = start.data.join("keys");
    let signer = Signer::in_dir(&keys).map_err(|e| Failure::io(format!("keys in {}", keys.display()), &e))?;
    let signer = Arc::new(signer);
    let revocations = Arc::new(Revocations::new());
    let changes = Arc::new(Changes::default());
    let parts = auth::Parts {
        accounts: Arc::clone(&stores.accounts),
        profiles: Arc::clone(&stores.profiles),
        tickets: Arc::clone(&stores.tickets),
        revocations: Arc::clone(&revocations),
        changes: Arc::clone(&changes),
        rates: stores.rates.clone(),
    };
    let auth =
        Auth::open(parts, &keys, config.auth(), metrics).await.map_err(|error| cannot("auth", &error))?;
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
    let (chat, sequencers) =
        Chat::open(stores, Arc::clone(&signer), Arc::clone(&changes), config.chat(), metrics, fatal_chat)
            .await
            .map_err(|error| cannot("chat", &error))?;
    let presence = Presence::open(stores, &changes, presence::Config::default(), metrics)
        .await
        .map_err(|error| cannot("presence", &error))?;
    Ok(Services { auth, users, chat, sequencers, presence, revocations, signer })
}

fn admin(start: &Start<'_>, services: &Services) -> Result<Admin, Failure> {
    let parts = admin::Parts {
        auth: services.auth.clone(),
        users: services.users.clone(),
        signer: Arc::clone(&services.signer),
        seen: Seen {
            health: Arc::clone(&start.health),
            limits: Limits { limits: start.config.public_limits() },
        },
    };
    Admin::open(start.data, parts)
        .map_err(|e| Failure::io(format!("admin files in {}", start.data.display()), &e))
}

fn routes(start: &Start<'_>, services: &Services, websocket: &WebSocket) -> Routes {
    let auth = services.auth.routes();
    let user = services.users.routes().merge(services.chat.block_routes());
    let (chat, presence) = (services.chat.routes(), services.presence.routes());
    let upstreams = Upstreams {
        auth: auth.clone(),
        user: user.clone(),
        chat: chat.clone(),
        presence: presence.clone(),
        websocket: websocket.routes(),
    };
    let gateway = gateway::routes(upstreams, start.config.public_limits());
    Routes { gateway, auth, user, chat, presence, websocket: websocket.routes() }
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
