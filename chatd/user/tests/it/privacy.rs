//! What others may see: the settings themselves.

use crate::fixture::Service;
use schema::User;
use serde_json::{Value, json};

const PATH: &str = "/api/users/me/privacy";

#[tokio::test]
async fn settings_are_open_at_first_and_merge() {
    let service = Service::start(2).await;
    let mut expected = json!({
        "showLastSeen": true, "showProfilePhoto": true, "showReadReceipts": true,
        "allowMessagesFromUnknown": true, "lastSeenPolicy": "EVERYONE", "profilePhotoPolicy": "EVERYONE",
    });
    assert_eq!(service.get(0, PATH).await.json::<Value>(200), expected);
    for (setting, value) in [
        ("showLastSeen", json!(false)),
        ("showProfilePhoto", json!(false)),
        ("showReadReceipts", json!(false)),
        ("allowMessagesFromUnknown", json!(false)),
        ("lastSeenPolicy", json!("CONTACTS")),
        ("profilePhotoPolicy", json!("NOBODY")),
    ] {
        expected[setting] = value.clone();
        let told: Value = service.put(0, PATH, json!({ setting: value })).await.json(200);
        assert_eq!(told, expected);
        assert_eq!(service.get(0, PATH).await.json::<Value>(200), expected);
        assert_eq!(service.heard(), [(service.ids[0], None)]);
    }
    let same: Value = service.put(0, PATH, json!({})).await.json(200);
    assert_eq!(same, expected);
    let me: Value = service.get(0, "/api/users/me").await.json(200);
    assert_eq!(me["privacySettings"], expected);
}

#[tokio::test]
async fn settings_are_their_owners() {
    let service = Service::start(2).await;
    service.put(0, PATH, json!({"showLastSeen": false})).await.json::<Value>(200);
    let other: Value = service.get(1, PATH).await.json(200);
    assert_eq!(other["showLastSeen"], true);
    for path in ["/api/users/user1", "/api/users?username=user1", "/api/users?phoneNumber=%2B10000001"] {
        let seen: User = service.get(1, path).await.json(200);
        assert_eq!(seen.privacy_settings, None, "{path}");
    }
}
