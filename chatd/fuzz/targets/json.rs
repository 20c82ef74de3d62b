//! JSON bodies: whatever comes, the answer is the body or a 400 that names what is wrong with it.

use crate::input::Input;
use edge::Problem;
use schema::api;
use schema::limits::{CONTENT_CHARS, JSON_DEPTH, METADATA_BYTES};
use schema::message::{Draft, FieldError, MessageType};
use schema::presence::{PresenceQuery, StatusChoice, TypingFlag, TypingRequest};
use schema::user::{PrivacyChange, PrivacySettings};
use schema::{Code, DisplayName, Phone, Username};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Bytes: which call's body, the body.
pub(crate) fn check(data: &[u8]) {
    let mut input = Input::new(data);
    let kind = input.byte() % 23;
    let body = input.rest();
    match kind {
        0 => draft(body),
        1 => both_ways::<api::Register>(body),
        2 => both_ways::<api::Login>(body),
        3 => both_ways::<api::Refresh>(body),
        4 => both_ways::<api::UpTo>(body),
        5 => both_ways::<api::MarkRequest>(body),
        6 => both_ways::<api::NewUser>(body),
        7 => both_ways::<api::Import>(body),
        8 => both_ways::<api::Mint>(body),
        9 => both_ways::<PrivacySettings>(body),
        10 => both_ways::<Phone>(body),
        11 => both_ways::<Username>(body),
        12 => both_ways::<DisplayName>(body),
        14 => both_ways::<api::PasswordChange>(body),
        15 => both_ways::<api::UserChange>(body),
        16 => both_ways::<api::NewContact>(body),
        17 => both_ways::<api::ContactChange>(body),
        18 => both_ways::<PrivacyChange>(body),
        19 => both_ways::<PresenceQuery>(body),
        20 => both_ways::<StatusChoice>(body),
        21 => both_ways::<TypingFlag>(body),
        22 => both_ways::<TypingRequest>(body),
        _ => {
            if let Some(value) = read::<Value>(body) {
                assert!(depth(&value) <= JSON_DEPTH, "{} levels passed", depth(&value));
            }
        }
    }
}

/// The body as a handler gets it.
fn read<T: DeserializeOwned>(body: &[u8]) -> Option<T> {
    match edge::parse(body) {
        Ok(value) => Some(value),
        Err(problem) => {
            well_said(&problem);
            None
        }
    }
}

fn well_said(problem: &Problem) {
    let body = problem.body("");
    match body.code {
        Code::Malformed => {}
        Code::Invalid => {
            assert!(!body.errors.is_empty(), "no field is named: {body:?}");
            named(&body.errors);
        }
        _ => panic!("{body:?}"),
    }
    assert!(!body.detail.is_empty());
}

fn named(errors: &[FieldError]) {
    for error in errors {
        assert!(!error.field.is_empty() && !error.reason.is_empty(), "{error:?}");
        assert!(error.bound.as_ref().is_some_and(|bound| !bound.is_empty()), "{error:?} has no bound");
    }
}

/// What was read, written and read again, is the same.
fn both_ways<T: DeserializeOwned + Serialize>(body: &[u8]) {
    let Some(value) = read::<T>(body) else { return };
    let written = serde_json::to_vec(&value).expect("it is JSON");
    let again: T = read(&written).expect("what was written reads");
    assert_eq!(serde_json::to_vec(&again).expect("it is JSON"), written);
}

/// Arrays and objects around the innermost value.
fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(fields) => 1 + fields.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

fn draft(body: &[u8]) {
    both_ways::<Draft>(body);
    let Some(draft) = read::<Draft>(body) else { return };
    match draft.check(CONTENT_CHARS, METADATA_BYTES) {
        Ok(()) => promised(&draft),
        Err(errors) => {
            assert!(!errors.is_empty());
            named(&errors);
        }
    }
}

/// What a draft that passed must be, said in other words than `Draft::check` does.
fn promised(draft: &Draft) {
    assert!(draft.content.chars().count() <= CONTENT_CHARS);
    for c in draft.content.chars() {
        assert!(c >= ' ' && c != '\u{7f}' || "\t\n\r".contains(c), "{c:?} passed");
    }
    assert!(draft.message_type != MessageType::System);
    if draft.message_type == MessageType::Text {
        assert!(draft.content.chars().any(|c| !c.is_whitespace()), "blank text passed");
    }
    if let Some(metadata) = &draft.metadata {
        let value = serde_json::from_str(metadata.get()).expect("metadata is JSON");
        assert!(depth(&value) < JSON_DEPTH, "metadata goes too deep");
        assert!(metadata.get().len() <= METADATA_BYTES && metadata.get().starts_with('{'));
    }
    if let Some(id) = &draft.client_message_id {
        assert!((1..=64).contains(&id.chars().count()) && !id.chars().any(char::is_control));
    }
}
