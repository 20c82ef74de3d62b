//! WebSocket frames (RFC 6455) after the upgrade: masked out, whole messages in.

use std::cell::Cell;
use std::ops::Range;

pub(crate) const TEXT: u8 = 1;
pub(crate) const CLOSE: u8 = 8;
pub(crate) const PING: u8 = 9;
pub(crate) const PONG: u8 = 10;
const CONTINUATION: u8 = 0;
pub(crate) const BINARY: u8 = 2;

/// The largest frame that is taken: a chat message and its headers are far smaller.
const FRAME_BYTES: usize = 4 * schema::limits::FRAME_BYTES;

/// Appends a whole message as one masked frame.
pub(crate) fn write(opcode: u8, payload: &[u8], mask: [u8; 4], into: &mut Vec<u8>) {
    into.push(0x80 | opcode);
    match payload.len() {
        short @ 0..126 => into.push(0x80 | short as u8),
        middle @ 126..65_536 => {
            into.push(0x80 | 126);
            into.extend_from_slice(&(middle as u16).to_be_bytes());
        }
        long => {
            into.push(0x80 | 127);
            into.extend_from_slice(&(long as u64).to_be_bytes());
        }
    }
    into.extend_from_slice(&mask);
    let start = into.len();
    into.extend_from_slice(payload);
    let (words, rest) = into[start..].as_chunks_mut::<4>();
    let word = u32::from_ne_bytes(mask);
    for chunk in words {
        *chunk = (u32::from_ne_bytes(*chunk) ^ word).to_ne_bytes();
    }
    for (byte, key) in rest.iter_mut().zip(mask) {
        *byte ^= key;
    }
}

/// The next mask of this thread: unpredictable is not needed between two programs of one's own, different is.
pub(crate) fn mask() -> [u8; 4] {
    thread_local!(static STATE: Cell<u64> = Cell::new(rand::random()));
    STATE.with(|state| {
        state
            .set(state.get().wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407));
        ((state.get() >> 32) as u32).to_ne_bytes()
    })
}

/// The bytes of messages that have not arrived wholly.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    partial: Box<[u8]>,
    fragments: Vec<u8>,
}

impl Inbox {
    /// Takes what was read and gives each whole message, with its opcode.
    ///
    /// # Errors
    /// What the peer did against the protocol.
    pub(crate) fn feed(&mut self, got: &[u8], mut take: impl FnMut(u8, &[u8])) -> Result<(), &'static str> {
        if self.partial.is_empty() {
            let used = self.consume(got, &mut take)?;
            self.partial = got[used..].into();
            return Ok(());
        }
        let mut bytes = std::mem::take(&mut self.partial).into_vec();
        bytes.extend_from_slice(got);
        let used = self.consume(&bytes, &mut take)?;
        // An idle socket keeps nothing: the buffer goes when there is no rest.
        self.partial = bytes[used..].into();
        Ok(())
    }

    /// Takes what was read and gives each whole packet, of a protocol that finds the borders itself.
    ///
    /// # Errors
    /// What `cut` finds wrong, and a packet that is too large.
    pub(crate) fn packets(
        &mut self,
        got: &[u8],
        cut: impl Fn(&[u8]) -> Result<Option<usize>, &'static str>,
        mut take: impl FnMut(&[u8]),
    ) -> Result<(), &'static str> {
        let kept = std::mem::take(&mut self.partial);
        let joined = if kept.is_empty() { None } else { Some([&kept[..], got].concat()) };
        let mut bytes = joined.as_deref().unwrap_or(got);
        while !bytes.is_empty()
            && let Some(length) = cut(bytes)?
        {
            let Some((packet, rest)) = bytes.split_at_checked(length.max(1)) else {
                break;
            };
            take(packet);
            bytes = rest;
        }
        if bytes.len() > FRAME_BYTES {
            return Err("packet too large");
        }
        self.partial = bytes.into();
        Ok(())
    }

    /// Keeps bytes from before the first frame, and gives all that was kept.
    pub(crate) fn keep(&mut self, bytes: &[u8]) -> &[u8] {
        self.partial = [&self.partial, bytes].concat().into();
        &self.partial
    }

    /// Gives back what was kept.
    pub(crate) fn release(&mut self) -> Box<[u8]> {
        std::mem::take(&mut self.partial)
    }

    fn consume(&mut self, bytes: &[u8], take: &mut impl FnMut(u8, &[u8])) -> Result<usize, &'static str> {
        let mut used = 0;
        while let Some(frame) = head(&bytes[used..])? {
            let payload = &bytes[used + frame.payload.start..used + frame.payload.end];
            used += frame.payload.end;
            match (frame.opcode, frame.last) {
                (TEXT | BINARY, true) => take(TEXT, payload),
                (TEXT | BINARY, false) => self.fragments = payload.to_vec(),
                (CONTINUATION, last) => {
                    self.fragments.extend_from_slice(payload);
                    if self.fragments.len() > FRAME_BYTES {
                        return Err("message too large");
                    }
                    if last {
                        take(TEXT, &std::mem::take(&mut self.fragments));
                    }
                }
                (opcode @ (CLOSE | PING | PONG), true) => take(opcode, payload),
                _ => return Err("unknown frame"),
            }
        }
        Ok(used)
    }
}

struct Head {
    last: bool,
    opcode: u8,
    payload: Range<usize>,
}

/// The frame at the beginning of these bytes, once it is there wholly.
fn head(bytes: &[u8]) -> Result<Option<Head>, &'static str> {
    let [first, second, rest @ ..] = bytes else {
        return Ok(None);
    };
    if second & 0x80 != 0 {
        return Err("masked frame from a server");
    }
    let (start, length) = match (second & 0x7f, rest) {
        (126, [a, b, ..]) => (4, usize::from(u16::from_be_bytes([*a, *b]))),
        (127, [a, b, c, d, e, f, g, h, ..]) => {
            let length = u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]);
            (10, usize::try_from(length).unwrap_or(usize::MAX))
        }
        (126 | 127, _) => return Ok(None),
        (short, _) => (2, usize::from(short)),
    };
    if length > FRAME_BYTES {
        return Err("frame too large");
    }
    if bytes.len() < start + length {
        return Ok(None);
    }
    Ok(Some(Head { last: first & 0x80 != 0, opcode: first & 0x0f, payload: start..start + length }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a server sends: the same frame, not masked.
    fn server(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut bytes = vec![first];
        match payload.len() {
            short @ 0..126 => bytes.push(short as u8),
            middle @ 126..65_536 => {
                bytes.push(126);
                bytes.extend_from_slice(&(middle as u16).to_be_bytes());
            }
            long => {
                bytes.push(127);
                bytes.extend_from_slice(&(long as u64).to_be_bytes());
            }
        }
        bytes.extend_from_slice(payload);
        bytes
    }

    fn read(chunks: &[&[u8]]) -> Result<Vec<(u8, Vec<u8>)>, &'static str> {
        let (mut inbox, mut got) = (Inbox::default(), Vec::new());
        for chunk in chunks {
            inbox.feed(chunk, |opcode, payload| got.push((opcode, payload.to_vec())))?;
        }
        Ok(got)
    }

    #[test]
    fn messages_come_whole_however_they_are_split() {
        let long = vec![b'x'; 70_000];
        let mut bytes = server(0x81, b"one");
        bytes.extend(server(0x89, b"ping"));
        bytes.extend(server(0x01, b"fra"));
        bytes.extend(server(0x80, b"gment"));
        bytes.extend(server(0x82, &long));
        bytes.extend(server(0x81, &long[..300]));
        let expected = read(&[&bytes]).unwrap();
        let opcodes: Vec<_> = expected.iter().map(|(opcode, payload)| (*opcode, payload.len())).collect();
        assert_eq!(opcodes, [(TEXT, 3), (PING, 4), (TEXT, 8), (TEXT, 70_000), (TEXT, 300)]);
        for split in (0..bytes.len()).step_by(97).chain(0..20) {
            let (a, b) = bytes.split_at(split);
            assert_eq!(read(&[a, b]).unwrap(), expected);
        }
        let single: Vec<&[u8]> = bytes[..40].chunks(1).collect();
        assert_eq!(read(&single).unwrap(), expected[..3]);
    }

    #[test]
    fn packets_come_whole_however_they_are_split() {
        // A length in one byte, then as many bytes.
        let cut = |bytes: &[u8]| match bytes {
            [0, ..] => Err("empty packet"),
            [length, ..] => Ok(Some(usize::from(*length) + 1)),
            [] => Ok(None),
        };
        let bytes = [2, 7, 7, 1, 8, 3, 9, 9, 9];
        for split in 0..bytes.len() {
            let (mut inbox, mut got) = (Inbox::default(), Vec::new());
            for part in [&bytes[..split], &bytes[split..]] {
                inbox.packets(part, cut, |packet| got.push(packet.to_vec())).unwrap();
            }
            assert_eq!(got, [vec![2, 7, 7], vec![1, 8], vec![3, 9, 9, 9]], "{split}");
        }
        assert!(Inbox::default().packets(&[1, 1, 0], cut, |_| {}).is_err());
    }

    #[test]
    fn what_a_server_must_not_send_is_refused() {
        assert!(read(&[&[0x81, 0x83, 0, 0, 0, 0, 1, 2, 3]]).is_err());
        assert!(read(&[&[0x81, 127, 0, 0, 0, 0, 0xff, 0, 0, 0]]).is_err());
        assert!(read(&[&[0x83, 0]]).is_err());
    }

    #[test]
    fn what_goes_out_is_masked_and_can_be_unmasked() {
        for length in [0, 3, 125, 126, 65_535, 65_536] {
            let payload: Vec<u8> = (0..length).map(|n| n as u8).collect();
            let mut bytes = Vec::new();
            write(TEXT, &payload, [1, 2, 3, 4], &mut bytes);
            let body = bytes.len() - length;
            assert_eq!(bytes[1] & 0x80, 0x80);
            let unmasked: Vec<u8> =
                bytes[body..].iter().zip([1, 2, 3, 4].iter().cycle()).map(|(b, k)| b ^ k).collect();
            assert_eq!(unmasked, payload);
        }
    }
}
