//! A chat service on a folder of its own, and people in it.

use chat::{Chat, Config, Error, Origin, Sent, Sequencers};
use edge::{Metrics, Signer};
use schema::{Draft, Timestamp, UserId, Username};
use std::sync::Arc;
use store::accounts::{Account, Role};
use store::profiles::NewPerson;
use tempfile::TempDir;
use tokio::sync::oneshot;

pub(crate) struct World {
    pub(crate) chat: Chat,
    pub(crate) embedded: embedded::Embedded,
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
        let config = Config { content_chars: 4096 };
        let fatal = Arc::new(|what: String| panic!("{what}"));
        let (chat, sequencers) =
            Chat::open(&embedded.stores, signer, config, &Metrics::new(), fatal).await.unwrap();
        Self { chat, embedded, sequencers, folder }
    }

    /// Ends everything in order and starts again on the same folder.
    pub(crate) async fn restart(self) -> Self {
        let Self { chat, embedded, sequencers, folder } = self;
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
