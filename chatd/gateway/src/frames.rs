//! Where WebSocket frames begin (RFC 6455, 5.2): between two of them, and only there, a frame of the gateway's
//! own can be put.

/// Follows the frames of one direction, by their lengths alone.
#[derive(Default)]
pub(crate) struct Frames {
    /// The head of the frame that is just beginning.
    head: [u8; HEAD],
    have: usize,
    /// Bytes of the frame's payload that are still to come.
    left: u64,
}

/// Two bytes, eight of length, four of mask.
const HEAD: usize = 14;

impl Frames {
    /// Takes all of these bytes.
    pub(crate) fn pass(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let taken = self.step(bytes);
            bytes = &bytes[taken..];
        }
    }

    /// Takes the bytes up to the next place between two frames, and says how many they are; `None` when there
    /// is no such place in them, which takes them all.
    pub(crate) fn pass_to_end(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut taken = 0;
        while !self.is_between() {
            if taken == bytes.len() {
                return None;
            }
            taken += self.step(&bytes[taken..]);
        }
        Some(taken)
    }

    pub(crate) fn is_between(&self) -> bool {
        self.have == 0 && self.left == 0
    }

    /// Takes some of the bytes, at least one.
    fn step(&mut self, bytes: &[u8]) -> usize {
        if self.left > 0 {
            let rest = usize::try_from(self.left).unwrap_or(usize::MAX).min(bytes.len());
            self.left -= rest as u64;
            return rest;
        }
        self.head[self.have] = bytes[0];
        self.have += 1;
        if let Some(length) = payload(&self.head[..self.have]) {
            (self.have, self.left) = (0, length);
        }
        1
    }
}

/// The length of the payload, once the head is whole.
fn payload(head: &[u8]) -> Option<u64> {
    let second = *head.get(1)?;
    let (extra, short) = match second & 0x7f {
        126 => (2, 0),
        127 => (8, 0),
        short => (0, u64::from(short)),
    };
    let mask = if second & 0x80 == 0 { 0 } else { 4 };
    if head.len() < 2 + extra + mask {
        return None;
    }
    let long = head[2..2 + extra].iter().fold(0, |length, byte| length << 8 | u64::from(*byte));
    Some(if extra == 0 { short } else { long })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(length: usize, mask: bool) -> Vec<u8> {
        let bit = if mask { 0x80 } else { 0 };
        let mut frame = match length {
            0..126 => vec![0x82, bit | length as u8],
            126..65536 => [&[0x82, bit | 126][..], &(length as u16).to_be_bytes()].concat(),
            _ => [&[0x82, bit | 127][..], &(length as u64).to_be_bytes()].concat(),
        };
        frame.extend_from_slice(if mask { &[1, 2, 3, 4] } else { &[] });
        // Bytes that would be heads, were they looked at.
        frame.resize(frame.len() + length, 0xff);
        frame
    }

    #[test]
    fn frames_are_followed_however_they_are_cut() {
        for mask in [false, true] {
            let lengths = [0, 1, 125, 126, 300, 65535, 65536, 70000, 0];
            let stream: Vec<u8> = lengths.iter().flat_map(|&length| frame(length, mask)).collect();
            for cut in [1, 2, 3, 7, 1000, 16384, stream.len()] {
                let (mut frames, mut at, mut ends) = (Frames::default(), 0, Vec::new());
                for piece in stream.chunks(cut) {
                    frames.pass(piece);
                    at += piece.len();
                    if frames.is_between() {
                        ends.push(at);
                    }
                }
                assert_eq!(ends.last(), Some(&stream.len()), "cut at {cut}");
                assert!(cut > 1 || ends.len() == lengths.len(), "every end is seen byte by byte");
            }
        }
    }

    #[test]
    fn the_end_of_a_frame_is_found_inside_a_piece() {
        let mut frames = Frames::default();
        assert_eq!(frames.pass_to_end(&[]), Some(0), "nothing has begun");
        let both = [frame(300, false), frame(5, false)].concat();
        frames.pass(&both[..10]);
        assert_eq!(frames.pass_to_end(&both[10..100]), None);
        assert_eq!(frames.pass_to_end(&both[100..]), Some(304 - 100));
    }
}
