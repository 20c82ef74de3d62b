//! A WebSocket that sends any bytes, and tells what comes back: a frame, a close, or that nothing came.

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use schema::wire::stomp::{Decoder, Side, Version};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

/// No answer and no close within this is a failure of its own.
const PATIENCE: Duration = Duration::from_secs(5);

/// A server's frame.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) command: &'static str,
    /// Headers, one a line.
    pub(crate) text: String,
    pub(crate) body: Bytes,
}

/// What came.
#[derive(Debug)]
pub(crate) enum Came {
    Frame(Frame),
    /// A close with this code; 1005 is none.
    Close(u16),
    /// The end of the connection without a close.
    End,
}

pub(crate) struct Socket {
    stream: WebSocketStream<TcpStream>,
    decoder: Decoder,
}

impl Socket {
    /// Upgrades on the gateway's port, and says nothing yet.
    pub(crate) async fn open(port: u16) -> Result<Self, String> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await.map_err(|error| error.to_string())?;
        stream.set_nodelay(true).map_err(|error| error.to_string())?;
        let url = format!("ws://127.0.0.1:{port}/ws/websocket");
        let (stream, _) = client_async(url, stream).await.map_err(|error| format!("no upgrade: {error}"))?;
        let mut decoder = Decoder::new(Side::Client);
        decoder.set_version(Version::V12);
        Ok(Self { stream, decoder })
    }

    /// CONNECT with this version, up to CONNECTED.
    pub(crate) async fn connect(&mut self, version: &str, token: &str) -> Result<(), String> {
        self.put(&format!(
            "CONNECT\naccept-version:{version}\nheart-beat:0,0\nhost:x\nAuthorization:Bearer {token}\n\n\0"
        ))
        .await?;
        match self.next().await? {
            Came::Frame(frame) if frame.command == "CONNECTED" => Ok(()),
            other => Err(format!("not connected: {other:?}")),
        }
    }

    pub(crate) async fn put(&mut self, frame: &str) -> Result<(), String> {
        self.put_bytes(frame.as_bytes()).await
    }

    /// As a text message if it is text, else as a binary one.
    pub(crate) async fn put_bytes(&mut self, bytes: &[u8]) -> Result<(), String> {
        let message = match std::str::from_utf8(bytes) {
            Ok(text) => Message::text(text),
            Err(_) => Message::binary(bytes.to_vec()),
        };
        // A server that refuses early may be gone already; what it said before that counts.
        let _ = self.stream.send(message).await;
        Ok(())
    }

    pub(crate) async fn next(&mut self) -> Result<Came, String> {
        timeout(PATIENCE, self.read()).await.map_err(|_| "neither an answer nor a close".to_owned())?
    }

    async fn read(&mut self) -> Result<Came, String> {
        loop {
            if let Some(frame) = self.decoder.next_frame().map_err(|error| error.to_string())? {
                let lines: Vec<String> =
                    frame.headers.iter().map(|(name, value)| format!("{name}:{value}")).collect();
                let (command, text) = (frame.command.as_str(), lines.join("\n"));
                return Ok(Came::Frame(Frame { command, text, body: frame.body }));
            }
            match self.stream.next().await {
                Some(Ok(Message::Text(text))) => self.decoder.feed(Bytes::from(text)),
                Some(Ok(Message::Binary(bytes))) => self.decoder.feed(bytes),
                Some(Ok(Message::Close(close))) => {
                    return Ok(Came::Close(close.map_or(1005, |close| close.code.into())));
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Ok(Came::End),
            }
        }
    }
}
