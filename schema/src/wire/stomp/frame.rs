//! A frame as a value.

use super::{Version, Writer};
use bytes::Bytes;

macro_rules! commands {
    ($($name:ident = $text:literal, $side:literal;)*) => {
        /// What a frame asks or says.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Command { $($name,)* }

        impl Command {
            /// Every command.
            pub const ALL: &[Command] = &[$(Command::$name,)*];

            /// The first line of the frame.
            pub fn as_str(self) -> &'static str {
                match self { $(Command::$name => $text,)* }
            }

            /// Whether clients send it; else servers do.
            pub fn of_client(self) -> bool {
                match self { $(Command::$name => $side == "client",)* }
            }

            pub(super) fn parse(line: &[u8]) -> Option<Self> {
                $(if line == $text.as_bytes() { return Some(Command::$name); })*
                None
            }
        }
    };
}

commands! {
    Send = "SEND", "client";
    Message = "MESSAGE", "server";
    Receipt = "RECEIPT", "server";
    Ack = "ACK", "client";
    Connect = "CONNECT", "client";
    Stomp = "STOMP", "client";
    Connected = "CONNECTED", "server";
    Subscribe = "SUBSCRIBE", "client";
    Unsubscribe = "UNSUBSCRIBE", "client";
    Nack = "NACK", "client";
    Begin = "BEGIN", "client";
    Commit = "COMMIT", "client";
    Abort = "ABORT", "client";
    Disconnect = "DISCONNECT", "client";
    Error = "ERROR", "server";
}

impl Command {
    /// Whether a frame of this command may have a body.
    pub fn has_body(self) -> bool {
        matches!(self, Command::Send | Command::Message | Command::Error)
    }

    /// The frames of the handshake, whose headers are never escaped.
    pub(super) fn is_raw(self) -> bool {
        matches!(self, Command::Connect | Command::Stomp | Command::Connected)
    }
}

/// The headers of a frame, in order, unescaped: one text and where its parts end.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Headers {
    text: String,
    /// Ends of name and value of each header, in `text`.
    ends: Vec<(u32, u32)>,
}

impl Headers {
    /// The value of the first header of this name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(other, _)| *other == name).map(|(_, value)| value)
    }

    /// Adds a header; an earlier one of the same name outranks it.
    pub fn push(&mut self, name: &str, value: &str) {
        self.text.push_str(name);
        let end_of_name = self.text.len();
        self.text.push_str(value);
        self.close(end_of_name);
    }

    /// All headers, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut start = 0;
        self.ends.iter().map(move |&(name, value)| {
            let (name, value) = (name as usize, value as usize);
            let header = (&self.text[start..name], &self.text[name..value]);
            start = value;
            header
        })
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    pub(super) fn with_capacity(bytes: usize, headers: usize) -> Self {
        Self { text: String::with_capacity(bytes), ends: Vec::with_capacity(headers) }
    }

    pub(super) fn text_mut(&mut self) -> &mut String {
        &mut self.text
    }

    /// Ends a header whose name ends here and whose value is the rest of the text.
    pub(super) fn close(&mut self, end_of_name: usize) {
        let bound = |end| u32::try_from(end).unwrap_or(u32::MAX); // frames are far smaller
        self.ends.push((bound(end_of_name), bound(self.text.len())));
    }
}

impl std::fmt::Debug for Headers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl<N: AsRef<str>, V: AsRef<str>> FromIterator<(N, V)> for Headers {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(headers: I) -> Self {
        let mut all = Self::default();
        for (name, value) in headers {
            all.push(name.as_ref(), value.as_ref());
        }
        all
    }
}

/// One STOMP frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    pub command: Command,
    pub headers: Headers,
    pub body: Bytes,
}

impl Frame {
    /// A frame without headers and body.
    pub fn new(command: Command) -> Self {
        Self { command, headers: Headers::default(), body: Bytes::new() }
    }

    /// The same frame with one more header.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push(name, value);
        self
    }

    /// The same frame with a body.
    #[must_use]
    pub fn with_body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// The value of the first header of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)
    }

    /// Appends the frame's bytes; a body gets its `content-length` unless the headers have one.
    pub fn encode(&self, version: Version, out: &mut Vec<u8>) {
        let mut writer = Writer::new(out, version, self.command);
        for (name, value) in self.headers.iter() {
            writer = writer.header(name, value);
        }
        if self.body.is_empty() || self.header("content-length").is_some() {
            writer.raw_body(&self.body);
        } else {
            writer.body(&self.body);
        }
    }

    /// The frame's bytes.
    pub fn to_bytes(&self, version: Version) -> Bytes {
        let mut out = Vec::with_capacity(64 + self.body.len() + self.headers.len() * 32);
        self.encode(version, &mut out);
        out.into()
    }
}
