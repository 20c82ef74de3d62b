//! How a record stands in a segment: length, checksum, offset, payload.
//!
//! The checksum covers the segment's salt, the length, the offset and the payload, so bytes that an older
//! file left on the disk, or a payload that looks like a record, are never taken for one.

use schema::limits;

/// Bytes before the payload: length (4), checksum (4), offset (8).
pub(crate) const HEAD_BYTES: usize = 16;
/// Bytes of the longest record with its head.
pub(crate) const MAX_BYTES: usize = HEAD_BYTES + limits::RECORD_BYTES;

/// What stands at some place.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Parsed<'a> {
    /// A whole record.
    Record { offset: u64, payload: &'a [u8] },
    /// These bytes are not enough to tell; so many are.
    Short(usize),
    /// No record, whatever follows.
    Bad(&'static str),
}

/// Appends a record to a buffer. The caller has checked `limits::RECORD_BYTES`.
pub(crate) fn encode(salt: u64, offset: u64, payload: &[u8], into: &mut Vec<u8>) {
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
    into.extend_from_slice(&length.to_le_bytes());
    into.extend_from_slice(&checksum(salt, length, offset, payload).to_le_bytes());
    into.extend_from_slice(&offset.to_le_bytes());
    into.extend_from_slice(payload);
}

/// The record at the start of these bytes.
pub(crate) fn parse(salt: u64, bytes: &[u8]) -> Parsed<'_> {
    let Some((head, rest)) = bytes.split_first_chunk::<HEAD_BYTES>() else {
        return Parsed::Short(HEAD_BYTES);
    };
    let (length, expected, offset) = split(head);
    let size = length as usize;
    if size > limits::RECORD_BYTES {
        return Parsed::Bad("its length is beyond the bound");
    }
    let Some(payload) = rest.get(..size) else {
        return Parsed::Short(HEAD_BYTES + size);
    };
    if checksum(salt, length, offset, payload) == expected {
        Parsed::Record { offset, payload }
    } else {
        Parsed::Bad("its checksum does not match")
    }
}

/// How many bytes the record at the start of these has, as far as they tell.
pub(crate) fn needed(bytes: &[u8]) -> usize {
    match bytes.first_chunk::<HEAD_BYTES>().map(split) {
        Some((length, ..)) if length as usize <= limits::RECORD_BYTES => HEAD_BYTES + length as usize,
        _ => HEAD_BYTES,
    }
}

/// Whether these bytes could start a record whose offset is in the range; cheap, before the checksum.
pub(crate) fn plausible(bytes: &[u8], offsets: std::ops::Range<u64>) -> bool {
    bytes.first_chunk::<HEAD_BYTES>().is_some_and(|head| {
        let (length, _, offset) = split(head);
        length as usize <= limits::RECORD_BYTES && offsets.contains(&offset)
    })
}

fn split(head: &[u8; HEAD_BYTES]) -> (u32, u32, u64) {
    let [a, b, c, d, e, f, g, h, offset @ ..] = *head;
    (u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h]), u64::from_le_bytes(offset))
}

fn checksum(salt: u64, length: u32, offset: u64, payload: &[u8]) -> u32 {
    let mut before = [0; 20];
    before[..8].copy_from_slice(&salt.to_le_bytes());
    before[8..12].copy_from_slice(&length.to_le_bytes());
    before[12..].copy_from_slice(&offset.to_le_bytes());
    let mut crc = crc32fast::Hasher::new();
    crc.update(&before);
    crc.update(payload);
    crc.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn encoded(salt: u64, offset: u64, payload: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        encode(salt, offset, payload, &mut bytes);
        bytes
    }

    #[test]
    fn a_length_beyond_the_bound_is_refused_before_the_payload_is_looked_for() {
        let length = u32::try_from(limits::RECORD_BYTES).unwrap() + 1;
        let mut bytes = length.to_le_bytes().to_vec();
        bytes.resize(HEAD_BYTES, 0);
        assert_eq!(parse(1, &bytes), Parsed::Bad("its length is beyond the bound"));
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(salt: u64, offset: u64, payload: Vec<u8>) {
            let bytes = encoded(salt, offset, &payload);
            prop_assert_eq!(parse(salt, &bytes), Parsed::Record { offset, payload: &payload });
            for cut in 0..bytes.len() {
                prop_assert!(matches!(parse(salt, &bytes[..cut]), Parsed::Short(_)));
            }
        }

        #[test]
        fn a_flipped_bit_or_another_salt_is_never_a_record(
            salt: u64, offset: u64, payload: Vec<u8>, at: prop::sample::Index, bit in 0..8u32,
        ) {
            let mut bytes = encoded(salt, offset, &payload);
            let foreign = matches!(parse(salt.wrapping_add(1), &bytes), Parsed::Record { .. });
            prop_assert!(!foreign);
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            let flipped = matches!(parse(salt, &bytes), Parsed::Record { .. });
            prop_assert!(!flipped);
        }
    }
}
