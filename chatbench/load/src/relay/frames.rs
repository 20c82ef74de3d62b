//! WebSocket frames as a server reads and writes them: masked in, plain out, whole messages only.

use crate::websocket::{BINARY, CLOSE, PING, PONG, TEXT};
use std::ops::Range;

/// The largest frame that is taken, as chatd's.
const FRAME_BYTES: usize = schema::limits::FRAME_BYTES;

/// A frame at the beginning of some bytes: its payload is unmasked in place, the next one begins at `payload.end`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) opcode: u8,
    pub(super) payload: Range<usize>,
}

/// The first frame, once it is there wholly. Bytes that are not used stay as they are.
pub(super) fn read(bytes: &mut [u8]) -> Result<Option<Frame>, &'static str> {
    let (first, start, length) = match *bytes {
        [first, second, ..] if second & 0x80 == 0 || first & 0x80 == 0 => {
            return Err("a frame without a mask, or a fragment");
        }
        [first, 0xfe, a, b, ..] => (first, 4, usize::from(u16::from_be_bytes([a, b]))),
        [_, 0xff, ..] => return Err("a frame too large"),
        [_, 0xfe, ..] | [] | [_] => return Ok(None),
        [first, second, ..] => (first, 2, usize::from(second & 0x7f)),
    };
    let opcode = first & 0x0f;
    if !matches!(opcode, TEXT | BINARY | CLOSE | PING | PONG) || length > FRAME_BYTES {
        return Err("a frame of an unknown kind, or too large");
    }
    let payload = start + 4..start + 4 + length;
    if bytes.len() < payload.end {
        return Ok(None);
    }
    let mask = [bytes[start], bytes[start + 1], bytes[start + 2], bytes[start + 3]];
    let (words, rest) = bytes[payload.clone()].as_chunks_mut::<4>();
    for word in words {
        *word = (u32::from_ne_bytes(*word) ^ u32::from_ne_bytes(mask)).to_ne_bytes();
    }
    rest.iter_mut().zip(mask).for_each(|(byte, key)| *byte ^= key);
    Ok(Some(Frame { opcode, payload }))
}

/// Appends a whole message.
pub(super) fn write(opcode: u8, payload: &[u8], into: &mut Vec<u8>) {
    into.push(0x80 | opcode);
    match payload.len() {
        short @ 0..126 => into.push(short as u8),
        middle @ 126..65_536 => {
            into.push(126);
            into.extend_from_slice(&(middle as u16).to_be_bytes());
        }
        long => {
            into.push(127);
            into.extend_from_slice(&(long as u64).to_be_bytes());
        }
    }
    into.extend_from_slice(payload);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::websocket;

    #[test]
    fn what_a_client_writes_is_read_once_it_is_whole() {
        for length in [0, 1, 3, 4, 125, 126, 300, 65_535] {
            let payload: Vec<u8> = (0..length).map(|n| n as u8).collect();
            let mut bytes = Vec::new();
            websocket::write(TEXT, &payload, [1, 2, 3, 4], &mut bytes);
            for end in (0..bytes.len()).step_by(61) {
                assert_eq!(read(&mut bytes.clone()[..end]), Ok(None), "{end} of {length}");
            }
            let end = bytes.len();
            bytes.push(0x81);
            let frame = read(&mut bytes).unwrap().unwrap();
            assert_eq!((frame.opcode, frame.payload.end), (TEXT, end));
            assert_eq!(bytes[frame.payload], payload);
        }
    }

    #[test]
    fn what_no_client_of_ours_writes_is_refused() {
        for bad in [[0x81, 0x01, 0, 0], [0x01, 0x81, 0, 0], [0x83, 0x81, 0, 0], [0x81, 0xff, 0, 0]] {
            assert!(read(&mut bad.clone()).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn what_it_writes_is_read_by_a_client() {
        for length in [0, 125, 126, 65_535, 65_536] {
            let payload = vec![7; length];
            let (mut bytes, mut got) = (Vec::new(), Vec::new());
            write(TEXT, &payload, &mut bytes);
            let mut inbox = websocket::Inbox::default();
            inbox.feed(&bytes, |opcode, message| got.push((opcode, message.to_vec()))).unwrap();
            assert_eq!(got, [(TEXT, payload)]);
        }
    }
}
