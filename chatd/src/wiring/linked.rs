//! The link between processes: who listens, who connects, and how they find each other.

use super::{Start, keys};
use crate::exit::Failure;
use crate::ports::{Addresses, listen};
use chat::Chat;
use cluster::postgres::Nodes;
use link::{Client, Deliveries, Directory, Node, Peers, Token};
use schema::limits::LINK_LOOK;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Where a core says how its link is reached.
const ADDRESS: &str = "link.address";

/// The listener for links, bound, with the address that others are told.
pub(super) fn bind(
    start: &Start<'_>,
    addresses: Addresses,
    clustered: bool,
) -> Result<(TcpListener, String), Failure> {
    let (given, told) = (&start.config.link.listen, &start.config.link.advertise);
    let address = match given.parse() {
        Ok(address) => address,
        Err(_) if clustered => addresses.link(),
        Err(_) => SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 0),
    };
    let listener = listen("link", address)?;
    let bound = listener.local_addr().map_err(|error| Failure::io("the link's address", &error))?;
    if !bound.ip().is_loopback() && start.config.tls.certificate.is_empty() {
        tracing::warn!(%bound, "the link is plain: it belongs on a network of its own, or set tls.certificate");
    }
    Ok((listener, if told.is_empty() { bound.to_string() } else { told.clone() }))
}

/// Writes the address down for those who share the data folder.
pub(super) fn tell(data: &Path, address: &str) -> Result<(), Failure> {
    let (file, aside) = (data.join(ADDRESS), data.join("link.address.new"));
    let written = fs::write(&aside, address).and_then(|()| fs::rename(&aside, &file));
    written.map_err(|error| Failure::io(format!("cannot write {}", file.display()), &error))
}

/// The side that connects.
pub(super) fn client(
    start: &Start<'_>,
    node: Uuid,
    directory: Arc<dyn Directory>,
    stop: &CancellationToken,
) -> Result<Client, Failure> {
    let token: Token = keys::token(&keys::folder(start.data))?;
    Ok(Client { node, token, tls: start.config.connector()?, directory, stop: stop.clone() })
}

/// Connects to the other chat processes of an installation.
pub(super) fn peers(
    start: &Start<'_>,
    chat: &Chat,
    nodes: &Nodes,
    stop: &CancellationToken,
) -> Result<Peers, Failure> {
    let client = client(start, chat.node(), registered(nodes, stop), stop)?;
    // Whoever waits for news by a long poll waits here, too, so everything is heard.
    Ok(Peers::open(client, Arc::new(chat.clone()), Deliveries::All, &start.metrics))
}

/// The chat processes, as something else tells them.
struct Told(watch::Receiver<Vec<Node>>);

impl Directory for Told {
    fn nodes(&self) -> watch::Receiver<Vec<Node>> {
        self.0.clone()
    }
}

/// Those that PostgreSQL knows to be alive.
pub(super) fn registered(nodes: &Nodes, stop: &CancellationToken) -> Arc<dyn Directory> {
    let mut living = nodes.watch();
    let stop = stop.clone();
    let (told, heard) = watch::channel(Vec::new());
    tokio::spawn(async move {
        loop {
            let now = living.borrow_and_update().clone();
            let chat = now.into_iter().filter(|node| node.roles.iter().any(|role| role == "chat"));
            let chat: Vec<Node> = chat.map(|node| Node { id: Some(node.id), address: node.link }).collect();
            told.send_if_modified(|before| {
                let changed = *before != chat;
                *before = chat;
                changed
            });
            tokio::select! {
                () = stop.cancelled() => return,
                changed = living.changed() => if changed.is_err() { return },
            }
        }
    });
    Arc::new(Told(heard))
}

/// The one core of a data folder, wherever it listens after a restart.
pub(super) fn core(data: &Path, stop: &CancellationToken) -> Arc<dyn Directory> {
    let file: PathBuf = data.join(ADDRESS);
    let stop = stop.clone();
    let (told, heard) = watch::channel(Vec::new());
    tokio::spawn(async move {
        loop {
            if let Ok(address) = fs::read_to_string(&file) {
                let core = vec![Node { id: None, address: address.trim().to_owned() }];
                told.send_if_modified(|before| {
                    let changed = *before != core;
                    *before = core;
                    changed
                });
            }
            if tokio::time::timeout(LINK_LOOK, stop.cancelled()).await.is_ok() {
                return;
            }
        }
    });
    Arc::new(Told(heard))
}
