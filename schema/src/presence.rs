//! Presence: who is there, and who is typing. Nothing of it is part of a conversation, so all of it is soft:
//! it is shed first, and what is lost is put right by the next change.

pub mod signal;

use crate::{Timestamp, UserId};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use std::borrow::Cow;
use utoipa::ToSchema;

/// How somebody looks to others, or to themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema, schemars::JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Status {
    Online,
    Away,
    Busy,
    /// There, and hidden. Only the person sees it; to others it is OFFLINE.
    Invisible,
    Offline,
}

/// What a person may choose. It counts while a socket of theirs is open, and lasts until they choose anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Chosen {
    /// Nothing in particular: clears an earlier choice.
    #[default]
    Online,
    Away,
    Busy,
    Invisible,
}

/// By its name, and in no other form that an enum may take.
impl<'de> Deserialize<'de> for Chosen {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match &*<Cow<'de, str>>::deserialize(deserializer)? {
            "ONLINE" => Ok(Chosen::Online),
            "AWAY" => Ok(Chosen::Away),
            "BUSY" => Ok(Chosen::Busy),
            "INVISIBLE" => Ok(Chosen::Invisible),
            _ => Err(D::Error::custom("is no status to choose (ONLINE, AWAY, BUSY or INVISIBLE)")),
        }
    }
}

impl Chosen {
    /// The word that is kept with the profile; `None` where nothing needs to be kept.
    pub fn kept(self) -> Option<&'static str> {
        match self {
            Chosen::Online => None,
            Chosen::Away => Some("AWAY"),
            Chosen::Busy => Some("BUSY"),
            Chosen::Invisible => Some("INVISIBLE"),
        }
    }

    /// The choice behind a kept word. A word of a later version hides the person rather than shows them.
    pub fn of(kept: Option<&str>) -> Self {
        match kept {
            None => Chosen::Online,
            Some("AWAY") => Chosen::Away,
            Some("BUSY") => Chosen::Busy,
            Some(_) => Chosen::Invisible,
        }
    }

    /// How somebody of this choice looks to themselves while they are there.
    pub fn status(self) -> Status {
        match self {
            Chosen::Online => Status::Online,
            Chosen::Away => Status::Away,
            Chosen::Busy => Status::Busy,
            Chosen::Invisible => Status::Invisible,
        }
    }

    /// How they look to others while they are there.
    pub fn shown(self) -> Status {
        match self.status() {
            Status::Invisible => Status::Offline,
            status => status,
        }
    }
}

/// One person's presence: the answer of `GET /api/presence/{user}`, an element of the bulk query, and the
/// body on `/user/queue/presence` and `/topic/presence.{user}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Presence {
    pub user_id: UserId,
    /// OFFLINE also for who may not be seen.
    pub status: Status,
    /// When the last socket of somebody who is OFFLINE closed, if the caller may know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<Timestamp>,
    /// `true` while the person is typing to the caller; never on the queues, typing has its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub typing: Option<bool>,
}

/// `POST /api/presence/query`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PresenceQuery {
    /// User ids or usernames, at most `limits::PRESENCE_QUERY`.
    pub user_ids: Vec<String>,
}

/// The answer to a query: in the order asked, each person once, who is unknown left out.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Presences {
    pub presences: Vec<Presence>,
}

/// `PUT /api/presence/me` and `/app/presence.update`.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
pub struct StatusChoice {
    pub status: Chosen,
}

/// `PUT /api/presence/typing/{peer}`.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
pub struct TypingFlag {
    pub typing: bool,
}

/// `/app/chat.typing`: as above, with the peer. The seed's clients call the peer `targetUserId`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TypingRequest {
    /// User id or username.
    #[serde(alias = "targetUserId")]
    pub peer_id: String,
    pub typing: bool,
}

/// The body on `/user/queue/typing`: this person began to type to you, or ceased.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Typing {
    pub user_id: UserId,
    pub typing: bool,
    pub timestamp: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_survives_being_kept_and_an_unknown_one_hides() {
        for chosen in [Chosen::Online, Chosen::Away, Chosen::Busy, Chosen::Invisible] {
            assert_eq!(Chosen::of(chosen.kept()), chosen);
        }
        assert_eq!(Chosen::of(Some("DREAMING")), Chosen::Invisible);
        assert_eq!(Chosen::Invisible.shown(), Status::Offline);
    }

    #[test]
    fn bodies_are_as_the_contract_says() {
        let user_id = UserId::draw();
        let presence = Presence { user_id, status: Status::Busy, last_seen: None, typing: None };
        let expected = format!(r#"{{"userId":"{user_id}","status":"BUSY"}}"#);
        assert_eq!(serde_json::to_string(&presence).unwrap(), expected);
        for name in ["peerId", "targetUserId"] {
            let body = format!(r#"{{"{name}":"bob","typing":true}}"#);
            assert_eq!(serde_json::from_str::<TypingRequest>(&body).unwrap().peer_id, "bob");
        }
        let map = r#"{"status":{"AWAY":null}}"#;
        for bad in [r#"{"status":"OFFLINE"}"#, r#"{"status":"online"}"#, r#"{"status":1}"#, map, "{}"] {
            assert!(serde_json::from_str::<StatusChoice>(bad).is_err(), "{bad}");
        }
    }
}
