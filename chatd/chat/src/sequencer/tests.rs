//! The promise of the sequencer: whatever crashes, rewinds and second owners happen on the way, the view
//! ends as if every record had been applied once, in order.

mod model;

use super::*;
use bytes::Bytes;
use model::{Log, Model, Only, forks};
use proptest::prelude::*;
use schema::event::{APPLY_VERSION, Body, DevicePosition, Envelope, Mark, Peer, SCHEMA_VERSION, Sent};
use schema::{ConversationId, Cursor, MessageType, SessionId, Timestamp, UserId};
use store::Error;

/// A record to be, in small numbers so that conversations, client ids and repeats meet often.
#[derive(Clone, Debug)]
enum Intent {
    Send { from: u8, to: u8, client: u8, v7: bool, text: u8 },
    Mark { from: u8, to: u8, up_to: u64, seen: bool, private: bool, device: Option<u64> },
    Block { from: u8, to: u8, blocked: bool },
    Erase { from: u8, to: u8 },
    Garbage,
}

/// What happens to the process while it works.
#[derive(Clone, Debug)]
enum Fault {
    /// Nothing: a batch of this many records is applied.
    Apply(usize),
    /// A checkpoint.
    Save,
    /// The process dies after this many writes of a batch, and another starts.
    CrashIn(usize, usize),
    /// Another owner starts without the first having ended; the first lives on, behind.
    SecondOwner,
    /// The owner that was left behind applies a batch late.
    Stale(usize),
    /// The next start is told of an older checkpoint, this many records back.
    Rewind(u64),
    /// The view's engine dies and has lost some of what was written since the checkpoint; nobody notices yet.
    Forget(u64),
}

fn intent() -> impl Strategy<Value = Intent> {
    let person = 0..3_u8;
    prop_oneof![
        8 => (person.clone(), person.clone(), 0..6_u8, any::<bool>(), 0..2_u8)
            .prop_map(|(from, to, client, v7, text)| Intent::Send { from, to, client, v7, text }),
        3 => (person.clone(), person.clone(), 0..9_u64, any::<(bool, bool)>(), prop::option::of(0..50_u64))
            .prop_map(|(from, to, up_to, (seen, private), device)| {
                Intent::Mark { from, to, up_to, seen, private, device }
            }),
        2 => (person.clone(), person.clone(), any::<bool>())
            .prop_map(|(from, to, blocked)| Intent::Block { from, to, blocked }),
        1 => (person.clone(), person).prop_map(|(from, to)| Intent::Erase { from, to }),
        1 => Just(Intent::Garbage),
    ]
}

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        4 => (1..8_usize).prop_map(Fault::Apply),
        2 => Just(Fault::Save),
        3 => (1..8_usize, 0..24_usize).prop_map(|(records, writes)| Fault::CrashIn(records, writes)),
        1 => Just(Fault::SecondOwner),
        2 => (1..8_usize).prop_map(Fault::Stale),
        1 => (1..12_u64).prop_map(Fault::Rewind),
        2 => any::<u64>().prop_map(Fault::Forget),
    ]
}

fn numbered(number: usize) -> MessageId {
    MessageId::from_bytes([u8::try_from(number).unwrap(); 16])
}

fn encode(number: usize, intent: &Intent) -> Vec<u8> {
    let person = |n: u8| UserId::from_bytes([n + 1; 16]);
    let (from, to, payload, event_id) = match *intent {
        Intent::Garbage => return b"no event".to_vec(),
        Intent::Send { from, to, client, v7, text } => {
            let ms = 1_000_000 + u64::from(client);
            let id = uuid::Builder::from_unix_timestamp_millis(ms, &[client; 10]).into_uuid();
            let client = if v7 { id.to_string() } else { format!("client-{client}") };
            let conversation = ConversationId::between(person(from), person(to));
            let event_id = MessageId::derive(conversation, person(from), &client);
            let body = Body::Sent(Sent {
                recipient_id: person(to),
                client_message_id: client,
                content: format!("text {text}"),
                message_type: MessageType::Text,
                reply_to_message_id: None,
                metadata: None,
            });
            (person(from), person(to), body, event_id)
        }
        Intent::Mark { from, to, up_to, seen, private, device } => {
            let session_id = SessionId::from_bytes([from; 16]);
            let device = device.map(|next| DevicePosition { session_id, next });
            let mark = Mark { peer_id: person(to), up_to, device, private };
            let body = if seen { Body::Seen(mark) } else { Body::Delivered(mark) };
            (person(from), person(to), body, numbered(number))
        }
        Intent::Block { from, to, blocked } => {
            let peer = Peer { peer_id: person(to) };
            let body = if blocked { Body::Blocked(peer) } else { Body::Unblocked(peer) };
            (person(from), person(to), body, numbered(number))
        }
        Intent::Erase { from, to } => {
            (person(from), person(to), Body::Erased(Peer { peer_id: person(to) }), numbered(number))
        }
    };
    let event = Envelope {
        event_id,
        event_type: payload.event_type(),
        schema_version: SCHEMA_VERSION,
        apply_version: APPLY_VERSION,
        conversation_id: ConversationId::between(from, to),
        actor_id: from,
        occurred_at: Timestamp(1_700_000_000_000 + i64::try_from(number).unwrap()),
        traceparent: None,
        reply_to: None,
        payload,
    };
    event.encode()
}

/// A view, the log it follows, and whoever owns the partition.
struct World {
    model: Arc<Model>,
    log: Arc<Log>,
}

impl World {
    fn new(log: &Arc<Log>) -> Self {
        Self { model: Arc::default(), log: Arc::clone(log) }
    }

    async fn owner(&self) -> Sequencer {
        let shared = Arc::new(Shared {
            events: self.log.clone(),
            messages: self.model.clone(),
            partitions: 1,
            shared_log: false,
            waiters: Waiters::new(1),
            links: Links::new(Cursor::start(1, 1)),
            watchers: Watchers::default(),
            metrics: Metrics::default(),
        });
        Sequencer::open(shared, Box::new(Only), CancellationToken::new()).await.unwrap()
    }

    /// The owner's next records, at most `count`.
    fn records(&self, owner: &Sequencer, count: usize) -> Vec<Record> {
        let start = usize::try_from(owner.next).unwrap();
        let end = (start + count).min(self.log.0.len());
        (start..end).map(|i| Record { offset: i as u64, payload: self.log.0[i].clone() }).collect()
    }

    async fn apply(&self, owner: &mut Sequencer, count: usize) -> Result<(), Stopped> {
        let records = self.records(owner, count);
        match records.is_empty() {
            true => Ok(()),
            false => match owner.apply(&records).await {
                Err(Stopped::Forgot) => owner.rewind().await,
                applied => applied,
            },
        }
    }

    /// Applies what is left and checks the end against a view that saw no fault.
    async fn run(&self, faults: &[Fault]) {
        let mut owner = self.owner().await;
        let mut stale: Option<Sequencer> = None;
        for fault in faults {
            match *fault {
                Fault::Apply(count) => self.apply(&mut owner, count).await.unwrap(),
                Fault::Save => {
                    // A checkpoint says only what is old enough to have been noticed if it was lost.
                    self.notice(&mut owner).await;
                    owner.save().await.unwrap();
                }
                Fault::Forget(kept) => self.model.forget(kept),
                Fault::CrashIn(count, writes) => {
                    *self.model.crash_after.lock() = Some(writes);
                    let died = self.apply(&mut owner, count).await;
                    assert!(matches!(died, Ok(()) | Err(Stopped::Store(Error::Corrupt(_)))), "{died:?}");
                    *self.model.crash_after.lock() = None;
                    owner = self.owner().await;
                }
                Fault::SecondOwner => stale = Some(std::mem::replace(&mut owner, self.owner().await)),
                Fault::Stale(count) => {
                    if let Some(stale) = &mut stale {
                        self.apply(stale, count).await.unwrap();
                    }
                }
                Fault::Rewind(back) => {
                    if let Some(applied) = self.model.applied.lock().as_mut() {
                        applied.next = applied.next.saturating_sub(back);
                        applied.last_event = None;
                    }
                    owner = self.owner().await;
                }
            }
        }
        self.notice(&mut owner).await;
        while owner.next < self.log.0.len() as u64 {
            self.apply(&mut owner, self.log.0.len()).await.unwrap();
        }
    }

    /// What the sequencer's loop does first.
    async fn notice(&self, owner: &mut Sequencer) {
        if owner.generation != self.model.generation() {
            owner.rewind().await.unwrap();
        }
    }
}

fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn crashes_rewinds_and_second_owners_leave_no_trace(
        intents in prop::collection::vec(intent(), 1..60),
        faults in prop::collection::vec(fault(), 0..30),
    ) {
        let bytes = intents.iter().enumerate().map(|(n, intent)| encode(n, intent).into()).collect();
        let log = Arc::new(Log(bytes));
        let (calm, rough) = (World::new(&log), World::new(&log));
        block_on(async {
            calm.run(&[]).await;
            rough.run(&faults).await;
        });
        let (calm, rough) = (calm.model.view.lock().clone(), rough.model.view.lock().clone());
        prop_assert_eq!(forks(&calm), 0);
        for sequences in calm.sequences().values() {
            let dense: Vec<u64> = (1..=sequences.len() as u64).collect();
            prop_assert_eq!(sequences, &dense);
        }
        prop_assert_eq!(rough, calm);
    }
}

/// A log with one message in it.
fn one_message() -> Arc<Log> {
    let intent = Intent::Send { from: 0, to: 1, client: 0, v7: true, text: 0 };
    Arc::new(Log(vec![encode(0, &intent).into()]))
}

#[test]
fn another_log_under_the_same_history_is_refused() {
    block_on(async {
        let world = World::new(&one_message());
        let mut owner = world.owner().await;
        world.apply(&mut owner, 1).await.unwrap();
        owner.save().await.unwrap();
        let other = Intent::Send { from: 0, to: 1, client: 5, v7: true, text: 0 };
        let log = Arc::new(Log(vec![encode(0, &other).into()]));
        let elsewhere = World { model: Arc::clone(&world.model), log: log.clone() };
        let shared = Arc::clone(&owner.shared);
        let shared = Shared {
            events: elsewhere.log.clone(),
            messages: shared.messages.clone(),
            partitions: 1,
            shared_log: false,
            waiters: Waiters::new(1),
            links: Links::new(Cursor::start(1, 1)),
            watchers: Watchers::default(),
            metrics: Metrics::default(),
        };
        let refused = Sequencer::open(Arc::new(shared), Box::new(Only), CancellationToken::new()).await;
        assert!(matches!(refused, Err(Stopped::OtherLog { next: 1, .. })));
    });
}

#[test]
fn a_record_of_a_newer_version_stops_the_partition_before_it_is_applied() {
    block_on(async {
        let newer = br#"{"applyVersion":99,"eventType":"MESSAGE_VANISHED"}"#;
        let world = World::new(&Arc::new(Log(vec![Bytes::from_static(newer)])));
        let mut owner = world.owner().await;
        assert!(matches!(world.apply(&mut owner, 1).await, Err(Stopped::Newer { offset: 0, .. })));
        assert_eq!(owner.next, 0);
    });
}
