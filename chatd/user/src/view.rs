//! What of a profile a viewer may see.

use schema::User;
use schema::user::Relation;
use store::profiles::Profile;

/// Who looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Viewer {
    pub(crate) relation: Relation,
    /// They found the person by the phone number, so it is no news to them.
    pub(crate) knows_phone: bool,
}

impl Viewer {
    /// The person, or an administrator: everything.
    pub(crate) const OWNER: Self = Self { relation: Relation::Oneself, knows_phone: true };

    /// Somebody who found the person by something else than the phone number.
    pub(crate) fn of(relation: Relation) -> Self {
        Self { relation, knows_phone: relation == Relation::Oneself }
    }
}

pub(crate) fn view(profile: Profile, viewer: Viewer) -> User {
    let privacy = profile.privacy;
    let (photo, last_seen) = (privacy.shows_photo(viewer.relation), privacy.shows_last_seen(viewer.relation));
    User {
        user_id: profile.user_id,
        phone_number: profile.phone_number.filter(|_| viewer.knows_phone),
        username: profile.username,
        display_name: profile.display_name,
        avatar_url: profile.avatar_url.filter(|_| photo),
        last_seen: profile.last_seen.filter(|_| last_seen),
        privacy_settings: (viewer.relation == Relation::Oneself).then_some(privacy),
        created_at: profile.created_at,
    }
}
