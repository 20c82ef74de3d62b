//! What people allow: messages from those they do not know, and word of what they have read.

use crate::world::{World, batch};
use chat::{Delivery, MarkKind, Talk};
use schema::api::{Sync, SyncEvent};
use schema::message::Entry;
use schema::user::PrivacyChange;
use schema::{Code, MessageStatus, Timestamp, UserId};
use store::profiles::Contact;

fn statuses(entries: &[Entry]) -> Vec<MessageStatus> {
    entries.iter().filter_map(|entry| entry.clone().message()).map(|message| message.status).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_are_refused_until_they_are_known() {
    let world = World::new().await;
    let (ann, bob, cat) = (world.person("ann").await, world.person("bob").await, world.person("cat").await);
    world.send(ann, "bob", "accepted", Some("c-1")).await.unwrap();
    let closed = PrivacyChange { allow_messages_from_unknown: Some(false), ..PrivacyChange::default() };
    world.set_privacy(bob, closed).await;
    for stranger in [ann, cat] {
        let refused = world.send(stranger, "bob", "x", None).await.unwrap_err();
        assert_eq!(refused.code(), Code::RecipientUnavailable);
    }
    let repeat = world.send(ann, "bob", "accepted", Some("c-1")).await.unwrap();
    assert!(repeat.repeat, "what was accepted once is answered to a repeat");
    world.send(bob, "bob", "a note to oneself", None).await.unwrap();

    world.send(bob, "ann", "who are you?", None).await.unwrap();
    world.send(ann, "bob", "an answer", None).await.unwrap();
    let contact = Contact { user_id: cat, alias: None, created_at: Timestamp::now() };
    world.embedded.stores.profiles.put_contact(bob, contact, 10).await.unwrap();
    world.send(cat, "bob", "from a contact", None).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn read_receipts_that_are_not_shown_are_shown_nowhere() {
    let world = World::new().await;
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    let hidden = |shows| PrivacyChange { show_read_receipts: Some(shows), ..PrivacyChange::default() };
    world.set_privacy(bob, hidden(false)).await;
    let first = world.send(ann, "bob", "one", None).await.unwrap().message.message_id;
    let mut link = world.chat.deliveries();
    world.chat.mark(bob, ann, MarkKind::Seen, 1, None).await.unwrap();
    // The message itself may come before.
    let (status, shown) = loop {
        let told = batch(&mut link).await;
        if let Some(Delivery::Mark { status, shown, .. }) = told.deliveries.last() {
            break (*status, *shown);
        }
    };
    assert_eq!((status, shown), (MessageStatus::Seen, Some(MessageStatus::Delivered)));

    assert_eq!(statuses(&world.history(ann, bob).await), [MessageStatus::Delivered]);
    assert_eq!(statuses(&world.history(bob, ann).await), [MessageStatus::Seen]);
    assert_eq!(world.chat.message(ann, first).await.unwrap().status, MessageStatus::Delivered);
    assert_eq!(marks(&world, ann).await, [MessageStatus::Delivered]);
    assert_eq!(marks(&world, bob).await, [MessageStatus::Seen]);

    world.set_privacy(bob, hidden(true)).await;
    assert_eq!(
        statuses(&world.history(ann, bob).await),
        [MessageStatus::Delivered],
        "the past stays private"
    );
    world.send(ann, "bob", "two", None).await.unwrap();
    world.chat.mark(bob, ann, MarkKind::Seen, 2, None).await.unwrap();
    assert_eq!(statuses(&world.history(ann, bob).await), [MessageStatus::Seen; 2]);
}

async fn marks(world: &World, user: UserId) -> Vec<MessageStatus> {
    let told: Sync = world.read(user, "/api/chat/sync").await;
    let mark = |event: SyncEvent| match event {
        SyncEvent::Mark { status, .. } => Some(status),
        SyncEvent::Message { .. } => None,
    };
    told.events.into_iter().filter_map(mark).collect()
}
