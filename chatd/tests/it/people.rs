//! A person takes everything with them and goes: the export and the end of an account, through the real door.

use crate::server::Server;
use crate::stomp::Client;
use reqwest::Method;
use schema::api::Export;
use schema::message::Entry;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::time::timeout;

/// A test that waits this long has failed.
const PATIENCE: Duration = Duration::from_secs(60);

struct World {
    server: Server,
    http: reqwest::Client,
    /// ann, bob, cleo.
    tokens: Vec<String>,
}

impl World {
    async fn new() -> Self {
        let server = Server::start().await;
        let tokens = server.people(&["ann", "bob", "cleo"]).await;
        Self { server, http: reqwest::Client::new(), tokens }
    }

    /// What one of them, by number, asks for; an answer without a body is null.
    async fn call(&self, who: usize, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let mut request = self.http.request(method, self.server.api(path)).bearer_auth(&self.tokens[who]);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    async fn send(&self, who: usize, to: &str, content: &str) -> (u16, Value) {
        let draft = json!({ "recipientId": to, "content": content, "messageType": "TEXT" });
        self.call(who, Method::POST, "/api/chat/messages", Some(draft)).await
    }

    async fn get(&self, who: usize, path: &str) -> Value {
        let (status, answer) = self.call(who, Method::GET, path, None).await;
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }

    /// The history that one has with somebody, as (sequence, content, deleted).
    async fn history(&self, who: usize, peer: &str) -> Vec<(u64, String, bool)> {
        let page = self.get(who, &format!("/api/chat/conversations/{peer}/messages")).await;
        let row = |row: &Value| {
            let content = row["content"].as_str().unwrap_or_default().to_owned();
            (row["sequence"].as_u64().unwrap(), content, row["deleted"] == true)
        };
        page["messages"].as_array().unwrap().iter().map(row).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_holds_what_was_said_and_done() {
    let world = World::new().await;
    for n in 1..=60 {
        let (who, to) = if n % 2 == 0 { (0, "bob") } else { (1, "ann") };
        assert_eq!(world.send(who, to, &format!("message {n}")).await.0, 201);
    }
    world.send(1, "cleo", "not ann's").await;
    world.call(0, Method::PUT, "/api/users/me/blocks/cleo", None).await;
    assert_eq!(world.send(2, "ann", "never shown").await.0, 201);
    world
        .call(0, Method::POST, "/api/users/me/contacts", Some(json!({"username": "bob", "alias": "B"})))
        .await;
    let export: Export = serde_json::from_value(world.get(0, "/api/users/me/export").await).unwrap();
    assert_eq!(export.profile.username.unwrap().as_str(), "ann");
    assert_eq!((export.contacts.len(), export.blocks.len(), export.sessions.len()), (1, 1, 1));
    let with_bob = export.conversations.iter().find(|one| one.messages.len() > 1).unwrap();
    let contents: Vec<String> = with_bob
        .messages
        .iter()
        .filter_map(|entry| match entry {
            Entry::Message(message) => Some(message.content.clone()),
            Entry::Hidden(_) => None,
        })
        .collect();
    assert_eq!(contents, (1..=60).map(|n| format!("message {n}")).collect::<Vec<_>>());
    let text = serde_json::to_string(&export.conversations).unwrap();
    assert!(!text.contains("never shown") && !text.contains("not ann's"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_goes_is_out_at_once_and_leaves_no_words() {
    let mut world = World::new().await;
    let ann = world.get(0, "/api/users/me").await["userId"].as_str().unwrap().to_owned();
    for (who, to, content) in [(0, "bob", "of ann"), (1, "ann", "of bob"), (0, "bob", "of ann too")] {
        assert_eq!(world.send(who, to, content).await.0, 201);
    }
    world.call(1, Method::POST, "/api/users/me/contacts", Some(json!({"username": "ann"}))).await;
    let mut sockets = Vec::new();
    for _ in 0..3 {
        sockets.push(Client::connect(world.server.port(), &world.tokens[0]).await.unwrap());
    }
    let since = Instant::now();
    assert_eq!(world.call(0, Method::DELETE, "/api/users/me", None).await, (204, Value::Null));
    for socket in &mut sockets {
        let closed = timeout(PATIENCE, socket.closed()).await.unwrap();
        assert_eq!(closed.unwrap(), (1008, "session ended".to_owned()));
    }
    println!("DELETE /api/users/me: 3 sockets closed after {:.1} ms", since.elapsed().as_secs_f64() * 1e3);
    assert_eq!(world.call(0, Method::GET, "/api/users/me", None).await.0, 401);
    assert_eq!(world.call(0, Method::DELETE, "/api/users/me", None).await.0, 401, "once more");
    assert!(Client::connect(world.server.port(), &world.tokens[0]).await.is_err());
    gone_for_others(&world, &ann).await;
    erased(&world, &ann).await;
    // Nor does a restart bring anything back.
    world.server.kill_minus_9();
    world.server.restart().await;
    assert_eq!(world.call(0, Method::GET, "/api/users/me", None).await.0, 401);
    gone_for_others(&world, &ann).await;
    erased(&world, &ann).await;
}

async fn gone_for_others(world: &World, ann: &str) {
    for path in
        ["/api/users/ann".to_owned(), format!("/api/users/{ann}"), "/api/users?username=ann".to_owned()]
    {
        assert_eq!(world.call(1, Method::GET, &path, None).await.0, 404, "{path}");
    }
    assert_eq!(world.get(1, "/api/users/me/contacts").await["contacts"], json!([]));
    let (status, refused) = world.send(1, ann, "are you there?").await;
    assert_eq!((status, &refused["code"]), (403, &json!("recipient-unavailable")), "{refused}");
    assert_eq!(world.send(1, "ann", "are you there?").await.0, 404, "the name is nobody's");
}

/// What ann wrote has no content any more, soon after; sequences and what bob wrote stay.
async fn erased(world: &World, ann: &str) {
    let expected = [(1, "", true), (2, "of bob", false), (3, "", true)];
    let expected = expected.map(|(sequence, content, deleted)| (sequence, content.to_owned(), deleted));
    let erasing = async {
        while world.history(1, ann).await != expected {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, erasing).await.unwrap();
}
