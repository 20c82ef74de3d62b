//! A reader that never reads: closed before it costs memory, and everything is there when it comes back.

use super::pairs::history;
use crate::server::Server;
use crate::stomp::Client;
use serde_json::Value;
use std::time::Duration;
use tokio::net::TcpSocket;
use tokio::time::timeout;

/// Bytes of a message's content.
const CONTENT: usize = 1024;
/// Sends that wait for their receipt.
const WINDOW: usize = 200;
/// Of each step; without an end the test would hang.
const PATIENCE: Duration = Duration::from_secs(40);

pub(super) struct Deaf {
    reader: Client,
    sender: Client,
    token: String,
}

/// What became of it.
pub(super) struct Outcome {
    /// Of the close frame, when it looked at last.
    pub(super) code: Option<u16>,
    /// Messages that a new subscription brought, in order.
    pub(super) read_anew: usize,
}

impl Deaf {
    /// Subscribes, over a connection that takes little by itself.
    pub(super) async fn begin(server: &Server) -> Self {
        let tokens = server.people(&["deaf", "loud"]).await;
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        let stream = socket.connect(([127, 0, 0, 1], server.port()).into()).await.unwrap();
        let mut reader = Client::over(stream, server.port(), "", &[]).await.unwrap();
        reader.greet(&[("Authorization", &format!("Bearer {}", tokens[0]))]).await.unwrap();
        reader.subscribe("/user/queue/messages", "m", None).await.unwrap();
        let sender = Client::connect(server.port(), &tokens[1]).await.unwrap();
        Self { reader, sender, token: tokens[0].clone() }
    }

    /// Sends it so many messages; when the server has given it up, it looks why, comes back and reads.
    pub(super) async fn flood(self, server: &Server, messages: usize) -> Outcome {
        let Self { mut reader, mut sender, token } = self;
        let sends = async {
            for number in 0..messages + WINDOW {
                if number >= WINDOW {
                    let receipt = sender.next().await.unwrap();
                    assert_eq!(receipt.header("receipt-id"), Some((number - WINDOW).to_string().as_str()));
                }
                if number < messages {
                    let (content, id) = (content(number), number.to_string());
                    sender.send("deaf", &content, &id, &id).await.unwrap();
                }
            }
        };
        let given_up = async {
            while !given_up(server).await {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            reader.closed().await.ok().map(|(code, _)| code)
        };
        let both = timeout(PATIENCE, async { tokio::join!(sends, given_up) });
        let Ok(((), code)) = both.await else { panic!("the server goes on with a reader that never reads") };
        let mut again = Client::connect(server.port(), &token).await.unwrap();
        again.subscribe("/user/queue/messages", "m", None).await.unwrap();
        for number in 0..messages {
            let Ok(Ok(came)) = timeout(PATIENCE, again.next()).await else { panic!("a message is missing") };
            let message: Value = serde_json::from_slice(&came.body).unwrap();
            assert_eq!(message["content"], content(number), "not in order");
        }
        let stored = history(server, &token, "loud").await;
        assert_eq!(stored.len(), messages);
        Outcome { code, read_anew: messages }
    }
}

fn content(number: usize) -> String {
    format!("{number:0>CONTENT$}")
}

/// Whether the server says that it closed a socket for reading too slowly.
async fn given_up(server: &Server) -> bool {
    let metrics = reqwest::get(server.api("/actuator/prometheus")).await.unwrap().text().await.unwrap();
    metrics.lines().any(|line| line.contains("websocket_closes") && line.contains("1013"))
}
