//! SockJS sessions over HTTP stay with the process that they live in.

use crate::fixture::{Front, Process, Told, at, problem};
use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use gateway::Table;
use parking_lot::Mutex;
use schema::Code;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

type Sessions = Arc<Mutex<HashMap<String, usize>>>;

/// A process that knows the sessions that were opened at it, and no others.
fn sockjs(name: &'static str) -> (Process, Sessions) {
    let sessions = Sessions::default();
    let (opened, sent) = (Arc::clone(&sessions), Arc::clone(&sessions));
    let receive = move |Path((_, session)): Path<(String, String)>| async move {
        let mut sessions = opened.lock();
        let new = !sessions.contains_key(&session);
        *sessions.entry(session).or_default() += 1;
        ([("x-who", name)], if new { "o\n" } else { "h\n" })
    };
    let send = move |Path((_, session)): Path<(String, String)>| async move {
        let status =
            if sent.lock().contains_key(&session) { StatusCode::NO_CONTENT } else { StatusCode::NOT_FOUND };
        ([("x-who", name)], status).into_response()
    };
    let routes = Router::new()
        .route("/ws/info", get(move || async move { ([("x-who", name)], "{}") }))
        .route("/ws/{server}/{session}/xhr", post(receive))
        .route("/ws/{server}/{session}/xhr_send", post(send));
    (Process::with(name, routes), sessions)
}

async fn call(front: &Front, path: &str) -> Response<String> {
    let response = front.client.post(front.url(path)).send().await.unwrap();
    let mut answer = Response::builder().status(response.status());
    if let Some(who) = response.headers().get("x-who") {
        answer = answer.header("x-who", who);
    }
    answer.body(response.text().await.unwrap()).unwrap()
}

fn who(answer: &Response<String>) -> String {
    answer.headers()["x-who"].to_str().unwrap().to_owned()
}

/// Opens a session and says where it lives.
async fn open(front: &Front, session: &str) -> String {
    let answer = call(front, &format!("/ws/000/{session}/xhr")).await;
    assert_eq!((answer.status().as_u16(), answer.body().as_str()), (200, "o\n"));
    who(&answer)
}

/// Sends and receives; the server's part of the path says nothing.
async fn use_it(front: &Front, session: &str, home: &str) {
    let sent = call(front, &format!("/ws/111/{session}/xhr_send")).await;
    assert_eq!((sent.status().as_u16(), who(&sent).as_str()), (204, home));
    let got = call(front, &format!("/ws/222/{session}/xhr")).await;
    assert_eq!((got.body().as_str(), who(&got).as_str()), ("h\n", home));
}

fn away(count: usize) -> String {
    format!("chatd_gateway_processes_away{{service=\"websocket\"}} {count}")
}

#[tokio::test]
async fn a_session_stays_at_home_whoever_comes_and_goes() {
    let all = [sockjs("a"), sockjs("b"), sockjs("c")];
    let table = || Table { websocket: at(&[&all[0].0, &all[1].0, &all[2].0]), ..Table::default() };
    let front = Front::open(table());
    let mut homes = HashMap::new();
    for number in 0..60 {
        let session = format!("s{number}");
        let home = open(&front, &session).await;
        homes.insert(session, home);
    }
    assert_eq!(homes.values().collect::<HashSet<_>>().len(), 3, "all have some: {homes:?}");
    for (session, home) in &homes {
        use_it(&front, session, home).await;
    }
    // One gets no new work, but its sessions are still its own.
    let told: &Told = &all[1].0.state;
    told.unready.store(true, Ordering::SeqCst);
    front.until_metric(&away(1)).await;
    for (session, home) in &homes {
        use_it(&front, session, home).await;
    }
    let mut guests = HashMap::new();
    for number in 0..30 {
        let session = format!("new{number}");
        let home = open(&front, &session).await;
        assert_ne!(home, "b");
        guests.insert(session, home);
    }
    // It comes back, and nobody moves.
    told.unready.store(false, Ordering::SeqCst);
    front.until_metric(&away(0)).await;
    for (session, home) in homes.iter().chain(&guests) {
        use_it(&front, session, home).await;
    }
    // Another gateway, which has seen nothing of this, sends those of the whole table to the same homes.
    let other = Front::open(table());
    for (session, home) in &homes {
        use_it(&other, session, home).await;
    }
    let opened: usize = all.iter().map(|(_, sessions)| sessions.lock().len()).sum();
    assert_eq!(opened, 90, "no session was opened twice");
}

#[tokio::test]
async fn a_session_whose_process_is_gone_is_unknown_and_a_new_one_finds_another() {
    let (kept, _) = sockjs("a");
    let (gone, _) = sockjs("b");
    let front = Front::open(Table { websocket: at(&[&kept, &gone]), ..Table::default() });
    let mut lost = None;
    for number in 0.. {
        let session = format!("s{number}");
        if open(&front, &session).await == "b" {
            lost = Some(session);
            break;
        }
    }
    let lost = lost.unwrap();
    gone.kill();
    let response = front.client.post(front.url(&format!("/ws/0/{lost}/xhr_send"))).send().await.unwrap();
    assert_eq!(problem(response).await.code, Code::NotFound);
    // The client opens a new one, and be it by the same name.
    assert_eq!(open(&front, &lost).await, "a");
    for number in 0..10 {
        assert_eq!(open(&front, &format!("new{number}")).await, "a", "nobody is sent to who is gone");
    }
}

#[tokio::test]
async fn names_of_sessions_that_are_not_there_are_not_kept() {
    let (process, _) = sockjs("a");
    let front = Front::open(Table { websocket: at(&[&process]), ..Table::default() });
    for number in 0..50 {
        let sent = call(&front, &format!("/ws/0/nobody{number}/xhr_send")).await;
        assert_eq!(sent.status(), 404);
    }
    assert_eq!(front.gateway.sessions(), 0);
    open(&front, "somebody").await;
    assert_eq!(front.gateway.sessions(), 1);
    let info = front.get("/ws/info").await.unwrap();
    assert_eq!(info.headers()["x-who"], "a");
}
