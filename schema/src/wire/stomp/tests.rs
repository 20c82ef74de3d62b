use super::*;
use crate::limits;
use bytes::Bytes;
use proptest::prelude::*;

fn decode_all(decoder: &mut Decoder, input: &[u8]) -> Result<Vec<Frame>, Error> {
    decoder.feed(Bytes::copy_from_slice(input));
    let mut frames = Vec::new();
    while let Some(frame) = decoder.next_frame()? {
        frames.push(frame);
    }
    Ok(frames)
}

fn server(version: Version) -> Decoder {
    let mut decoder = Decoder::new(Side::Server);
    decoder.set_version(version);
    decoder
}

fn one(version: Version, input: &[u8]) -> Result<Frame, Error> {
    decode_all(&mut server(version), input).map(|mut frames| frames.remove(0))
}

#[test]
fn a_frame_with_body_and_padding_is_read() {
    let input =
        b"\n\r\nSEND\ndestination:/app/x\ncontent-length:5\nreceipt:r\n\na\0b\0c\0\nDISCONNECT\n\n\0\n\n";
    let frames = decode_all(&mut server(Version::V12), input).unwrap();
    assert_eq!(frames.len(), 2);
    assert_eq!(frames[0].command, Command::Send);
    assert_eq!(frames[0].header("destination"), Some("/app/x"));
    assert_eq!(frames[0].header("receipt"), Some("r"));
    assert_eq!(&frames[0].body[..], b"a\0b\0c");
    assert_eq!(frames[1].command, Command::Disconnect);
}

#[test]
fn lines_may_end_with_crlf_and_the_first_of_repeated_headers_counts() {
    let frame = one(Version::V12, b"SEND\r\na:1\r\na:2\r\n\r\nhi\0").unwrap();
    assert_eq!(frame.header("a"), Some("1"));
    assert_eq!(&frame.body[..], b"hi");
}

#[test]
fn escapes_are_those_of_the_version() {
    let input = b"SUBSCRIBE\nd\\c:x\\ny\\\\z\\c:\n\n\0";
    for version in [Version::V11, Version::V12] {
        assert_eq!(one(version, input).unwrap().header("d:"), Some("x\ny\\z::"), "{version:?}");
    }
    assert_eq!(one(Version::V10, input).unwrap().header("d\\c"), Some("x\\ny\\\\z\\c:"));
    let cr = b"SUBSCRIBE\na:\\r\n\n\0";
    assert_eq!(one(Version::V12, cr).unwrap().header("a"), Some("\r"));
    assert_eq!(one(Version::V11, cr), Err(Error::UndefinedEscape('r')));
    assert_eq!(one(Version::V12, b"SUBSCRIBE\na:\\t\n\n\0"), Err(Error::UndefinedEscape('t')));
    assert_eq!(one(Version::V12, b"SUBSCRIBE\na:x\\\n\n\0"), Err(Error::UndefinedEscape(' ')));
    assert_eq!(one(Version::V12, b"CONNECT\na:\\t \n\n\0").unwrap().header("a"), Some("\\t"));
}

#[test]
fn malformed_frames_are_refused_by_name() {
    let long = format!("SEND\na:{}\n\n\0", "x".repeat(limits::STOMP_HEADER_BYTES));
    let many = format!("SEND\n{}\n\0", "a:b\n".repeat(limits::STOMP_HEADERS + 1));
    let large = format!("SEND\n\n{}\0", "x".repeat(limits::FRAME_BYTES));
    let command = |text: &str| Error::UnknownCommand(text.to_owned());
    let cases: Vec<(&[u8], Error)> = vec![
        (b"HELLO\n\n\0", command("HELLO")),
        (b"send\n\n\0", command("send")),
        (b"MESSAGE\n\n\0", command("MESSAGE")),
        (b"GET / HTTP/1.1 and so on", command("GET / HTTP/1.1 a")),
        (b"\0", Error::NulInHeaders),
        (b"SEND\na:b\0", Error::NulInHeaders),
        (b"SEND\na\n\n\0", Error::NoColon("a".into())),
        (b"SEND\n:a\n\n\0", Error::NoName),
        (b"SEND\na:\xff\n\n\0", Error::NotUtf8),
        (b"SEND\ncontent-length:x\n\n\0", Error::ContentLength("x".into())),
        (b"SEND\ncontent-length:-1\n\n\0", Error::ContentLength("-1".into())),
        (b"SEND\ncontent-length:+1\n\n\0", Error::ContentLength("+1".into())),
        (b"SEND\ncontent-length:1\n\nab\0", Error::NoNul),
        (b"SEND\ncontent-length:4611686018427387904\n\n", Error::TooLarge(limits::FRAME_BYTES)),
        (b"SEND\ncontent-length:99999999999999999999999\n\n", Error::TooLarge(limits::FRAME_BYTES)),
        (b"SEND\ncontent-length:65536\n\n", Error::TooLarge(limits::FRAME_BYTES)),
        (b"SUBSCRIBE\nid:1\n\nbody\0", Error::UnexpectedBody(Command::Subscribe)),
        (b"SUBSCRIBE\ncontent-length:1\n\nb\0", Error::UnexpectedBody(Command::Subscribe)),
        (long.as_bytes(), Error::LineTooLong(limits::STOMP_HEADER_BYTES)),
        (many.as_bytes(), Error::TooManyHeaders(limits::STOMP_HEADERS)),
        (large.as_bytes(), Error::TooLarge(limits::FRAME_BYTES)),
    ];
    for (input, error) in cases {
        assert_eq!(one(Version::V12, input), Err(error), "{:?}", String::from_utf8_lossy(input));
    }
}

#[test]
fn a_frame_without_end_is_refused_at_the_bound_and_not_later() {
    for chunk in [b"SEND\n\n" as &[u8], b"SEND\n"] {
        let mut decoder = server(Version::V12);
        let mut fed = chunk.len();
        let mut result = decode_all(&mut decoder, chunk);
        while result == Ok(Vec::new()) {
            assert!(fed <= limits::FRAME_BYTES, "no refusal behind the bound");
            result = decode_all(&mut decoder, b"abc:defgh\n\0\n"[..10].as_ref());
            fed += 10;
        }
        assert!(matches!(result, Err(Error::TooLarge(_) | Error::TooManyHeaders(_))), "{result:?}");
    }
}

#[test]
fn a_client_learns_the_version_from_connected() {
    let mut decoder = Decoder::new(Side::Client);
    let input = b"CONNECTED\nversion:1.2\nuser-name:a\\b\n\n\0MESSAGE\na:\\c\n\n\0";
    let frames = decode_all(&mut decoder, input).unwrap();
    assert_eq!(frames[0].header("user-name"), Some("a\\b"));
    assert_eq!(frames[1].header("a"), Some(":"));
}

#[test]
fn nothing_forges_a_header_where_there_are_no_escapes() {
    let frame = Frame::new(Command::Send).with("a:b\n", "c\nd:e\0");
    assert_eq!(&frame.to_bytes(Version::V10)[..], b"SEND\na b :c d:e \n\n\0");
    let connected = Frame::new(Command::Connected).with("user-name", "x\nrole:admin");
    assert_eq!(&connected.to_bytes(Version::V12)[..], b"CONNECTED\nuser-name:x role:admin\n\n\0");
}

#[test]
fn versions_and_heart_beats_are_negotiated() {
    assert_eq!(Version::negotiate(None), Some(Version::V10));
    assert_eq!(Version::negotiate(Some("1.1,1.0")), Some(Version::V11));
    assert_eq!(Version::negotiate(Some("1.0, 1.2 ,9.9")), Some(Version::V12));
    assert_eq!(Version::negotiate(Some("2.0")), None);
    let (a, b) = (HeartBeat { can_send: 10, wants: 0 }, HeartBeat { can_send: 5, wants: 20 });
    assert_eq!(HeartBeat::period(a, b), Some(20));
    assert_eq!(HeartBeat::period(b, a), None);
    assert_eq!(HeartBeat::parse("10, 0"), Some(a));
    assert_eq!(HeartBeat::parse("10"), None);
    assert_eq!(HeartBeat::parse("-1,0"), None);
}

fn texts(version: Version) -> BoxedStrategy<(String, String)> {
    match version {
        // No escapes: what can't be told from syntax is not there.
        Version::V10 => ("[a-z\\\\\u{e9}]{1,8}", "([a-z:\\\\/\u{65e5}]{0,12})").boxed(),
        Version::V11 => ("[a-z:\\\\\n ]{1,8}", "[a-z:\\\\\n \u{1f600}]{0,12}").boxed(),
        Version::V12 => ("[a-z:\\\\\n\r ]{1,8}", "[a-z:\\\\\n\r \u{1f600}]{0,12}").boxed(),
    }
}

fn frames() -> impl Strategy<Value = (Version, Frame)> {
    let version = prop_oneof![Just(Version::V10), Just(Version::V11), Just(Version::V12)];
    version.prop_flat_map(|version| {
        let headers = prop::collection::vec(texts(version), 0..6);
        let body = prop_oneof![Just(Vec::new()), prop::collection::vec(any::<u8>(), 1..40)];
        (headers, body, any::<bool>()).prop_map(move |(headers, body, send)| {
            let command = if send || !body.is_empty() { Command::Send } else { Command::Ack };
            let headers: Headers = headers.into_iter().filter(|(name, _)| name != "content-length").collect();
            (version, Frame { command, headers, body: body.into() })
        })
    })
}

/// What the encoder adds is taken off again.
fn without_length(frame: &Frame) -> Frame {
    let headers = frame.headers.iter().filter(|(name, _)| *name != "content-length").collect();
    Frame { headers, ..frame.clone() }
}

proptest! {
    #[test]
    fn every_frame_survives_the_round_trip((version, frame) in frames()) {
        let again = one(version, &frame.to_bytes(version)).unwrap();
        prop_assert_eq!(without_length(&again), frame);
    }

    #[test]
    fn every_split_gives_the_same_frames(
        (version, first) in frames(), second in "[a-z]{0,9}", beats in "(\n|\r\n){0,3}",
    ) {
        let second = Frame::new(Command::Send).with("n", "2").with_body(second);
        let mut input = first.to_bytes(version).to_vec();
        input.extend_from_slice(beats.as_bytes());
        second.encode(version, &mut input);
        let whole = decode_all(&mut server(version), &input).unwrap();
        prop_assert_eq!(whole.len(), 2);
        for at in 0..=input.len() {
            let mut decoder = server(version);
            let mut parts = decode_all(&mut decoder, &input[..at]).unwrap();
            parts.extend(decode_all(&mut decoder, &input[at..]).unwrap());
            prop_assert_eq!(&parts, &whole, "split at {}", at);
        }
        let mut decoder = server(version);
        let bytes: Vec<_> = input.iter().flat_map(|byte| decode_all(&mut decoder, &[*byte]).unwrap()).collect();
        prop_assert_eq!(bytes, whole);
    }

    #[test]
    fn hostile_bytes_never_panic_and_never_pile_up(
        parts in prop::collection::vec(
            prop_oneof![
                prop::collection::vec(any::<u8>(), 0..64),
                Just(b"SEND\n".to_vec()), Just(b"content-length:".to_vec()), Just(b"\n\n".to_vec()),
                Just(b"18446744073709551615\n".to_vec()), Just(b"a:b\n".to_vec()), Just(b"\0".to_vec()),
                Just(b"60000\n\n".to_vec()), Just(b"CONNECT\n".to_vec()), Just(b"\\".to_vec()),
            ],
            0..40,
        ),
    ) {
        let mut decoder = server(Version::V12);
        for part in parts {
            if decode_all(&mut decoder, &part).is_err() {
                break;
            }
            prop_assert!(decoder.held_bytes() <= 2 * limits::FRAME_BYTES);
        }
    }
}
