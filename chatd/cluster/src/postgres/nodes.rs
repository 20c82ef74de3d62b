//! Which processes there are: each says every few seconds that it lives, and all see who else does.

use super::People;
use super::rows::get;
use schema::limits::{NODE_BEAT, NODE_KEPT, NODE_LEASE};
use sqlx::postgres::PgRow;
use sqlx::query;
use std::sync::Arc;
use store::Error;
use tokio::sync::{Mutex, watch};
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

/// Where arrivals and leaves are told.
pub(super) const CHANNEL: &str = "chatd_nodes";

/// A process that lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    pub id: Uuid,
    /// What it serves: `chat`, `websocket`, …
    pub roles: Vec<String>,
    /// `host:port` of its link.
    pub link: String,
}

/// The processes of an installation, this one among them if it has announced itself.
pub struct Nodes {
    shared: Arc<Shared>,
    _stop: DropGuard,
}

struct Shared {
    people: People,
    /// This process; held while its row is written, so that a beat cannot come behind its leave.
    own: Mutex<Option<Node>>,
    living: watch::Sender<Vec<Node>>,
}

impl Nodes {
    /// Looks who is there, now and from now on. While PostgreSQL is away the last that was seen stays.
    ///
    /// # Errors
    /// When PostgreSQL does not answer.
    pub async fn open(people: &People) -> Result<Self, Error> {
        let heard = people.0.listener.nodes();
        let shared = Arc::new(Shared {
            people: people.clone(),
            own: Mutex::new(None),
            living: watch::channel(Vec::new()).0,
        });
        shared.beat().await?;
        let stop = CancellationToken::new();
        tokio::spawn(stop.clone().run_until_cancelled_owned(keep_up(Arc::clone(&shared), heard)));
        Ok(Self { shared, _stop: stop.drop_guard() })
    }

    /// Tells all that this process is there, until it leaves or is not heard of for `NODE_LEASE`.
    ///
    /// # Errors
    /// When PostgreSQL does not answer.
    pub async fn announce(&self, node: Uuid, roles: &[&str], link: &str) -> Result<(), Error> {
        const ANNOUNCE: &str = "
            with dead as (
                delete from nodes where beat_at < now() - make_interval(secs => $4) and id <> $1
            ), here as (
                insert into nodes (id, roles, link) values ($1, $2, $3)
                on conflict (id) do update set roles = excluded.roles, link = excluded.link, beat_at = now()
                returning id
            )
            select pg_notify('chatd_nodes', id::text) from here";
        let node =
            Node { id: node, roles: roles.iter().map(ToString::to_string).collect(), link: link.to_owned() };
        let mut own = self.shared.own.lock().await;
        let announce = query(ANNOUNCE).bind(node.id).bind(&node.roles).bind(&node.link);
        self.shared.people.write(announce.bind(NODE_KEPT.as_secs_f64())).await?;
        *own = Some(node);
        drop(own);
        self.shared.beat().await
    }

    /// Tells all that this process is gone.
    ///
    /// # Errors
    /// When PostgreSQL does not answer; the others then learn of it when the lease has ended.
    pub async fn leave(&self) -> Result<(), Error> {
        const LEAVE: &str = "
            with gone as (delete from nodes where id = $1 returning id)
            select pg_notify('chatd_nodes', id::text) from gone";
        let mut own = self.shared.own.lock().await;
        let Some(node) = own.take() else { return Ok(()) };
        self.shared.people.write(query(LEAVE).bind(node.id)).await.map(drop)
    }

    /// All that live, in the order of their ids, whenever that changes.
    pub fn watch(&self) -> watch::Receiver<Vec<Node>> {
        self.shared.living.subscribe()
    }
}

/// Beats in time, and at once when somebody came or went.
async fn keep_up(shared: Arc<Shared>, mut heard: watch::Receiver<u64>) {
    let mut away = false;
    loop {
        let changed = timeout(NODE_BEAT, heard.changed()).await;
        if matches!(changed, Ok(Err(_))) {
            return; // The stores were closed.
        }
        match shared.beat().await {
            Ok(()) => away = false,
            Err(cause) if !away => {
                away = true;
                tracing::warn!(%cause, "the processes cannot be looked for; those last seen count as there");
            }
            Err(_) => {}
        }
    }
}

impl Shared {
    /// Says that this process lives and sees who else does: one statement. It does not see its own write, so its
    /// own row counts whatever its time is.
    async fn beat(&self) -> Result<(), Error> {
        const LOOK: &str = "select id, roles, link from nodes \
                            where beat_at > now() - make_interval(secs => $1) order by id";
        const BEAT: &str = "
            with beat as (
                insert into nodes (id, roles, link) values ($2, $3, $4)
                on conflict (id) do update set beat_at = now()
            )
            select id, roles, link from nodes
            where beat_at > now() - make_interval(secs => $1) and id <> $2
            union all select $2, $3, $4 order by id";
        let lease = NODE_LEASE.as_secs_f64();
        let own = self.own.lock().await;
        let rows = match &*own {
            None => self.people.read(query(LOOK).bind(lease)).await?,
            Some(node) => {
                let beat = query(BEAT).bind(lease).bind(node.id).bind(&node.roles).bind(&node.link);
                self.people.write(beat).await?
            }
        };
        let living: Vec<Node> = rows.iter().map(node).collect::<Result<_, _>>()?;
        self.living.send_if_modified(|last| {
            let changed = *last != living;
            *last = living;
            changed
        });
        Ok(())
    }
}

fn node(row: &PgRow) -> Result<Node, Error> {
    Ok(Node { id: get(row, "id")?, roles: get(row, "roles")?, link: get(row, "link")? })
}
