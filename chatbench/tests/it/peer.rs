//! A scripted peer over the real protocols, for planted faults only: it keeps no promise and stores nothing
//! on disk. That a real chatd passes is shown elsewhere, with a real chatd.

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;

pub(crate) const ADMIN_TOKEN: &str = "secret";

/// What goes wrong, once: with message 5 of user 0, unless it says otherwise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Fault {
    None,
    /// Acknowledged, then forgotten.
    Lose,
    /// In history, but not on the socket.
    HoldBack,
    Duplicate,
    DuplicateInHistory,
    /// After the next one.
    Swap,
    SwapInHistory,
    Corrupt,
    CorruptInHistory,
    /// Given to user 2 instead.
    Misdeliver,
    SkipSequence,
    /// Stored and delivered, but not acknowledged before the repeat.
    NoReceipt,
    /// Refused with 429, and not stored.
    RateLimit,
    /// Refused, and stored and delivered all the same.
    RefuseButStore,
    /// Each delivery takes this long.
    Slow(u64),
    /// User 0's socket closes. What he misses comes when he is back.
    Close,
}

struct Row {
    sequence: u64,
    sender: String,
    content: String,
}

struct Session {
    outbox: mpsc::Sender<String>,
    /// Subscription ids by destination.
    subscriptions: HashMap<String, String>,
}

struct State {
    fault: Fault,
    users: Vec<String>,
    sessions: HashMap<String, Session>,
    rows: HashMap<String, Vec<Row>>,
    answered: HashMap<String, u32>,
    held: Option<(String, String)>,
    /// Frames for who was away, by user.
    missed: HashMap<String, Vec<String>>,
    delayed: mpsc::Sender<Late>,
    /// Contents for those who are away.
    waiting: HashMap<String, Vec<String>>,
}

type Late = (Instant, mpsc::Sender<String>, String);

/// A running peer; it ends with the value.
pub(crate) struct Peer {
    pub(crate) gateway: SocketAddr,
    pub(crate) admin: SocketAddr,
    _runtime: Runtime,
}

impl Peer {
    pub(crate) fn start(fault: Fault) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (delayed, late) = mpsc::channel(4096);
        runtime.spawn(delay(late));
        let state = Arc::new(Mutex::new(State {
            fault,
            users: Vec::new(),
            sessions: HashMap::new(),
            rows: HashMap::new(),
            answered: HashMap::new(),
            held: None,
            missed: HashMap::new(),
            delayed,
            waiting: HashMap::new(),
        }));
        let listen = || runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let (gateway, admin) = (listen(), listen());
        let addresses = (gateway.local_addr().unwrap(), admin.local_addr().unwrap());
        for listener in [gateway, admin] {
            let state = state.clone();
            runtime.spawn(async move {
                while let Ok((stream, _)) = listener.accept().await {
                    tokio::spawn(serve(stream, state.clone()));
                }
            });
        }
        Self { gateway: addresses.0, admin: addresses.1, _runtime: runtime }
    }
}

async fn serve(mut stream: TcpStream, state: Arc<Mutex<State>>) {
    let mut start = [0; 16];
    if stream.peek(&mut start).await.is_ok() && start.starts_with(b"GET /ws/websocke") {
        return stomp(stream, state).await;
    }
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(end) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            break end + 4;
        }
        if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
            return;
        }
    };
    let text = String::from_utf8_lossy(&bytes[..head]).into_owned();
    let header = |name: &str| {
        let mut lines = text.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned())
    };
    let length = header("content-length").and_then(|n| n.parse::<usize>().ok()).unwrap_or(0);
    while bytes.len() < head + length {
        stream.read_buf(&mut bytes).await.unwrap();
    }
    let body: Value = serde_json::from_slice(&bytes[head..]).unwrap_or_default();
    let token = header("authorization")
        .and_then(|v| v.strip_prefix("Bearer ").map(str::to_owned))
        .unwrap_or_default();
    let path = text.split(' ').nth(1).unwrap_or_default();
    let (status, answer) = rest(path, &token, &body, &mut state.lock().unwrap());
    let answer = answer.to_string();
    let length = answer.len();
    let response =
        format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{answer}");
    let _ = stream.write_all(response.as_bytes()).await;
}

fn rest(path: &str, token: &str, body: &Value, state: &mut State) -> (u16, Value) {
    if path.starts_with("/admin") && token != ADMIN_TOKEN {
        return (401, json!({}));
    }
    if path == "/admin/users/import" {
        let ids: Vec<String> =
            body["users"].as_array().unwrap().iter().map(|_| schema::UserId::draw().to_string()).collect();
        state.users.extend(ids.clone());
        let results: Vec<Value> = ids.iter().map(|id| json!({"userId": id, "created": true})).collect();
        return (200, json!({ "results": results }));
    }
    if path == "/admin/tokens" {
        let token = |id: &Value| json!({"userId": id, "sessionId": id, "accessToken": id, "expiresIn": 900});
        let tokens: Vec<Value> = body["users"].as_array().unwrap().iter().map(token).collect();
        return (200, json!({ "tokens": tokens }));
    }
    let peer = path.split('/').nth(4).unwrap_or_default();
    let after: u64 =
        path.split_once("after=").map_or("0", |(_, q)| q.split('&').next().unwrap()).parse().unwrap();
    let rows = state.rows.get(&pair(token, peer)).map(Vec::as_slice).unwrap_or_default();
    let rest: Vec<&Row> = rows.iter().filter(|row| row.sequence > after).collect();
    let page: Vec<Value> = rest
        .iter()
        .take(20)
        .map(|row| json!({"sequence": row.sequence, "senderId": row.sender, "content": row.content}))
        .collect();
    (200, json!({"hasMore": rest.len() > page.len(), "messages": page}))
}

fn pair(a: &str, b: &str) -> String {
    if a < b { format!("{a}{b}") } else { format!("{b}{a}") }
}

async fn stomp(stream: TcpStream, state: Arc<Mutex<State>>) {
    let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
    let (outbox, mut inbox) = mpsc::channel::<String>(4096);
    let mut user = String::new();
    loop {
        tokio::select! {
            Some(text) = inbox.recv() => {
                if text == "close" {
                    away(&mut state.lock().unwrap(), user, &mut inbox);
                    let _ = socket.close(None).await;
                    return;
                }
                if socket.send(Message::text(text)).await.is_err() {
                    return;
                }
            }
            message = socket.next() => {
                let Some(Ok(message)) = message else { return };
                let Ok(text) = message.to_text() else { continue };
                let Some((head, body)) = text.split_once("\n\n") else { continue };
                let header = |name: &str| {
                    head.lines().find_map(|line| Some(line.strip_prefix(name)?.strip_prefix(':')?.to_owned()))
                };
                let mut state_now = state.lock().unwrap();
                match head.lines().next().unwrap_or_default() {
                    "CONNECT" => {
                        user = header("Authorization").unwrap().replace("Bearer ", "");
                        let session = Session { outbox: outbox.clone(), subscriptions: HashMap::new() };
                        state_now.sessions.insert(user.clone(), session);
                        outbox.try_send("CONNECTED\nversion:1.2\n\n\0".into()).unwrap();
                    }
                    "SUBSCRIBE" => {
                        let session = state_now.sessions.get_mut(&user).unwrap();
                        let destination = header("destination").unwrap();
                        session.subscriptions.insert(destination.clone(), header("id").unwrap());
                        if let Some(receipt) = header("receipt") {
                            outbox.try_send(format!("RECEIPT\nreceipt-id:{receipt}\n\n\0")).unwrap();
                        }
                        if header("destination").unwrap() == "/user/queue/messages" {
                            for content in state_now.waiting.remove(&user).unwrap_or_default() {
                                deliver(&mut state_now, &user, &content);
                            }
                        }
                        if destination == "/user/queue/messages" {
                            let missed = state_now.missed.remove(&user).unwrap_or_default();
                            missed.into_iter().for_each(|frame| outbox.try_send(frame).unwrap());
                        }
                    }
                    "SEND" => {
                        let draft: Value = serde_json::from_str(body.trim_end_matches('\0')).unwrap();
                        send(&mut state_now, &user, &header("receipt").unwrap(), &draft);
                    }
                    _ => {}
                }
            }
        }
    }
}

/// A user's socket closes: what is on its way to him waits.
fn away(state: &mut State, user: String, inbox: &mut mpsc::Receiver<String>) {
    state.sessions.remove(&user);
    let rest = std::iter::from_fn(|| inbox.try_recv().ok()).filter(|text| text.starts_with("MESSAGE"));
    state.missed.entry(user).or_default().extend(rest);
}

/// The whole semantics of a chat, and the one fault.
fn send(state: &mut State, user: &str, receipt: &str, draft: &Value) {
    let content = draft["content"].as_str().unwrap().to_owned();
    let recipient = draft["recipientId"].as_str().unwrap().to_owned();
    let id = draft["clientMessageId"].as_str().unwrap().to_owned();
    let hit = &content[13..21] == "00000000" && &content[22..30] == "00000005";
    let fault = if hit || matches!(state.fault, Fault::Slow(_)) { state.fault } else { Fault::None };
    let answer = state.sessions[user].outbox.clone();
    let times = state.answered.entry(id).or_default();
    *times += 1;
    let receipt_frame = format!("RECEIPT\nreceipt-id:{receipt}\n\n\0");
    if *times > 1 || fault == Fault::Lose {
        let _gone = answer.try_send(receipt_frame);
        return;
    }
    if matches!(fault, Fault::RateLimit | Fault::RefuseButStore) {
        let code = if fault == Fault::RateLimit { "rate-limited" } else { "not_accepted" };
        let problem = json!({"type": "about:blank", "title": "t", "status": 429, "detail": "d", "code": code,
            "traceId": "x", "receipt": receipt});
        let subscription = &state.sessions[user].subscriptions["/user/queue/errors"];
        answer.try_send(format!("MESSAGE\nsubscription:{subscription}\n\n{problem}\0")).unwrap();
        if fault == Fault::RateLimit {
            return;
        }
    } else if fault != Fault::NoReceipt {
        let _gone = answer.try_send(receipt_frame);
    }
    store(state, fault, user, &recipient, &content);
    match fault {
        Fault::HoldBack => {}
        Fault::Swap => state.held = Some((recipient, content)),
        Fault::Misdeliver => {
            let other = state.users[2].clone();
            deliver(state, &other, &content);
        }
        Fault::Corrupt => deliver(state, &recipient, &broken(&content)),
        Fault::Duplicate => {
            deliver(state, &recipient, &content);
            deliver(state, &recipient, &content);
        }
        Fault::Close => {
            deliver(state, &recipient, &content);
            answer.try_send("close".into()).unwrap();
        }
        _ => deliver(state, &recipient, &content),
    }
    if fault == Fault::None && state.held.as_ref().is_some_and(|(held, _)| *held == draft["recipientId"]) {
        let (recipient, content) = state.held.take().unwrap();
        deliver(state, &recipient, &content);
    }
}

fn store(state: &mut State, fault: Fault, user: &str, recipient: &str, content: &str) {
    let rows = state.rows.entry(pair(user, recipient)).or_default();
    let mut put = |content: &str| {
        let sequence = rows.last().map_or(1, |row| row.sequence + 1);
        let sequence = if fault == Fault::SkipSequence { sequence + 1 } else { sequence };
        rows.push(Row { sequence, sender: user.to_owned(), content: content.to_owned() });
    };
    match fault {
        Fault::CorruptInHistory => put(&broken(content)),
        Fault::DuplicateInHistory => {
            put(content);
            put(content);
        }
        Fault::SwapInHistory => {
            put(content);
            // The content of this one and of the sender's last change places.
            let places: Vec<usize> = (0..rows.len()).filter(|i| rows[*i].sender == user).collect();
            let [.., before, now] = places[..] else { return };
            let earlier = std::mem::replace(&mut rows[before].content, content.to_owned());
            rows[now].content = earlier;
        }
        _ => put(content),
    }
}

fn broken(content: &str) -> String {
    format!("{}#{}", &content[..50], &content[51..])
}

fn deliver(state: &mut State, user: &str, content: &str) {
    let subscribed = |session: &Session| session.subscriptions.get("/user/queue/messages").cloned();
    let session = state.sessions.get(user).filter(|session| subscribed(session).is_some());
    // Who is away gets it as chatbench will have subscribed.
    let subscription = session.and_then(subscribed).unwrap_or_else(|| "m".into());
    let json = json!({"messageId": "m", "content": content, "messageType": "TEXT"});
    let frame = format!("MESSAGE\nsubscription:{subscription}\nmessage-id:1\n\n{json}\0");
    let Some(outbox) = session.map(|session| session.outbox.clone()) else {
        return state.missed.entry(user.to_owned()).or_default().push(frame);
    };
    if let Fault::Slow(millis) = state.fault {
        let due = Instant::now() + Duration::from_millis(millis);
        let _gone = state.delayed.try_send((due, outbox, frame));
    } else if outbox.try_send(frame).is_err() {
        state.waiting.entry(user.to_owned()).or_default().push(content.to_owned());
    }
}

/// Delivers late, and in order all the same.
async fn delay(mut late: mpsc::Receiver<Late>) {
    while let Some((due, outbox, frame)) = late.recv().await {
        tokio::time::sleep_until(due).await;
        let _gone = outbox.try_send(frame);
    }
}
