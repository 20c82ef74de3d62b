//! A process that serves sockets and asks others for everything else.

use super::core::Open;
use super::places::{Routes, relays};
use super::{Opened, Start, bare, keys, linked, stores};
use crate::exit::{Exit, Failure};
use edge::Revocations;
use link::{Local, Remote};
use schema::limits::LINK_START;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use websocket::WebSocket;

/// Between two looks whether a chat process is reached.
const LOOK: Duration = Duration::from_millis(10);

/// Opens it; returns when a chat process is reached.
pub(super) async fn open(start: &Start<'_>) -> Result<Opened, Failure> {
    let stop = CancellationToken::new();
    let nodes = match start.config.stores()? {
        Some(engines) => Some(stores::directory(start, &engines).await?),
        None => None,
    };
    let directory = match &nodes {
        Some(nodes) => linked::registered(nodes, &stop),
        None => linked::core(start.data, &stop),
    };
    let folder = keys::folder(start.data);
    let revocations = Arc::new(Revocations::new());
    let verifier = auth::verifier(&folder, Arc::clone(&revocations))
        .map_err(|error| Failure::new(Exit::Io, error.to_string(), "the keys belong to the installation"))?;
    let local = Local { signer: keys::signer(&folder)?, revocations: Arc::clone(&revocations) };
    let client = linked::client(start, Uuid::new_v4(), directory, &stop)?;
    let remote = Remote::open(client, local, &start.metrics);
    reached(&remote).await?;
    let websocket = WebSocket::open(
        Arc::new(remote.clone()),
        Arc::new(remote.clone()),
        Arc::clone(&verifier),
        Arc::new(remote.clone()),
        revocations,
        start.config.websocket(),
        &start.metrics,
    );
    start.health.add("chat", Arc::new(move || remote.health()));
    let routes = Routes { websocket: websocket.routes(), ..Routes::default() };
    let gateway = routes.gateway(start)?;
    let mut door = start.config.door(start.roles, verifier, None)?;
    door.relays = relays(gateway.as_ref());
    let open = Some(Open::linked(stop, nodes));
    Ok(Opened { routes, gateway, door, admin: bare::admin(start)?, websocket: Some(websocket), open })
}

async fn reached(remote: &Remote) -> Result<(), Failure> {
    let wait = async {
        while remote.health().is_err() {
            tokio::time::sleep(LOOK).await;
        }
    };
    tokio::time::timeout(LINK_START, wait).await.map_err(|_| {
        let message = format!("no chat process was reached within {LINK_START:?}");
        let hint = "start one: `chatd` with the same --data, or `chatd chat` with the same stores";
        Failure::new(Exit::Io, message, hint)
    })
}
