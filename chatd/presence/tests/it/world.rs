//! A presence service on a folder of its own, and people in it.

use crate::bus::Bus;
use crate::ear::{Listener, PATIENCE};
use axum::body::Body;
use axum::http::Request;
use axum::http::header::CONTENT_TYPE;
use axum::{Extension, Router};
use edge::{Caller, Changes, Metrics};
use embedded::Embedded;
use http_body_util::BodyExt;
use presence::{Config, Ear, Presence, Watch};
use schema::presence::{Chosen, Presence as Shown, Status};
use schema::user::{Policy, PrivacyChange};
use schema::{ConversationId, Position, SessionId, Timestamp, UserId};
use serde_json::Value;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use store::Stores;
use store::contract::profiles::person;
use store::messages::Write;
use store::profiles::Contact;
use tempfile::TempDir;
use tokio::time::timeout;
use tower::ServiceExt;

async fn open(folder: TempDir) -> (Arc<TempDir>, Arc<Embedded>) {
    let log = embedded::log::LogConfig::default();
    let embedded = embedded::open(folder.path(), log, Box::new(|cause| panic!("{cause}"))).await.unwrap();
    (Arc::new(folder), Arc::new(embedded))
}

pub(crate) struct World {
    pub(crate) presence: Presence,
    pub(crate) changes: Arc<Changes>,
    pub(crate) embedded: Arc<Embedded>,
    pub(crate) metrics: Metrics,
    config: Config,
    next: Arc<AtomicU64>,
    folder: Arc<TempDir>,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(Config::default()).await
    }

    pub(crate) async fn with(config: Config) -> Self {
        Self::at(tempfile::tempdir().unwrap(), config).await
    }

    async fn at(folder: TempDir, config: Config) -> Self {
        let (folder, embedded) = open(folder).await;
        let stores = embedded.stores.clone();
        Self::on(folder, embedded, &stores, config, Arc::new(AtomicU64::new(1))).await
    }

    /// A service on these stores.
    async fn on(
        folder: Arc<TempDir>,
        embedded: Arc<Embedded>,
        stores: &Stores,
        config: Config,
        next: Arc<AtomicU64>,
    ) -> Self {
        let (changes, metrics) = (Arc::new(Changes::default()), Metrics::new());
        let presence = Presence::open(stores, &changes, config.clone(), &metrics).await.unwrap();
        Self { presence, changes, embedded, metrics, config, next, folder }
    }

    /// The services of two processes that share everything, presence by this bus.
    pub(crate) async fn pair(bus: &Arc<Bus>, config: Config) -> [Self; 2] {
        Self::pair_of(bus, [config.clone(), config]).await
    }

    pub(crate) async fn pair_of(bus: &Arc<Bus>, configs: [Config; 2]) -> [Self; 2] {
        let (folder, embedded) = open(tempfile::tempdir().unwrap()).await;
        let next = Arc::new(AtomicU64::new(1));
        let mut worlds = Vec::new();
        for config in configs {
            let stores = Stores { presence: Arc::new(bus.seat()), ..embedded.stores.clone() };
            let (folder, embedded, next) = (folder.clone(), embedded.clone(), next.clone());
            worlds.push(Self::on(folder, embedded, &stores, config, next).await);
        }
        worlds.try_into().unwrap_or_else(|_| unreachable!())
    }

    /// Ends everything in order and starts again on the same folder.
    pub(crate) async fn restart(self) -> Self {
        let Self { presence, embedded, folder, config, .. } = self;
        presence.close().await;
        drop(presence);
        Arc::into_inner(embedded).unwrap().close().await;
        Self::at(Arc::into_inner(folder).unwrap(), config).await
    }

    /// A new person with this username.
    pub(crate) async fn person(&self, name: &str) -> UserId {
        let somebody = person(name);
        let user = somebody.account.user_id;
        self.embedded.stores.profiles.create(vec![somebody]).await.unwrap()[0].clone().unwrap();
        user
    }

    /// A new socket of somebody's.
    pub(crate) fn connect(&self, user: UserId) -> u64 {
        let connection = self.next.fetch_add(1, Ordering::SeqCst);
        self.presence.connected(user, connection);
        connection
    }

    pub(crate) async fn see(&self, viewer: UserId, person: UserId) -> Shown {
        self.presence.see(viewer, &person.to_string()).await.unwrap()
    }

    pub(crate) async fn choose(&self, user: UserId, chosen: Chosen) {
        self.presence.set_status(user, chosen).await.unwrap();
    }

    fn watcher(&self, viewer: UserId, subscription: u32) -> (Arc<Listener>, Watch) {
        let listener = Arc::new(Listener::default());
        let ear: Weak<dyn Ear> = Arc::downgrade(&listener) as Weak<dyn Ear>;
        let connection = self.next.fetch_add(1, Ordering::SeqCst);
        (listener, Watch { viewer, connection, subscription, ear })
    }

    /// Somebody who listens to a person.
    pub(crate) async fn watch(&self, viewer: UserId, person: UserId) -> Arc<Listener> {
        let (listener, watch) = self.watcher(viewer, 1);
        self.presence.watch(watch, &person.to_string()).await.unwrap();
        listener
    }

    /// Somebody who listens to their contacts.
    pub(crate) fn watch_contacts(&self, viewer: UserId) -> Arc<Listener> {
        let (listener, watch) = self.watcher(viewer, 2);
        self.presence.watch_contacts(watch).unwrap();
        listener
    }

    /// Returns when the worker has dealt with everything that was noted before.
    pub(crate) async fn settled(&self) {
        let nobody = self.person(&format!("fence{}", self.next.fetch_add(1, Ordering::SeqCst))).await;
        let listener = self.watch(nobody, nobody).await;
        assert_eq!(listener.status().await, Status::Offline);
        // What is noted now comes in a later turn of the worker's than what is told of here.
        let connection = self.connect(nobody);
        assert_eq!(listener.status().await, Status::Online);
        self.presence.disconnected(nobody, connection);
        assert_eq!(listener.status().await, Status::Offline);
    }

    pub(crate) async fn set_contact(&self, owner: UserId, contact: UserId) {
        let contact = Contact { user_id: contact, alias: None, created_at: Timestamp::now() };
        self.embedded.stores.profiles.put_contact(owner, contact, 1000).await.unwrap();
        self.changes.person(owner, None);
    }

    pub(crate) async fn set_block(&self, user: UserId, peer: UserId, blocked: bool) {
        let block = Write::Block {
            conversation: ConversationId::between(user, peer),
            user,
            peer,
            blocked,
            position: Position { offset: self.next.fetch_add(1, Ordering::SeqCst), ..Position::default() },
            at: Timestamp::now(),
        };
        self.embedded.stores.messages.write(&[block]).await.unwrap();
        self.changes.person(user, None);
        self.changes.person(peer, None);
    }

    pub(crate) async fn set_privacy(&self, user: UserId, flag: bool, policy: Policy) {
        let change = PrivacyChange {
            show_last_seen: Some(flag),
            last_seen_policy: Some(policy),
            ..PrivacyChange::default()
        };
        self.change_privacy(user, &change).await;
    }

    pub(crate) async fn change_privacy(&self, user: UserId, change: &PrivacyChange) {
        self.embedded.stores.profiles.set_privacy(user, change).await.unwrap().unwrap();
        self.changes.person(user, None);
    }

    /// Waits until a metric has this value.
    pub(crate) async fn metric(&self, line: &str) {
        let there = async {
            while !self.metrics.render().unwrap().lines().any(|other| other == line) {
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, there)
            .await
            .unwrap_or_else(|_| panic!("{line}\n{}", self.metrics.render().unwrap()));
    }

    /// A call by REST: status and body.
    pub(crate) async fn call(&self, user: UserId, method: &str, path: &str, body: &str) -> (u16, Value) {
        let caller = Caller {
            user,
            session: SessionId::draw(),
            role: "USER".to_owned(),
            expires_at: Timestamp::now().plus_seconds(900),
        };
        let router: Router = self.presence.routes().into();
        let request = Request::builder().method(method).uri(path).header(CONTENT_TYPE, "application/json");
        let request = request.body(Body::from(body.to_owned())).unwrap();
        let answer = router.layer(Extension(caller)).oneshot(request).await.unwrap();
        let status = answer.status().as_u16();
        let bytes = answer.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }
}
