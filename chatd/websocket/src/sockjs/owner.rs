//! Whose a line is: its name is a secret on the wire, but not the only thing that protects it.

use crate::upgrade::Entry;
use axum::extract::Request;
use edge::{Peer, Verifier};
use schema::UserId;

/// Who makes a request.
#[derive(Clone, Copy)]
pub(super) struct Visitor<'a> {
    pub(super) peer: Peer,
    token: Option<&'a str>,
}

impl<'a> Visitor<'a> {
    pub(super) fn new(request: &Request, entry: &'a Entry) -> Self {
        Self { peer: Peer::of_connection(request.extensions()), token: entry.token.as_deref() }
    }
}

/// Who opened a line: the user behind the token of that request, else its address.
pub(super) struct Owner {
    pub(super) peer: Peer,
    user: Option<(UserId, Box<str>)>,
}

impl Owner {
    pub(super) fn new(visitor: Visitor<'_>, verifier: &Verifier) -> Self {
        let user = visitor.token.and_then(|token| {
            let caller = verifier.verify(token).ok()?;
            Some((caller.user, token.into()))
        });
        Self { peer: visitor.peer, user }
    }

    /// Whether a request is by the same. A line that was opened with a token takes requests with that token,
    /// or another one of that user, from wherever they come; one without takes those of its address.
    pub(super) fn admits(&self, visitor: Visitor<'_>, verifier: &Verifier) -> bool {
        let Some((user, token)) = &self.user else { return visitor.peer == self.peer };
        // Most clients repeat the token, and that it ran out meanwhile is CONNECT's business.
        visitor.token.is_some_and(|other| {
            other == &**token || verifier.verify(other).is_ok_and(|caller| caller.user == *user)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use edge::Revocations;
    use std::sync::Arc;

    #[test]
    fn a_line_is_its_tokens_or_else_its_addresses() {
        let verifier = Verifier::new("i", "a", vec![], Arc::new(Revocations::new()));
        let visitor = |address: &str, token| Visitor { peer: Peer::of(address.parse().unwrap()), token };
        let peer = visitor("10.0.0.1", None).peer;
        let anns = Owner { peer, user: Some((UserId::draw(), "t".into())) };
        assert!(anns.admits(visitor("10.9.9.9", Some("t")), &verifier), "the phone changed networks");
        assert!(!anns.admits(visitor("10.0.0.1", Some("u")), &verifier));
        assert!(!anns.admits(visitor("10.0.0.1", None), &verifier));
        // A token that says nothing is none.
        let nobodys = Owner::new(visitor("10.0.0.1", Some("nonsense")), &verifier);
        assert!(nobodys.admits(visitor("10.0.0.1", None), &verifier));
        assert!(!nobodys.admits(visitor("10.0.0.2", Some("nonsense")), &verifier));
    }
}
