//! A chat service on a log that refuses what it is told to refuse.

use super::Answer;
use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::http::Request;
use bytes::Bytes;
use chat::Chat;
use edge::{Caller, Changes, Metrics, Signer};
use schema::event::Topic;
use schema::{SessionId, Timestamp, UserId};
use std::sync::Arc;
use store::accounts::{Account, Role};
use store::events::{Assignments, Committed, Done, Record};
use store::profiles::NewPerson;
use store::{Error, Events};
use tower::ServiceExt;

/// A log that answers every append with one error.
struct Refusing {
    log: Arc<dyn Events>,
    error: Error,
}

#[async_trait]
impl Events for Refusing {
    fn epoch(&self) -> u32 {
        self.log.epoch()
    }

    fn partitions(&self, topic: Topic) -> u32 {
        self.log.partitions(topic)
    }

    fn append(&self, _: Topic, _: u32, _: Bytes, done: Done) -> Result<(), Error> {
        if self.error.retryable() && !matches!(self.error, Error::Unknown(_)) {
            return Err(self.error.clone());
        }
        done(Err(self.error.clone()));
        Ok(())
    }

    async fn join(&self, topic: Topic, group: &str) -> Result<Box<dyn Assignments>, Error> {
        self.log.join(topic, group).await
    }

    async fn end(&self, topic: Topic, partition: u32) -> Result<u64, Error> {
        self.log.end(topic, partition).await
    }

    async fn record(&self, topic: Topic, partition: u32, offset: u64) -> Result<Option<Record>, Error> {
        self.log.record(topic, partition, offset).await
    }

    async fn committed(&self, topic: Topic, partition: u32, group: &str) -> Result<Option<Committed>, Error> {
        self.log.committed(topic, partition, group).await
    }

    fn health(&self) -> Result<(), Error> {
        self.log.health()
    }

    async fn close(&self) {
        self.log.close().await;
    }
}

/// What somebody is answered who sends themselves a note while the log says this.
pub(super) async fn send(error: Error) -> Answer {
    let folder = tempfile::tempdir().unwrap();
    let fatal = |what: String| panic!("{what}");
    let embedded =
        embedded::open(folder.path(), embedded::log::LogConfig::default(), Box::new(fatal)).await.unwrap();
    let mut stores = embedded.stores.clone();
    stores.events = Arc::new(Refusing { log: Arc::clone(&stores.events), error });
    let user = person(&stores).await;
    let (signer, changes) = (Arc::new(Signer::new(&[7; 32])), Arc::new(Changes::default()));
    let config = chat::Config::default();
    let (chat, sequencers) =
        Chat::open(&stores, signer, changes, config, &Metrics::new(), Arc::new(fatal)).await.unwrap();

    let caller = Caller {
        user,
        session: SessionId::draw(),
        role: Role::User.as_str().to_owned(),
        expires_at: Timestamp::now().plus_seconds(60),
    };
    let body = serde_json::json!({ "recipientId": user, "content": "Hello!", "messageType": "TEXT" });
    let request = Request::post("/api/chat/messages")
        .header("content-type", "application/json")
        .extension(caller)
        .body(Body::from(body.to_string()))
        .unwrap();
    let response = edge::shell(Router::from(chat.routes())).oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = axum::body::to_bytes(body, schema::limits::JSON_BYTES).await.unwrap();
    drop(chat);
    sequencers.stop().await;
    embedded.close().await;
    let body = serde_json::from_slice(&body).unwrap();
    Answer { status: parts.status.as_u16(), headers: parts.headers, body }
}

async fn person(stores: &store::Stores) -> UserId {
    let user_id = UserId::draw();
    let account = Account {
        user_id,
        phone_number: None,
        username: Some("user1".parse().unwrap()),
        password_hash: None,
        role: Role::User,
        disabled: false,
        created_at: Timestamp::now(),
    };
    let person = NewPerson { account, display_name: "One".parse().unwrap() };
    for created in stores.profiles.create(vec![person]).await.unwrap() {
        created.unwrap();
    }
    user_id
}
