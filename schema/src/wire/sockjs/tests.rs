use super::encode::is_plain;
use super::*;
use proptest::prelude::*;

const MAX: usize = 1 << 20;

fn read(text: &str) -> Result<String, Error> {
    decode(text.as_bytes(), MAX)
}

#[test]
fn server_frames_are_to_the_letter() {
    assert_eq!(array("x"), r#"a["x"]"#);
    assert_eq!(array("\n"), r#"a["\n"]"#, "a heart-beat is exactly one line feed");
    assert_eq!(
        array("SEND\n\n\"\\\u{1f600}\u{2028}100%\0"),
        r#"a["SEND\n\n\"\\\ud83d\ude00\u2028100\u0025\u0000"]"#
    );
    assert_eq!(array("gr\u{fc}n \u{65e5}"), "a[\"gr\u{fc}n \u{65e5}\"]");
    assert_eq!(close(3000, "Go away!"), r#"c[3000,"Go away!"]"#);
    let mut batch = Batch::default();
    assert!(batch.is_empty() && batch.take().is_none());
    batch.push("1");
    batch.push("2");
    assert_eq!(batch.bytes(), r#"a["1","2""#.len());
    assert_eq!(batch.take().as_deref(), Some(r#"a["1","2"]"#));
    assert!(batch.is_empty());
}

#[test]
fn envelopes_are_to_the_letter() {
    let wrapped = |envelope: Envelope| {
        let mut out = envelope.prelude();
        envelope.wrap("o", &mut out);
        out
    };
    assert_eq!(wrapped(Envelope::Xhr), "o\n");
    assert_eq!(wrapped(Envelope::XhrStreaming), format!("{}\no\n", "h".repeat(2048)));
    assert_eq!(wrapped(Envelope::EventSource), "\r\ndata: o\r\n\r\n");
}

#[test]
fn what_a_client_wrote_is_read_whatever_it_escaped() {
    assert_eq!(read("[]"), Ok(String::new()));
    assert_eq!(read(" [ \"a\" ,\t\"b\" ]\r\n"), Ok("ab".to_owned()));
    assert_eq!(
        read(r#"["\u0041\u00e9\u65E5\/\b\f\n\r\t\"\\"]"#),
        Ok("A\u{e9}\u{65e5}/\u{8}\u{c}\n\r\t\"\\".into())
    );
    assert_eq!(read(r#"["\ud83d\ude00"]"#), Ok("\u{1f600}".to_owned()));
    assert_eq!(read("[\"\u{1f600}\"]"), Ok("\u{1f600}".to_owned()));
    // Halves of pairs: first alone, second alone, in the wrong order, and before another letter.
    for halves in [r"\ud83d", r"\ude00", r"\ud83dx", r"\ud83d\n"] {
        let text = read(&format!("[\"{halves}\"]")).unwrap();
        assert!(text.starts_with('\u{fffd}'), "{halves}: {text:?}");
    }
    assert_eq!(read(r#"["\ude00\ud83d"]"#), Ok("\u{fffd}\u{fffd}".to_owned()));
    assert_eq!(read(r#"["\ud83d\ud83d\ude00"]"#), Ok("\u{fffd}\u{1f600}".to_owned()));
}

#[test]
fn a_letter_that_was_cut_in_two_is_whole_again() {
    assert_eq!(read(r#"["a\ud83d","\ude00b"]"#), Ok("a\u{1f600}b".to_owned()));
    let mut arrays = Arrays::default();
    let mut next = |text: &str| arrays.decode(text.as_bytes(), MAX);
    assert_eq!(next(r#"["a\ud83d"]"#), Ok("a".to_owned()));
    assert_eq!(next("[]"), Ok(String::new()));
    assert_eq!(next("[\"]"), Err(Error::Broken), "which is as if it had not come");
    assert_eq!(next(r#"["","\ude00b\ud83d"]"#), Ok("\u{1f600}b".to_owned()));
    // What comes behind is no second half.
    assert_eq!(next(r#"["\ud83d"]"#), Ok("\u{fffd}".to_owned()));
    assert_eq!(next(r#"["c"]"#), Ok("\u{fffd}c".to_owned()));
    assert_eq!(next(r#"["\ude00"]"#), Ok("\u{fffd}".to_owned()));
}

#[test]
fn empty_broken_and_too_large_are_told_apart() {
    for empty in ["", " ", "\r\n"] {
        assert_eq!(read(empty), Err(Error::Empty), "{empty:?}");
    }
    let broken = [
        "[",
        "]",
        "[\"a",
        "[\"a\"",
        "[\"a\",]",
        "[,\"a\"]",
        "[\"a\" \"b\"]",
        "[1]",
        "[null]",
        "[[\"a\"]]",
        "\"a\"",
        "{}",
        "null",
        "x",
        "[\"a\"]x",
        "[\"\\",
        "[\"\\\"]",
        "[\"\\x\"]",
        "[\"\\u12\"]",
        "[\"\\u12g4\"]",
        "[\"\\u+123\"]",
        "[\"\n\"]",
        "[\"\0\"]",
        "['a']",
        "\u{feff}[]",
        "[\"\\\u{e9}\"]",
        "[\"\\u00\u{e9}\"]",
    ];
    for text in broken {
        assert_eq!(read(text), Err(Error::Broken), "{text:?}");
    }
    assert_eq!(decode(b"[\"\xff\"]", MAX), Err(Error::Broken));
    assert_eq!(decode(b"[\"abc\"]", 6), Err(Error::TooLarge(6)));
    assert_eq!(decode(b"[\"abc\"]", 7), Ok("abc".to_owned()));
}

#[test]
fn frames_of_a_server_are_read_back() {
    assert_eq!(Frame::parse("o"), Ok(Frame::Open));
    assert_eq!(Frame::parse("h"), Ok(Frame::Heartbeat));
    assert_eq!(
        Frame::parse(r#"c[1002,"Connection interrupted"]"#),
        Ok(Frame::Close(1002, "Connection interrupted".into()))
    );
    assert_eq!(Frame::parse("a[]"), Ok(Frame::Messages(vec![])));
    assert_eq!(Frame::parse(""), Err(Error::Empty));
    for text in ["x", "oo", "a", "a[1]", "c[1]", "c[70000,\"\"]", "c[,\"\"]", "\u{e9}"] {
        assert_eq!(Frame::parse(text), Err(Error::Broken), "{text:?}");
    }
}

/// Texts with everything that is awkward in them.
fn texts() -> impl Strategy<Value = String> {
    let letter = prop_oneof![
        any::<char>(),
        prop::char::range('\0', '\u{ff}'),
        prop::char::range('\u{2000}', '\u{2070}'),
        prop::char::range('\u{fe00}', '\u{ffff}'),
        Just('%'),
        Just('"'),
        Just('\\'),
    ];
    prop::collection::vec(letter, 0..40).prop_map(|letters| letters.into_iter().collect())
}

proptest! {
    #[test]
    fn messages_survive_the_way_to_the_client(messages in prop::collection::vec(texts(), 1..5)) {
        let mut batch = Batch::default();
        messages.iter().for_each(|message| batch.push(message));
        let frame = batch.take().unwrap();
        let by_another: Vec<String> = serde_json::from_str(&frame[1..]).unwrap();
        prop_assert_eq!(&by_another, &messages, "as another JSON reader sees it");
        prop_assert_eq!(Frame::parse(&frame), Ok(Frame::Messages(messages)));
    }

    #[test]
    fn what_must_be_escaped_never_goes_out(message in texts(), code in any::<u16>()) {
        for frame in [array(&message), close(code, &message)] {
            for letter in frame.chars() {
                let must_be_escaped = matches!(letter,
                    '\0'..='\u{1f}' | '%' | '\u{200c}'..='\u{200f}' | '\u{2028}'..='\u{202f}'
                    | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff0}'..=char::MAX);
                prop_assert!(!must_be_escaped, "{letter:?} in {frame:?}");
                prop_assert!(is_plain(letter) || matches!(letter, '"' | '\\'), "{letter:?}");
            }
        }
    }

    #[test]
    fn a_text_survives_being_cut_between_any_units(text in texts(), cut in 1_usize..5) {
        let units: Vec<u16> = text.encode_utf16().collect();
        let mut arrays = Arrays::default();
        let mut out = String::new();
        for piece in units.chunks(cut) {
            let escaped: String = piece.iter().map(|unit| format!("\\u{unit:04x}")).collect();
            out.push_str(&arrays.decode(format!("[\"{escaped}\"]").as_bytes(), MAX).unwrap());
        }
        prop_assert_eq!(out, text);
    }

    #[test]
    fn messages_survive_the_way_to_the_server(
        messages in prop::collection::vec(texts(), 0..5), escape_all in any::<bool>(),
    ) {
        let input = if escape_all {
            let escaped = |message: &String| {
                let units: String = message.encode_utf16().map(|unit| format!("\\u{unit:04X}")).collect();
                format!("\"{units}\"")
            };
            format!("[{}]", messages.iter().map(escaped).collect::<Vec<_>>().join(","))
        } else {
            serde_json::to_string(&messages).unwrap()
        };
        prop_assert_eq!(read(&input), Ok(messages.concat()));
    }

    #[test]
    fn hostile_input_never_panics_and_never_grows(
        parts in prop::collection::vec(
            prop_oneof![
                prop::collection::vec(any::<u8>(), 0..16),
                Just(b"[".to_vec()), Just(b"]".to_vec()), Just(b"\"".to_vec()), Just(b",".to_vec()),
                Just(b"\\".to_vec()), Just(b"\\u".to_vec()), Just(b"\\ud83d".to_vec()), Just(b"\\ude00".to_vec()),
                Just("\u{e9}".as_bytes().to_vec()), Just(b"c[1,".to_vec()),
            ],
            0..20,
        ),
    ) {
        let input = parts.concat();
        let ours = decode(&input, MAX);
        if let Ok(text) = &ours {
            prop_assert!(text.len() <= input.len());
        }
        // Whatever another reader takes, ours takes as well and gives the same.
        if let Ok(theirs) = serde_json::from_slice::<Vec<String>>(&input) {
            prop_assert_eq!(ours, Ok(theirs.concat()));
        }
        let _ = Frame::parse(&String::from_utf8_lossy(&input));
    }
}
