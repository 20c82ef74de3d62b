//! Links that are cut, and processes that do not read.

use crate::late::Made;
use crate::proxy::Proxy;
use crate::raw::Raw;
use crate::reader::Reader;
use crate::world::{Core, PATIENCE, begin, draft, remote, until};
use chat::{Batch, Delivery, Error, Heard, Talk};
use schema::{ConversationId, MessageId, MessageStatus, MessageType, Position, Timestamp, UserId};
use std::sync::Arc;
use std::time::Duration;
use store::messages::StoredMessage;
use tokio::io::AsyncWriteExt;
use tokio::time::{sleep, timeout};

/// A batch of one message of so many bytes.
pub(crate) fn batch(offset: u64, people: [UserId; 2], bytes: usize) -> Arc<Batch> {
    let [sender_id, recipient_id] = people;
    let message = StoredMessage {
        message_id: MessageId::draw(),
        conversation_id: ConversationId::between(sender_id, recipient_id),
        sequence: offset + 1,
        position: Position { epoch: 1, partition: 0, offset },
        sender_id,
        recipient_id,
        client_message_id: uuid::Uuid::now_v7().to_string(),
        content: "x".repeat(bytes),
        message_type: MessageType::Text,
        timestamp: Timestamp::now(),
        reply_to_message_id: None,
        metadata: None,
        hidden: false,
        erased: false,
    };
    let delivery =
        Delivery::Message { message: Arc::new(message), status: MessageStatus::Sent, origin: Some(1) };
    Arc::new(Batch {
        partition: 0,
        first: false,
        next: offset + 1,
        answers: Vec::new(),
        deliveries: vec![delivery],
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_that_is_cut_under_load_loses_nothing_and_delivers_nothing_twice() {
    let core = Core::new().await;
    let (ann, bob) = (core.person("ann").await, core.person("bob").await);
    let proxy = Proxy::to(core.address).await;
    let (here, there) = (remote(&[proxy.address]), remote(&[proxy.address]));
    until("linked", || here.health().is_ok() && there.health().is_ok()).await;
    let mut reader = Reader::open(there.clone(), bob).await;
    let sender = tokio::spawn(async move {
        let mut acknowledged = Vec::new();
        for n in 0..600 {
            // As a client does: with the same id until it is settled.
            let id = uuid::Uuid::now_v7().to_string();
            let sent = loop {
                let text = n.to_string();
                match begin(&here, ann, 1, draft(bob, &text, Some(&id))).await.await.unwrap() {
                    Ok(sent) => break sent,
                    Err(Error::NotAccepted(_) | Error::OutcomeUnknown) => {
                        sleep(Duration::from_millis(5)).await
                    }
                    Err(other) => panic!("{other:?}"),
                }
            };
            acknowledged.push(sent.message.sequence);
            if n % 150 == 75 {
                proxy.cut();
            }
        }
        acknowledged
    });
    reader.read(600).await;
    let acknowledged = sender.await.unwrap();
    assert_eq!(acknowledged, (1..=600).collect::<Vec<u64>>());
    reader.assert_whole();
    assert!(reader.missed >= 4, "{} links were made again", reader.missed);
    let texts: Vec<String> = reader.taken.iter().map(|message| message.content.clone()).collect();
    assert_eq!(texts, (0..600).map(|n| n.to_string()).collect::<Vec<_>>());
    assert!(reader.read(600).await.len() == 600);
}

#[tokio::test]
async fn what_was_in_flight_when_the_link_was_lost_is_unknown() {
    let made = Made::new().await;
    let proxy = Proxy::to(made.address).await;
    let remote = remote(&[proxy.address]);
    until("linked", || remote.health().is_ok()).await;
    let (ann, bob) = (UserId::draw(), UserId::draw());
    let sent = begin(&remote, ann, 1, draft(bob, "hi", None)).await;
    until("taken", || made.count("link_calls_taken_total") == 1).await;
    proxy.set_open(false);
    assert!(matches!(timeout(PATIENCE, sent).await.unwrap().unwrap(), Err(Error::OutcomeUnknown)));
    until("cut", || remote.health().is_err()).await;
    let sent = begin(&remote, ann, 1, draft(bob, "hi", None)).await;
    assert!(matches!(sent.await.unwrap(), Err(Error::NotAccepted(_))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_never_reads_is_cut_and_the_others_go_on() {
    let made = Made::new().await;
    let (ann, bob) = (UserId::draw(), UserId::draw());
    let other = remote(&[made.address]);
    until("linked", || other.health().is_ok()).await;
    let mut deliveries = other.deliveries();
    other.attend(bob).await.unwrap();
    // It is let in, wants everything, says each second that it lives, and reads nothing.
    let deaf = Raw::link(made.address, "All").await;
    until("both linked", || made.count("link_peers") == 2).await;
    let (reader, mut writer) = deaf.0.into_split();
    let beats = tokio::spawn(async move {
        while writer.write_all(b"\0\0\0\x06\"Beat\"").await.is_ok() {
            sleep(Duration::from_millis(500)).await;
        }
    });
    // More than the outbox and the system's buffers hold; the other one reads each batch before the next.
    for offset in 0..4000 {
        made.batches.send(batch(offset, [ann, bob], 20_000)).await.unwrap();
        loop {
            match timeout(PATIENCE, deliveries.recv()).await.unwrap().unwrap() {
                Heard::Batch(batch) if batch.next == offset + 1 => break,
                Heard::Batch(batch) => panic!("{} after {offset}", batch.next),
                Heard::Missed => assert_eq!(offset, 0, "cut"),
            }
        }
    }
    until("the deaf one is cut", || made.count("link_peers") == 1).await;
    assert!(made.count("link_peers_cut_total") >= 1);
    assert!(other.health().is_ok());
    beats.abort();
    drop(reader);
}

#[tokio::test]
async fn a_process_that_falls_silent_is_cut() {
    let made = Made::new().await;
    let mut silent = Raw::link(made.address, "Attended").await;
    let said = silent.rest().await;
    let beats = String::from_utf8_lossy(&said).matches("\"Beat\"").count();
    assert!(beats >= 2, "it was told each second that the server lives: {beats}");
    until("forgotten", || made.count("link_peers") == 0).await;
}

#[tokio::test]
async fn a_partition_that_has_a_new_owner_is_pulled() {
    let (one, two) = (Made::new().await, Made::new().await);
    let (ann, bob) = (UserId::draw(), UserId::draw());
    let remote = remote(&[one.address, two.address]);
    until("linked", || remote.links() == 2).await;
    remote.attend(bob).await.unwrap();
    let mut deliveries = remote.deliveries();
    let mut heard = async |batch| loop {
        match timeout(PATIENCE, deliveries.recv()).await.unwrap().unwrap() {
            Heard::Missed if batch => {}
            Heard::Missed => return u64::MAX,
            Heard::Batch(batch) => return batch.next,
        }
    };
    one.batches.send(batch(0, [ann, bob], 10)).await.unwrap();
    assert_eq!(heard(true).await, 1);
    let first = Batch { partition: 0, first: true, next: 1, answers: Vec::new(), deliveries: Vec::new() };
    two.batches.send(Arc::new(first)).await.unwrap();
    two.batches.send(batch(1, [ann, bob], 10)).await.unwrap();
    assert_eq!(heard(false).await, u64::MAX, "first that something may be missing");
    assert_eq!(heard(true).await, 2);
    assert_eq!(remote.position().next[0], 2);
}
