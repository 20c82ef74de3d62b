//! STOMP: however the bytes are cut, the same frames come out, none holds more memory than its bound, and
//! what was read can be written and read again.

use crate::input::Input;
use bytes::Bytes;
use schema::limits;
use schema::wire::stomp::{Command, Decoder, Error, Frame, Headers, Side, Version};

/// What a decoder gave: frames, then perhaps why there are no more.
type Outcome = (Vec<Frame>, Option<Error>);

/// Bytes: whose frames and version, how to cut, the stream.
pub(crate) fn check(data: &[u8]) {
    let mut input = Input::new(data);
    let choice = input.byte();
    let side = if choice & 1 == 0 { Side::Server } else { Side::Client };
    let version = Version::ALL[usize::from(choice >> 1) % Version::ALL.len()];
    let mut cut = input.word();
    let stream = input.rest();

    let whole = decode(side, version, std::iter::once(stream));
    let pieces = std::iter::from_fn({
        let mut rest = stream;
        move || {
            // A small generator: cuts of 1 to 64 bytes, now and then a large one.
            cut = cut.wrapping_mul(25173).wrapping_add(13849);
            let size = if cut & 0x0700 == 0 { 4096 } else { 1 + usize::from(cut >> 10) };
            (!rest.is_empty()).then(|| {
                let (piece, later) = rest.split_at(size.min(rest.len()));
                rest = later;
                piece
            })
        }
    });
    let parts = decode(side, version, pieces);
    assert_eq!(parts.0, whole.0, "another cut gave other frames");
    assert_eq!(parts.1.is_some(), whole.1.is_some(), "{:?} or {:?}", parts.1, whole.1);

    let mut speaks = version;
    for frame in &whole.0 {
        if frame.command == Command::Connected {
            speaks = frame.header("version").and_then(Version::parse).unwrap_or(Version::V10);
        }
        survives(side, speaks, frame);
    }
}

fn decode<'a>(side: Side, version: Version, pieces: impl Iterator<Item = &'a [u8]>) -> Outcome {
    let bound = match side {
        Side::Server => limits::FRAME_BYTES,
        Side::Client => limits::JSON_BYTES + limits::FRAME_BYTES,
    };
    let mut decoder = Decoder::new(side);
    decoder.set_version(version);
    let mut frames = Vec::new();
    for piece in pieces {
        decoder.feed(Bytes::copy_from_slice(piece));
        loop {
            match decoder.next_frame() {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => break,
                Err(error) => return (frames, Some(error)),
            }
        }
        // A buffer doubles as it grows.
        assert!(decoder.held_bytes() <= 2 * (bound + piece.len()), "{} bytes are held", decoder.held_bytes());
    }
    (frames, None)
}

/// Written and read again it is the same frame.
fn survives(side: Side, version: Version, frame: &Frame) {
    // Below 1.2 a CR has no escape: at the end of a line it becomes part of the line's end.
    let has_cr = frame.headers.iter().any(|(name, value)| name.contains('\r') || value.contains('\r'));
    if version != Version::V12 && has_cr {
        return;
    }
    let bytes = frame.to_bytes(version);
    match decode(side, version, std::iter::once(&bytes[..])) {
        // Escapes may have made it longer than its bounds.
        (_, Some(Error::TooLarge(_) | Error::LineTooLong(_))) => {}
        (_, Some(error)) => panic!("{error}: {frame:?} was written as {bytes:?}"),
        (again, None) => {
            assert_eq!(again.len(), 1, "{frame:?} was written as {bytes:?}");
            assert_eq!(without_length(&again[0]), without_length(frame), "written as {bytes:?}");
        }
    }
}

/// The encoder adds the length of a body that came without one.
fn without_length(frame: &Frame) -> (Command, Headers, &Bytes) {
    let headers = frame.headers.iter().filter(|(name, _)| *name != "content-length").collect();
    (frame.command, headers, &frame.body)
}
