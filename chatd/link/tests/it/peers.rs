//! Chat processes beside each other.

use crate::cut::batch;
use crate::late::Made;
use crate::proxy::Proxy;
use crate::world::{Core, PATIENCE, client, draft, send, until};
use async_trait::async_trait;
use chat::{Batch, Outcome};
use edge::Metrics;
use link::{Client, Deliveries, Hears, Peers};
use schema::UserId;
use schema::event::ReplyTo;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::time::timeout;
use uuid::Uuid;

/// Notes what it hears; `None` is that something was missed.
struct Notes(mpsc::Sender<Option<Arc<Batch>>>);

#[async_trait]
impl Hears for Notes {
    async fn hear(&self, batch: Arc<Batch>) {
        let _ = self.0.send(Some(batch)).await;
    }
    async fn missed(&self) {
        let _ = self.0.send(None).await;
    }
}

fn open(client: Client, deliveries: Deliveries) -> (Peers, mpsc::Receiver<Option<Arc<Batch>>>) {
    let (sender, heard) = mpsc::channel(256);
    (Peers::open(client, Arc::new(Notes(sender)), deliveries, &Metrics::new()), heard)
}

async fn next(heard: &mut mpsc::Receiver<Option<Arc<Batch>>>) -> Option<Arc<Batch>> {
    timeout(PATIENCE, heard.recv()).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_process_hears_its_own_answers_and_everybodys_positions() {
    let made = Made::new().await;
    let (one, two) = (client(&[made.address]), client(&[made.address]));
    let nodes = [one.node, two.node];
    let (_one, mut ones) = open(one, Deliveries::Attended);
    let (second, mut twos) = open(two, Deliveries::All);
    assert!(next(&mut ones).await.is_none() && next(&mut twos).await.is_none());
    let answer = |node: Uuid, waiter| (ReplyTo { node, waiter, connection: Some(5) }, Outcome::Applied);
    let mut told = Batch::clone(&batch(6, [UserId::draw(), UserId::draw()], 100));
    told.answers = vec![
        answer(nodes[0], 1),
        answer(nodes[1], 2),
        (answer(nodes[0], 3).0, Outcome::Conflict),
        answer(Uuid::new_v4(), 4),
    ];
    made.batches.send(Arc::new(told)).await.unwrap();
    let (first, other) = (next(&mut ones).await.unwrap(), next(&mut twos).await.unwrap());
    let waiters = |batch: &Batch| batch.answers.iter().map(|(to, _)| to.waiter).collect::<Vec<_>>();
    assert_eq!((waiters(&first), waiters(&other)), (vec![1, 3], vec![2]));
    assert!(matches!(first.answers[1].1, Outcome::Conflict));
    assert_eq!((first.next, other.next), (7, 7));
    assert_eq!((first.deliveries.len(), other.deliveries.len()), (0, 1), "one attends nobody");
    assert_eq!(second.links(), 1);
}

#[tokio::test]
async fn a_real_sequencers_batches_are_heard_and_a_lost_link_is_told() {
    let core = Core::new().await;
    let (ann, bob) = (core.person("ann").await, core.person("bob").await);
    let proxy = Proxy::to(core.address).await;
    let (peers, mut heard) = open(client(&[proxy.address]), Deliveries::Attended);
    assert!(next(&mut heard).await.is_none());
    peers.attend(bob).await;
    let sent = send(&core.chat, ann, draft(bob, "hi", None)).await.unwrap();
    let batch = loop {
        let batch = next(&mut heard).await.unwrap();
        if !batch.deliveries.is_empty() {
            break batch;
        }
    };
    assert_eq!(batch.deliveries[0].position(), sent.message.position);
    proxy.cut();
    while next(&mut heard).await.is_some() {}
    until("linked again", || peers.links() == 1).await;
    peers.leave(bob);
}

#[tokio::test]
async fn a_process_does_not_link_to_itself_nor_twice_to_another() {
    let made = Made::new().await;
    let (own, mut heard) = open(Client { node: made.node, ..client(&[made.address]) }, Deliveries::All);
    let proxy = Proxy::to(made.address).await;
    let (other, mut others) = open(client(&[made.address, proxy.address]), Deliveries::All);
    assert!(next(&mut others).await.is_none());
    made.batches.send(batch(0, [UserId::draw(), UserId::draw()], 10)).await.unwrap();
    assert_eq!(next(&mut others).await.unwrap().next, 1);
    made.batches.send(batch(1, [UserId::draw(), UserId::draw()], 10)).await.unwrap();
    assert_eq!(next(&mut others).await.unwrap().next, 2, "each batch comes once");
    assert_eq!((own.links(), other.links()), (0, 1));
    assert!(heard.try_recv().is_err());
}
