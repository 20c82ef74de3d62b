//! A chat process that does not answer, or is not there.

use crate::cut::batch;
use crate::proxy::Proxy;
use crate::raw::Raw;
use crate::world::{PATIENCE, begin, client, count, draft, open, remote, serve, token, until};
use async_trait::async_trait;
use chat::{Answer, Backlog, Batch, CursorError, Delivery, Error, Heard, MarkKind, Origin, Talk};
use edge::{Caller, Identify, Metrics, Problem, Revocations};
use link::{Directory, Node, Parts, Remote};
use presence::{Attend, Typed, Watch};
use schema::event::DevicePosition;
use schema::presence::Chosen;
use schema::{Cursor, Draft, SessionId, UserId};
use serde_json::json;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// Takes everything and answers nothing.
pub(crate) struct Mute;

#[async_trait]
impl Talk for Mute {
    fn deliveries(&self) -> mpsc::Receiver<Heard> {
        mpsc::channel(1).1
    }
    async fn attend(&self, _: UserId) -> Result<(), Error> {
        Ok(())
    }
    fn leave(&self, _: UserId) {}
    fn position(&self) -> Cursor {
        Cursor::start(1, 4)
    }
    async fn resolve(&self, _: &str) -> Result<UserId, Error> {
        std::future::pending().await
    }
    async fn send(&self, _: Origin, _: Draft, answer: Answer) {
        std::mem::forget(answer);
    }
    async fn mark(
        &self,
        _: UserId,
        _: UserId,
        _: MarkKind,
        _: u64,
        _: Option<DevicePosition>,
    ) -> Result<(), Error> {
        std::future::pending().await
    }
    async fn passed(&self, _: UserId, _: SessionId, _: &Cursor) -> Result<(), Error> {
        std::future::pending().await
    }
    async fn feed(&self, _: UserId, _: &Cursor, _: usize) -> Result<(Vec<Delivery>, Cursor), Error> {
        std::future::pending().await
    }
    async fn backlog(&self, _: UserId, _: SessionId, _: Cursor) -> Result<Backlog, Error> {
        std::future::pending().await
    }
    fn seal(&self, _: UserId, _: &Cursor) -> String {
        String::new()
    }
    fn open_cursor(&self, _: UserId, _: &str) -> Result<Cursor, CursorError> {
        Err(CursorError::Malformed)
    }
}

#[async_trait]
impl Attend for Mute {
    fn connected(&self, _: UserId, _: u64) {}
    fn disconnected(&self, _: UserId, _: u64) {}
    fn typings(&self) -> mpsc::Receiver<Typed> {
        mpsc::channel(1).1
    }
    async fn typing(&self, _: UserId, _: &str, _: bool) -> Result<(), Problem> {
        std::future::pending().await
    }
    async fn set_status(&self, _: UserId, _: Chosen) -> Result<(), Problem> {
        std::future::pending().await
    }
    async fn watch(&self, _: Watch, _: &str) -> Result<(), Problem> {
        std::future::pending().await
    }
    async fn watch_contacts(&self, _: Watch) -> Result<(), Problem> {
        std::future::pending().await
    }
    fn unwatch(&self, _: u64, _: u32) {}
}

#[async_trait]
impl Identify for Mute {
    async fn by_cookie(&self, _: &axum::http::HeaderMap) -> Result<Option<Caller>, Problem> {
        Ok(None)
    }
    async fn by_ticket(&self, _: &str) -> Result<Option<Caller>, Problem> {
        std::future::pending().await
    }
}

/// A server whose batches the test makes.
pub(crate) struct Made {
    pub(crate) node: uuid::Uuid,
    pub(crate) address: SocketAddr,
    pub(crate) batches: mpsc::Sender<Arc<Batch>>,
    pub(crate) metrics: Metrics,
    pub(crate) stop: CancellationToken,
}

impl Made {
    pub(crate) async fn new() -> Self {
        let (batches, outbound) = mpsc::channel(256);
        let (node, metrics, stop) = (uuid::Uuid::new_v4(), Metrics::new(), CancellationToken::new());
        let parts = Parts {
            node,
            talk: Arc::new(Mute),
            outbound,
            presence: Arc::new(Mute),
            identify: Arc::new(Mute),
            revocations: Arc::new(Revocations::new()),
            token: token(),
        };
        let address = serve(parts, &metrics, &stop).await;
        Self { node, address, batches, metrics, stop }
    }

    /// The value of a metric.
    pub(crate) fn count(&self, name: &str) -> u64 {
        count(&self.metrics, name)
    }
}

#[tokio::test]
async fn a_call_that_is_not_answered_in_time_is_given_up_and_says_what_is_known() {
    let made = Made::new().await;
    let remote = remote(&[made.address]);
    until("linked", || remote.health().is_ok()).await;
    let (ann, bob) = (UserId::draw(), UserId::draw());
    let sent = begin(&remote, ann, 1, draft(bob, "hi", None)).await;
    let (marked, read, typed) = tokio::join!(
        remote.mark(ann, bob, MarkKind::Seen, 1, None),
        remote.resolve("bob"),
        remote.typing(ann, "bob", true)
    );
    assert!(matches!(sent.await.unwrap(), Err(Error::OutcomeUnknown)));
    assert!(matches!(marked, Err(Error::OutcomeUnknown)));
    assert!(matches!(read, Err(Error::Store(store::Error::Unavailable(_)))));
    assert_eq!(typed.unwrap_err().code(), schema::Code::Unavailable);
    assert!(remote.health().is_ok(), "the link itself is well");
}

#[tokio::test]
async fn without_a_chat_process_nothing_is_accepted_and_nobody_attended() {
    let remote = remote(&["127.0.0.1:1".parse().unwrap()]);
    let (ann, bob) = (UserId::draw(), UserId::draw());
    let sent = begin(&remote, ann, 1, draft(bob, "hi", None)).await.await.unwrap();
    assert!(matches!(sent, Err(Error::NotAccepted(_))), "{sent:?}");
    assert!(matches!(remote.mark(ann, bob, MarkKind::Seen, 1, None).await, Err(Error::NotAccepted(_))));
    assert!(matches!(remote.resolve("bob").await, Err(Error::Store(_))));
    assert!(remote.attend(ann).await.is_err());
    assert!(remote.health().unwrap_err().contains("no chat process"));
}

#[tokio::test]
async fn more_calls_than_are_answered_at_once_are_told_so() {
    let made = Made::new().await;
    let remote = remote(&[made.address]);
    until("linked", || remote.health().is_ok()).await;
    let calls = schema::limits::LINK_CALLS;
    let asked: Vec<_> = (0..calls + 1)
        .map(|_| {
            let remote = remote.clone();
            tokio::spawn(
                async move { remote.mark(UserId::draw(), UserId::draw(), MarkKind::Seen, 1, None).await },
            )
        })
        .collect();
    let mut refused = 0;
    for asked in asked {
        match asked.await.unwrap() {
            Err(Error::NotAccepted(reason)) => {
                assert!(reason.contains("too much to do"), "{reason}");
                refused += 1;
            }
            Err(Error::OutcomeUnknown) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(refused, 1);
    assert_eq!(made.count("link_calls_refused_total"), 1);
}

#[tokio::test]
async fn a_process_that_is_silent_is_cut_and_attend_does_not_wait_for_it() {
    let made = Made::new().await;
    // It takes connections, is let in by nobody, and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let dead = silent.local_addr().unwrap();
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((mut stream, _)) = silent.accept().await {
            let mut hello = [0; 16];
            let _ = stream.read_exact(&mut hello).await;
            held.push(stream);
        }
    });
    let remote = remote(&[dead, made.address]);
    until("linked", || remote.links() == 1).await;
    timeout(Duration::from_secs(1), remote.attend(UserId::draw())).await.unwrap().unwrap();
}

/// A chat process that lets others in, says that it lives and this position, and answers nothing.
async fn idle(position: Cursor) -> (SocketAddr, mpsc::Receiver<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (ended, ends) = mpsc::channel(64);
    tokio::spawn(async move {
        let node = uuid::Uuid::new_v4();
        loop {
            let mut raw = Raw(listener.accept().await.unwrap().0);
            let (position, ended) = (position.clone(), ended.clone());
            tokio::spawn(async move {
                raw.hear().await;
                let start = Cursor::start(position.epoch, 4);
                raw.say(&json!({"Welcome": {"node": node, "position": start}})).await;
                let beat = json!({"Beat": {"batches": 0, "position": position}}).to_string();
                let (mut reader, mut writer) = raw.0.into_split();
                let beats = async {
                    loop {
                        writer.write_u32(u32::try_from(beat.len()).unwrap()).await.unwrap();
                        writer.write_all(beat.as_bytes()).await.unwrap();
                        tokio::time::sleep(Duration::from_millis(300)).await;
                    }
                };
                let mut said = Vec::new();
                tokio::select! {
                    () = beats => {}
                    _ = reader.read_to_end(&mut said) => {}
                }
                let _ = ended.send(()).await;
            });
        }
    });
    (address, ends)
}

#[tokio::test]
async fn one_that_does_not_attend_in_time_is_cut_and_the_others_suffice() {
    let made = Made::new().await;
    let (address, mut ends) = idle(Cursor::start(1, 4)).await;
    let remote = remote(&[address, made.address]);
    until("linked to both", || remote.links() == 2).await;
    remote.attend(UserId::draw()).await.unwrap();
    timeout(PATIENCE, ends.recv()).await.unwrap().unwrap();
    let alone = crate::world::remote(&[address]);
    until("linked", || alone.links() == 1).await;
    assert!(alone.attend(UserId::draw()).await.is_err());
}

#[tokio::test]
async fn who_attends_before_a_chat_process_is_there_is_attended_when_it_comes() {
    let made = Made::new().await;
    let proxy = Proxy::to(made.address).await;
    proxy.set_open(false);
    let remote = remote(&[proxy.address]);
    let mut deliveries = remote.deliveries();
    let (ann, bob) = (UserId::draw(), UserId::draw());
    assert!(remote.attend(bob).await.is_err());
    proxy.set_open(true);
    assert!(matches!(timeout(PATIENCE, deliveries.recv()).await.unwrap(), Some(Heard::Missed)));
    made.batches.send(batch(0, [ann, bob], 10)).await.unwrap();
    assert!(matches!(timeout(PATIENCE, deliveries.recv()).await.unwrap(), Some(Heard::Batch(_))));
}

#[tokio::test]
async fn a_position_comes_with_the_beats_where_nothing_happens() {
    let position = Cursor { epoch: 1, next: vec![4, 0, 9, 2] };
    let (address, _ends) = idle(position.clone()).await;
    let remote = remote(&[address]);
    until("told", || remote.position() == position).await;
}

/// A directory that the test changes.
struct Listed(watch::Sender<Vec<Node>>);

impl Directory for Listed {
    fn nodes(&self) -> watch::Receiver<Vec<Node>> {
        self.0.subscribe()
    }
}

#[tokio::test]
async fn the_directory_is_followed_and_a_new_home_is_found() {
    let (one, two) = (Made::new().await, Made::new().await);
    let node = |made: &Made| Node { id: Some(made.node), address: made.address.to_string() };
    let listed = Arc::new(Listed(watch::Sender::new(vec![node(&one)])));
    let client = link::Client { directory: Arc::clone(&listed) as _, ..client(&[]) };
    let remote: Remote = open(client, Arc::new(Revocations::new()));
    until("linked to one", || remote.links() == 1).await;
    listed.0.send_replace(vec![node(&one), node(&two)]);
    until("linked to both", || remote.links() == 2).await;
    one.stop.cancel();
    until("left with two", || remote.links() == 1).await;
    assert!(remote.health().is_ok(), "two is the home now");
    listed.0.send_replace(vec![]);
    until("left alone", || remote.links() == 0).await;
    // Another process at an address is not taken for the one that was named.
    listed.0.send_replace(vec![Node { id: Some(one.node), address: two.address.to_string() }]);
    let right = remote_of(node(&two)).await;
    assert_eq!((remote.links(), right.links()), (0, 1));
}

/// A process that is linked to this node only.
async fn remote_of(node: Node) -> Remote {
    let listed = Arc::new(Listed(watch::Sender::new(vec![node])));
    let remote = open(link::Client { directory: listed, ..client(&[]) }, Arc::new(Revocations::new()));
    until("linked", || remote.links() == 1).await;
    remote
}
