//! Requests as bytes, so that what no client library would send can be sent too; and what a problem must be.

use schema::Code;
use schema::api::Problem;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// No answer and no close within this is a failure of its own.
const PATIENCE: Duration = Duration::from_secs(5);

/// One request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Call {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Option<Vec<u8>>,
}

impl Call {
    pub(crate) fn new(method: &str, target: &str) -> Self {
        Self { method: method.to_owned(), target: target.to_owned(), ..Self::default() }
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    pub(crate) fn json(self, body: impl Into<Vec<u8>>) -> Self {
        self.header("content-type", "application/json").bytes(body)
    }

    pub(crate) fn bytes(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }

    fn to_bytes(&self) -> Vec<u8> {
        let mut bytes =
            format!("{} {} HTTP/1.1\r\nhost: localhost\r\n", self.method, self.target).into_bytes();
        for (name, value) in &self.headers {
            bytes.extend(format!("{name}: {value}\r\n").into_bytes());
        }
        let length =
            self.headers.iter().any(|(name, _)| name == "content-length" || name == "transfer-encoding");
        if let Some(body) = self.body.as_ref().filter(|_| !length) {
            bytes.extend(format!("content-length: {}\r\n", body.len()).into_bytes());
        }
        bytes.extend(b"\r\n");
        bytes.extend(self.body.iter().flatten());
        bytes
    }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The body, as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }
}

/// What the contract says.
#[derive(Clone, Debug)]
pub(crate) struct Want {
    status: u16,
    code: Code,
    field: Option<String>,
    /// `malformed` does as well as `invalid`.
    either: bool,
}

impl Want {
    /// A problem of this code.
    pub(crate) fn code(code: Code) -> Self {
        Self { status: code.status(), code, field: None, either: false }
    }

    /// A problem of this code that names this field.
    pub(crate) fn field(code: Code, field: &str) -> Self {
        Self { field: Some(field.to_owned()), ..Self::code(code) }
    }

    /// `invalid` or `malformed`, with this field named.
    pub(crate) fn either(field: &str) -> Self {
        Self { either: true, ..Self::field(Code::Invalid, field) }
    }
}

/// A connection that is kept, and made anew when the server has closed it.
pub(crate) struct Wire {
    port: u16,
    stream: Option<TcpStream>,
}

impl Wire {
    pub(crate) fn new(port: u16) -> Self {
        Self { port, stream: None }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Sends a request and compares the answer with the contract.
    pub(crate) fn expect(&mut self, call: &Call, want: &Want) -> Result<(), String> {
        problem(&self.send(call)?, want)
    }

    pub(crate) fn send(&mut self, call: &Call) -> Result<Answer, String> {
        self.send_bytes(&call.to_bytes())
    }

    /// Sends any bytes; an error says that neither an answer nor a close came.
    pub(crate) fn send_bytes(&mut self, bytes: &[u8]) -> Result<Answer, String> {
        let kept = self.stream.is_some();
        match self.exchange(bytes) {
            // A kept connection may have been closed meanwhile.
            Err(error) if kept && error.kind() != ErrorKind::WouldBlock => self.exchange(bytes),
            outcome => outcome,
        }
        .map_err(|error| format!("no answer: {error}"))
    }

    fn exchange(&mut self, bytes: &[u8]) -> std::io::Result<Answer> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => {
                let stream = TcpStream::connect(("127.0.0.1", self.port))?;
                stream.set_nodelay(true)?;
                stream.set_read_timeout(Some(PATIENCE))?;
                stream.set_write_timeout(Some(PATIENCE))?;
                stream
            }
        };
        // A server that refuses early may have closed its end before all is written; its answer counts.
        let written = stream.write_all(bytes);
        match read_answer(&mut stream) {
            Ok(answer) => {
                let goes_on = answer.header("connection") != Some("close") && written.is_ok();
                self.stream = goes_on.then_some(stream);
                Ok(answer)
            }
            Err(error) => Err(written.err().unwrap_or(error)),
        }
    }
}

fn read_answer(stream: &mut TcpStream) -> std::io::Result<Answer> {
    let mut bytes = Vec::new();
    let mut piece = [0; 16 << 10];
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at;
        }
        match stream.read(&mut piece)? {
            0 => return Err(ErrorKind::UnexpectedEof.into()),
            n => bytes.extend_from_slice(&piece[..n]),
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok()).unwrap_or(0);
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let mut answer = Answer { status, headers, body: bytes.split_off(end + 4) };
    if answer.header("transfer-encoding") == Some("chunked") {
        while !answer.body.ends_with(b"0\r\n\r\n") {
            match stream.read(&mut piece)? {
                0 => return Err(ErrorKind::UnexpectedEof.into()),
                n => answer.body.extend_from_slice(&piece[..n]),
            }
        }
        answer.body = unchunked(&answer.body);
        return Ok(answer);
    }
    let length: usize = answer.header("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    while answer.body.len() < length {
        match stream.read(&mut piece)? {
            0 => return Err(ErrorKind::UnexpectedEof.into()),
            n => answer.body.extend_from_slice(&piece[..n]),
        }
    }
    Ok(answer)
}

/// What stands in the chunks of a whole body.
fn unchunked(mut body: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    while let Some(at) = body.windows(2).position(|window| window == b"\r\n") {
        let size = usize::from_str_radix(&String::from_utf8_lossy(&body[..at]), 16).unwrap_or(0);
        whole.extend(body.iter().skip(at + 2).take(size));
        body = body.get(at + 4 + size..).unwrap_or_default();
    }
    whole
}

/// Whether an answer is the problem that is wanted, and a whole one (RFC 9457).
pub(crate) fn problem(answer: &Answer, want: &Want) -> Result<(), String> {
    let text = String::from_utf8_lossy(&answer.body);
    let wrong = |what: &str| Err(format!("{what}, wanted {want:?}, got {} {text}", answer.status));
    if answer.status != want.status {
        return wrong("another status");
    }
    if answer.header("content-type") != Some("application/problem+json") {
        return wrong("no problem+json");
    }
    let Ok(problem) = serde_json::from_slice::<Problem>(&answer.body) else { return wrong("no problem") };
    if answer.header("content-length").is_none() {
        return wrong("no content-length");
    }
    if answer.status == 405 && answer.header("allow").is_none() {
        return wrong("no Allow");
    }
    if matches!(answer.status, 429 | 503) && answer.header("retry-after").is_none() {
        return wrong("no Retry-After");
    }
    whole(&problem, want).map_err(|what| format!("{what}, wanted {want:?}, got {} {text}", answer.status))
}

/// Whether a problem says what it must.
pub(crate) fn whole(problem: &Problem, want: &Want) -> Result<(), String> {
    if problem.code != want.code && !(want.either && problem.code == Code::Malformed) {
        return Err("another code".to_owned());
    }
    if problem.status != want.status || problem.title != problem.code.title() || problem.kind != "about:blank"
    {
        return Err("status, title or type do not match".to_owned());
    }
    let trace = problem.trace_id.len() == 32 && problem.trace_id.bytes().all(|b| b.is_ascii_hexdigit());
    if !trace || problem.trace_id.bytes().all(|b| b == b'0') {
        return Err("no trace id".to_owned());
    }
    if problem.detail.is_empty()
        || ["panic", ".rs", "sqlx", "serde"].iter().any(|w| problem.detail.contains(w))
    {
        return Err("no detail, or one that shows internals".to_owned());
    }
    for error in &problem.errors {
        let bound = error.bound.as_deref().is_some_and(|bound| !bound.is_empty());
        if error.field.is_empty() || error.reason.is_empty() || (problem.code == Code::Invalid && !bound) {
            return Err("an error without field, reason or bound".to_owned());
        }
    }
    if problem.code == Code::Invalid && problem.errors.is_empty() {
        return Err("no field is named".to_owned());
    }
    match &want.field {
        Some(field) if !problem.errors.iter().any(|error| error.field == *field) => {
            Err(format!("{field} is not named"))
        }
        _ => Ok(()),
    }
}
