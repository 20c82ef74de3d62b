//! SockJS: arrays of strings are read as JSON reads them, however a client cut its letters, and what a server
//! writes comes back as it was, through every envelope.

use crate::input::Input;
use schema::limits::FRAME_BYTES;
use schema::wire::sockjs::{Arrays, Batch, Envelope, Error, Frame, array, close, decode};

/// Bytes: what to try, then its choices.
pub(crate) fn check(data: &[u8]) {
    let mut input = Input::new(data);
    match input.byte() % 4 {
        0 => as_json(input.rest()),
        1 => cut_anywhere(&mut input),
        2 => written_and_read(&mut input),
        _ => any_frame(input.rest()),
    }
}

/// One array from a client, beside what serde_json makes of it.
fn as_json(bytes: &[u8]) {
    let read = decode(bytes, FRAME_BYTES);
    if let Ok(text) = &read {
        // Two units of a pair, twelve bytes, become four; half a pair, six bytes, becomes three.
        assert!(text.len() <= bytes.len(), "{} bytes became {}", bytes.len(), text.len());
    }
    if bytes.len() > FRAME_BYTES {
        assert_eq!(read, Err(Error::TooLarge(FRAME_BYTES)));
        return;
    }
    match (serde_json::from_slice::<Vec<String>>(bytes), &read) {
        (Ok(strings), read) => assert_eq!(read.as_deref(), Ok(strings.concat().as_str())),
        // Halves of letters are not JSON's business but ours.
        (Err(_), Ok(_)) => assert!(bytes.windows(2).any(|pair| pair == b"\\u"), "read what is no JSON"),
        (Err(_), Err(_)) => {}
    }
}

/// A text cut into strings and arrays between any two UTF-16 units.
fn cut_anywhere(input: &mut Input<'_>) {
    let cuts = input.take(16);
    let text = String::from_utf8_lossy(input.take(4096)).into_owned();
    let mut arrays = Arrays::default();
    let (mut read, mut array) = (String::new(), String::from("[\""));
    for (number, unit) in text.encode_utf16().enumerate() {
        array.push_str(&format!("\\u{unit:04x}"));
        match cuts.get(number % cuts.len().max(1)).map(|cut| cut % 4) {
            Some(1) => array.push_str("\", \""),
            Some(2) => {
                array.push_str("\"]");
                read.push_str(&arrays.decode(array.as_bytes(), usize::MAX).expect("an array of strings"));
                array = String::from("[\"");
            }
            _ => {}
        }
    }
    array.push_str("\"]");
    read.push_str(&arrays.decode(array.as_bytes(), usize::MAX).expect("an array of strings"));
    assert_eq!(read, text);
}

/// What a server writes: no line break, no NUL, and the same when it is read.
fn written_and_read(input: &mut Input<'_>) {
    let envelope = [Envelope::Xhr, Envelope::XhrStreaming, Envelope::EventSource][input.below(3)];
    let code = input.word();
    let mut messages = Vec::new();
    for _ in 0..input.byte() % 4 {
        let size = usize::from(input.byte());
        messages.push(String::from_utf8_lossy(input.take(size)).into_owned());
    }
    let reason = String::from_utf8_lossy(input.take(300)).into_owned();
    let mut batch = Batch::default();
    for message in &messages {
        batch.push(message);
        survives(envelope, &array(message), &Frame::Messages(vec![message.clone()]));
    }
    assert_eq!(batch.is_empty(), messages.is_empty());
    match batch.take() {
        Some(frame) => survives(envelope, &frame, &Frame::Messages(messages)),
        None => assert!(messages.is_empty()),
    }
    survives(envelope, &close(code, &reason), &Frame::Close(code, reason));
}

fn survives(envelope: Envelope, frame: &str, meant: &Frame) {
    assert!(!frame.contains(['\n', '\r', '\0', '%']), "{frame:?}");
    assert_eq!(Frame::parse(frame).as_ref(), Ok(meant), "{frame:?}");
    let mut wrapped = String::new();
    envelope.wrap(frame, &mut wrapped);
    let line = wrapped.trim_end_matches(['\r', '\n']);
    assert_eq!(line.strip_prefix("data: ").unwrap_or(line), frame);
}

/// A server's frame from anybody: read or refused; what is read can be written.
fn any_frame(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    match Frame::parse(&text) {
        Ok(Frame::Close(code, reason)) => {
            survives(Envelope::Xhr, &close(code, &reason), &Frame::Close(code, reason))
        }
        Ok(Frame::Messages(messages)) => {
            for message in messages {
                survives(Envelope::Xhr, &array(&message), &Frame::Messages(vec![message.clone()]));
            }
        }
        Ok(Frame::Open | Frame::Heartbeat) | Err(_) => {}
    }
}
