//! A chat service on a folder of its own, and people in it.

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use chat::{Batch, Chat, Config, Error, Heard, Origin, Sent, Sequencers};
use edge::{Caller, Changes, Metrics, Signer};
use http_body_util::BodyExt;
use schema::api::History;
use schema::message::Entry;
use schema::user::PrivacyChange;
use schema::{Draft, SessionId, Timestamp, UserId, Username};
use serde::de::DeserializeOwned;
use std::sync::Arc;
use store::accounts::{Account, Role};
use store::profiles::NewPerson;
use tempfile::TempDir;
use tokio::sync::{mpsc, oneshot};
use tower::ServiceExt;

pub(crate) struct World {
    pub(crate) chat: Chat,
    pub(crate) embedded: embedded::Embedded,
    pub(crate) changes: Arc<Changes>,
    sequencers: Sequencers,
    folder: TempDir,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::at(tempfile::tempdir().unwrap()).await
    }

    async fn at(folder: TempDir) -> Self {
        let fatal = |what: String| panic!("{what}");
        let embedded = embedded::open(folder.path(), embedded::log::LogConfig::default(), Box::new(fatal))
            .await
            .unwrap();
        let signer = Arc::new(Signer::new(&[7; 32]));
        let changes = Arc::new(Changes::default());
        let config = Config::default();
        let fatal = Arc::new(|what: String| panic!("{what}"));
        let (chat, sequencers) =
            Chat::open(&embedded.stores, signer, Arc::clone(&changes), config, &Metrics::new(), fatal)
                .await
                .unwrap();
        Self { chat, embedded, changes, sequencers, folder }
    }

    /// Ends everything in order and starts again on the same folder.
    pub(crate) async fn restart(self) -> Self {
        let Self { chat, embedded, sequencers, folder, .. } = self;
        sequencers.stop().await;
        drop(chat);
        embedded.close().await;
        Self::at(folder).await
    }

    /// A new person with this username.
    pub(crate) async fn person(&self, name: &str) -> UserId {
        let user_id = UserId::draw();
        let username: Username = name.parse().unwrap();
        let account = Account {
            user_id,
            phone_number: None,
            username: Some(username),
            password_hash: None,
            role: Role::User,
            disabled: false,
            created_at: Timestamp::now(),
        };
        let person = NewPerson { account, display_name: name.parse().unwrap() };
        let created = self.embedded.stores.profiles.create(vec![person]).await.unwrap();
        created.into_iter().for_each(|row| row.unwrap());
        user_id
    }

    /// Sends a text and waits for the outcome.
    pub(crate) async fn send(
        &self,
        from: UserId,
        to: &str,
        text: &str,
        client: Option<&str>,
    ) -> Result<Sent, Error> {
        self.send_draft(from, draft(to, text, client)).await
    }

    /// A call without a body as this person, past the door.
    pub(crate) async fn call(&self, user: UserId, method: Method, uri: &str) -> (StatusCode, Vec<u8>) {
        let caller = Caller {
            user,
            session: SessionId::draw(),
            role: "USER".into(),
            expires_at: Timestamp::now().plus_seconds(60),
        };
        let request = Request::builder().method(method).uri(uri).extension(caller).body(Body::empty());
        let routes = Router::from(self.chat.routes().merge(self.chat.block_routes()));
        let answer = routes.oneshot(request.unwrap()).await.unwrap();
        let status = answer.status();
        (status, answer.into_body().collect().await.unwrap().to_bytes().to_vec())
    }

    /// A GET that must succeed.
    pub(crate) async fn read<T: DeserializeOwned>(&self, user: UserId, uri: &str) -> T {
        let (status, body) = self.call(user, Method::GET, uri).await;
        assert_eq!(status, StatusCode::OK, "{}", String::from_utf8_lossy(&body));
        serde_json::from_slice(&body).unwrap()
    }

    /// Changes a person's privacy, as the user service does.
    pub(crate) async fn set_privacy(&self, user: UserId, change: PrivacyChange) {
        self.embedded.stores.profiles.set_privacy(user, &change).await.unwrap().unwrap();
        self.changes.person(user, None);
    }

    /// A whole conversation, as this person sees it.
    pub(crate) async fn history(&self, user: UserId, peer: UserId) -> Vec<Entry> {
        let uri = format!("/api/chat/conversations/{peer}/messages");
        self.read::<History>(user, &uri).await.messages
    }

    pub(crate) async fn send_draft(&self, from: UserId, draft: Draft) -> Result<Sent, Error> {
        let (tell, told) = oneshot::channel();
        let origin = Origin { user: from, connection: None, traceparent: None };
        self.chat.send(origin, draft, Box::new(move |outcome| drop(tell.send(outcome)))).await;
        told.await.unwrap()
    }
}

pub(crate) fn draft(to: &str, text: &str, client: Option<&str>) -> Draft {
    Draft {
        sender_id: None,
        recipient_id: to.into(),
        content: text.into(),
        message_type: schema::MessageType::Text,
        client_message_id: client.map(Into::into),
        reply_to_message_id: None,
        metadata: None,
    }
}

/// The next batch of a link.
pub(crate) async fn batch(link: &mut mpsc::Receiver<Heard>) -> Arc<Batch> {
    match link.recv().await {
        Some(Heard::Batch(batch)) => batch,
        other => panic!("no batch but {other:?}"),
    }
}
