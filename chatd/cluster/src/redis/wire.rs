//! People, pairs and times as Redis holds them: ids as their sixteen bytes, times in milliseconds.

use redis::ScriptInvocation;
use schema::{Timestamp, UserId};
use std::time::Duration;
use store::Error;
use uuid::Uuid;

pub(super) fn people<'a, 'b>(
    script: &'b mut ScriptInvocation<'a>,
    users: &[UserId],
) -> &'b ScriptInvocation<'a> {
    for user in users {
        script.arg(user.as_bytes());
    }
    script
}

pub(super) fn times<'a, 'b>(
    script: &'b mut ScriptInvocation<'a>,
    seen: &[(UserId, Timestamp)],
) -> &'b ScriptInvocation<'a> {
    for (user, at) in seen {
        script.arg(user.as_bytes()).arg(at.0);
    }
    script
}

pub(super) fn name(node: Uuid) -> String {
    node.simple().to_string()
}

pub(super) fn pair(user: UserId, peer: UserId) -> [u8; 32] {
    let mut pair = [0; 32];
    pair[..16].copy_from_slice(user.as_bytes());
    pair[16..].copy_from_slice(peer.as_bytes());
    pair
}

pub(super) fn user_of(bytes: &[u8]) -> Result<UserId, Error> {
    let bytes = bytes.try_into().map_err(|_| strange("somebody who is no user id"))?;
    Ok(UserId::from_bytes(bytes))
}

/// As many answers as were asked for.
pub(super) fn all<T>(answers: Vec<T>, asked: usize) -> Result<Vec<T>, Error> {
    if answers.len() == asked { Ok(answers) } else { Err(strange("another number of answers")) }
}

/// Somebody else writes under our prefix: the keys can be deleted, they fill again.
fn strange(what: &str) -> Error {
    Error::Unavailable(format!(
        "Redis holds what chatd did not write ({what}): give chatd a prefix of its own"
    ))
}

pub(super) fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
