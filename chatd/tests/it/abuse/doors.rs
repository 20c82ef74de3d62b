//! What knocks at the door: upgrades without CONNECT, requests that dribble, registrations and logins.

use super::Counts;
use crate::server::Server;
use futures_util::StreamExt;
use futures_util::future::join_all;
use serde_json::json;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::Message;

/// A connection that is still there after this was not ended.
const PATIENCE: Duration = Duration::from_secs(50);
/// A dribbler's pause between two bytes.
const DRIP: Duration = Duration::from_millis(500);

fn counted(all: Vec<String>) -> Counts {
    let mut counts = Counts::new();
    for one in all {
        *counts.entry(one).or_default() += 1;
    }
    counts
}

/// Upgrades and says nothing; the codes that they are closed with.
pub(super) async fn idle_upgrades(port: u16, upgrades: usize) -> Counts {
    let one = async || {
        let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let (mut socket, _) =
            client_async(format!("ws://127.0.0.1:{port}/ws/websocket"), stream).await.unwrap();
        loop {
            match timeout(PATIENCE, socket.next()).await {
                Err(_) => return "never".to_owned(),
                Ok(Some(Ok(Message::Close(close)))) => {
                    return close.map_or("no code".to_owned(), |close| u16::from(close.code).to_string());
                }
                Ok(Some(Ok(_))) => {}
                Ok(Some(Err(_)) | None) => return "no close".to_owned(),
            }
        }
    };
    counted(join_all((0..upgrades).map(|_| one())).await)
}

/// Where a request is slow.
#[derive(Clone, Copy)]
pub(super) enum Slow {
    Head,
    Body,
}

/// Requests that come a byte at a time; how each was ended.
pub(super) async fn dribble(port: u16, requests: usize, slow: Slow) -> Counts {
    let head = match slow {
        Slow::Head => "GET /api/users/me HTTP/1.1\r\nhost: localhost\r\nx-slow: ",
        Slow::Body => {
            "POST /api/auth/login HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 4000\r\n\r\n"
        }
    };
    let one = async || {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        let (mut reads, mut writes) = stream.split();
        let drips = async {
            while writes.write_all(b"a").await.is_ok() {
                tokio::time::sleep(DRIP).await;
            }
            // The server is gone; what it said is for the reader.
            std::future::pending::<()>().await;
        };
        let mut answer = [0; 64];
        let ended = async {
            match reads.read(&mut answer).await {
                Ok(0) | Err(_) => "closed".to_owned(),
                Ok(n) => String::from_utf8_lossy(&answer[..n]).split(' ').nth(1).unwrap_or("?").to_owned(),
            }
        };
        tokio::select! {
            ended = timeout(PATIENCE, ended) => ended.unwrap_or("never".to_owned()),
            () = drips => unreachable!("it drips for ever"),
        }
    };
    counted(join_all((0..requests).map(|_| one())).await)
}

/// Registrations, all at once; their statuses.
pub(super) async fn registrations(server: &Server, number: usize) -> Counts {
    let client = reqwest::Client::new();
    let one = async |n: usize| {
        let body = json!({
            "phoneNumber": format!("+49151{n:08}"), "password": "a good one 7", "displayName": "New",
        });
        let sent = client.post(server.api("/api/auth/register")).json(&body).send();
        sent.await.unwrap().status().as_u16().to_string()
    };
    counted(join_all((0..number).map(one)).await)
}

/// People who can sign in with `a good one 7`.
pub(super) async fn people_with_passwords(server: &Server, number: usize) -> Vec<String> {
    let names: Vec<String> = (0..number).map(|n| format!("login{n}")).collect();
    for name in &names {
        server.administer("/admin/users", &json!({ "username": name, "password": "a good one 7" })).await;
    }
    names
}

/// Logins, all at once; their statuses.
pub(super) async fn logins(server: &Server, names: &[String]) -> Counts {
    let client = reqwest::Client::new();
    let one = async |name: &String| {
        let body = json!({ "username": name, "password": "a good one 7" });
        let sent = client.post(server.api("/api/auth/login")).json(&body).send();
        sent.await.unwrap().status().as_u16().to_string()
    };
    counted(join_all(names.iter().map(one)).await)
}
