//! What a server writes: `o`, `h`, `a[...]`, `c[...]`.

/// The first frame of a session.
pub const OPEN: &str = "o";
/// The frame that keeps an idle receiver awake.
pub const HEARTBEAT: &str = "h";

/// `a["..."]`: one message.
pub fn array(message: &str) -> String {
    let mut out = String::with_capacity(message.len() + message.len() / 8 + 8);
    out.push_str("a[\"");
    escape(message, &mut out);
    out.push_str("\"]");
    out
}

/// `c[code,"reason"]`: the session is over.
pub fn close(code: u16, reason: &str) -> String {
    let mut out = format!("c[{code},\"");
    escape(reason, &mut out);
    out.push_str("\"]");
    out
}

/// Messages that go out together, in one `a[...]`.
#[derive(Debug, Default)]
pub struct Batch {
    /// `a["m1","m2"`, the bracket still open; empty without messages.
    text: String,
}

impl Batch {
    /// Adds a message behind the others.
    pub fn push(&mut self, message: &str) {
        self.text.push_str(if self.text.is_empty() { "a[\"" } else { ",\"" });
        escape(message, &mut self.text);
        self.text.push('"');
    }

    /// Bytes that are gathered, escapes included.
    pub fn bytes(&self) -> usize {
        self.text.len()
    }

    /// Whether there is nothing to send.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// The frame, and an empty batch in its place; `None` when there is no message. Its memory goes along.
    pub fn take(&mut self) -> Option<String> {
        let mut frame = std::mem::take(&mut self.text);
        (!frame.is_empty()).then(|| {
            frame.push(']');
            frame
        })
    }
}

/// Writes the inside of a JSON string. Besides what JSON asks for, escaped is what SockJS names because
/// browsers mangle it (U+200C–200F, 2028–202F, 2060–206F, FFF0–FFFF, surrogates: so everything beyond
/// U+FFFF goes as a pair), U+FEFF and U+007F–009F for the same reason, and `%`: sockjs-client runs what an
/// EventSource gives it through `decodeURI`.
pub fn escape(text: &str, out: &mut String) {
    let mut start = 0;
    for (at, letter) in text.char_indices() {
        if is_plain(letter) {
            continue;
        }
        out.push_str(&text[start..at]);
        start = at + letter.len_utf8();
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            other => other.encode_utf16(&mut [0; 2]).iter().for_each(|unit| push_unit(*unit, out)),
        }
    }
    out.push_str(&text[start..]);
}

fn push_unit(unit: u16, out: &mut String) {
    const HEX: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    out.push_str("\\u");
    [12, 8, 4, 0].iter().for_each(|shift| out.push(HEX[usize::from(unit >> shift & 0xf)]));
}

/// Whether a letter goes out as it is.
pub(super) fn is_plain(letter: char) -> bool {
    match letter {
        '"' | '\\' | '%' => false,
        ' '..='~' => true,
        '\u{a0}'..='\u{200b}' | '\u{2010}'..='\u{2027}' | '\u{2030}'..='\u{205f}' => true,
        // Surrogates lie in this range and are no letters.
        '\u{2070}'..='\u{fefe}' | '\u{ff00}'..='\u{ffef}' => true,
        _ => false,
    }
}
