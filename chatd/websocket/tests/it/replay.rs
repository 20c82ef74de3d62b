//! What was missed: without a cursor, with one, and while others go on sending.

use crate::client::{Client, body, text};
use crate::world::{Person, World, other_device};
use schema::wire::stomp::{Command, Frame};
use schema::{Message, MessageStatus};
use std::collections::HashMap;

/// Takes messages until one says `last`; checks that each conversation comes in order and once.
async fn until(client: &mut Client, subscription: &str, last: &str) -> (Vec<Message>, Option<String>) {
    let mut messages: Vec<Message> = Vec::new();
    let mut sequences = HashMap::new();
    loop {
        let frame = client.on(subscription).await;
        let message: Message = body(&frame);
        if let Some(before) = sequences.insert(message.conversation_id, message.sequence) {
            assert!(before < message.sequence, "{} after {before}", message.sequence);
        }
        messages.push(message);
        if messages.last().unwrap().content == last {
            return (messages, frame.header("cursor").map(str::to_owned));
        }
    }
}

async fn send_numbers(world: &World, from: Person, to: Person, numbers: std::ops::Range<u32>) {
    let sends: Vec<_> = numbers
        .map(|n| {
            let (tell, told) = tokio::sync::oneshot::channel();
            let origin = chat::Origin { user: from.user, connection: None, traceparent: None };
            let draft =
                serde_json::from_value(serde_json::json!({"recipientId": to.user, "content": n.to_string()}));
            (world.chat.clone(), origin, draft.unwrap(), tell, told)
        })
        .collect();
    let mut outcomes = Vec::new();
    for (chat, origin, draft, tell, told) in sends {
        chat.send(origin, draft, Box::new(move |outcome| drop(tell.send(outcome)))).await;
        outcomes.push(told);
    }
    for told in outcomes {
        told.await.unwrap().unwrap();
    }
}

fn numbers(messages: &[Message]) -> Vec<u32> {
    messages.iter().map(|message| message.content.parse().unwrap()).collect()
}

#[tokio::test]
async fn a_thousand_messages_wait_for_who_was_away_and_come_once() {
    let world = World::new().await;
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    send_numbers(&world, ann, bob, 0..1000).await;
    send_numbers(&world, bob, ann, 5000..5003).await;
    let mut b = world.listen(bob).await;
    let (messages, cursor) = until(&mut b, "messages", "999").await;
    assert_eq!(numbers(&messages), (0..1000).collect::<Vec<_>>(), "and nothing that bob sent");
    assert!(cursor.is_some(), "the last message has a cursor, however the pages fell");

    world.send(ann, bob, "live").await;
    let (live, cursor) = until(&mut b, "messages", "live").await;
    assert_eq!(live.len(), 1);
    drop(b);

    send_numbers(&world, ann, bob, 2000..2500).await;
    send_numbers(&world, bob, ann, 6000..6003).await;
    let mut b = world.connect(bob).await;
    b.subscribe("messages", "/user/queue/messages", &[("cursor", &cursor.unwrap())]).await;
    let (messages, _) = until(&mut b, "messages", "6002").await;
    let (own, got): (Vec<_>, Vec<_>) = messages.into_iter().partition(|one| one.sender_id == bob.user);
    assert_eq!(numbers(&got), (2000..2500).collect::<Vec<_>>());
    assert_eq!(numbers(&own), [6000, 6001, 6002], "with a cursor, one's own too");
}

#[tokio::test]
async fn nothing_is_lost_or_doubled_while_others_go_on_sending() {
    let world = std::sync::Arc::new(World::new().await);
    let (ann, bob, eve) = (world.person("ann").await, world.person("bob").await, world.person("eve").await);
    send_numbers(&world, ann, bob, 0..300).await;
    let (there, mut b) = (std::sync::Arc::clone(&world), world.connect(bob).await);
    let sender = tokio::spawn(async move {
        for round in 0..20 {
            send_numbers(&there, ann, bob, 300 + round * 20..320 + round * 20).await;
            send_numbers(&there, eve, bob, 300 + round * 20..320 + round * 20).await;
        }
        there.send(ann, bob, "last").await;
    });
    b.subscribe("one", "/user/queue/messages", &[]).await;
    let mut cursor = None;
    for message in 0..250 {
        let frame = b.on("one").await;
        if let Some(text) = frame.header("cursor") {
            cursor = Some((message, text.to_owned()));
        }
    }
    b.subscribe("two", "/user/queue/messages", &[]).await;
    let (rest, _) = until(&mut b, "one", "last").await;
    assert_eq!(250 + rest.len(), 300 + 800 + 1, "once each on the first subscription");
    sender.await.unwrap();

    // From any cursor on the way, exactly the rest.
    if let Some((seen, cursor)) = cursor {
        let mut again = world.connect(other_device(bob)).await;
        again.subscribe("messages", "/user/queue/messages", &[("cursor", &cursor)]).await;
        let (messages, _) = until(&mut again, "messages", "last").await;
        assert_eq!(messages.len(), 300 + 800 + 1 - (seen + 1));
    }
}

/// Each subscription takes over from the one before, in the middle of the traffic.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn subscriptions_that_follow_each_other_by_cursor_see_one_unbroken_line() {
    let world = std::sync::Arc::new(World::new().await);
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    let (there, mut b) = (std::sync::Arc::clone(&world), world.connect(bob).await);
    let sender = tokio::spawn(async move {
        for n in 0..400 {
            send_numbers(&there, ann, bob, n * 5..n * 5 + 5).await;
        }
        there.send(ann, bob, "last").await;
    });
    let (mut cursor, mut sequence) = (None::<String>, 0);
    for round in 0.. {
        let id = round.to_string();
        let header = cursor.as_deref().map(|cursor| ("cursor", cursor));
        b.subscribe(&id, "/user/queue/messages", header.as_slice()).await;
        let mut last = false;
        for _ in 0..20 {
            let frame = b.on(&id).await;
            let message: Message = body(&frame);
            sequence += 1;
            assert_eq!(message.sequence, sequence, "in round {round}");
            cursor = frame.header("cursor").map(str::to_owned).or(cursor);
            last = message.content == "last";
            if last {
                break;
            }
        }
        if last {
            break;
        }
        b.ask(Frame::new(Command::Unsubscribe).with("id", &id)).await;
    }
    sender.await.unwrap();
    assert_eq!(sequence, 2001);
}

#[tokio::test]
async fn what_a_session_sends_during_its_replay_does_not_come_back() {
    let world = World::new().await;
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    send_numbers(&world, ann, bob, 0..400).await;
    let mut b = world.connect(bob).await;
    b.subscribe("messages", "/user/queue/messages", &[]).await;
    b.send(&text(ann, "answer").with("receipt", "sent")).await;
    world.send(other_device(bob), ann, "from the other device").await;
    world.send(ann, bob, "last").await;
    let (messages, _) = until(&mut b, "messages", "last").await;
    assert!(messages.iter().all(|message| message.content != "answer"));
    assert!(messages.len() == 401 || messages.len() == 402, "{}", messages.len());
}

#[tokio::test]
async fn a_delivered_message_is_not_undelivered_any_more() {
    let world = World::new().await;
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    let mut a = world.listen(ann).await;
    world.send(ann, bob, "one").await;
    let mut b = world.listen(bob).await;
    assert_eq!(b.message().await.content, "one");
    // The client answers the server's ping by reading on; ann hears of the mark.
    let waiting = tokio::spawn(async move {
        loop {
            b.next().await;
        }
    });
    a.status("DELIVERED", 1).await;
    waiting.abort();
    world.send(ann, bob, "two").await;
    let mut other = world.listen(other_device(bob)).await;
    let next = other.message().await;
    assert_eq!((next.content.as_str(), next.status), ("two", MessageStatus::Sent));
}

#[tokio::test]
async fn cursors_of_others_and_inventions_are_refused() {
    let world = World::new().await;
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    world.send(ann, bob, "x").await;
    let mut b = world.listen(bob).await;
    let cursor = b.on("messages").await.header("cursor").unwrap().to_owned();
    for (person, cursor) in [(ann, cursor.as_str()), (bob, "AAAA"), (bob, "")] {
        let mut client = world.connect(person).await;
        client.subscribe("m", "/user/queue/messages", &[("cursor", cursor)]).await;
        assert_eq!(client.closed().await.0, Some(1002), "{cursor:?}");
    }
}

#[tokio::test]
async fn the_old_protocol_subscribes_without_an_id() {
    let world = World::new().await;
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    let mut b = Client::open(world.address).await;
    b.login(&world.token(bob), schema::wire::stomp::Version::V10).await;
    b.send(&Frame::new(Command::Subscribe).with("destination", "/user/queue/messages")).await;
    world.send(ann, bob, "hi").await;
    let frame = b.frame().await;
    assert_eq!((frame.command, frame.header("subscription")), (Command::Message, None));
    assert_eq!(body::<Message>(&frame).content, "hi");
}

/// A broken link is told again and again while this very session sends: it pulls, without its own messages,
/// and its loop rests meanwhile. On a runtime of one thread, which a loop that does not rest would hold.
#[test]
fn gaps_while_sends_are_in_flight_lose_nothing_and_hold_nobody_up() {
    let (tell, told) = std::sync::mpsc::sync_channel(1);
    let run = async {
        let world = World::new().await;
        let (ann, bob) = (world.person("ann").await, world.person("bob").await);
        let mut b = world.listen(bob).await;
        for round in 0..40 {
            for n in 0..5 {
                b.send(&text(ann, &format!("own {round} {n}"))).await;
            }
            world.chat.missed().await;
            send_numbers(&world, ann, bob, round * 5..round * 5 + 5).await;
            world.chat.missed().await;
        }
        world.send(ann, bob, "200").await;
        let (messages, _) = until(&mut b, "messages", "200").await;
        assert_eq!(numbers(&messages), (0..=200).collect::<Vec<_>>(), "each once, and nothing of one's own");
    };
    std::thread::spawn(move || {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(run);
        tell.send(()).unwrap();
    });
    told.recv_timeout(std::time::Duration::from_secs(120)).expect("it was red, or holds its thread");
}
