//! STOMP frames of a server, read in place without copies.
//!
//! `schema::wire::stomp` has the whole codec; here only what is needed, since generator and server share
//! the machine and each microsecond of the one is taken from the other.

/// The receipt that says that a user's subscriptions stand.
pub(crate) const SUBSCRIBED: &[u8] = b"subscribed";

/// A frame, in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Frame<'a> {
    pub(crate) command: &'a [u8],
    headers: &'a [u8],
    pub(crate) body: &'a [u8],
}

impl<'a> Frame<'a> {
    /// The frame at the beginning of a message, and what follows it; none for heart-beats and the end.
    pub(crate) fn read(mut bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        while let [b'\n' | b'\r', rest @ ..] = bytes {
            bytes = rest;
        }
        let line = memchr::memchr(b'\n', bytes)?;
        let (command, rest) = (trim(&bytes[..line]), &bytes[line + 1..]);
        let mut end = 0;
        loop {
            let line = memchr::memchr(b'\n', &rest[end..])?;
            if trim(&rest[end..end + line]).is_empty() {
                let after = &rest[end + line + 1..];
                let mut frame = Self { command, headers: &rest[..end], body: after };
                let length = match frame.header(b"content-length").and_then(number) {
                    Some(length) => usize::try_from(length).ok()?,
                    None => memchr::memchr(0, after)?,
                };
                frame.body = after.get(..length)?;
                return Some((frame, after.get(length + 1..).unwrap_or_default()));
            }
            end += line + 1;
        }
    }

    /// The first header of this name, as it stands on the wire.
    pub(crate) fn header(&self, name: &[u8]) -> Option<&'a [u8]> {
        self.headers.split(|b| *b == b'\n').find_map(|line| trim(line).strip_prefix(name)?.strip_prefix(b":"))
    }

    /// The sequence that a RECEIPT answers.
    pub(crate) fn sequence(&self) -> Option<u32> {
        self.header(b"receipt-id").and_then(number).and_then(|n| u32::try_from(n).ok())
    }

    /// What an ERROR says.
    pub(crate) fn words(&self) -> String {
        let text = self.header(b"message").unwrap_or_default();
        format!("{} {}", String::from_utf8_lossy(text), String::from_utf8_lossy(self.body)).trim().to_owned()
    }
}

/// Each frame of a message.
pub(crate) fn each<'a>(mut message: &'a [u8], mut take: impl FnMut(Frame<'a>)) {
    while let Some((frame, rest)) = Frame::read(message) {
        take(frame);
        message = rest;
    }
}

/// A number in decimal digits.
pub(crate) fn number(text: &[u8]) -> Option<u64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

fn trim(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_read_in_place_one_after_the_other() {
        let bytes = b"\n\r\nRECEIPT\r\nreceipt-id:42\r\n\r\n\0\nMESSAGE\nsubscription:m\ncontent-length:5\n\na\0b\nc\0\n";
        let mut frames = Vec::new();
        each(bytes, |frame| frames.push(frame));
        let [receipt, message] = frames[..] else { panic!("{frames:?}") };
        assert_eq!(
            (receipt.command, receipt.sequence(), receipt.body),
            (&b"RECEIPT"[..], Some(42), &b""[..])
        );
        assert_eq!((message.header(b"subscription"), message.body), (Some(&b"m"[..]), &b"a\0b\nc"[..]));
    }

    #[test]
    fn what_is_cut_is_no_frame() {
        let whole = b"MESSAGE\nsubscription:m\ncontent-length:5\n\nabcde\0";
        assert!(Frame::read(whole).is_some());
        for end in 0..whole.len() - 1 {
            assert_eq!(Frame::read(&whole[..end]), None, "{end}");
        }
        assert_eq!(Frame::read(b"MESSAGE\ncontent-length:18446744073709551615\n\nabc\0"), None);
    }
}
