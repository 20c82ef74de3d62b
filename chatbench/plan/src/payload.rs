//! What a message says: who sent it, which of his sends it is, when it was planned, and a checksum.
//!
//! A fixed form in printable ASCII without anything that JSON escapes, so that the receiver finds it in the
//! body of a frame without parsing JSON, and whatever a server does to it shows.
//!
//! `cb1 <run> <sender> <sequence> <planned µs> <filler> <crc32>`, numbers in hexadecimal.

use memchr::memmem;

const MAGIC: &[u8] = b"cb1 ";
/// Where the filler begins: magic, run, sender, sequence, planned time, each with its space.
const HEAD: usize = 4 + 9 + 9 + 9 + 13;
/// The checksum and the space before it.
const TAIL: usize = 9;
/// Bytes of the shortest content.
pub const BYTES_MIN: usize = HEAD + TAIL;

/// The facts that a message's content carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payload {
    /// Tells the messages of this run from those of others.
    pub run: u32,
    /// Number of the sender in the run.
    pub sender: u32,
    /// Which of the sender's messages this is, from 0.
    pub sequence: u32,
    /// Planned send time, in microseconds from the start of the schedule.
    pub planned: u64,
}

/// The content is not what any sender of this run wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Corrupt;

impl Payload {
    /// Appends the content, `size` bytes in all ([`BYTES_MIN`] at least).
    pub fn write(&self, size: usize, into: &mut Vec<u8>) {
        let start = into.len();
        into.extend_from_slice(MAGIC);
        for (number, digits) in [
            (u64::from(self.run), 8),
            (u64::from(self.sender), 8),
            (u64::from(self.sequence), 8),
            (self.planned, 12),
        ] {
            hex(number, digits, into);
            into.push(b' ');
        }
        // The filler differs from message to message, so that a mixed-up buffer cannot pass the checksum.
        let mut state =
            mix(u64::from(self.run) << 32 ^ u64::from(self.sender) << 20 ^ u64::from(self.sequence));
        for _ in 0..size.saturating_sub(BYTES_MIN) {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            into.push(b'a' + ((state >> 59) % 26) as u8);
        }
        let crc = crc32fast::hash(&into[start..]);
        into.push(b' ');
        hex(u64::from(crc), 8, into);
    }

    /// Reads a whole content.
    ///
    /// # Errors
    /// [`Corrupt`] when form or checksum do not hold.
    pub fn read(content: &[u8]) -> Result<Self, Corrupt> {
        if content.len() < BYTES_MIN || !content.starts_with(MAGIC) {
            return Err(Corrupt);
        }
        let (covered, tail) = content.split_at(content.len() - TAIL);
        if tail[0] != b' ' || unhex(&tail[1..])? != u64::from(crc32fast::hash(covered)) {
            return Err(Corrupt);
        }
        Ok(Self {
            run: unhex(&content[4..12])? as u32,
            sender: unhex(&content[13..21])? as u32,
            sequence: unhex(&content[22..30])? as u32,
            planned: unhex(&content[31..43])?,
        })
    }

    /// Finds and reads the content in a message's JSON, without parsing the rest.
    ///
    /// # Errors
    /// [`Corrupt`] when there is no `content`, or one that breaks form or checksum.
    pub fn find(json: &[u8]) -> Result<Self, Corrupt> {
        const KEY: &[u8] = b"\"content\"";
        let key = memmem::find(json, KEY).ok_or(Corrupt)? + KEY.len();
        let open = json[key..].iter().position(|b| *b == b'"').ok_or(Corrupt)? + key + 1;
        let close = memchr::memchr(b'"', &json[open..]).ok_or(Corrupt)? + open;
        Self::read(&json[open..close])
    }
}

fn hex(number: u64, digits: u32, into: &mut Vec<u8>) {
    for digit in (0..digits).rev() {
        into.push(b"0123456789abcdef"[(number >> (4 * digit)) as usize & 15]);
    }
}

fn unhex(text: &[u8]) -> Result<u64, Corrupt> {
    text.iter().try_fold(0, |number, byte| {
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'f' => byte - b'a' + 10,
            _ => return Err(Corrupt),
        };
        Ok(number << 4 | u64::from(digit))
    })
}

/// Spreads the bits of a number (the finalizer of MurmurHash3).
pub fn mix(mut x: u64) -> u64 {
    x ^= x >> 33;
    x = x.wrapping_mul(0xff51_afd7_ed55_8ccd);
    x ^= x >> 33;
    x = x.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    x ^ (x >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Payload = Payload { run: 0xdead_beef, sender: 99_999, sequence: 12, planned: 5_000_000_123 };

    #[test]
    fn a_payload_survives_the_round_trip_at_any_size() {
        for size in [0, BYTES_MIN, 128, 4096] {
            let mut content = Vec::new();
            ONE.write(size, &mut content);
            assert_eq!(content.len(), size.max(BYTES_MIN));
            assert_eq!(Payload::read(&content), Ok(ONE));
        }
    }

    #[test]
    fn it_is_found_in_a_messages_json_and_needs_no_escape() {
        let mut content = Vec::new();
        ONE.write(300, &mut content);
        let text = String::from_utf8(content).unwrap();
        assert_eq!(serde_json::to_string(&text).unwrap().len(), text.len() + 2);
        let json = format!(r#"{{"messageId":"x","content": "{text}","messageType":"TEXT"}}"#);
        assert_eq!(Payload::find(json.as_bytes()), Ok(ONE));
        assert_eq!(Payload::find(br#"{"content":"hello"}"#), Err(Corrupt));
        assert_eq!(Payload::find(br#"{"body":"hello"}"#), Err(Corrupt));
    }

    #[test]
    fn every_flipped_bit_is_seen() {
        let mut content = Vec::new();
        ONE.write(BYTES_MIN + 20, &mut content);
        for bit in 0..content.len() * 8 {
            content[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Payload::read(&content), Err(Corrupt), "bit {bit}");
            content[bit / 8] ^= 1 << (bit % 8);
        }
        assert_eq!(Payload::read(&content[..content.len() - 1]), Err(Corrupt));
    }
}
