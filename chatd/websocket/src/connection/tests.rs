//! What the outbox, the feeds and the orders to close do to each other.

use super::*;
use presence::{Ear, Heard};
use schema::{ConversationId, MessageId, MessageStatus, MessageType, Timestamp};
use store::messages::StoredMessage;

fn shared(offset: u64) -> (Position, Arc<Shared>) {
    let (a, b) = (UserId::draw(), UserId::draw());
    let position = Position { epoch: 1, partition: 0, offset };
    let message = StoredMessage {
        message_id: MessageId::draw(),
        conversation_id: ConversationId::between(a, b),
        sequence: offset,
        position,
        sender_id: a,
        recipient_id: b,
        client_message_id: offset.to_string(),
        content: "x".repeat(100),
        message_type: MessageType::Text,
        timestamp: Timestamp(0),
        reply_to_message_id: None,
        metadata: None,
        hidden: false,
        erased: false,
    };
    (position, Arc::new(Shared::new(Arc::new(message), MessageStatus::Sent)))
}

fn subscribed(outbox_bytes: usize) -> Connection {
    let connection = Connection::new(1, outbox_bytes);
    let feed = Feed::Replaying { dirty: false };
    connection.state().subscriptions.push(Subscription { number: 7, queue: Queue::Messages, feed });
    connection
}

fn deliver(connection: &Connection, offset: u64) {
    let (position, shared) = shared(offset);
    connection.deliver(position, &shared);
}

fn queued(connection: &Connection) -> Vec<u64> {
    std::iter::from_fn(|| connection.state().outbox.pop())
        .filter_map(|item| match item {
            Item::Message { body: Body::Message(shared), .. } => Some(shared.message.position.offset),
            _ => None,
        })
        .collect()
}

#[test]
fn a_replay_goes_live_only_when_nothing_came_since_it_looked() {
    let connection = subscribed(1 << 20);
    deliver(&connection, 4);
    assert_eq!(queued(&connection), [0; 0], "not queued while it replays");
    let cursor = Cursor { epoch: 1, next: vec![4] };
    assert!(!connection.go_live(7, &cursor), "4 came after that cursor was read");
    let cursor = Cursor { epoch: 1, next: vec![6] };
    assert!(connection.go_live(7, &cursor));
    (4..8).for_each(|offset| deliver(&connection, offset));
    assert_eq!(queued(&connection), [6, 7], "4 and 5 came by the replay");
}

#[test]
fn after_a_gap_everything_is_pulled_again_also_what_was_pulling() {
    let connection = subscribed(1 << 20);
    let cursor = |next| Cursor { epoch: 1, next: vec![next] };
    connection.missed();
    assert!(!connection.state().missed, "it has nothing to begin: it pulls already");
    assert!(!connection.go_live(7, &cursor(0)), "something was lost since it looked");
    assert!(connection.go_live(7, &cursor(0)));
    deliver(&connection, 0);
    connection.missed();
    assert!(connection.state().missed);
    deliver(&connection, 2);
    assert_eq!(queued(&connection), [0], "2 comes by the replay, behind 1");
    connection.missed();
    assert!(!connection.go_live(7, &cursor(3)));
    assert!(connection.go_live(7, &cursor(3)));
}

#[test]
fn an_own_message_behind_a_gap_does_not_hide_what_is_in_it() {
    let connection = subscribed(1 << 20);
    assert!(connection.go_live(7, &Cursor { epoch: 1, next: vec![0] }));
    let at = |offset| Position { epoch: 1, partition: 0, offset };
    connection.passed(at(2));
    connection.missed();
    connection.passed(at(9));
    assert_eq!(connection.state().passed, Cursor { epoch: 1, next: vec![3] });
}

#[test]
fn a_session_that_does_not_read_is_ordered_closed_and_holds_nothing() {
    let connection = subscribed(4096);
    assert!(connection.go_live(7, &Cursor { epoch: 1, next: vec![0] }));
    (0..100).for_each(|offset| deliver(&connection, offset));
    assert_eq!(connection.state().close, Some(Close::SLOW));
    assert_eq!(queued(&connection), [0; 0]);
    connection.close(Close::NORMAL);
    assert_eq!(connection.state().close, Some(Close::SLOW), "the first order counts");
}

#[test]
fn typing_and_presence_are_left_out_where_a_message_is_not() {
    use schema::presence::{Presence, Status};
    let connection = subscribed(8192);
    assert!(connection.go_live(7, &Cursor { epoch: 1, next: vec![0] }));
    for (number, queue) in [(8, Queue::Typing), (9, Queue::Presence)] {
        let feed = Feed::Replaying { dirty: false };
        connection.state().subscriptions.push(Subscription { number, queue, feed });
    }
    let user_id = UserId::draw();
    let typing = Arc::new(Typing { user_id, typing: true, timestamp: Timestamp(0) });
    let shed: u64 = (0..100).map(|_| connection.typing(&typing)).sum();
    assert!((90..100).contains(&shed), "{shed}");
    let state = Arc::new(Presence { user_id, status: Status::Online, last_seen: None, typing: None });
    assert_eq!(connection.presence(9, &state), Heard::Full);
    (0..5).for_each(|offset| deliver(&connection, offset));
    assert_eq!(connection.state().close, None, "there is room for messages");
    assert_eq!(queued(&connection), [0, 1, 2, 3, 4]);
    assert_eq!(connection.presence(9, &state), Heard::Yes);
    assert_eq!(connection.presence(10, &state), Heard::Gone);
    connection.close(Close::NORMAL);
    assert_eq!(connection.presence(9, &state), Heard::Gone);
}

#[test]
fn a_failed_send_ends_a_session_only_when_nobody_listens_for_errors() {
    let problem = Problem::new(schema::Code::NotFound, "nobody");
    let deaf = Connection::new(1, 4096);
    deaf.refuse(&problem, Some("r"));
    assert_eq!(deaf.state().close, Some(Close::POLICY));
    let listening = Connection::new(2, 4096);
    let feed = Feed::Replaying { dirty: false };
    listening.state().subscriptions.push(Subscription { number: 1, queue: Queue::Errors, feed });
    listening.refuse(&problem, Some("r"));
    assert_eq!(listening.state().close, None);
    let Some(Item::Message { body: Body::Problem(told), .. }) = listening.state().outbox.pop() else {
        panic!("no problem")
    };
    assert_eq!(told.receipt.as_deref(), Some("r"));
}
