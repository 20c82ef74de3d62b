//! The stores of a process: one data folder, or four engines.

use super::{Start, keys};
use crate::exit::{Exit, Failure};
use crate::shutdown::fatal;
use cluster::postgres::{KeysError, Nodes, People, share_keys};
use cluster::{Clustered, Engines, newsroom};
use edge::{Changes, Health, Revocations};
use embedded::log::LogConfig;
use embedded::{Embedded, LockError, OpenError};
use engines::schema::{Check, Schema};
use schema::Timestamp;
use schema::limits::{MINTED_TOKEN_S_MAX, SCHEMA_WAIT};
use std::sync::Arc;
use std::time::Duration;
use store::{Accounts, News, Stores};
use tokio::sync::broadcast::{Receiver, error::RecvError};
use uuid::Uuid;

/// Between two tries to read which sessions have ended.
const RETRY: Duration = Duration::from_secs(1);

/// The stores, open.
pub(super) enum Set {
    Embedded(Embedded),
    Clustered(Box<Clustered>),
}

/// Opens the set that the configuration asks for, for this process alone or beside others.
pub(super) async fn open(start: &Start<'_>) -> Result<Set, Failure> {
    let Some(engines) = start.config.stores()? else {
        let fatal_log = Box::new(|reason: String| fatal(&reason));
        let opened = embedded::open(start.data, LogConfig::default(), fatal_log).await;
        return Ok(Set::Embedded(opened.map_err(|error| not_opened(&error))?));
    };
    check_schema(&engines).await?;
    let news = newsroom();
    let people = People::open(&engines.postgres, Uuid::now_v7(), news.clone()).await;
    let people = people.map_err(|error| away(&error))?;
    share(start, &people).await?;
    let clustered = cluster::open(&engines, people, news).await.map_err(|error| away(&error))?;
    Ok(Set::Clustered(Box::new(clustered)))
}

/// What a process needs of the engines that serves sockets only: the keys, and where the chat processes are.
pub(super) async fn directory(start: &Start<'_>, engines: &Engines) -> Result<Nodes, Failure> {
    let people = People::open(&engines.postgres, Uuid::now_v7(), newsroom()).await;
    let people = people.map_err(|error| away(&error))?;
    share(start, &people).await?;
    Nodes::open(&people).await.map_err(|error| away(&error))
}

async fn share(start: &Start<'_>, people: &People) -> Result<(), Failure> {
    share_keys(people, &keys::folder(start.data), keys::draw).await.map_err(|error| match error {
        KeysError::Files { cause, .. } => Failure::io(format!("keys in {}", start.data.display()), &cause),
        KeysError::Store(error) => away(&error),
        other => Failure::new(Exit::BadKey, other.to_string(), "nothing was changed"),
    })
}

/// Refuses engines that do not hold what this build needs.
async fn check_schema(engines: &Engines) -> Result<(), Failure> {
    let schema = Schema {
        postgres: Some(engines.postgres.clone()),
        cassandra: Some(engines.cassandra.clone()),
        kafka: Some(engines.kafka.clone()),
    };
    match schema.check(SCHEMA_WAIT).await {
        Ok(Check::Current) => Ok(()),
        Ok(other) => {
            let hint = "`chatctl schema status` shows where each engine stands, `chatctl schema apply` brings them up to date";
            Err(Failure::new(Exit::BadKey, other.to_string(), hint))
        }
        Err(error) => Err(Failure::new(
            Exit::Io,
            error.to_string(),
            "start it, or correct its URL under stores in the configuration",
        )),
    }
}

impl Set {
    pub(super) fn stores(&self) -> &Stores {
        match self {
            Set::Embedded(embedded) => &embedded.stores,
            Set::Clustered(clustered) => &clustered.stores,
        }
    }

    /// Shows each engine among the parts of the process.
    pub(super) fn watch(&self, health: &Health) {
        let Set::Clustered(clustered) = self else { return };
        let text = |error: store::Error| error.to_string();
        let events = Arc::clone(&clustered.stores.events);
        health.add("kafka", Arc::new(move || events.health().map_err(text)));
        let messages = Arc::clone(&clustered.stores.messages);
        health.add("cassandra", Arc::new(move || messages.health().map_err(text)));
        let people = clustered.people.clone();
        health.add("postgres", Arc::new(move || people.health().map_err(text)));
        let redis = Arc::clone(&clustered.redis);
        // Presence, tickets and shared limits want it; messages do not.
        health.add_soft("redis", Arc::new(move || redis.health().map_err(text)));
    }

    pub(super) async fn close(self) {
        match self {
            Set::Embedded(embedded) => embedded.close().await,
            Set::Clustered(clustered) => clustered.close().await,
        }
    }
}

/// Acts on what other processes changed, until the stores are gone.
pub(super) async fn hear(
    mut news: Receiver<News>,
    accounts: Arc<dyn Accounts>,
    revocations: Arc<Revocations>,
    changes: Arc<Changes>,
) {
    loop {
        match news.recv().await {
            Ok(News::SessionEnded(session)) => revocations.end(session),
            Ok(News::PersonChanged { user, former_username }) => {
                changes.person(user, former_username.as_ref());
            }
            Ok(News::Missed) | Err(RecvError::Lagged(_)) => {
                changes.missed();
                let oldest = Timestamp::now().plus_seconds(-MINTED_TOKEN_S_MAX);
                let ended = loop {
                    match accounts.ended_since(oldest).await {
                        Ok(ended) => break ended,
                        Err(error) => tracing::warn!(%error, "which sessions have ended cannot be read"),
                    }
                    tokio::time::sleep(RETRY).await;
                };
                for session in ended.into_iter().filter(|session| !revocations.is_ended(*session)) {
                    revocations.end(session);
                }
            }
            Err(RecvError::Closed) => return,
        }
    }
}

fn away(error: &store::Error) -> Failure {
    let hint = "look at the engine that is named; `chatctl schema status` asks all of them";
    Failure::new(Exit::Io, error.to_string(), hint)
}

fn not_opened(error: &OpenError) -> Failure {
    match error {
        OpenError::Lock(LockError::Held(_)) => {
            let hint = "stop it, run `chatd websocket` beside it, or give this one a folder of its own with --data and ports \
                        with --port";
            Failure::new(Exit::CannotCreate, error.to_string(), hint)
        }
        OpenError::Lock(LockError::Io { folder, cause }) => {
            Failure::io(format!("data folder {folder}"), cause)
        }
        OpenError::Store(store) => Failure::new(Exit::Io, store.to_string(), "nothing was changed"),
    }
}
