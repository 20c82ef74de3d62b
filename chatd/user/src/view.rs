//! What of a profile a viewer may see.

use schema::User;
use schema::user::Policy;
use store::profiles::Profile;

/// Who looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Viewer {
    /// The person, or an administrator: everything.
    Owner,
    /// Somebody who has the phone number already.
    KnowsPhone,
    Anybody,
}

pub(crate) fn view(profile: Profile, viewer: Viewer) -> User {
    let owner = viewer == Viewer::Owner;
    let privacy = profile.privacy;
    let sees_last_seen = owner || (privacy.show_last_seen && allows(privacy.last_seen_policy));
    let sees_photo = owner || (privacy.show_profile_photo && allows(privacy.profile_photo_policy));
    User {
        user_id: profile.user_id,
        phone_number: profile.phone_number.filter(|_| viewer != Viewer::Anybody),
        username: profile.username,
        display_name: profile.display_name,
        avatar_url: profile.avatar_url.filter(|_| sees_photo),
        last_seen: profile.last_seen.filter(|_| sees_last_seen),
        privacy_settings: privacy,
        created_at: profile.created_at,
    }
}

/// Nobody has contacts yet, so a policy for contacts allows nobody.
fn allows(policy: Policy) -> bool {
    match policy {
        Policy::Everyone => true,
        Policy::Contacts | Policy::Nobody => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use schema::user::PrivacySettings;
    use schema::{Timestamp, UserId};

    fn profile(privacy: PrivacySettings) -> Profile {
        Profile {
            user_id: UserId::draw(),
            phone_number: Some("+1234567890".parse().unwrap()),
            username: None,
            display_name: "A".parse().unwrap(),
            avatar_url: Some("/a.png".to_owned()),
            last_seen: Some(Timestamp(1)),
            chosen_status: None,
            privacy,
            created_at: Timestamp(0),
            disabled: false,
            has_password: true,
        }
    }

    #[test]
    fn flag_and_policy_must_both_allow() {
        let open = PrivacySettings::default();
        let seen = |privacy: PrivacySettings, viewer| {
            let user = view(profile(privacy), viewer);
            (user.last_seen.is_some(), user.avatar_url.is_some())
        };
        assert_eq!(seen(open.clone(), Viewer::Anybody), (true, true));
        for (privacy, expected) in [
            (PrivacySettings { show_last_seen: false, ..open.clone() }, (false, true)),
            (PrivacySettings { show_profile_photo: false, ..open.clone() }, (true, false)),
            (PrivacySettings { last_seen_policy: Policy::Nobody, ..open.clone() }, (false, true)),
            (PrivacySettings { last_seen_policy: Policy::Contacts, ..open.clone() }, (false, true)),
            (PrivacySettings { profile_photo_policy: Policy::Contacts, ..open.clone() }, (true, false)),
        ] {
            assert_eq!(seen(privacy.clone(), Viewer::Anybody), expected, "{privacy:?}");
            assert_eq!(seen(privacy, Viewer::Owner), (true, true));
        }
    }

    #[test]
    fn a_phone_number_is_for_its_owner_and_for_who_has_it() {
        let shown = |viewer| view(profile(PrivacySettings::default()), viewer).phone_number.is_some();
        assert!(shown(Viewer::Owner) && shown(Viewer::KnowsPhone) && !shown(Viewer::Anybody));
    }
}
