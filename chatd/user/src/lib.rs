//! People as others see them: who am I, who is this.
//!
//! Stands on `store` (profiles) and `edge`; the gateway and port 8082 serve its routes, the administrators'
//! API calls [`Users::list`], [`Users::get`] and [`Users::delete`].
//!
//! - me: the caller's own profile, whole
//! - lookup: another's, by id, username or phone number
//! - view: what of a profile a viewer may see
//!
//! Invariants: a phone number is shown to its owner and to who looked it up by that very number, to nobody
//! else; last seen and photo are shown if flag and policy both allow; not there and not visible is the same
//! 404.

mod admin;
mod lookup;
mod me;
mod routes;
mod view;

use schema::{UserId, Username};
use std::sync::Arc;
use store::Profiles;
use store::profiles::Name;

/// The user service.
#[derive(Clone)]
pub struct Users {
    profiles: Arc<dyn Profiles>,
}

impl Users {
    /// The service on these profiles.
    pub fn open(profiles: Arc<dyn Profiles>) -> Self {
        Self { profiles }
    }
}

/// Whom a text names in a path or a body: a user id or a username, `None` when it can be neither.
pub fn name(text: &str) -> Option<Name> {
    // Only the form with hyphens is an id: without them, 32 hex digits may be somebody's username.
    if text.len() == 36
        && let Ok(id) = text.parse::<UserId>()
    {
        return Some(Name::Id(id));
    }
    text.parse::<Username>().ok().map(Name::Username)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_names_an_id_or_a_username() {
        let id = UserId::draw();
        assert_eq!(name(&id.to_string()), Some(Name::Id(id)));
        assert_eq!(name("User1"), Some(Name::Username("user1".parse().unwrap())));
        let hex = format!("a{}", "0".repeat(31));
        assert_eq!(name(&hex), Some(Name::Username(hex.parse().unwrap())));
        for bad in ["", "me", "+1234567890", "../etc", "a b"] {
            assert_eq!(name(bad), None, "{bad}");
        }
    }
}
