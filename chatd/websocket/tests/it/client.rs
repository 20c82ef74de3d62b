//! A small STOMP client over every transport.

use crate::poller::Poller;
use crate::world::Person;
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use schema::Message;
use schema::wire::sockjs::{self, Envelope};
use schema::wire::stomp::{Command, Decoder, Frame, Side, Version};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message as Ws;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::protocol::frame::Frame as WsFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

/// A test that waits this long has failed.
const PATIENCE: Duration = Duration::from_secs(20);

/// How STOMP is carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    Plain,
    Framed,
    Polled(Envelope),
}

impl Transport {
    pub(crate) const ALL: [Transport; 5] = [
        Transport::Plain,
        Transport::Framed,
        Transport::Polled(Envelope::Xhr),
        Transport::Polled(Envelope::XhrStreaming),
        Transport::Polled(Envelope::EventSource),
    ];
    /// Those over HTTP.
    pub(crate) const POLLED: [Envelope; 3] = [Envelope::Xhr, Envelope::XhrStreaming, Envelope::EventSource];
}

type Socket = WebSocketStream<TcpStream>;

enum Pipe {
    Plain(Socket),
    Framed(Socket),
    Polled(Box<Poller>),
}

pub(crate) struct Client {
    pipe: Pipe,
    decoder: Decoder,
    pub(crate) version: Version,
    receipts: u64,
    /// Cut messages into pieces of this size, as stompjs 2 does.
    pub(crate) cut: usize,
}

/// What came: a frame, or the end with the server's code.
#[derive(Debug)]
pub(crate) enum Came {
    Frame(Frame),
    Closed(Option<u16>),
}

impl Client {
    pub(crate) async fn open(address: SocketAddr) -> Self {
        Self::open_with(address, "/ws/websocket", &[]).await
    }

    pub(crate) async fn open_with(address: SocketAddr, path: &str, headers: &[(&'static str, &str)]) -> Self {
        Self::of(Pipe::Plain(connect(address, path, headers).await))
    }

    /// Over this transport; SockJS sessions are open when this returns.
    pub(crate) async fn over(transport: Transport, address: SocketAddr, query: &str) -> Self {
        match transport {
            Transport::Plain => Self::open_with(address, &format!("/ws/websocket{query}"), &[]).await,
            Transport::Framed => {
                let path = format!("/ws/000/abcdefgh/websocket{query}");
                let mut socket = connect(address, &path, &[]).await;
                let open = socket.next().await.unwrap().unwrap();
                assert_eq!(open.into_text().unwrap().as_str(), "o");
                Self::of(Pipe::Framed(socket))
            }
            Transport::Polled(envelope) => {
                let mut poller = Poller::open(address, envelope, query).await;
                assert_eq!(poller.next().await, sockjs::Frame::Open);
                Self::of(Pipe::Polled(Box::new(poller)))
            }
        }
    }

    fn of(pipe: Pipe) -> Self {
        let decoder = Decoder::new(Side::Client);
        Self { pipe, decoder, version: Version::V10, receipts: 0, cut: usize::MAX }
    }

    /// The WebSocket below.
    pub(crate) fn socket(&mut self) -> &mut Socket {
        match &mut self.pipe {
            Pipe::Plain(socket) | Pipe::Framed(socket) => socket,
            Pipe::Polled(_) => panic!("there is no WebSocket"),
        }
    }

    /// The requests below.
    pub(crate) fn poller(&mut self) -> &mut Poller {
        match &mut self.pipe {
            Pipe::Polled(poller) => poller,
            _ => panic!("there are no requests"),
        }
    }

    /// CONNECT, answered by CONNECTED.
    pub(crate) async fn login(&mut self, token: &str, version: Version) -> Frame {
        let connect = Frame::new(Command::Connect)
            .with("accept-version", version.as_str())
            .with("heart-beat", "0,0")
            .with("Authorization", &format!("Bearer {token}"));
        self.send(&connect).await;
        let connected = self.frame().await;
        assert_eq!(connected.command, Command::Connected, "{connected:?}");
        assert!(connected.header("heart-beat").is_some());
        self.version = version;
        connected
    }

    pub(crate) async fn send(&mut self, frame: &Frame) {
        let bytes = frame.to_bytes(self.version);
        self.send_text(std::str::from_utf8(&bytes).unwrap()).await;
    }

    /// A text as it is, cut as told.
    pub(crate) async fn send_text(&mut self, text: &str) {
        if let Pipe::Plain(socket) = &mut self.pipe {
            let letters: Vec<char> = text.chars().collect();
            for piece in letters.chunks(self.cut) {
                socket.send(Ws::text(piece.iter().collect::<String>())).await.unwrap();
            }
            return;
        }
        // As JavaScript does it: in UTF-16, through the middle of what lies beyond U+FFFF.
        let units: Vec<u16> = text.encode_utf16().collect();
        let pieces: Vec<String> = units.chunks(self.cut).map(quoted).collect();
        for array in pieces.chunks(3).map(|pieces| format!("[{}]", pieces.join(","))) {
            match &mut self.pipe {
                Pipe::Plain(socket) | Pipe::Framed(socket) => socket.send(Ws::text(array)).await.unwrap(),
                Pipe::Polled(poller) => assert_eq!(poller.post_raw(&array).await, 204),
            }
        }
    }

    pub(crate) async fn raw(&mut self, bytes: &[u8]) {
        self.socket().send(Ws::binary(bytes.to_vec())).await.unwrap();
    }

    /// One text message in these frames, whatever bytes they are of.
    pub(crate) async fn text_frames(&mut self, frames: &[&[u8]]) {
        for (at, bytes) in frames.iter().enumerate() {
            let code = OpCode::Data(if at == 0 { Data::Text } else { Data::Continue });
            let last = at + 1 == frames.len();
            self.socket().send(Ws::Frame(WsFrame::message(bytes.to_vec(), code, last))).await.unwrap();
        }
    }

    /// What comes next, heart-beats left out.
    pub(crate) async fn next(&mut self) -> Came {
        timeout(PATIENCE, self.next_at_all()).await.unwrap()
    }

    async fn next_at_all(&mut self) -> Came {
        loop {
            if let Some(frame) = self.decoder.next_frame().unwrap() {
                return Came::Frame(frame);
            }
            let framed = match &mut self.pipe {
                Pipe::Polled(poller) => poller.next().await,
                Pipe::Plain(socket) | Pipe::Framed(socket) => match socket.next().await {
                    Some(Ok(Ws::Text(text))) if matches!(self.pipe, Pipe::Framed(_)) => {
                        sockjs::Frame::parse(&text).unwrap()
                    }
                    Some(Ok(Ws::Text(text))) => {
                        self.decoder.feed(text.into());
                        continue;
                    }
                    Some(Ok(Ws::Binary(bytes))) => {
                        self.decoder.feed(bytes);
                        continue;
                    }
                    Some(Ok(Ws::Close(frame))) => return Came::Closed(frame.map(|frame| frame.code.into())),
                    Some(Ok(_)) => continue,
                    Some(Err(_)) | None => return Came::Closed(None),
                },
            };
            match framed {
                sockjs::Frame::Open => panic!("a second o"),
                sockjs::Frame::Heartbeat => {}
                sockjs::Frame::Close(code, _) => return Came::Closed(Some(code)),
                sockjs::Frame::Messages(messages) => {
                    for message in messages {
                        assert!(message == "\n" || message.ends_with('\0'), "a whole frame: {message:?}");
                        self.decoder.feed(message.into());
                    }
                }
            }
        }
    }

    /// The next frame; it must be one.
    pub(crate) async fn frame(&mut self) -> Frame {
        match self.next().await {
            Came::Frame(frame) => frame,
            Came::Closed(code) => panic!("closed with {code:?}"),
        }
    }

    /// The close code; only ERROR may come before it. The ERROR's message comes with it.
    pub(crate) async fn closed(&mut self) -> (Option<u16>, Option<String>) {
        let mut error = None;
        loop {
            match self.next().await {
                Came::Closed(code) => return (code, error),
                Came::Frame(frame) => {
                    assert_eq!(frame.command, Command::Error, "{frame:?}");
                    error = frame.header("message").map(str::to_owned);
                }
            }
        }
    }

    /// Sends a frame and waits for its receipt, with what came before it.
    pub(crate) async fn ask(&mut self, frame: Frame) -> Vec<Frame> {
        self.receipts += 1;
        let receipt = format!("r{}", self.receipts);
        self.send(&frame.with("receipt", &receipt)).await;
        let mut before = Vec::new();
        loop {
            let frame = self.frame().await;
            if frame.header("receipt-id") == Some(&receipt) {
                assert_eq!(frame.command, Command::Receipt, "{frame:?}");
                return before;
            }
            before.push(frame);
        }
    }

    pub(crate) async fn subscribe(&mut self, id: &str, destination: &str, headers: &[(&str, &str)]) {
        let mut frame = Frame::new(Command::Subscribe).with("id", id).with("destination", destination);
        for (name, value) in headers {
            frame = frame.with(name, value);
        }
        self.send(&frame).await;
    }

    pub(crate) async fn subscribe_all(&mut self) {
        self.subscribe("status", "/user/queue/message-status", &[]).await;
        self.subscribe("errors", "/user/queue/errors", &[]).await;
        // The receipt tells that the subscription stands: what others send from now on is for it.
        let messages = [("id", "messages"), ("destination", "/user/queue/messages")];
        let frame = messages
            .iter()
            .fold(Frame::new(Command::Subscribe), |frame, (name, value)| frame.with(name, value));
        self.ask(frame).await;
    }

    /// The next MESSAGE of a subscription; what comes on others is passed over.
    pub(crate) async fn on(&mut self, subscription: &str) -> Frame {
        loop {
            let frame = self.frame().await;
            if frame.command == Command::Message && frame.header("subscription") == Some(subscription) {
                return frame;
            }
        }
    }

    /// The next chat message.
    pub(crate) async fn message(&mut self) -> Message {
        body(&self.on("messages").await)
    }

    /// Waits for a mark on the status queue.
    pub(crate) async fn status(&mut self, status: &str, up_to: u64) -> Value {
        loop {
            let update: Value = serde_json::from_slice(&self.on("status").await.body).unwrap();
            if update["status"] == status && update["upTo"] == up_to {
                return update;
            }
        }
    }
}

/// A JSON string in which everything is escaped that need not be.
fn quoted(units: &[u16]) -> String {
    let escaped = |unit: &u16| match u8::try_from(*unit) {
        Ok(byte @ (b'0'..=b'9' | b'a'..=b'z')) => char::from(byte).to_string(),
        _ => format!("\\u{unit:04x}"),
    };
    format!("\"{}\"", units.iter().map(escaped).collect::<String>())
}

async fn connect(address: SocketAddr, path: &str, headers: &[(&'static str, &str)]) -> Socket {
    let mut request = format!("ws://{address}{path}").into_client_request().unwrap();
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    let stream = TcpStream::connect(address).await.unwrap();
    let config = WebSocketConfig::default().read_buffer_size(4096);
    client_async_with_config(request, stream, Some(config)).await.unwrap().0
}

pub(crate) fn body<T: serde::de::DeserializeOwned>(frame: &Frame) -> T {
    serde_json::from_slice(&frame.body).unwrap()
}

/// A SEND of a text.
pub(crate) fn text(to: Person, content: &str) -> Frame {
    call("/app/chat.sendMessage", &json!({"recipientId": to.user, "content": content}))
}

pub(crate) fn call(destination: &str, body: &Value) -> Frame {
    let body = Bytes::from(serde_json::to_vec(body).unwrap());
    Frame::new(Command::Send).with("destination", destination).with_body(body)
}
