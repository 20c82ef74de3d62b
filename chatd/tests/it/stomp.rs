//! A plain-WebSocket STOMP client: as much as a test needs, over the real protocol.
//!
//! Other test binaries include this file by its path.
#![allow(dead_code, reason = "shared by several test binaries, none of which uses all of it")]

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use schema::wire::stomp::{Command, Decoder, Frame, Side, Version};
use std::io;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{WebSocketStream, client_async};

/// One connected, authenticated session.
pub(crate) struct Client {
    socket: WebSocketStream<TcpStream>,
    decoder: Decoder,
}

fn broken(error: impl std::fmt::Display) -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, error.to_string())
}

impl Client {
    /// Connects to the gateway on this port and authenticates.
    pub(crate) async fn connect(port: u16, token: &str) -> io::Result<Self> {
        let mut client = Self::open(port, "", &[]).await?;
        client.greet(&[("Authorization", &format!("Bearer {token}"))]).await?;
        Ok(client)
    }

    /// Opens a socket with this query (`?…`) and these headers of the upgrade; who it is comes later.
    pub(crate) async fn open(port: u16, query: &str, headers: &[(&'static str, &str)]) -> io::Result<Self> {
        Self::over(TcpStream::connect(("127.0.0.1", port)).await?, port, query, headers).await
    }

    /// The same over a connection that is there already.
    pub(crate) async fn over(
        stream: TcpStream,
        port: u16,
        query: &str,
        headers: &[(&'static str, &str)],
    ) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        let url = format!("ws://127.0.0.1:{port}/ws/websocket{query}");
        let mut request = url.into_client_request().map_err(broken)?;
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().map_err(broken)?);
        }
        let (socket, _) = client_async(request, stream).await.map_err(broken)?;
        let mut decoder = Decoder::new(Side::Client);
        decoder.set_version(Version::V12);
        Ok(Self { socket, decoder })
    }

    /// CONNECT with these headers; answers the user that CONNECTED names.
    pub(crate) async fn greet(&mut self, headers: &[(&str, &str)]) -> io::Result<String> {
        let connect = Frame::new(Command::Connect).with("accept-version", "1.2").with("heart-beat", "0,0");
        let connect = headers.iter().fold(connect, |frame, (name, value)| frame.with(name, value));
        self.put(connect).await?;
        match self.next().await? {
            frame if frame.command == Command::Connected => {
                Ok(frame.header("user-name").unwrap_or_default().to_owned())
            }
            frame => Err(broken(format!("{:?} {:?}", frame.command, frame.header("message")))),
        }
    }

    /// Waits for the server to close; answers the code and the reason of its close frame.
    pub(crate) async fn closed(&mut self) -> io::Result<(u16, String)> {
        loop {
            match self.socket.next().await {
                Some(Ok(Message::Close(Some(close)))) => {
                    return Ok((close.code.into(), close.reason.to_string()));
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(broken(error)),
                None => return Err(broken("closed without a close frame")),
            }
        }
    }

    /// Subscribes, without a cursor or with one.
    pub(crate) async fn subscribe(
        &mut self,
        destination: &str,
        id: &str,
        cursor: Option<&str>,
    ) -> io::Result<()> {
        let mut frame = Frame::new(Command::Subscribe).with("destination", destination).with("id", id);
        if let Some(cursor) = cursor {
            frame = frame.with("cursor", cursor);
        }
        self.put(frame).await
    }

    /// Sends a message and asks for a receipt of this name.
    pub(crate) async fn send(
        &mut self,
        recipient: &str,
        content: &str,
        client_id: &str,
        receipt: &str,
    ) -> io::Result<()> {
        let body = serde_json::json!({
            "recipientId": recipient, "content": content, "messageType": "TEXT", "clientMessageId": client_id,
        });
        let frame = Frame::new(Command::Send)
            .with("destination", "/app/chat.sendMessage")
            .with("content-type", "application/json")
            .with("receipt", receipt)
            .with_body(body.to_string());
        self.put(frame).await
    }

    /// Sends any frame.
    pub(crate) async fn put(&mut self, frame: Frame) -> io::Result<()> {
        let bytes = frame.to_bytes(Version::V12);
        let text = String::from_utf8(bytes.to_vec()).map_err(broken)?;
        self.socket.send(Message::Text(text.into())).await.map_err(broken)
    }

    /// The next frame; pings are answered meanwhile. An error is the end of the session.
    pub(crate) async fn next(&mut self) -> io::Result<Frame> {
        loop {
            if let Some(frame) = self.decoder.next_frame().map_err(broken)? {
                return Ok(frame);
            }
            match self.socket.next().await {
                Some(Ok(Message::Text(text))) => self.decoder.feed(Bytes::from(text)),
                Some(Ok(Message::Binary(bytes))) => self.decoder.feed(bytes),
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {
                    self.socket.flush().await.map_err(broken)?
                }
                Some(Ok(Message::Close(close))) => return Err(broken(format!("closed: {close:?}"))),
                Some(Err(error)) => return Err(broken(error)),
                None => return Err(broken("closed")),
            }
        }
    }
}
