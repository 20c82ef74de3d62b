//! Log records: whatever stands on the disk, only records that were written wholly come out, a flipped bit is
//! never read, and what an event says survives being written again.

use crate::input::Input;
use embedded::log::probe;
use schema::event::Event;

/// Bytes before a segment's first record, and before a record's payload.
const SEGMENT_HEAD: usize = 32;
const RECORD_HEAD: usize = 16;

/// Bytes: what to try, then its choices.
pub(crate) fn check(data: &[u8]) {
    let mut input = Input::new(data);
    match input.byte() % 4 {
        0 => any_bytes(&mut input),
        1 => flipped(&mut input),
        2 => torn(&mut input),
        _ => event(input.rest()),
    }
}

/// A file of anything: what comes out is the longest beginning that the writer could have written.
fn any_bytes(input: &mut Input<'_>) {
    let base = u64::from(input.byte());
    let salt = u64::from(input.byte());
    // A good head, or a search would begin with guessing a checksum.
    let mut file = if input.byte() & 1 == 0 { probe::write(salt, base, &[]) } else { Vec::new() };
    file.extend_from_slice(input.take(usize::MAX));
    only_what_was_written(&file, base);
}

fn only_what_was_written(file: &[u8], base: u64) {
    let Ok(records) = probe::read(file, base) else { return };
    for (_, payload) in &records {
        event(payload);
    }
    if records.is_empty() {
        return;
    }
    let numbers: Vec<u64> = records.iter().map(|(number, _)| *number).collect();
    let in_order: Vec<u64> = (base..).take(records.len()).collect();
    assert_eq!(numbers, in_order);
    let salt = file[12..].first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
    let payloads: Vec<&[u8]> = records.iter().map(|(_, payload)| &payload[..]).collect();
    assert!(file.starts_with(&probe::write(salt, base, &payloads)), "a record that is not in the file");
}

/// A segment of one to eight records.
fn segment(input: &mut Input<'_>) -> (Vec<u8>, u64, Vec<Vec<u8>>) {
    let (salt, base) = (u64::from(input.word()), u64::from(input.byte()));
    let mut payloads = vec![];
    for _ in 0..=input.byte() % 8 {
        let size = usize::from(input.byte());
        payloads.push(input.take(size).to_vec());
    }
    let parts: Vec<&[u8]> = payloads.iter().map(|payload| &payload[..]).collect();
    (probe::write(salt, base, &parts), base, payloads)
}

/// Where each record starts, and the end.
fn starts(payloads: &[Vec<u8>]) -> Vec<usize> {
    let mut starts = vec![SEGMENT_HEAD];
    for payload in payloads {
        starts.push(starts[starts.len() - 1] + RECORD_HEAD + payload.len());
    }
    starts
}

/// One to three bits of one record, or of the head, are wrong.
fn flipped(input: &mut Input<'_>) {
    let choices = Input::new(input.take(7));
    let (mut file, base, payloads) = segment(input);
    let starts = starts(&payloads);
    let mut choices = choices;
    let at = choices.below(payloads.len() + 1);
    let (from, to) = if at == 0 { (0, SEGMENT_HEAD) } else { (starts[at - 1], starts[at]) };
    let before = file.clone();
    for _ in 0..=choices.byte() % 3 {
        let place = choices.below((to - from) * 8);
        file[from + place / 8] ^= 1 << (place % 8);
    }
    if file == before {
        return;
    }
    match probe::read(&file, base) {
        Err(_) => {}
        // Damage in the last record can't be told from a torn one; anywhere else it must be refused.
        Ok(_) if at < payloads.len() => panic!("damage in record {at} of {} was not noticed", payloads.len()),
        Ok(records) => assert_eq!(texts(&records), payloads[..payloads.len() - 1]),
    }
}

fn texts(records: &[(u64, Vec<u8>)]) -> Vec<Vec<u8>> {
    records.iter().map(|(_, payload)| payload.clone()).collect()
}

/// The end is missing, and perhaps something else stands there.
fn torn(input: &mut Input<'_>) {
    let (place, filler) = (usize::from(input.word()), input.byte());
    let (mut file, base, payloads) = segment(input);
    let rest = input.take(usize::MAX);
    file.truncate(SEGMENT_HEAD + place % (file.len() - SEGMENT_HEAD + 1));
    let whole = starts(&payloads).iter().filter(|start| **start <= file.len()).count() - 1;
    if filler & 1 == 0 {
        let records = probe::read(&file, base).expect("a torn tail is cut");
        assert_eq!(texts(&records), payloads[..whole]);
    } else {
        file.extend_from_slice(rest);
        only_what_was_written(&file, base);
    }
}

/// An event that reads can be written and read again.
fn event(bytes: &[u8]) {
    let Ok(event) = Event::decode(bytes) else { return };
    let written = event.encode();
    let again = Event::decode(&written).expect("what was written reads");
    assert_eq!(String::from_utf8_lossy(&again.encode()), String::from_utf8_lossy(&written));
}
