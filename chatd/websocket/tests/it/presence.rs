//! Who is there and who is typing, over sockets.

use crate::client::{Client, body, call};
use crate::world::{Person, World, other_device};
use schema::presence::Chosen;
use schema::wire::stomp::{Command, Frame};
use schema::{ConversationId, Position, Timestamp};
use serde_json::{Value, json};
use store::messages::Write;
use store::profiles::Contact;
use websocket::Config;

fn topic(name: &str) -> String {
    format!("/topic/presence.{name}")
}

/// A client that listens to typing and errors.
async fn typist(world: &World, person: Person) -> Client {
    let mut client = world.connect(person).await;
    client.subscribe("errors", "/user/queue/errors", &[]).await;
    client.subscribe("typing", "/user/queue/typing", &[("receipt", "there")]).await;
    assert_eq!(client.frame().await.header("receipt-id"), Some("there"));
    client
}

async fn heard(client: &mut Client, subscription: &str) -> Value {
    body(&client.on(subscription).await)
}

fn typing(peer: &Value, on: bool) -> Frame {
    call("/app/chat.typing", &json!({"peerId": peer, "typing": on}))
}

async fn set_block(world: &World, user: Person, peer: Person, blocked: bool, offset: u64) {
    let block = Write::Block {
        conversation: ConversationId::between(user.user, peer.user),
        user: user.user,
        peer: peer.user,
        blocked,
        position: Position { offset, ..Position::default() },
        at: Timestamp::now(),
    };
    world.embedded.stores.messages.write(&[block]).await.unwrap();
    world.changes.person(user.user, None);
}

#[tokio::test]
async fn presence_follows_sockets_however_they_end() {
    let world = World::new().await;
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    let mut b = world.connect(bob).await;
    b.subscribe("ann", &topic("Ann"), &[("receipt", "r")]).await;
    let mut first = [b.frame().await, b.frame().await];
    first.sort_by_key(|frame| frame.command == Command::Message);
    assert_eq!(first[0].header("receipt-id"), Some("r"));
    assert_eq!(first[1].header("destination"), Some("/topic/presence.Ann"), "as it was asked for");
    let state: Value = body(&first[1]);
    assert_eq!(state, json!({"userId": ann.user, "status": "OFFLINE"}), "the state as it is");

    let (mut phone, desk) = (world.connect(ann).await, world.connect(other_device(ann)).await);
    assert_eq!(heard(&mut b, "ann").await["status"], "ONLINE");
    phone.ask(call("/app/presence.update", &json!({"status": "BUSY"}))).await;
    assert_eq!(heard(&mut b, "ann").await["status"], "BUSY");
    phone.send(&Frame::new(Command::Disconnect)).await;
    assert_eq!(phone.closed().await.0, Some(1000));
    drop(desk); // without a goodbye
    let gone = heard(&mut b, "ann").await;
    assert_eq!(gone["status"], "OFFLINE", "only after the last");
    assert!(gone["lastSeen"].is_string());
}

#[tokio::test]
async fn who_is_silent_is_found_gone() {
    let world = World::with(Config { heartbeat_ms: 1000, ..Config::default() }).await;
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    let mut b = world.connect(bob).await;
    b.subscribe("ann", &topic("ann"), &[]).await;
    assert_eq!(heard(&mut b, "ann").await["status"], "OFFLINE");
    let mut silent = Client::open(world.address).await;
    let connect = Frame::new(Command::Connect)
        .with("accept-version", "1.2")
        .with("heart-beat", "1000,1000")
        .with("Authorization", &format!("Bearer {}", world.token(ann)));
    silent.send(&connect).await;
    assert_eq!(heard(&mut b, "ann").await["status"], "ONLINE");
    // The promised beats never come, and the connection stays open.
    assert_eq!(heard(&mut b, "ann").await["status"], "OFFLINE");
}

#[tokio::test]
async fn contacts_are_told_of_and_nobody_else() {
    let world = World::new().await;
    let [ann, bob, eve, tom] = [
        world.person("ann").await,
        world.person("bob").await,
        world.person("eve").await,
        world.person("tom").await,
    ];
    for contact in [bob, eve] {
        let contact = Contact { user_id: contact.user, alias: None, created_at: Timestamp::now() };
        world.embedded.stores.profiles.put_contact(ann.user, contact, 9).await.unwrap();
    }
    let (_b, _t) = (world.connect(bob).await, world.connect(tom).await);
    let mut a = world.connect(ann).await;
    a.subscribe("contacts", "/user/queue/presence", &[]).await;
    let first = a.on("contacts").await;
    assert_eq!(first.header("destination"), Some("/user/queue/presence"));
    let first: Value = body(&first);
    assert_eq!((&first["userId"], &first["status"]), (&json!(bob.user), &json!("ONLINE")));
    let e = world.connect(eve).await;
    assert_eq!(heard(&mut a, "contacts").await["userId"], json!(eve.user));
    drop(e);
    assert_eq!(heard(&mut a, "contacts").await["status"], "OFFLINE");
    a.ask(Frame::new(Command::Unsubscribe).with("id", "contacts")).await;
    world.presence.set_status(bob.user, Chosen::Away).await.unwrap();
    a.subscribe("again", "/user/queue/presence", &[]).await;
    let frame = a.frame().await;
    assert_eq!(frame.header("subscription"), Some("again"), "nothing came on the one that ended");
    assert_eq!(body::<Value>(&frame)["status"], "AWAY");
}

/// More contacts are there than an outbox takes at once: they come as it empties, each once, and the session
/// lives.
#[tokio::test]
async fn a_crowd_of_contacts_is_told_at_the_pace_of_the_session() {
    const CROWD: usize = 300;
    let world = World::with(Config { outbox_bytes: 65_536, ..Config::default() }).await;
    let ann = world.person("ann").await;
    for n in 0..CROWD {
        let contact = world.person(&format!("user{n}")).await.user;
        let entry = Contact { user_id: contact, alias: None, created_at: Timestamp::now() };
        world.embedded.stores.profiles.put_contact(ann.user, entry, CROWD).await.unwrap();
        world.presence.connected(contact, 1_000_000 + n as u64);
    }
    let mut a = world.connect(ann).await;
    a.subscribe("contacts", "/user/queue/presence", &[]).await;
    let mut there = std::collections::HashSet::new();
    while there.len() < CROWD {
        let state = heard(&mut a, "contacts").await;
        assert_eq!(state["status"], "ONLINE");
        assert!(there.insert(state["userId"].as_str().unwrap().to_owned()), "{state} came twice");
    }
}

#[tokio::test]
async fn typing_reaches_the_devices_of_the_peer_and_nobody_else() {
    let world = World::new().await;
    let (ann, bob, eve) = (world.person("ann").await, world.person("bob").await, world.person("eve").await);
    let (mut a, mut a2) = (typist(&world, ann).await, typist(&world, other_device(ann)).await);
    let (mut b, mut b2) = (typist(&world, bob).await, typist(&world, other_device(bob)).await);
    let mut e = typist(&world, eve).await;
    a.ask(typing(&json!("bob"), true)).await;
    a.ask(call("/app/chat.typing", &json!({"targetUserId": bob.user, "typing": true}))).await;
    a2.ask(typing(&json!(bob.user), true)).await;
    for device in [&mut b, &mut b2] {
        let told = device.on("typing").await;
        assert_eq!(told.header("destination"), Some("/user/queue/typing"));
        let told: Value = body(&told);
        assert_eq!((&told["userId"], &told["typing"]), (&json!(ann.user), &json!(true)));
        assert!(told["timestamp"].is_string());
    }
    a.ask(typing(&json!("bob"), false)).await;
    for device in [&mut b, &mut b2] {
        assert_eq!(heard(device, "typing").await["typing"], false, "told once, though said three times");
    }
    b.ask(typing(&json!(eve.user), true)).await;
    let told = heard(&mut e, "typing").await;
    assert_eq!(told["userId"], json!(bob.user), "the first that eve hears of");
    b.ask(typing(&json!(ann.user), true)).await;
    for device in [&mut a, &mut a2] {
        assert_eq!(heard(device, "typing").await["userId"], json!(bob.user), "nothing of one's own");
    }
    // Its end comes by itself, once the person has no socket any more.
    drop((b, b2));
    assert_eq!(heard(&mut a, "typing").await["typing"], false);
    for destination in ["/app/chat.join", "/app/chat.leave"] {
        a.ask(call(destination, &json!({"peerId": "bob"}))).await;
        a.ask(Frame::new(Command::Send).with("destination", destination)).await;
    }
}

#[tokio::test]
async fn a_blocked_pair_sees_nothing_of_each_other() {
    let world = World::new().await;
    let (ann, bob, eve) = (world.person("ann").await, world.person("bob").await, world.person("eve").await);
    let mut offset = 0;
    for (by, whom) in [(ann, bob), (bob, ann)] {
        offset += 2;
        set_block(&world, by, whom, true, offset).await;
        for (me, name, other) in [(ann, "bob", bob), (bob, "ann", ann)] {
            let mut mine = typist(&world, me).await;
            mine.subscribe("other", &topic(name), &[]).await;
            assert_eq!(heard(&mut mine, "other").await, json!({"userId": other.user, "status": "OFFLINE"}));
            let mut theirs = typist(&world, other).await;
            theirs.ask(call("/app/presence.update", &json!({"status": "AWAY"}))).await;
            theirs.ask(typing(&json!(me.user), true)).await;
            theirs.ask(call("/app/presence.update", &json!({"status": "ONLINE"}))).await;
            // What a third one does arrives, and nothing of the other before it.
            let mut third = typist(&world, eve).await;
            mine.subscribe("eve", &topic("eve"), &[]).await;
            assert_eq!(heard(&mut mine, "eve").await["status"], "ONLINE");
            third.ask(typing(&json!(me.user), true)).await;
            let frame = mine.frame().await;
            assert_eq!(frame.header("subscription"), Some("typing"), "{frame:?}");
            assert_eq!(body::<Value>(&frame)["userId"], json!(eve.user));
            third.ask(typing(&json!(me.user), false)).await;
            let seen = world.presence.see(me.user, name).await.unwrap();
            assert_eq!((seen.last_seen, seen.typing), (None, None));
        }
        set_block(&world, by, whom, false, offset + 1).await;
    }
}

#[tokio::test]
async fn bad_input_is_answered_by_name() {
    let world = World::new().await;
    let (ann, _bob) = (world.person("ann").await, world.person("bob").await);
    let mut a = typist(&world, ann).await;
    let (typing, update) = ("/app/chat.typing", "/app/presence.update");
    let cases = [
        (typing, json!({"peerId": "bob"}), "invalid", "typing"),
        (typing, json!({"typing": true}), "invalid", "peerId"),
        (typing, json!({"peerId": " ", "typing": true}), "invalid", "peerId"),
        (typing, json!({"peerId": "", "typing": false}), "invalid", "peerId"),
        (typing, json!({"peerId": "bob", "targetUserId": "bob", "typing": true}), "invalid", "peerId"),
        (typing, json!({"peerId": 7, "typing": true}), "malformed", "peerId"),
        (typing, json!({"peerId": "bob", "typing": "true"}), "malformed", "typing"),
        (typing, json!({"peerId": "bob", "typing": 1}), "malformed", "typing"),
        (typing, json!([]), "malformed", ""),
        (typing, json!(["bob", true]), "malformed", ""),
        (typing, json!({"peerId": "nobody.here", "typing": true}), "not-found", ""),
        (typing, json!({"peerId": "../bob", "typing": true}), "not-found", ""),
        (update, json!({"status": "OFFLINE"}), "invalid", "status"),
        (update, json!({"status": "SLEEPING"}), "invalid", "status"),
        (update, json!({"status": true}), "malformed", "status"),
        (update, json!({"online": true}), "invalid", "status"),
        (update, json!("AWAY"), "malformed", "request"),
    ];
    for (destination, request, code, field) in cases {
        a.send(&call(destination, &request).with("receipt", "r")).await;
        let problem = heard(&mut a, "errors").await;
        assert_eq!((&problem["code"], &problem["receipt"]), (&json!(code), &json!("r")), "{request}");
        let named = problem["errors"][0]["field"].as_str().unwrap_or_default();
        assert_eq!(named, field, "{destination} {request}: {problem}");
    }
    a.send(&Frame::new(Command::Send).with("destination", typing).with("receipt", "r")).await;
    assert_eq!(heard(&mut a, "errors").await["code"], "malformed");
    for name in ["nobody.here", "*", "bob*", "a/b", &schema::UserId::draw().to_string()] {
        a.subscribe(name, &topic(name), &[("receipt", name)]).await;
        let problem = heard(&mut a, "errors").await;
        assert_eq!((&problem["code"], &problem["receipt"]), (&json!("not-found"), &json!(name)));
    }
    // An id that was refused is free.
    a.subscribe("*", &topic("bob"), &[]).await;
    assert_eq!(heard(&mut a, "*").await["status"], "OFFLINE");

    let mut deaf = world.connect(ann).await;
    deaf.subscribe("s", &topic("nobody.here"), &[("receipt", "r")]).await;
    let error = deaf.frame().await;
    assert_eq!((error.command, error.header("receipt-id")), (Command::Error, Some("r")));
    assert_eq!(deaf.closed().await.0, Some(1008));
}

#[tokio::test]
async fn topics_and_turns_of_a_session_are_bounded() {
    let world = World::with(Config { messages_per_second: 1, messages_burst: 3, ..Config::default() }).await;
    let (ann, _bob) = (world.person("ann").await, world.person("bob").await);
    let mut a = typist(&world, ann).await;
    a.ask(typing(&json!("bob"), true)).await;
    a.ask(call("/app/presence.update", &json!({"status": "AWAY"}))).await;
    a.subscribe("bob", &topic("bob"), &[]).await;
    heard(&mut a, "bob").await;
    a.send(&typing(&json!("bob"), true).with("receipt", "late")).await;
    let problem = heard(&mut a, "errors").await;
    assert_eq!((&problem["status"], &problem["receipt"]), (&json!(429), &json!("late")));

    let world = World::new().await;
    let ann = world.person("ann").await;
    let mut a = world.connect(ann).await;
    for n in 0..=schema::limits::PRESENCE_TOPICS {
        a.subscribe(&n.to_string(), &topic("ann"), &[]).await;
    }
    let error = loop {
        let frame = a.frame().await;
        if frame.command == Command::Error {
            break frame;
        }
    };
    assert!(error.header("message").unwrap().contains("50 subscriptions"));
    assert_eq!(a.closed().await.0, Some(1002));
}
