//! What the other side wrote: a client's array of strings, a server's frame.

/// Why a text is no array of messages. The session can go on behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Nothing came at all. The text is SockJS's.
    #[error("Payload expected.")]
    Empty,
    /// Not a JSON array of strings in UTF-8. The text is SockJS's.
    #[error("Broken JSON encoding.")]
    Broken,
    /// More bytes than the bound.
    #[error("larger than {0} bytes")]
    TooLarge(usize),
}

/// Reads one JSON array of strings for itself and joins them, as [`Arrays`] does; what it ends with is no
/// beginning of anything.
///
/// # Errors
/// As [`Arrays::decode`].
pub fn decode(input: &[u8], max: usize) -> Result<String, Error> {
    let mut arrays = Arrays::default();
    let mut out = arrays.decode(input, max)?;
    if arrays.high.is_some() {
        out.push(char::REPLACEMENT_CHARACTER);
    }
    Ok(out)
}

/// Reads the arrays of one session, one after the other, into one text.
///
/// stompjs cuts its frames at any UTF-16 unit, so the two halves of a letter beyond U+FFFF may come in two
/// strings, or in two arrays. A first half is kept back until it is known what comes behind it.
#[derive(Debug, Default)]
pub struct Arrays {
    /// A first half that nothing came behind yet.
    high: Option<u16>,
}

impl Arrays {
    /// Reads a JSON array of strings and joins them. Any `\uXXXX` is taken, pairs of surrogates become their
    /// letter, and half a pair becomes U+FFFD, since UTF-8 has no place for it. `[]` is legal and empty.
    ///
    /// # Errors
    /// [`Error::TooLarge`] beyond `max` bytes, [`Error::Empty`] on nothing but white space,
    /// [`Error::Broken`] on everything else that is no array of strings. Then it is as if nothing had come.
    pub fn decode(&mut self, input: &[u8], max: usize) -> Result<String, Error> {
        if input.len() > max {
            return Err(Error::TooLarge(max));
        }
        let text = std::str::from_utf8(input).map_err(|_| Error::Broken)?;
        if text.bytes().all(is_space) {
            return Err(Error::Empty);
        }
        let mut out = Text { done: String::with_capacity(text.len()), high: self.high };
        let mut reader = Reader { rest: text };
        reader.strings(|string| string.unescape(&mut out))?;
        reader.end()?;
        self.high = out.high;
        Ok(out.done)
    }
}

/// A server's frame, as a client reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    Open,
    Heartbeat,
    /// The messages of an `a[...]`.
    Messages(Vec<String>),
    Close(u16, String),
}

impl Frame {
    /// Reads one frame without its envelope.
    ///
    /// # Errors
    /// [`Error::Empty`] on nothing, [`Error::Broken`] on what is no frame.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text.is_empty() {
            return Err(Error::Empty);
        }
        let (kind, rest) = text.split_at_checked(1).ok_or(Error::Broken)?;
        let mut reader = Reader { rest };
        let frame = match kind {
            "o" => Frame::Open,
            "h" => Frame::Heartbeat,
            "a" => {
                let mut messages = Vec::new();
                reader.strings(|string| {
                    messages.push(string.whole()?);
                    Ok(())
                })?;
                Frame::Messages(messages)
            }
            "c" => {
                reader.expect(b'[')?;
                let code = reader.number()?;
                reader.expect(b',')?;
                let reason = reader.string()?.whole()?;
                reader.expect(b']')?;
                Frame::Close(code, reason)
            }
            _ => return Err(Error::Broken),
        };
        reader.end()?;
        Ok(frame)
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// JSON as far as SockJS needs it.
struct Reader<'a> {
    rest: &'a str,
}

/// The inside of a JSON string, escapes and all.
#[derive(Clone, Copy)]
struct Escaped<'a>(&'a str);

impl<'a> Reader<'a> {
    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
    }

    /// Takes one mark of syntax, white space around it left out.
    fn take(&mut self, mark: u8) -> bool {
        self.skip_space();
        let found = self.rest.as_bytes().first() == Some(&mark);
        if found {
            self.rest = &self.rest[1..];
        }
        found
    }

    fn expect(&mut self, mark: u8) -> Result<(), Error> {
        if self.take(mark) { Ok(()) } else { Err(Error::Broken) }
    }

    fn end(&mut self) -> Result<(), Error> {
        self.skip_space();
        if self.rest.is_empty() { Ok(()) } else { Err(Error::Broken) }
    }

    fn number(&mut self) -> Result<u16, Error> {
        self.skip_space();
        let digits = self.rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, rest) = self.rest.split_at(digits);
        self.rest = rest;
        number.parse().map_err(|_| Error::Broken)
    }

    /// Visits each string of an array.
    fn strings(&mut self, mut visit: impl FnMut(Escaped<'a>) -> Result<(), Error>) -> Result<(), Error> {
        self.expect(b'[')?;
        if self.take(b']') {
            return Ok(());
        }
        loop {
            visit(self.string()?)?;
            if self.take(b']') {
                return Ok(());
            }
            self.expect(b',')?;
        }
    }

    fn string(&mut self) -> Result<Escaped<'a>, Error> {
        self.expect(b'"')?;
        let bytes = self.rest.as_bytes();
        let mut at = 0;
        loop {
            match bytes.get(at) {
                Some(b'"') => break,
                Some(b'\\') => at += 2,
                Some(byte) if *byte >= b' ' => at += 1,
                // A control character in a string is no JSON.
                _ => return Err(Error::Broken),
            }
        }
        // Both marks are ASCII, so these are borders of characters.
        let (inside, rest) = self.rest.split_at(at);
        self.rest = &rest[1..];
        Ok(Escaped(inside))
    }
}

impl Escaped<'_> {
    fn unescape(self, out: &mut Text) -> Result<(), Error> {
        let mut rest = self.0;
        while let Some((plain, escaped)) = rest.split_once('\\') {
            out.push(plain);
            let kind = escaped.as_bytes().first().ok_or(Error::Broken)?;
            rest = if *kind == b'u' {
                let (unit, behind) = unit(escaped).ok_or(Error::Broken)?;
                out.push_unit(unit);
                behind
            } else {
                out.push(simple(*kind).ok_or(Error::Broken)?);
                &escaped[1..]
            };
        }
        out.push(rest);
        Ok(())
    }

    /// A string that nothing comes behind.
    fn whole(self) -> Result<String, Error> {
        let mut out = Text::default();
        self.unescape(&mut out)?;
        out.replace_high();
        Ok(out.done)
    }
}

/// A text in the making, and the first half of a letter at its end.
#[derive(Default)]
struct Text {
    done: String,
    high: Option<u16>,
}

impl Text {
    fn push(&mut self, plain: &str) {
        if !plain.is_empty() {
            self.replace_high();
            self.done.push_str(plain);
        }
    }

    fn push_unit(&mut self, unit: u16) {
        if let Some(high) = self.high.take() {
            if let Some(Ok(letter)) = char::decode_utf16([high, unit]).next() {
                self.done.push(letter);
                return;
            }
            self.done.push(char::REPLACEMENT_CHARACTER);
        }
        if (0xd800..0xdc00).contains(&unit) {
            self.high = Some(unit);
        } else {
            self.done.push(char::from_u32(unit.into()).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
    }

    fn replace_high(&mut self) {
        if self.high.take().is_some() {
            self.done.push(char::REPLACEMENT_CHARACTER);
        }
    }
}

fn simple(kind: u8) -> Option<&'static str> {
    Some(match kind {
        b'"' => "\"",
        b'\\' => "\\",
        b'/' => "/",
        b'b' => "\u{8}",
        b'f' => "\u{c}",
        b'n' => "\n",
        b'r' => "\r",
        b't' => "\t",
        _ => return None,
    })
}

/// The number in `uXXXX`, and what comes behind.
fn unit(escaped: &str) -> Option<(u16, &str)> {
    let (digits, rest) = escaped.strip_prefix('u')?.split_at_checked(4)?;
    let hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    Some((u16::from_str_radix(digits, 16).ok().filter(|_| hex)?, rest))
}
