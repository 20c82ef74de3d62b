//! Bytes into frames, in whatever pieces they come.

use super::{Command, Frame, Headers, Version};
use crate::limits;
use bytes::{Buf, Bytes, BytesMut};
use memchr::{memchr, memchr2};

/// Whose frames are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// A server reads what clients send.
    Server,
    /// A client reads what servers send.
    Client,
}

/// Why bytes are no frame. The stream can't be read on behind it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("unknown command {0:?}")]
    UnknownCommand(String),
    #[error("header line is longer than {0} bytes")]
    LineTooLong(usize),
    #[error("frame has more than {0} headers")]
    TooManyHeaders(usize),
    #[error("frame is larger than {0} bytes")]
    TooLarge(usize),
    #[error("NUL before the blank line that ends the headers")]
    NulInHeaders,
    #[error("header is not UTF-8")]
    NotUtf8,
    #[error("header line {0:?} has no colon")]
    NoColon(String),
    #[error("header has no name")]
    NoName,
    #[error("header has an undefined escape \\{0}")]
    UndefinedEscape(char),
    #[error("content-length {0:?} is no number of bytes")]
    ContentLength(String),
    #[error("no NUL behind the body that content-length names")]
    NoNul,
    #[error("{} frame must not have a body", .0.as_str())]
    UnexpectedBody(Command),
}

/// A frame whose headers are read and whose body has not all come.
#[derive(Debug)]
struct Head {
    command: Command,
    headers: Headers,
    /// Bytes up to the body.
    len: usize,
    content_length: Option<usize>,
}

/// Cuts a stream of bytes into frames. Feed, then take frames until there is none; repeat.
#[derive(Debug)]
pub struct Decoder {
    side: Side,
    version: Version,
    max_bytes: usize,
    /// Input that was not looked at yet.
    input: Bytes,
    /// The beginning of a frame that goes on in the next input; empty when `input` is not.
    partial: BytesMut,
    /// Bytes of the frame at hand that were searched in vain.
    searched: usize,
    /// Lines found so far, the command included.
    lines: usize,
    head: Option<Box<Head>>,
}

impl Decoder {
    /// A decoder for a server's or a client's end. Frames of servers may be larger: what came by REST has
    /// another bound than a frame.
    pub fn new(side: Side) -> Self {
        let max_bytes = match side {
            Side::Server => limits::FRAME_BYTES,
            Side::Client => limits::JSON_BYTES + limits::FRAME_BYTES,
        };
        Self {
            side,
            version: Version::V10,
            max_bytes,
            input: Bytes::new(),
            partial: BytesMut::new(),
            searched: 0,
            lines: 0,
            head: None,
        }
    }

    /// The same with another bound of a frame, in bytes.
    #[must_use]
    pub fn bounded(mut self, max_bytes: usize) -> Self {
        self.max_bytes = max_bytes;
        self
    }

    /// The version whose escapes count from the next frame on. Until told (a client's decoder reads it in
    /// CONNECTED by itself), there are none.
    pub fn set_version(&mut self, version: Version) {
        self.version = version;
    }

    /// Takes input. Frames in it share its memory.
    pub fn feed(&mut self, input: Bytes) {
        if self.partial.is_empty() && self.input.is_empty() {
            self.input = input;
        } else {
            self.partial.extend_from_slice(&std::mem::take(&mut self.input));
            self.partial.extend_from_slice(&input);
        }
    }

    /// The next whole frame, `None` when more input is needed.
    ///
    /// # Errors
    /// [`Error`] says what is wrong with the bytes; the decoder is of no use any more.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, Error> {
        if self.head.is_none() && self.searched == 0 && self.lines == 0 {
            self.skip_heartbeats();
        }
        let Some(total) = self.find_end()? else {
            self.keep_rest();
            return Ok(None);
        };
        let Some(head) = self.head.take() else { return Ok(None) };
        self.searched = 0;
        self.lines = 0;
        let mut bytes = if self.partial.is_empty() {
            self.input.split_to(total)
        } else {
            let frame = self.partial.split_to(total).freeze();
            if self.partial.is_empty() {
                self.partial = BytesMut::new(); // gives the memory back
            }
            frame
        };
        bytes.advance(head.len);
        bytes.truncate(bytes.len() - 1);
        let frame = Frame { command: head.command, headers: head.headers, body: bytes };
        if frame.command == Command::Connected {
            self.version = frame.header("version").and_then(Version::parse).unwrap_or(Version::V10);
        }
        Ok(Some(frame))
    }

    /// Memory that an incomplete frame takes.
    pub fn held_bytes(&self) -> usize {
        self.input.len() + self.partial.capacity()
    }

    fn pending(&self) -> &[u8] {
        if self.partial.is_empty() { &self.input } else { &self.partial }
    }

    fn skip_heartbeats(&mut self) {
        let pending = self.pending();
        let eols = pending.iter().take_while(|byte| matches!(byte, b'\n' | b'\r')).count();
        // A CR at the very end may be half of an EOL: it is one either way.
        if self.partial.is_empty() { self.input.advance(eols) } else { self.partial.advance(eols) }
    }

    /// Puts an incomplete frame where the next input can be added to it.
    fn keep_rest(&mut self) {
        if !self.input.is_empty() {
            self.partial.extend_from_slice(&self.input);
        } else if self.partial.is_empty() {
            self.partial = BytesMut::new();
        }
        // Even an empty rest would keep the whole buffer alive that the input was cut from.
        self.input = Bytes::new();
    }

    /// The length of the frame at hand, NUL included, once all of it is there.
    fn find_end(&mut self) -> Result<Option<usize>, Error> {
        if self.head.is_none() && !self.find_head()? {
            return Ok(None);
        }
        let Some(head) = &self.head else { return Ok(None) };
        let pending = self.pending();
        let end = match head.content_length {
            Some(length) => {
                let end = head.len + length;
                match pending.get(end) {
                    Some(0) => Some(end),
                    Some(_) => return Err(Error::NoNul),
                    None => None,
                }
            }
            None => memchr(0, &pending[self.searched..]).map(|at| self.searched + at),
        };
        match end {
            Some(end) if end >= self.max_bytes => Err(Error::TooLarge(self.max_bytes)),
            Some(end) if end > head.len && !head.command.has_body() => {
                Err(Error::UnexpectedBody(head.command))
            }
            Some(end) => Ok(Some(end + 1)),
            None if pending.len() >= self.max_bytes => Err(Error::TooLarge(self.max_bytes)),
            None if pending.len() > head.len && !head.command.has_body() => {
                Err(Error::UnexpectedBody(head.command))
            }
            None => {
                self.searched = pending.len();
                Ok(None)
            }
        }
    }

    /// Looks for the blank line; when it is there, reads what stands before it.
    fn find_head(&mut self) -> Result<bool, Error> {
        loop {
            let pending = self.pending();
            let rest = &pending[self.searched..];
            let Some(at) = memchr2(b'\n', 0, rest) else {
                return self.check_open_line(rest.len()).map(|()| false);
            };
            if rest[at] == 0 {
                return Err(Error::NulInHeaders);
            }
            let line = trim_cr(&rest[..at]);
            if line.len() > limits::STOMP_HEADER_BYTES {
                return Err(Error::LineTooLong(limits::STOMP_HEADER_BYTES));
            }
            if self.lines == 0 {
                self.command(line)?;
            }
            let (blank, end) = (line.is_empty(), self.searched + at + 1);
            if blank {
                let head = self.read_head(&pending[..end])?;
                self.head = Some(Box::new(head));
                self.searched = end;
                return Ok(true);
            }
            if self.lines > limits::STOMP_HEADERS {
                return Err(Error::TooManyHeaders(limits::STOMP_HEADERS));
            }
            self.lines += 1;
            self.searched = end;
        }
    }

    /// Whether a line that has not ended yet can still become one.
    fn check_open_line(&self, len: usize) -> Result<(), Error> {
        const COMMAND_BYTES: usize = 16;
        if self.lines == 0 && len > COMMAND_BYTES {
            return Err(Error::UnknownCommand(printable(&self.pending()[..COMMAND_BYTES])));
        }
        if len > limits::STOMP_HEADER_BYTES + 1 {
            return Err(Error::LineTooLong(limits::STOMP_HEADER_BYTES));
        }
        if self.searched + len >= self.max_bytes {
            return Err(Error::TooLarge(self.max_bytes));
        }
        Ok(())
    }

    fn command(&self, line: &[u8]) -> Result<Command, Error> {
        Command::parse(line)
            .filter(|command| command.of_client() == (self.side == Side::Server))
            .ok_or_else(|| Error::UnknownCommand(printable(line)))
    }

    fn read_head(&self, bytes: &[u8]) -> Result<Head, Error> {
        let text = std::str::from_utf8(bytes).map_err(|_| Error::NotUtf8)?;
        let mut lines = text.split_terminator('\n').map(|line| line.strip_suffix('\r').unwrap_or(line));
        let command = self.command(lines.next().unwrap_or_default().as_bytes())?;
        let escapes = (self.version != Version::V10 && !command.is_raw()).then_some(self.version);
        let mut headers = Headers::with_capacity(bytes.len(), self.lines.saturating_sub(1));
        for line in lines.filter(|line| !line.is_empty()) {
            let (name, value) =
                line.split_once(':').ok_or_else(|| Error::NoColon(printable(line.as_bytes())))?;
            let (name, value) = if escapes.is_none() { (name.trim(), value.trim()) } else { (name, value) };
            if name.is_empty() {
                return Err(Error::NoName);
            }
            unescape(name, escapes, headers.text_mut())?;
            let end_of_name = headers.text_mut().len();
            unescape(value, escapes, headers.text_mut())?;
            headers.close(end_of_name);
        }
        let content_length = match headers.get("content-length") {
            None => None,
            Some(text) => Some(self.content_length(text.trim(), bytes.len())?),
        };
        Ok(Head { command, headers, len: bytes.len(), content_length })
    }

    /// A length that fits in the bound together with the head; nothing is allocated by it in any case.
    fn content_length(&self, text: &str, head: usize) -> Result<usize, Error> {
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Error::ContentLength(printable(text.as_bytes())));
        }
        // Digits that overflow are too large as well.
        match text.parse::<usize>() {
            Ok(length) if length < self.max_bytes.saturating_sub(head) => Ok(length),
            _ => Err(Error::TooLarge(self.max_bytes)),
        }
    }
}

fn trim_cr(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

fn unescape(text: &str, escapes: Option<Version>, out: &mut String) -> Result<(), Error> {
    let Some(version) = escapes else {
        out.push_str(text);
        return Ok(());
    };
    let mut rest = text;
    while let Some(at) = memchr(b'\\', rest.as_bytes()) {
        out.push_str(&rest[..at]);
        let escape = rest[at + 1..].chars().next();
        out.push(match escape {
            Some('n') => '\n',
            Some('c') => ':',
            Some('\\') => '\\',
            Some('r') if version == Version::V12 => '\r',
            other => return Err(Error::UndefinedEscape(other.unwrap_or(' '))),
        });
        rest = &rest[at + 2..];
    }
    out.push_str(rest);
    Ok(())
}

/// The beginning of what was sent, for an error text.
fn printable(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(64)]).into_owned()
}
