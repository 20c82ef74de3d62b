//! The export: everything of the caller, nothing of others, and no half a document that looks whole.

use crate::fixture::Service;
use async_trait::async_trait;
use axum::http::Method;
use http_body_util::BodyExt;
use schema::api::Export;
use schema::message::Entry;
use schema::{
    Code, ConversationId, Cursor, MessageId, MessageStatus, MessageType, Position, SessionId, Timestamp,
    UserId,
};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use store::Error;
use store::messages::{Applied, Block, FeedEntry, Head, IdEntry, Messages, Page, StoredMessage, Write};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use user::Config;

const PATH: &str = "/api/users/me/export";
const AT: Timestamp = Timestamp(1_701_424_800_000);

/// Messages of two people in turns, as the sequencer would write them; every tenth is hidden from the first.
async fn talk(service: &Service, pair: [usize; 2], count: u64) -> ConversationId {
    let [a, b] = pair.map(|one| service.ids[one]);
    let id = ConversationId::between(a, b);
    let mut writes = Vec::new();
    let mut members = [a, b];
    members.sort_unstable();
    let mut head = Head::empty(id, members);
    for sequence in 1..=count {
        let (sender_id, recipient_id) = if sequence % 2 == 0 { (b, a) } else { (a, b) };
        let message = StoredMessage {
            message_id: MessageId::draw(),
            conversation_id: id,
            sequence,
            position: service.position(),
            sender_id,
            recipient_id,
            client_message_id: sequence.to_string(),
            content: format!("message {sequence} \"\u{1f600}\""),
            message_type: MessageType::Text,
            timestamp: AT,
            reply_to_message_id: None,
            metadata: None,
            hidden: sequence % 10 == 0,
            erased: false,
        };
        head.last_sequence = sequence;
        head.changed = message.position;
        writes.push(Write::Message(Arc::new(message)));
    }
    for marks in &mut head.marks {
        marks.delivered = 3;
        marks.shown_delivered = 2;
    }
    writes.push(Write::Head(head));
    writes.extend([a, b].map(|user| Write::Member { user, conversation: id }));
    service.messages.write(&writes).await.unwrap();
    id
}

#[tokio::test]
async fn an_export_holds_everything_of_the_caller() {
    let service = Service::start(4).await;
    let long = talk(&service, [0, 1], 1000).await;
    let short = talk(&service, [2, 0], 1).await;
    let others = talk(&service, [1, 2], 3).await;
    service.befriend(0, 1).await;
    service.put(0, "/api/users/me/contacts/user2", json!({"alias": "Ben"})).await.json::<Value>(200);
    service.befriend(1, 0).await;
    service.set_block(0, 3, true).await;
    service.set_block(2, 0, true).await;
    service.put(0, "/api/users/me/privacy", json!({"showLastSeen": false})).await.json::<Value>(200);

    let answer = service.get(0, PATH).await;
    let headers = &answer.headers;
    assert_eq!(
        (&headers["cache-control"], &headers["content-type"]),
        (&"no-store".parse().unwrap(), &"application/json".parse().unwrap())
    );
    let disposition = headers["content-disposition"].to_str().unwrap();
    assert!(disposition.starts_with("attachment; filename=\"chatd-export-20"), "{disposition}");
    let export: Export = answer.json(200);
    let me: schema::User = service.get(0, "/api/users/me").await.json(200);
    assert_eq!(export.profile, me);
    assert!(me.privacy_settings.is_some_and(|privacy| !privacy.show_last_seen));
    let contacts: Vec<_> =
        export.contacts.iter().map(|one| (one.user_id, one.alias.as_ref().unwrap().as_str())).collect();
    assert_eq!(contacts, [(service.ids[1], "Ben")]);
    assert_eq!(
        export.blocks.iter().map(|one| one.user_id).collect::<Vec<_>>(),
        [service.ids[3]],
        "whom the caller has blocked, and not by whom"
    );
    assert_eq!(export.sessions.len(), 1);
    assert!(export.sessions[0].current && !export.truncated);
    let mut expected = [long, short];
    expected.sort_unstable();
    assert_eq!(export.conversations.iter().map(|one| one.conversation_id).collect::<Vec<_>>(), expected);
    assert!(!expected.contains(&others));
    let whole = export.conversations.iter().find(|one| one.conversation_id == long).unwrap();
    assert_eq!((whole.peer, whole.messages.len()), (service.ids[1], 1000));
    for (sequence, entry) in (1..).zip(&whole.messages) {
        assert_eq!(entry.sequence(), sequence);
        match entry {
            Entry::Hidden(_) => assert_eq!(sequence % 10, 0),
            Entry::Message(message) => {
                assert_eq!(message.content, format!("message {sequence} \"\u{1f600}\""));
                assert_ne!(sequence % 10, 0, "shown although the caller had blocked its sender");
            }
        }
    }
    let status = |sequence: usize| match &whole.messages[sequence - 1] {
        Entry::Message(message) => message.status,
        Entry::Hidden(_) => panic!("{sequence} is hidden"),
    };
    assert_eq!(status(2), MessageStatus::Delivered, "the caller's own mark");
    assert_eq!(
        (status(1), status(3)),
        (MessageStatus::Delivered, MessageStatus::Sent),
        "what the other shows"
    );
    assert!(!String::from_utf8_lossy(&answer.body).contains("hash"), "no secrets");
}

#[tokio::test]
async fn an_export_of_nothing_is_whole_too() {
    let service = Service::start(1).await;
    let export: Export = service.get(0, PATH).await.json(200);
    assert!(export.contacts.is_empty() && export.blocks.is_empty() && export.conversations.is_empty());
}

/// Messages that fail at a call of `history`.
struct Failing {
    inner: embedded::History,
    calls_left: Arc<AtomicUsize>,
}

#[tokio::test]
async fn an_export_that_breaks_off_does_not_look_whole() {
    let calls_left = Arc::new(AtomicUsize::new(usize::MAX));
    let calls = Arc::clone(&calls_left);
    let failing = move |inner| Arc::new(Failing { inner, calls_left: calls }) as Arc<dyn Messages>;
    let service = Service::with(2, failing, 0, Config::default()).await;
    talk(&service, [0, 1], 1000).await;
    for calls in [0, 1, 10, 19] {
        calls_left.store(calls, Ordering::SeqCst);
        let response = service.send(0, Method::GET, PATH, None).await;
        assert_eq!(response.status(), 200, "the head was sent before");
        let (mut body, mut read) = (response.into_body(), Vec::new());
        let mut broke_off = false;
        while let Some(frame) = body.frame().await {
            match frame {
                Ok(frame) => read.extend_from_slice(&frame.into_data().unwrap()),
                Err(_) => broke_off = true,
            }
        }
        assert!(broke_off, "the body ended as if it were whole after {calls} pages");
        assert!(serde_json::from_slice::<Value>(&read).is_err(), "a whole document after {calls} pages");
    }
    // The place is free again when the writer has noticed, and a sound store gives a whole document.
    calls_left.store(usize::MAX, Ordering::SeqCst);
    let export: Export = service.get(0, PATH).await.json(200);
    assert_eq!(export.conversations[0].messages.len(), 1000);
}

/// On a connection: the chunk that ends a body (RFC 9112, 7.1) does not come, so every client knows.
#[tokio::test]
async fn an_export_that_breaks_off_ends_the_connection() {
    let calls_left = Arc::new(AtomicUsize::new(10));
    let calls = Arc::clone(&calls_left);
    let failing = move |inner| Arc::new(Failing { inner, calls_left: calls }) as Arc<dyn Messages>;
    let service = Service::with(2, failing, 0, Config::default()).await;
    talk(&service, [0, 1], 1000).await;
    let listener = edge::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = listener.local_addr().unwrap();
    let drain = CancellationToken::new();
    let serving = tokio::spawn(edge::serve(listener, service.app.clone(), drain.clone()));
    for (left, whole) in [(10, false), (usize::MAX, true)] {
        calls_left.store(left, Ordering::SeqCst);
        let mut connection = TcpStream::connect(address).await.unwrap();
        let token = service.token(0);
        let request = format!(
            "GET {PATH} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\nconnection: close\r\n\r\n"
        );
        connection.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let read = connection.read_to_end(&mut answer).await;
        let text = String::from_utf8_lossy(&answer);
        assert!(text.starts_with("HTTP/1.1 200 ") && text.contains("transfer-encoding: chunked"), "{read:?}");
        assert_eq!(text.ends_with("\r\n0\r\n\r\n"), whole, "{read:?} after {} bytes", answer.len());
    }
    drain.cancel();
    serving.await.unwrap().unwrap();
}

#[tokio::test]
async fn one_export_a_person_runs_at_a_time() {
    let service = Service::start(2).await;
    // More than waits for a caller who does not read.
    talk(&service, [0, 1], 2000).await;
    let running = service.send(0, Method::GET, PATH, None).await;
    let refused = service.get(0, PATH).await;
    assert!(refused.headers.contains_key("retry-after"));
    refused.problem(Code::RateLimited);
    service.get(1, PATH).await.json::<Export>(200);
    let whole = running.into_body().collect().await.unwrap().to_bytes();
    serde_json::from_slice::<Export>(&whole).unwrap();
    service.get(0, PATH).await.json::<Export>(200);
    // Who goes away makes room too, as soon as the writer notices.
    drop(service.send(0, Method::GET, PATH, None).await);
    loop {
        match service.get(0, PATH).await {
            answer if answer.status == 200 => break,
            answer => drop(answer.problem(Code::RateLimited)),
        }
    }
}

#[async_trait]
impl Messages for Failing {
    async fn heads(
        &self,
        ids: &[ConversationId],
        as_of: Option<Position>,
    ) -> Result<Vec<Option<Head>>, Error> {
        self.inner.heads(ids, as_of).await
    }

    async fn ids(&self, ids: &[MessageId]) -> Result<Vec<Option<IdEntry>>, Error> {
        self.inner.ids(ids).await
    }

    async fn write(&self, batch: &[Write]) -> Result<(), Error> {
        self.inner.write(batch).await
    }

    async fn checkpoint(&self, partition: u32, applied: Applied) -> Result<(), Error> {
        self.inner.checkpoint(partition, applied).await
    }

    async fn applied(&self, partition: u32) -> Result<Option<Applied>, Error> {
        self.inner.applied(partition).await
    }

    async fn message(&self, id: ConversationId, sequence: u64) -> Result<Option<Arc<StoredMessage>>, Error> {
        self.inner.message(id, sequence).await
    }

    async fn history(
        &self,
        id: ConversationId,
        page: Page,
        limit: usize,
    ) -> Result<Vec<Arc<StoredMessage>>, Error> {
        let left =
            self.calls_left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        left.map_err(|_| Error::Unavailable("the disk is away".to_owned()))?;
        self.inner.history(id, page, limit).await
    }

    async fn conversations(&self, user: UserId, limit: usize) -> Result<Vec<ConversationId>, Error> {
        self.inner.conversations(user, limit).await
    }

    async fn feed(
        &self,
        user: UserId,
        after: &Cursor,
        limit: usize,
    ) -> Result<(Vec<FeedEntry>, Cursor), Error> {
        self.inner.feed(user, after, limit).await
    }

    async fn device(&self, user: UserId, session: SessionId) -> Result<Option<Cursor>, Error> {
        self.inner.device(user, session).await
    }

    async fn blocked(&self, pairs: &[(UserId, UserId)]) -> Result<Vec<bool>, Error> {
        self.inner.blocked(pairs).await
    }

    async fn blocks(&self, user: UserId, after: Option<UserId>, limit: usize) -> Result<Vec<Block>, Error> {
        self.inner.blocks(user, after, limit).await
    }

    fn health(&self) -> Result<(), Error> {
        self.inner.health()
    }
}
