//! A process that has the stores, and the services on them.

use super::places::{Routes, relays};
use super::stores::{self, Set};
use super::{Opened, Start, keys, linked};
use crate::admin::{self, Admin, Seen};
use crate::exit::{Exit, Failure};
use crate::ports::{Addresses, Service};
use crate::shutdown::fatal;
use auth::Auth;
use chat::{Chat, Sequence, Sequencers};
use cluster::postgres::Nodes;
use edge::{Changes, Revocations, Signer, Tls};
use link::{Parts, Peers, Server};
use presence::Presence;
use schema::api::Limits;
use std::sync::Arc;
use store::Stores;
use tokio_util::sync::CancellationToken;
use user::Users;
use websocket::WebSocket;

/// What must be closed in the end.
pub(super) struct Open {
    services: Option<(Presence, Sequencers, Set)>,
    peers: Option<Peers>,
    nodes: Option<Nodes>,
    /// Ends the links.
    links: CancellationToken,
}

impl Open {
    /// Of a process that has nothing but links.
    pub(super) fn linked(links: CancellationToken, nodes: Option<Nodes>) -> Self {
        Self { services: None, peers: None, nodes, links }
    }

    /// Saves who was there, ends the sequencers behind a checkpoint, then the links, then the stores.
    pub(super) async fn close(self) {
        if let Some(nodes) = &self.nodes
            && let Err(error) = nodes.leave().await
        {
            tracing::warn!(%error, "others will notice by themselves that this process is gone");
        }
        let Some((presence, sequencers, set)) = self.services else { return self.links.cancel() };
        presence.close().await;
        sequencers.stop().await;
        self.links.cancel();
        drop(self.peers);
        set.close().await;
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

/// Opens the stores and starts the services; returns when the log is replayed, or given to this process.
pub(super) async fn open(
    start: &Start<'_>,
    addresses: Addresses,
    tls: Option<&Tls>,
) -> Result<Opened, Failure> {
    let set = stores::open(start).await?;
    let services = Box::pin(services(start, &set)).await?;
    let websocket = start.roles.has(Service::Websocket).then(|| {
        WebSocket::open(
            Arc::new(services.chat.clone()),
            Arc::new(services.presence.clone()),
            services.auth.verifier(),
            Arc::new(services.auth.clone()),
            Arc::clone(&services.revocations),
            start.config.websocket(),
            &start.metrics,
        )
    });
    set.watch(&start.health);
    let watched = services.chat.clone();
    start.health.add("chat", Arc::new(move || watched.health()));
    let links = CancellationToken::new();
    let (nodes, peers) = join(start, addresses, tls, &set, &services, &links).await?;
    let routes = routes(&services, websocket.as_ref());
    let gateway = routes.gateway(start)?;
    let mut door = start.config.door(start.roles, services.auth.verifier(), set.stores().rates.as_ref())?;
    door.relays = relays(gateway.as_ref());
    let admin = admin(start, &services)?.router();
    let Services { sequencers, presence, .. } = services;
    let open = Some(Open { services: Some((presence, sequencers, set)), peers, nodes, links });
    Ok(Opened { routes, gateway, door, admin, websocket, open })
}

/// Finds the other processes, and lets them find this one.
async fn join(
    start: &Start<'_>,
    addresses: Addresses,
    tls: Option<&Tls>,
    set: &Set,
    services: &Services,
    links: &CancellationToken,
) -> Result<(Option<Nodes>, Option<Peers>), Failure> {
    let (nodes, peers) = match set {
        Set::Embedded(_) => (None, None),
        Set::Clustered(clustered) => {
            let nodes =
                Nodes::open(&clustered.people).await.map_err(|error| cannot("the directory", &error))?;
            let peers = linked::peers(start, &services.chat, &nodes, links)?;
            (Some(nodes), Some(peers))
        }
    };
    if !start.roles.has(Service::Chat) {
        return Ok((nodes, peers));
    }
    let (listener, address) = linked::bind(start, addresses, nodes.is_some())?;
    let listener =
        tokio::net::TcpListener::from_std(listener).map_err(|e| Failure::io("the link's listener", &e))?;
    let parts = Parts {
        node: services.chat.node(),
        talk: Arc::new(services.chat.clone()),
        outbound: services.chat.outbound(),
        presence: Arc::new(services.presence.clone()),
        identify: Arc::new(services.auth.clone()),
        revocations: Arc::clone(&services.revocations),
        token: keys::token(&keys::folder(start.data))?,
    };
    let server = Server::open(parts, &start.metrics, links.clone());
    let acceptor = tls.map(Tls::acceptor);
    tokio::spawn(async move { server.run(listener, acceptor).await });
    match &nodes {
        None => linked::tell(start.data, &address)?,
        Some(nodes) => nodes
            .announce(services.chat.node(), &start.roles.names(), &address)
            .await
            .map_err(|error| cannot("the directory", &error))?,
    }
    Ok((nodes, peers))
}

async fn services(start: &Start<'_>, set: &Set) -> Result<Services, Failure> {
    let (config, metrics, stores) = (start.config, &*start.metrics, set.stores());
    let folder = keys::folder(start.data);
    let signer = keys::signer(&folder)?;
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
    // From here on what others change is heard; what was before is read.
    let heard = stores::hear(
        stores.news.subscribe(),
        Arc::clone(&stores.accounts),
        Arc::clone(&revocations),
        Arc::clone(&changes),
    );
    tokio::spawn(heard);
    let auth =
        Auth::open(parts, &folder, config.auth(), metrics).await.map_err(|error| cannot("auth", &error))?;
    let parts = user::Parts {
        profiles: Arc::clone(&stores.profiles),
        accounts: Arc::clone(&stores.accounts),
        messages: Arc::clone(&stores.messages),
        signer: Arc::clone(&signer),
        changes: Arc::clone(&changes),
        remove: Arc::new(auth.clone()),
    };
    let users = Users::open(parts, config.user());
    let (chat, sequencers) = chat(start, set, &signer, &changes).await?;
    let presence = Presence::open(stores, &changes, presence::Config::default(), metrics)
        .await
        .map_err(|error| cannot("presence", &error))?;
    Ok(Services { auth, users, chat, sequencers, presence, revocations, signer })
}

async fn chat(
    start: &Start<'_>,
    set: &Set,
    signer: &Arc<Signer>,
    changes: &Arc<Changes>,
) -> Result<(Chat, Sequencers), Failure> {
    let sequence = match set {
        Set::Embedded(_) => Sequence::All,
        Set::Clustered(_) if start.roles.has(Service::Chat) => Sequence::Shared,
        Set::Clustered(_) => Sequence::None,
    };
    let config = chat::Config { sequence, ..start.config.chat() };
    let fatal_chat = Arc::new(|reason: String| fatal(&reason));
    let stores: &Stores = set.stores();
    Chat::open(stores, Arc::clone(signer), Arc::clone(changes), config, &start.metrics, fatal_chat)
        .await
        .map_err(|error| cannot("chat", &error))
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

fn routes(services: &Services, websocket: Option<&WebSocket>) -> Routes {
    Routes {
        auth: services.auth.routes(),
        user: services.users.routes().merge(services.chat.block_routes()),
        chat: services.chat.routes(),
        presence: services.presence.routes(),
        websocket: websocket.map(WebSocket::routes).unwrap_or_default(),
    }
}

fn cannot(part: &str, error: &dyn std::error::Error) -> Failure {
    let hint = "nothing acknowledged is lost: it is in the log; the reason names the file, the folder or the engine to look at";
    Failure::new(Exit::Io, format!("{part} cannot start: {error}"), hint)
}
