//! Frames into bytes.

use super::{Command, Version};

/// Writes one frame straight into a buffer: command, headers, then [`Writer::body`] or [`Writer::end`].
#[must_use = "a frame ends with `body` or `end`"]
pub struct Writer<'a> {
    out: &'a mut Vec<u8>,
    /// `None`: nothing is escaped.
    escapes: Option<Version>,
}

impl<'a> Writer<'a> {
    /// Begins a frame at the end of the buffer.
    pub fn new(out: &'a mut Vec<u8>, version: Version, command: Command) -> Self {
        out.extend_from_slice(command.as_str().as_bytes());
        out.push(b'\n');
        Self { out, escapes: (version != Version::V10 && !command.is_raw()).then_some(version) }
    }

    /// One header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.text(name.as_bytes(), true);
        self.out.push(b':');
        self.text(value.as_bytes(), false);
        self.out.push(b'\n');
        self
    }

    /// One header whose value the formatter writes; it must need no escaping (numbers, ids).
    pub fn plain(self, name: &str, value: impl std::fmt::Display) -> Self {
        use std::io::Write;
        // Writing to a Vec fails only if the value's own Display does; then the value stays short.
        let _ = write!(self.out, "{name}:{value}");
        self.out.push(b'\n');
        self
    }

    /// The body with its `content-length`, and the end of the frame.
    pub fn body(self, body: &[u8]) {
        let length = body.len();
        self.plain("content-length", length).raw_body(body);
    }

    /// The end of a frame without a body.
    pub fn end(self) {
        self.raw_body(&[]);
    }

    pub(super) fn raw_body(self, body: &[u8]) {
        self.out.push(b'\n');
        self.out.extend_from_slice(body);
        self.out.push(0);
    }

    /// One header text. What the version can't escape is never let through to forge a line: it becomes a
    /// space.
    fn text(&mut self, text: &[u8], name: bool) {
        let special = |byte: &u8| matches!(byte, b'\n' | b'\r' | b'\\' | b':' | 0);
        if !text.iter().any(special) {
            return self.out.extend_from_slice(text);
        }
        for &byte in text {
            let escaped: &[u8] = match (byte, self.escapes) {
                (0, _) | (b'\n', None) => b" ",
                (b':', None) if name => b" ",
                (b'\n', Some(_)) => b"\\n",
                (b':', Some(_)) => b"\\c",
                (b'\\', Some(_)) => b"\\\\",
                (b'\r', Some(Version::V12)) => b"\\r",
                _ => &[byte],
            };
            self.out.extend_from_slice(escaped);
        }
    }
}
