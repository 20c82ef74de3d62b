//! HTTP/1.1 by hand: a request out, then the response chunk by chunk.

use std::collections::HashMap;
use std::net::SocketAddr;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

pub(crate) struct Http {
    pub(crate) stream: BufReader<TcpStream>,
    address: SocketAddr,
    left: Left,
}

/// What of the response at hand is still to come.
#[derive(Clone, Copy)]
enum Left {
    Nothing,
    Bytes(usize),
    Chunks,
}

#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) status: u16,
    /// Names in small letters.
    pub(crate) headers: HashMap<String, String>,
}

impl Head {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

impl Http {
    pub(crate) async fn open(address: SocketAddr) -> Self {
        let stream = BufReader::new(TcpStream::connect(address).await.unwrap());
        Self { stream, address, left: Left::Nothing }
    }

    pub(crate) async fn request(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) {
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\n", self.address);
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if method == "POST" {
            head.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        let mut request = format!("{head}\r\n").into_bytes();
        request.extend_from_slice(body);
        self.stream.get_mut().write_all(&request).await.unwrap();
    }

    pub(crate) async fn head(&mut self) -> Head {
        let status = self.line().await;
        let status = status.split(' ').nth(1).unwrap_or_else(|| panic!("no status in {status:?}"));
        let mut head = Head { status: status.parse().unwrap(), headers: HashMap::new() };
        loop {
            let line = self.line().await;
            let Some((name, value)) = line.split_once(": ") else { break };
            head.headers.insert(name.to_ascii_lowercase(), value.to_owned());
        }
        self.left = if head.header("transfer-encoding") == "chunked" {
            Left::Chunks
        } else {
            Left::Bytes(head.header("content-length").parse().unwrap_or(0))
        };
        head
    }

    /// The next piece of the body, `None` at its end. What came as a piece is given as one.
    pub(crate) async fn chunk(&mut self) -> Option<Vec<u8>> {
        let bytes = match self.left {
            Left::Nothing | Left::Bytes(0) => return None,
            Left::Bytes(bytes) => {
                self.left = Left::Nothing;
                return Some(self.bytes(bytes).await);
            }
            Left::Chunks => usize::from_str_radix(&self.line().await, 16).unwrap(),
        };
        let chunk = self.bytes(bytes).await;
        assert_eq!(self.line().await, "");
        if bytes == 0 {
            self.left = Left::Nothing;
            return None;
        }
        Some(chunk)
    }

    /// The next piece as text; there must be one.
    pub(crate) async fn text(&mut self) -> String {
        String::from_utf8(self.chunk().await.unwrap()).unwrap()
    }

    /// A request and its whole answer.
    pub(crate) async fn call(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> (Head, String) {
        self.request(method, path, headers, body.as_bytes()).await;
        let head = self.head().await;
        let mut whole = Vec::new();
        while method != "HEAD"
            && let Some(chunk) = self.chunk().await
        {
            whole.extend(chunk);
        }
        (head, String::from_utf8(whole).unwrap())
    }

    async fn line(&mut self) -> String {
        let mut line = String::new();
        self.stream.read_line(&mut line).await.unwrap();
        line.trim_end().to_owned()
    }

    async fn bytes(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.stream.read_exact(&mut bytes).await.unwrap();
        bytes
    }
}

/// One request on a connection of its own.
pub(crate) async fn call(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> (Head, String) {
    Http::open(address).await.call(method, path, headers, body).await
}
