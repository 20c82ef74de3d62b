//! A SockJS client over HTTP: one receive request at a time, and posts beside it.

use crate::http::Http;
use schema::wire::sockjs::{Envelope, Frame};
use std::net::SocketAddr;

pub(crate) struct Poller {
    address: SocketAddr,
    /// `/ws/{server}/{session}`.
    pub(crate) path: String,
    query: String,
    envelope: Envelope,
    receiver: Http,
    /// A response is being read.
    receiving: bool,
    sender: Http,
    text: String,
    /// Receive requests so far.
    pub(crate) requests: usize,
}

impl Poller {
    pub(crate) async fn open(address: SocketAddr, envelope: Envelope, query: &str) -> Self {
        Self {
            address,
            path: format!("/ws/000/{}", uuid::Uuid::new_v4().simple()),
            query: query.to_owned(),
            envelope,
            receiver: Http::open(address).await,
            receiving: false,
            sender: Http::open(address).await,
            text: String::new(),
            requests: 0,
        }
    }

    /// Posts an array of messages; the status.
    pub(crate) async fn post(&mut self, messages: &[&str]) -> u16 {
        let array = serde_json::to_string(messages).unwrap();
        self.post_raw(&array).await
    }

    pub(crate) async fn post_raw(&mut self, body: &str) -> u16 {
        let path = format!("{}/xhr_send{}", self.path, self.query);
        let (head, text) = self.sender.call("POST", &path, &[("Content-Type", "text/plain")], body).await;
        assert!(head.status != 204 || text.is_empty());
        head.status
    }

    /// Begins a receive request, unless one is on its way.
    pub(crate) async fn ask(&mut self) {
        if self.receiving {
            return;
        }
        let (method, name) = match self.envelope {
            Envelope::Xhr => ("POST", "xhr"),
            Envelope::XhrStreaming => ("POST", "xhr_streaming"),
            Envelope::EventSource => ("GET", "eventsource"),
        };
        let path = format!("{}/{name}{}", self.path, self.query);
        self.receiver.request(method, &path, &[], b"").await;
        self.receiving = true;
        self.requests += 1;
        let head = self.receiver.head().await;
        assert_eq!(head.status, 200);
    }

    /// The next frame, with as many requests as it takes.
    pub(crate) async fn next(&mut self) -> Frame {
        loop {
            if let Some(frame) = self.buffered() {
                return frame;
            }
            self.ask().await;
            match self.receiver.chunk().await {
                Some(chunk) => {
                    self.text.push_str(std::str::from_utf8(&chunk).unwrap());
                    if self.envelope == Envelope::Xhr {
                        assert_eq!(self.receiver.chunk().await, None, "one frame is all");
                        self.receiving = false;
                    }
                }
                None => {
                    assert_eq!(self.text, "", "a response ends with a whole frame");
                    self.receiving = false;
                }
            }
        }
    }

    fn buffered(&mut self) -> Option<Frame> {
        let (end, prefix) = match self.envelope {
            Envelope::EventSource => ("\r\n", "data: "),
            Envelope::Xhr | Envelope::XhrStreaming => ("\n", ""),
        };
        loop {
            let (line, rest) = self.text.split_once(end)?;
            let (line, rest) = (line.to_owned(), rest.to_owned());
            self.text = rest;
            let prelude = line.len() == 2048 && line.bytes().all(|byte| byte == b'h');
            if !prelude && !line.is_empty() {
                // What decodeURI would make of it is what it is.
                assert!(!line.contains('%'), "{line}");
                return Some(Frame::parse(line.strip_prefix(prefix).unwrap()).unwrap());
            }
        }
    }

    /// Cuts the receive request off, as a client does that goes away.
    pub(crate) async fn abort(&mut self) {
        assert!(self.receiving);
        self.receiver = Http::open(self.address).await;
        self.receiving = false;
    }
}
